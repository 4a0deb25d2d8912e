"""Text functions: trim, cut, split, join, quote, indent, wrap, abbreviate.

Go strings are bytes: ``trunc``, ``substr``, ``wrap`` and ``abbrev`` count bytes, not letters.
"""

from typing import Final

from exporter.gotemplate.function import FunctionError, check_size
from exporter.gotemplate.nils import NIL_STRINGS
from exporter.gotemplate.quoting import quote as go_quote
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprig.runes import SPACES, runes
from exporter.gotemplate.sprig.sequences import elements, is_slice
from exporter.gotemplate.sprint import sprint_value as sprint
from exporter.gotemplate.values import StringMap, StringSlice, Value, from_bytes, to_bytes

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_MIN_ABBREVIATED: Final = 4
_MIN_ABBREVIATED_BOTH: Final = 7


def text_of(value: Value) -> str:
    """Sprig's ``strval``: a string, the bytes of a ``[]byte``, ``%v`` of anything else."""
    if isinstance(value, str):
        return value
    return from_bytes(value) if isinstance(value, bytes) else sprint(value)


@named("hello")
def hello() -> str:
    """A greeting."""
    return "Hello!"


@named("trim")
def trim(text: str) -> str:
    """Without white space at both ends."""
    return text.strip(SPACES)


@named("trimAll", "trimall")
def trim_all(cutset: str, text: str) -> str:
    """Without any of the characters of ``cutset`` at both ends."""
    # A byte that is no UTF-8 counts as U+FFFD on both sides.
    shown, cutset = runes(text), runes(cutset)
    start = len(shown) - len(shown.lstrip(cutset))
    return text[start : start + len(shown.strip(cutset))]


@named("trimSuffix")
def trim_suffix(suffix: str, text: str) -> str:
    """Without ``suffix``, once."""
    return from_bytes(to_bytes(text).removesuffix(to_bytes(suffix)))


@named("trimPrefix")
def trim_prefix(prefix: str, text: str) -> str:
    """Without ``prefix``, once."""
    return from_bytes(to_bytes(text).removeprefix(to_bytes(prefix)))


@named("contains")
def contains(part: str, text: str) -> bool:
    """Whether ``part`` is in ``text``."""
    return to_bytes(part) in to_bytes(text)


@named("hasPrefix")
def has_prefix(prefix: str, text: str) -> bool:
    """Whether ``text`` starts with ``prefix``."""
    return to_bytes(text).startswith(to_bytes(prefix))


@named("hasSuffix")
def has_suffix(suffix: str, text: str) -> bool:
    """Whether ``text`` ends with ``suffix``."""
    return to_bytes(text).endswith(to_bytes(suffix))


