r"""Go's doublestar globs (version 4 of the library), as werf uses them to match paths.

``*`` and ``?`` stay inside one path segment, ``**`` between slashes stands for any number of
segments, ``[a-z]`` and ``[!a-z]`` are classes, ``{a,b}`` are alternatives, ``\\`` escapes.

A pattern is translated to a regular expression once.
The library answers "may the rest of the pattern be empty?" when the name ends, and says yes only
to a few forms; the translation keeps these answers (``src*/**`` does not match ``src``).
"""

import re
from functools import lru_cache
from posixpath import normpath

from exporter.errors import ConfigError

_SPECIAL = frozenset("*?[{\\")
_UNCLEAN = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)")  # an empty segment, "." or ".."
_AT_END = r"(?!\Z)"  # a construct that may not stand for nothing at the end of the name


class BadPatternError(ConfigError):
    """A glob is malformed: an unclosed bracket or brace, an empty class, a trailing backslash."""

    def __init__(self, pattern: str) -> None:
        """Name the pattern."""
        super().__init__(
            f"malformed glob pattern {pattern!r}",
            remedy="Close every '[' and '{', or escape special characters with a backslash",
        )
        self.pattern = pattern


def match(pattern: str, name: str) -> bool:
    """Whether ``name`` as a whole matches ``pattern``.

    Raises:
        BadPatternError: The pattern is malformed.
    """
    expression = compile_pattern(pattern)
    if isinstance(expression, str):
        return expression == name
    return expression.match(name) is not None


def is_glob(text: str) -> bool:
    """Whether the text has characters that mean something in a pattern."""
    return not _SPECIAL.isdisjoint(text)


def covers(glob: str, path: str) -> bool:
    """Whether a glob of werf's configuration selects a path.

    It selects what it matches and everything below a directory that it matches; its trailing
    segments of asterisks may be left out, so ``dir/**`` selects ``dir`` too.
    An absolute glob selects only what it matches itself (spec section 15, item 17).

    Raises:
        BadPatternError: The glob is malformed.
    """
    return compile_cover((glob,)).match(path) is not None


