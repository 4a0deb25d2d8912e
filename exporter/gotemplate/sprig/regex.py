"""Regular expressions: match, find, replace, split, with Go's syntax and Go's idea of matches.

RE2 does the matching. What is done here is Go's: which empty matches count, how a replacement
refers to groups, and that a byte which is no UTF-8 matches as U+FFFD.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from exporter.gotemplate.function import FunctionError, check_size
from exporter.gotemplate.nils import NIL_STRINGS
from exporter.gotemplate.quoting import can_backquote, quote
from exporter.gotemplate.sprig.regex_syntax import parse_pattern, syntax_error
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import StringSlice, from_bytes, to_bytes

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_MAX_MEMORY: Final = 1 << 28
"""Bytes for one compiled expression; Go has a limit of about this size too."""
_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)\}|(?P<bare>\w+))?")
_MAX_GROUP: Final = 100_000_000

Span = tuple[int, int]
"""Where a match or group starts and ends, in bytes; (-1, -1) for a group that took no part."""


class _Compiled(Protocol):
    """What is used of RE2's expressions."""

    def search(self, text: bytes, pos: int) -> "_Found | None": ...


class _Found(Protocol):
    """What is used of RE2's matches."""

    def span(self, group: int) -> Span: ...


@dataclass(frozen=True, slots=True, eq=False)
class Regex:
    """A compiled expression; ``names`` of its groups, "" for those without."""

    compiled: _Compiled
    names: tuple[str, ...]

    def spans(self, data: bytes, start: int) -> Sequence[Span] | None:
        """The whole match and its groups, the first match from ``start`` on."""
        found = self.compiled.search(data, start)
        return None if found is None else [found.span(i) for i in range(len(self.names) + 1)]


def compile_regex(pattern: str) -> Regex:
    """Compile a Go pattern.

    Raises:
        FunctionError: The pattern is wrong; the text is Go's.
    """
    regex = _compile(pattern)
    if isinstance(regex, str):
        raise FunctionError(regex)
    return regex


@lru_cache(maxsize=256)
def _compile(pattern: str) -> Regex | str:
    """The expression, or what is wrong with it."""
    try:
        parsed = parse_pattern(pattern, _knows)
    except FunctionError as error:
        return str(error)
    compiled = _compile_re2(parsed.text)
    if compiled is None:
        return str(syntax_error("expression too large", pattern))
    return Regex(compiled, parsed.group_names)


@lru_cache(maxsize=64)
def _knows(unicode_class: str) -> bool:
    return _compile_re2(unicode_class) is not None


def _compile_re2(pattern: str) -> _Compiled | None:
    import re2  # noqa: PLC0415 - most projects use no regular expressions

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        compiled: _Compiled = re2.compile(pattern.encode(), options)
    except re2.error:
        return None
    return compiled


def _must_compile(pattern: str) -> Regex:
    """``regexp.MustCompile``, which says more when it panics."""
    try:
        return compile_regex(pattern)
    except FunctionError as error:
        quoted = f"`{pattern}`" if can_backquote(pattern) else quote(pattern)
        raise FunctionError(f"regexp: Compile({quoted}): {error}") from None


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as the matcher sees it, and how to cut pieces out of the true one."""

    true: bytes
    seen: bytes
    offsets: Sequence[int]
    """Positions in ``true`` by position in ``seen``; empty when both are the same."""

    @classmethod
    def of(cls, text: str) -> "_Text":
        data = to_bytes(text)
        try:
            data.decode()
        except UnicodeDecodeError:
            pass
        else:
            return cls(data, data, ())
        seen, offsets = bytearray(), []
        position = 0
        for char in text:
            encoded = to_bytes(char)
            shown = encoded if len(encoded) > 1 or encoded < b"\x80" else "\ufffd".encode()
            seen += shown
            offsets += [position] * len(shown)
            position += len(encoded)
        return cls(data, bytes(seen), [*offsets, position])

    def cut(self, start: int, end: int) -> bytes:
        if not self.offsets:
            return self.true[start:end]
        return self.true[self.offsets[start] : self.offsets[end]]

    def width(self, position: int) -> int:
        """The bytes of the character there; 0 at the end."""
        end = position + 1
        while end < len(self.seen) and self.seen[end] & 0xC0 == 0x80:  # noqa: PLR2004 - continuation
            end += 1
        return min(end, len(self.seen)) - position


def find_all(regex: Regex, text: _Text, limit: int) -> Iterator[Sequence[Span]]:
    """Matches that do not overlap, at most ``limit`` when that is not negative.

    An empty match right behind another match does not count.
    """
    position, previous_end, count = 0, -1, 0
    while position <= len(text.seen) and count != limit:
        spans = regex.spans(text.seen, position)
        if spans is None:
            return
        start, end = spans[0]
        accepted = not (end == position and start == previous_end)
        position = end if end != position else position + (text.width(position) or 1)
        previous_end = end
        if accepted:
            count += 1
            yield spans


_Replacement = Callable[[_Text, Sequence[Span]], bytes]
"""What stands in the place of a match."""


def _replaced(regex: Regex, text: str, replacement: _Replacement) -> str:
    """``ReplaceAll``: with its own rule for empty matches."""
    source = _Text.of(text)
    pieces, size = [], 0
    last_end = position = 0
    while position <= len(source.seen):
        spans = regex.spans(source.seen, position)
        if spans is None:
            break
        start, end = spans[0]
        pieces.append(source.cut(last_end, start))
        if end > last_end or start == 0:
            pieces.append(replacement(source, spans))
            size += len(pieces[-1])
            check_size(size)
        last_end = end
        position = max(end, position + (source.width(position) or 1))
    pieces.append(source.cut(last_end, len(source.seen)))
    return from_bytes(b"".join(pieces))


def _expanded(regex: Regex, template: str) -> _Replacement:
    """What a template such as ``$1`` or ``${name}-x`` makes of a match."""
    parts: list[bytes | int | str] = []
    end = 0
    for reference in _REFERENCE.finditer(template):
        parts.append(to_bytes(template[end : reference.start()]))
        end = reference.end()
        name = reference["braced"] or reference["bare"]
        if name is None:
            # A lone dollar stays, two are one.
            parts.append(b"$")
        else:
            parts.append(_group(name))
    parts.append(to_bytes(template[end:]))

    def expand(text: _Text, spans: Sequence[Span]) -> bytes:
        pieces = []
        for part in parts:
            if isinstance(part, bytes):
                pieces.append(part)
            else:
                pieces.append(_submatch(regex, part, text, spans))
        return b"".join(pieces)

    return expand


def _group(name: str) -> int | str:
    """A group's number when the name is one, without leading zeros."""
    if not (name.isascii() and name.isdigit()) or (name[0] == "0" and len(name) > 1):
        return name
    number = int(name[:10])
    return name if number >= _MAX_GROUP else number


