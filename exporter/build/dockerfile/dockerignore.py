"""Which files of a context are left out: ``.dockerignore`` as werf and moby read it.

Patterns are tried in file order, the last one that matches decides, ``!`` takes a path back in.
werf asks moby's older ``Matches``, which looks at one parent directory per pattern only:
``**/name`` leaves out ``a/name`` with all below it, but of ``a/b/name`` only the directory's own
entry.
Digests and contexts follow it.
Source: moby/patternmatcher v0.6.0; spec/werf-behaviour.md, sections 5.4 and 7.4.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from exporter.errors import ConfigError, Place
from exporter.git import doublestar
from exporter.git.doublestar import clean, split_path
from exporter.value import dataclass

_ESCAPED = frozenset(".+()$")
"""What moby escapes; it means to escape ``|``, ``{`` and ``}`` too, but its table is too short."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: cleaned text without ``!``, and whether it takes paths back in."""

    text: str
    is_exception: bool
    expression: re.Pattern[str] | None
    prefix: str | None = None
    suffix: str | None = None

    def matches(self, path: str) -> bool:
        """Whether the pattern matches this path, parents not considered."""
        if self.prefix is not None:
            return path.startswith(self.prefix)
        if self.suffix is not None:
            return path.endswith(self.suffix) or "/" + path == self.suffix
        if self.expression is not None:
            return self.expression.match(path) is not None
        return path == self.text


@dataclass(frozen=True, slots=True)
class Dockerignore:
    """Selects what is not ignored: a `exporter.git.path_match.PathMatcher`.

    Paths are relative to the context.
    """

    patterns: tuple[Pattern, ...] = ()

    def ignores(self, path: str) -> bool:
        """Whether the path is left out."""
        ignored = False
        parents = path.split("/")[:-1]
        for pattern in self.patterns:
            if pattern.is_exception != ignored:
                continue
            matched = pattern.matches(path)
            if not matched and parents:
                depth = pattern.text.count("/") + 1
                if depth <= len(parents):
                    matched = pattern.matches("/".join(parents[:depth]))
            if matched:
                ignored = not pattern.is_exception
        return ignored

    def matches(self, path: str) -> bool:
        """Whether the path stays in the context."""
        return not self.ignores(clean(path))

    def descends(self, path: str) -> bool:
        """Whether the decision about the directory must be made below it.

        Of the patterns that match the path so far the last one decides: one that is used up says
        no, one of which something is left says yes.
        """
        segments = split_path(path)
        if not segments:
            return bool(self.patterns)
        answer = False
        for pattern in self.patterns:
            is_used_up, is_in_progress = _progress(pattern.text, segments)
            if is_used_up:
                answer = False
            elif is_in_progress:
                answer = True
        return answer

    def with_exception(self, path: str) -> "Dockerignore":
        """The same rules, with one path taken back in at the end.

        The path counts as it is written: ``./x`` names nothing, in werf too.
        """
        return replace(self, patterns=(*self.patterns, _pattern("!" + path)))


def parse_dockerignore(text: str, *, path: str) -> Dockerignore:
    """The rules of an ignore file.

    Args:
        text: The whole file; a byte order mark, comments and empty lines do not count.
        path: Its name in errors.

    Raises:
        ConfigError: A pattern is malformed.
    """
    patterns: list[Pattern] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.startswith("#"):
            continue
        rule = _normalised(line.strip())
        if not rule:
            continue
        try:
            patterns.append(_pattern(rule))
        except (ValueError, doublestar.BadPatternError) as error:
            raise ConfigError(
                f"malformed pattern {line.strip()!r}",
                place=Place(path=path, line=number),
                remedy="Close every '[', and give '!' a path",
            ) from error
    return Dockerignore(patterns=tuple(patterns))


def _normalised(rule: str) -> str:
    """Without a leading slash and what ``filepath.Clean`` removes; an exception keeps its ``!``."""
    mark = "!" if rule.startswith("!") else ""
    path = rule[len(mark) :].strip()
    if path:
        path = clean(path) or ("/" if path.startswith("/") else ".")
        if len(path) > 1:
            path = path.removeprefix("/")
    return mark + path


def _pattern(rule: str) -> Pattern:
    rule = clean(rule) or rule  # with its mark: moby cleans "!/" to "!"
    is_exception = rule.startswith("!")
    text = rule[1:] if is_exception else rule
    if not text:
        raise ValueError("an exception without a path")
    _check_brackets(text)
    return _compiled(text, is_exception=is_exception)


def _check_brackets(text: str) -> None:
    """Refuse what Go's ``filepath.Match`` calls a bad pattern."""
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
            if at >= len(text):
                raise ValueError("a backslash at the end")
        elif text[at] == "[":
            at = _end_of_class(text, at)
        at += 1


def _end_of_class(text: str, at: int) -> int:
    at += 2 if text.startswith("[^", at) else 1
    members = 0
    while not (text.startswith("]", at) and members):
        if at >= len(text) or text[at] in "]-":
            raise ValueError("an unclosed bracket, or an empty class or range")
        at += 2 if text[at] == "\\" else 1
        if text.startswith("-", at):
            at += 1
            if at >= len(text) or text[at] in "]-":
                raise ValueError("a range without an end")
            at += 2 if text[at] == "\\" else 1
        members += 1
    return at


def _compiled(text: str, *, is_exception: bool) -> Pattern:
    """Translate a pattern as moby does: to an exact text, a prefix, a suffix or an expression."""
    kind = "exact"
    out: list[str] = []
    at = 0
    while at < len(text):
        char, start = text[at], at
        if text.startswith("**", at):
            at += 3 if text.startswith("/", at + 2) else 2
            is_last = at >= len(text)
            out.append(".*" if is_last else "(.*/)?")
            kind = "prefix" if is_last and kind == "exact" else "expression"
            if start == 0:
                kind = "suffix"
            continue
        at += 1
        match char:
            case "*" | "?":
                out.append("[^/]*" if char == "*" else "[^/]")
            case "\\" if at < len(text):
                out.append("\\" + text[at])
                at += 1
            case "[":
                at = _end_of_class(text, start) + 1
                out.append(_class(text[start:at]))
            case _:
                out.append("\\" + char if char in _ESCAPED else char)
                if char != "]":
                    continue
        kind = "expression"
    match kind:
        case "prefix":
            return Pattern(text, is_exception, None, prefix=text[:-2])
        case "suffix":
            return Pattern(text, is_exception, None, suffix=text[2:])
        case "expression":
            try:
                expression = re.compile("".join(out) + r"\Z")
            except re.error as error:
                raise ValueError(str(error)) from error
            return Pattern(text, is_exception, expression)
    return Pattern(text, is_exception, None)


def _class(text: str) -> str:
    """A bracket expression, with what Python might take for set operations escaped."""
    head = "[^" if text.startswith("[^") else "["
    return head + re.sub(r"(?<!\\)([\[&~|])", r"\\\1", text[len(head) : -1]) + "]"


def _progress(text: str, segments: Sequence[str]) -> tuple[bool, bool]:
    """Whether the segments use the pattern up, and whether something of it is left."""
    rest = text
    for segment in segments:
        head, *tail = split_path(rest) or [""]
        try:
            if not doublestar.match(head, segment):
                return False, False
        except doublestar.BadPatternError:
            return False, True
        if "**" in head:
            continue
        if not tail:
            return True, False
        rest = "/".join(tail)
    return False, True