@lru_cache(maxsize=1024)
def compile_cover(globs: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all paths that any of the globs covers, anchored at both ends.

    Raises:
        BadPatternError: A glob is malformed.
    """
    branches: list[str] = []
    for glob in globs:
        trimmed = trim_universal(glob)
        if not trimmed:
            branches.append(".*")
        elif is_glob(trimmed):
            patterns = dict.fromkeys((glob, trimmed, f"{trimmed}/**/*"))
            branches.extend(_translate(each, 0, segment_start=True) for each in patterns)
        else:
            branches.append(f"{re.escape(trimmed)}(?:/.*)?")
            if glob != trimmed:
                branches.append(_translate(glob, 0, segment_start=True))
    return re.compile(f"(?:{'|'.join(branches) or '(?!)'})\\Z", re.DOTALL)


def literal_prefix(glob: str) -> tuple[str, str]:
    """Split a glob into its leading directories without patterns, and the rest.

    A glob without patterns is all prefix.
    """
    segments = split_path(glob)
    plain = 0
    while plain < len(segments) and not is_glob(segments[plain]):
        plain += 1
    return "/".join(segments[:plain]), "/".join(segments[plain:])


def clean(path: str) -> str:
    """The path without ``.``, ``..``, doubled and trailing slashes; "" for the root.

    A leading slash stays, as in Go's ``filepath.Clean``.
    """
    if path in ("", ".", "/"):
        return ""
    if _UNCLEAN.search(path) is None:
        return path
    cleaned = normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def split_path(path: str) -> list[str]:
    """The segments of a path or glob, none for the root; an escaped slash does not split."""
    path = clean(path).lstrip("/")
    if path in ("", "."):
        return []
    if "\\/" not in path:
        return path.split("/")
    segments = [""]
    for index, char in enumerate(path):
        if char == "/" and not path[:index].endswith("\\"):
            segments.append("")
        else:
            segments[-1] += char
    return segments


@lru_cache(maxsize=4096)
def trim_universal(glob: str) -> str:
    """The glob without its trailing segments that are nothing but asterisks.

    Asterisks at the end of a name that has other characters stay.
    """
    segments = split_path(glob)
    while segments and not segments[-1].strip("*"):
        segments.pop()
    return clean("/".join(segments))


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> re.Pattern[str] | str:
    """The pattern as a regular expression, or itself when it is a plain name.

    Raises:
        BadPatternError: The pattern is malformed.
    """
    if not is_glob(pattern):
        return pattern
    return re.compile(_translate(pattern, 0, segment_start=True) + r"\Z", re.DOTALL)


def _translate(pattern: str, at: int, *, segment_start: bool) -> str:
    """The expression for ``pattern[at:]``."""
    out: list[str] = []
    while at < len(pattern):
        rest = pattern[at:]
        char = rest[0]
        if rest in ("/**", "/**/"):  # a directory matches what stands for everything below it
            out.append("(?:/.*)?" if rest == "/**" else "(?:/(?:.*/)?)?")
            return "".join(out)
        if char == "*":
            text, length, segment_start = _stars(rest, segment_start=segment_start)
            out.append(text)
            at += length
            continue
        if char == "{":
            return "".join(out) + _alternatives(pattern, at)
        if char == "?":
            out.append("[^/]")
            at += 1
        elif char == "[":
            text, length = _character_class(pattern, at)
            out.append(text)
            at += length
        else:
            if char == "\\":
                at += 1
                if at >= len(pattern):
                    raise BadPatternError(pattern)
                char = pattern[at]
            out.append(re.escape(char))
            at += 1
            segment_start = char == "/"
            continue
        segment_start = False
    return "".join(out)


def _stars(rest: str, *, segment_start: bool) -> tuple[str, int, bool]:
    """Expression, consumed length, and whether a segment starts after it."""
    if not rest.startswith("**"):
        return (_AT_END if len(rest) > 1 else "") + "[^/]*", 1, False
    if segment_start:
        if rest == "**":
            return ".*", 2, False
        if rest[2] == "/":
            return ("" if rest == "**/" else _AT_END) + "(?:.*/)?", 3, True
    if rest == "**/":
        return r"(?:\Z|[^/]*/)", 3, True
    return (_AT_END if rest != "**" else "") + "[^/]*", 2, False


def _alternatives(pattern: str, at: int) -> str:
    """``{a,b}`` at this place and all that follows, once per alternative."""
    parts: list[str] = []
    depth, start, index = 1, at + 1, at + 1
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            index += 1
        elif char == "{":
            depth += 1
        elif char == "," and depth == 1:
            parts.append(pattern[start:index])
            start = index + 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                parts.append(pattern[start:index])
                break
        index += 1
    else:
        raise BadPatternError(pattern)
    after = pattern[index + 1 :]
    # the library takes the place of a brace for the start of a segment
    branches = [_translate(pattern[:at] + part + after, at, segment_start=True) for part in parts]
    return "(?:" + "|".join(branches) + ")"


def _character_class(pattern: str, at: int) -> tuple[str, int]:
    """``[…]`` as an expression, and its length."""
    index = at + 1
    negate = pattern[index : index + 1] in ("!", "^") and index < len(pattern)
    if negate:
        index += 1
    if pattern[index : index + 1] in ("", "]"):
        raise BadPatternError(pattern)
    members: list[str] = []
    last = ""
    while index < len(pattern) and pattern[index] != "]":
        char = pattern[index]
        index += 1
        if last and char == "-" and pattern[index : index + 1] not in ("", "]"):
            char, index = _class_member(pattern, index)
            if last <= char:
                members.append(f"{re.escape(last)}-{re.escape(char)}")
            last = ""
            continue
        if char == "\\":
            char, index = _class_member(pattern, index - 1)
        members.append(re.escape(char))
        last = char
    if index >= len(pattern):
        raise BadPatternError(pattern)
    if not members:  # only ranges that run backwards
        return ("." if negate else r"(?!)"), index + 1 - at
    return f"[{'^' if negate else ''}{''.join(members)}]", index + 1 - at


def _class_member(pattern: str, index: int) -> tuple[str, int]:
    """One character of a class, escaped or not, and the index after it."""
    if pattern[index] == "\\":
        index += 1
    if index >= len(pattern):
        raise BadPatternError(pattern)
    return pattern[index], index + 1