def _submatch(regex: Regex, group: int | str, text: _Text, spans: Sequence[Span]) -> bytes:
    """What a group matched; a name may stand for several groups, the first that matched counts."""
    if isinstance(group, int):
        numbers = [group] if group < len(spans) else []
    else:
        numbers = [i for i, name in enumerate(regex.names, 1) if name == group]
    for number in numbers:
        start, end = spans[number]
        if start >= 0:
            return text.cut(start, end)
    return b""


def _find(regex: Regex, text: str) -> str:
    source = _Text.of(text)
    spans = regex.spans(source.seen, 0)
    return "" if spans is None else from_bytes(source.cut(*spans[0]))


def _find_each(regex: Regex, text: str, limit: int) -> StringSlice:
    source = _Text.of(text)
    found = StringSlice(
        from_bytes(source.cut(*spans[0])) for spans in find_all(regex, source, limit)
    )
    return found or NIL_STRINGS


def _split(regex: Regex, pattern: str, text: str, limit: int) -> StringSlice:
    if limit == 0:
        return NIL_STRINGS
    if pattern and not text:
        return StringSlice([""])
    source = _Text.of(text)
    parts = StringSlice()
    begin = end = 0
    for (start, stop), *_ in find_all(regex, source, limit):
        if limit > 0 and len(parts) == limit - 1:
            break
        end = start
        if stop:
            parts.append(from_bytes(source.cut(begin, end)))
        begin = stop
    if end != len(source.seen):
        parts.append(from_bytes(source.cut(begin, len(source.seen))))
    return parts


@named("mustRegexMatch")
def must_match(pattern: str, text: str) -> bool:
    """Whether the pattern occurs in the text."""
    return compile_regex(pattern).spans(_Text.of(text).seen, 0) is not None


@named("regexMatch")
def match(pattern: str, text: str) -> bool:
    """As ``mustRegexMatch``; false when the pattern is wrong."""
    try:
        return must_match(pattern, text)
    except FunctionError:
        return False


@named("regexFind")
def find(pattern: str, text: str) -> str:
    """The first match, or nothing."""
    return _find(_must_compile(pattern), text)


@named("mustRegexFind")
def must_find(pattern: str, text: str) -> str:
    """The first match, or nothing."""
    return _find(compile_regex(pattern), text)


@named("regexFindAll")
def find_all_texts(pattern: str, text: str, limit: int) -> StringSlice:
    """The matches, at most ``limit`` when that is not negative."""
    return _find_each(_must_compile(pattern), text, limit)


@named("mustRegexFindAll")
def must_find_all_texts(pattern: str, text: str, limit: int) -> StringSlice:
    """The matches, at most ``limit`` when that is not negative."""
    return _find_each(compile_regex(pattern), text, limit)


@named("regexReplaceAll")
def replace_all(pattern: str, text: str, template: str) -> str:
    """Every match becomes the template, in which ``$1`` and ``${name}`` are groups."""
    regex = _must_compile(pattern)
    return _replaced(regex, text, _expanded(regex, template))


@named("mustRegexReplaceAll")
def must_replace_all(pattern: str, text: str, template: str) -> str:
    """Every match becomes the template, in which ``$1`` and ``${name}`` are groups."""
    regex = compile_regex(pattern)
    return _replaced(regex, text, _expanded(regex, template))


@named("regexReplaceAllLiteral")
def replace_all_literally(pattern: str, text: str, replacement: str) -> str:
    """Every match becomes the replacement."""
    return _replaced(_must_compile(pattern), text, lambda *_: to_bytes(replacement))


@named("mustRegexReplaceAllLiteral")
def must_replace_all_literally(pattern: str, text: str, replacement: str) -> str:
    """Every match becomes the replacement."""
    return _replaced(compile_regex(pattern), text, lambda *_: to_bytes(replacement))


@named("regexSplit")
def split(pattern: str, text: str, limit: int) -> StringSlice:
    """The parts between matches, at most ``limit`` when that is not negative."""
    return _split(_must_compile(pattern), pattern, text, limit)


@named("mustRegexSplit")
def must_split(pattern: str, text: str, limit: int) -> StringSlice:
    """The parts between matches, at most ``limit`` when that is not negative."""
    return _split(compile_regex(pattern), pattern, text, limit)


@named("regexQuoteMeta")
def quote_meta(text: str) -> str:
    """The text with a backslash before every character that means something in a pattern."""
    return _META.sub(r"\\\g<0>", text)
