"""Messages of Protocol Buffers as far as BuildKit needs them: integers, bytes, texts and maps.

A message is written field by field and read by the numbers of its fields.
Source: protobuf.dev, "Encoding".
"""

from collections.abc import Iterator, Mapping

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MORE = 0x80
_LONGEST = 70
"""Bits of a number at most, seven of each byte."""

Value = int | str | bytes | Mapping[str, str]


def varint(number: int) -> bytes:
    """A number of at most 64 bits, seven bits a byte, the lowest first."""
    number &= (1 << 64) - 1
    if number < _MORE:
        return bytes((number,))
    found = bytearray()
    while number >= _MORE:
        found.append(number & 0x7F | _MORE)
        number >>= 7
    found.append(number)
    return bytes(found)


def field(number: int, value: Value) -> bytes:
    """One field; nothing for a zero, an empty text and an empty map, as their absence says it."""
    if not value:
        return b""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, Mapping):
        return b"".join(
            message(number, field(1, key) + field(2, text)) for key, text in sorted(value.items())
        )
    return message(number, value)


def message(number: int, value: str | bytes) -> bytes:
    """A field with a message or bytes, also with none."""
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return varint(number << 3 | _BYTES) + varint(len(data)) + data


class Fields:
    """The fields of a received message.

    Raises:
        ValueError: It is none.
    """

    def __init__(self, data: bytes) -> None:
        self._found: dict[int, list[int | bytes]] = {}
        for number, value in _fields(data):
            self._found.setdefault(number, []).append(value)

    def number(self, field: int) -> int:
        """An integer without sign, 0 when it is absent."""
        value = self._found.get(field, (0,))[-1]
        return value if isinstance(value, int) else 0

    def data(self, field: int) -> bytes:
        """Bytes, empty when they are absent."""
        value = self._found.get(field, (b"",))[-1]
        return value if isinstance(value, bytes) else b""

    def text(self, field: int) -> str:
        """A text, empty when it is absent."""
        return self.data(field).decode("utf-8", "replace")

    def message(self, field: int) -> "Fields | None":
        """A message inside, None when it is absent."""
        return Fields(self.data(field)) if field in self._found else None

    def messages(self, field: int) -> Iterator["Fields"]:
        """Every message of a repeated field."""
        return (Fields(each) for each in self._found.get(field, ()) if isinstance(each, bytes))

    def mapping(self, field: int) -> dict[str, str]:
        """A map from text to text."""
        return {each.text(1): each.text(2) for each in self.messages(field)}


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at, end = 0, len(data)
    try:
        while at < end:
            key, at = _read_varint(data, at)
            kind = key & 7
            if kind == _VARINT:
                value, at = _read_varint(data, at)
                yield key >> 3, value
                continue
            if kind == _BYTES:
                size, at = _read_varint(data, at)
            else:
                size = _SIZES[kind]
            if at + size > end:
                raise ValueError("a message is cut off")
            yield key >> 3, data[at : at + size]
            at += size
    except (IndexError, KeyError) as error:
        raise ValueError("this is no message of Protocol Buffers") from error


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            return value, at
        shift += 7
        if shift >= _LONGEST:
            raise ValueError("a number has more than ten bytes")