@named("replace")
def replace(old: str, new: str, text: str) -> str:
    """Every ``old`` becomes ``new``; an empty ``old`` is found around every character."""
    check_size(len(text) + (len(text) // max(1, len(old)) + 1) * len(new))
    if not old:
        return text.replace("", new)
    return from_bytes(to_bytes(text).replace(to_bytes(old), to_bytes(new)))


def _repeated(text: str, count: int) -> str:
    """``strings.Repeat``."""
    if count < 0:
        raise FunctionError("strings: negative Repeat count")
    check_size(count * len(text))
    return text * count


@named("repeat")
def repeat(count: int, text: str) -> str:
    """``text``, ``count`` times."""
    return _repeated(text, count)


@named("indent")
def indent(spaces: int, text: str) -> str:
    """Each line after that many spaces, also the empty ones."""
    pad = _repeated(" ", spaces)
    check_size(len(text) + (text.count("\n") + 1) * spaces)
    return pad + text.replace("\n", "\n" + pad)


@named("nindent")
def nindent(spaces: int, text: str) -> str:
    """As ``indent``, on a new line."""
    return "\n" + indent(spaces, text)


@named("plural")
def plural(one: str, many: str, count: int) -> str:
    """``one`` when the count is 1, else ``many``."""
    return one if count == 1 else many


@named("toString")
def to_string(value: Value) -> str:
    """The value as text."""
    return text_of(value)


@named("toStrings")
def to_strings(value: Value) -> list[str]:
    """Every item that is not nil as text; a single value gives one item, nil none.

    A ``[]string`` is handed back itself, as in Go, so sorting it in place shows to its owner.
    """
    if isinstance(value, StringSlice):
        return value
    if is_slice(value):
        return StringSlice(text_of(item) for item in elements(value) if item is not None)
    return StringSlice() if value is None else StringSlice([text_of(value)])


@named("sortAlpha")
def sort_alpha(value: Value) -> list[str]:
    """The items as text, sorted by bytes; sorts a ``[]string`` in place, as sprig does."""
    if not is_slice(value):
        return StringSlice([text_of(value)])
    items = to_strings(value)
    items.sort(key=to_bytes)
    return items


@named("join")
def join(separator: str, value: Value) -> str:
    """The items as text with ``separator`` between them."""
    items = to_strings(value)
    check_size(len(items) * len(separator))
    return separator.join(items)


def _parts(separator: str, count: int, text: str) -> list[str]:
    """``strings.SplitN``: at most ``count`` parts when it is positive, all when negative."""
    if count == 0:
        return NIL_STRINGS
    if not separator:
        if count < 0 or count > len(text):
            return StringSlice(text)
        return StringSlice([*text[: count - 1], text[count - 1 :]])
    parts = to_bytes(text).split(to_bytes(separator), count - 1 if count > 0 else -1)
    return StringSlice(map(from_bytes, parts))


def _numbered(parts: list[str]) -> StringMap:
    return StringMap((f"_{i}", part) for i, part in enumerate(parts))


@named("split")
def split(separator: str, text: str) -> StringMap:
    """The parts under the keys ``_0``, ``_1`` …."""
    return _numbered(_parts(separator, -1, text))


@named("splitn")
def splitn(separator: str, count: int, text: str) -> StringMap:
    """As ``split``, at most ``count`` parts."""
    return _numbered(_parts(separator, count, text))


@named("splitList")
def split_list(separator: str, text: str) -> list[str]:
    """The parts as a list."""
    return _parts(separator, -1, text)


@named("quote")
def quote(*items: Value) -> str:
    """Every item that is not nil in double quotes, with Go's escapes."""
    return " ".join(go_quote(text_of(item)) for item in items if item is not None)


@named("squote")
def squote(*items: Value) -> str:
    """Every item that is not nil in single quotes, nothing escaped."""
    return " ".join(f"'{sprint(item)}'" for item in items if item is not None)


@named("cat")
def cat(*items: Value) -> str:
    """Every item that is not nil, with spaces between them."""
    return " ".join(sprint(item) for item in items if item is not None)


@named("trunc")
def trunc(count: int, text: str) -> str:
    """The first ``count`` bytes, or the last ones when it is negative."""
    data = to_bytes(text)
    if count >= 0:
        return from_bytes(data[:count])
    return from_bytes(data[count:])


@named("substr")
def substr(start: int, end: int, text: str) -> str:
    """Bytes from ``start`` up to ``end``; a negative one means from the first, up to the last.

    Raises:
        FunctionError: As Go panics, when the range is outside of the text.
    """
    data = to_bytes(text)
    size = len(data)
    if start < 0:
        if end < 0:
            raise _out_of_range(f"[:{end}]")
        if end > size:
            raise _out_of_range(f"[:{end}] with length {size}")
        return from_bytes(data[:end])
    if end < 0 or end > size:
        end = size
    if start > end:
        raise _out_of_range(f"[{start}:{end}]")
    return from_bytes(data[start:end])


def _out_of_range(bounds: str) -> FunctionError:
    return FunctionError(f"runtime error: slice bounds out of range {bounds}")


@named("abbrev")
def abbrev(width: int, text: str) -> str:
    """At most ``width`` bytes, the last three being dots when something was cut."""
    if width < _MIN_ABBREVIATED:
        return text
    return from_bytes(_abbreviated(to_bytes(text), width))


@named("abbrevboth")
def abbrevboth(left: int, right: int, text: str) -> str:
    """At most ``right`` bytes, starting about ``left``, dots where something was cut."""
    if right < _MIN_ABBREVIATED or (left > 0 and right < _MIN_ABBREVIATED_BOTH):
        return text
    data = to_bytes(text)
    size, room = len(data), right - 3
    offset = min(left, size)
    if size - offset < room:
        offset = size - room
    if size <= right or offset <= 4:  # noqa: PLR2004 - goutils: too little to cut at the left
        return from_bytes(_abbreviated(data, right))
    if offset + room < size:
        return from_bytes(b"..." + _abbreviated(data[offset:], room))
    return from_bytes(b"..." + data[size - room :])


def _abbreviated(data: bytes, width: int) -> bytes:
    return data if len(data) <= width else data[: width - 3] + b"..."


@named("wrap")
def wrap(width: int, text: str) -> str:
    """Lines of at most ``width`` bytes; longer words stay whole."""
    return _wrapped(text, width, "\n", cut_words=False)


@named("wrapWith")
def wrap_with(width: int, separator: str, text: str) -> str:
    """As ``wrap`` with ``separator`` between the lines; longer words are cut."""
    return _wrapped(text, width, separator or "\n", cut_words=True)


def _wrapped(text: str, width: int, separator: str, *, cut_words: bool) -> str:
    data, width = to_bytes(text), max(width, 1)
    check_size(len(data) + len(data) // width * len(separator))
    lines, start, size = [], 0, len(data)
    while size - start > width:
        if data[start] == ord(" "):
            start += 1
            continue
        end = data.rfind(b" ", start, start + width + 1)
        if end < 0 and cut_words:
            lines.append(data[start : start + width])
            start += width
            continue
        if end < 0:
            end = data.find(b" ", start + width)
        if end < 0:
            break
        lines.append(data[start:end])
        start = end + 1
    return from_bytes(to_bytes(separator).join([*lines, data[start:]]))
