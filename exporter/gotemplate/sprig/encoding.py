"""Base64 and base32; a decoder gives the text of its error as its result, as sprig does."""

from base64 import b32decode, b32encode, b64decode, b64encode
from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import from_bytes, to_bytes

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_BASE64: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_BASE32: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_NEWLINES: Final = frozenset(b"\r\n")
_PAD: Final = ord("=")


def decode_base64(text: str) -> bytes:
    """Standard base64 with padding; line ends are ignored.

    Raises:
        FunctionError: ``illegal base64 data at input byte N``.
    """
    data = to_bytes(text)
    digits = bytearray()
    position, size = 0, len(data)
    while position < size:
        byte = data[position]
        position += 1
        if byte in _BASE64:
            digits.append(byte)
        elif byte == _PAD:
            _check_padding(data, position, len(digits) % 4)
            digits += b"=" * (-len(digits) % 4)
            return b64decode(bytes(digits))
        elif byte not in _NEWLINES:
            raise _corrupt(64, position - 1)
    if len(digits) % 4:
        raise _corrupt(64, size - len(digits) % 4)
    return b64decode(bytes(digits))


def _check_padding(data: bytes, position: int, filled: int) -> None:
    """What may follow the first ``=``: a second one when two digits are missing, line ends."""
    if filled < 2:  # noqa: PLR2004 - two digits make a byte
        raise _corrupt(64, position - 1)
    needed = 3 - filled
    while position < len(data):
        byte = data[position]
        if byte not in _NEWLINES:
            if needed and byte != _PAD:
                # Go names the byte before the wrong one.
                raise _corrupt(64, position - 1)
            if not needed:
                raise _corrupt(64, position)
            needed -= 1
        position += 1
    if needed:
        raise _corrupt(64, len(data))


def _decode_base32(text: str) -> bytes:
    """Standard base32 with padding; the digits are capitals."""
    data = bytes(byte for byte in to_bytes(text) if byte not in _NEWLINES)
    for position, byte in enumerate(data):
        filled = position % 8
        if byte == _PAD and filled >= 2:  # noqa: PLR2004 - two digits make a byte
            _check_base32_end(data, position, filled)
            return b32decode(data[: position + 8 - filled])
        if byte not in _BASE32:
            raise _corrupt(32, position)
    if len(data) % 8:
        raise _corrupt(32, len(data) - len(data) % 8)
    return b32decode(data)


def _check_base32_end(data: bytes, position: int, filled: int) -> None:
    """Behind the first ``=`` at ``position`` there must be as many as fill up eight."""
    rest = len(data) - position - 1
    if rest >= 8:  # noqa: PLR2004 - more digits follow, so this is no end
        raise _corrupt(32, position)
    if rest + filled < 7:  # noqa: PLR2004 - eight places, one has the first =
        raise _corrupt(32, len(data))
    for step in range(7 - filled):
        if data[position + 1 + step] != _PAD:
            raise _corrupt(32, position + step)
    if filled in (1, 3, 6):
        raise _corrupt(32, position)


def _corrupt(base: int, position: int) -> FunctionError:
    return FunctionError(f"illegal base{base} data at input byte {position}")


@named("b64enc")
def b64enc(text: str) -> str:
    """The text in base64."""
    return b64encode(to_bytes(text)).decode()


@named("b64dec")
def b64dec(text: str) -> str:
    """The text that base64 stands for."""
    try:
        return from_bytes(decode_base64(text))
    except FunctionError as error:
        return str(error)


@named("b32enc")
def b32enc(text: str) -> str:
    """The text in base32."""
    return b32encode(to_bytes(text)).decode()


@named("b32dec")
def b32dec(text: str) -> str:
    """The text that base32 stands for."""
    try:
        return from_bytes(_decode_base32(text))
    except FunctionError as error:
        return str(error)
