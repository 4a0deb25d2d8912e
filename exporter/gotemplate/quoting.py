"""Go string and character literals: writing them as ``%q`` does, and reading them."""

from typing import Final

from exporter.gotemplate.values import from_bytes

_ESCAPES: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
}
_UNESCAPES: Final = {escape[1]: char for char, escape in _ESCAPES.items()}
_HEX_LENGTHS: Final = {"x": 2, "u": 4, "U": 8}
_MAX_RUNE: Final = 0x10FFFF
_FIRST_SURROGATE: Final = 0xD800
_LAST_SURROGATE: Final = 0xDFFF
_FIRST_BYTE: Final = 0xDC80
_LAST_BYTE: Final = 0xDCFF
_MAX_BYTE: Final = 0xFF
_MAX_ASCII: Final = 0x7F
_MAX_BMP: Final = 0xFFFF
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class LiteralError(ValueError):
    """A string or character literal is malformed; says ``invalid syntax`` as Go does."""

    def __init__(self, message: str = "invalid syntax") -> None:
        super().__init__(message)


def quote(text: str, *, ascii_only: bool = False) -> str:
    """A double-quoted Go literal of ``text``, as ``%q`` gives it (``%+q`` with ``ascii_only``)."""
    inside = text
    if not text.isprintable() or '"' in text or "\\" in text or (ascii_only and not text.isascii()):
        inside = "".join([_escape(char, '"', ascii_only=ascii_only) for char in text])
    return f'"{inside}"'


def quote_rune(code: int, *, ascii_only: bool = False) -> str:
    """A single-quoted Go literal of a code point; an impossible one becomes U+FFFD."""
    valid = 0 <= code <= _MAX_RUNE and not _FIRST_SURROGATE <= code <= _LAST_SURROGATE
    inside = _escape(chr(code) if valid else REPLACEMENT, "'", ascii_only=ascii_only)
    return f"'{inside}'"


def can_backquote(text: str) -> bool:
    """Whether ``text`` can stand unchanged in a raw string literal."""
    return not any(
        (char < " " and char != "\t") or char in "`\x7f\ufeff" or is_stray_byte(char)
        for char in text
    )


def is_stray_byte(char: str) -> bool:
    """Whether the character stands for a byte that is no UTF-8."""
    return _FIRST_BYTE <= ord(char) <= _LAST_BYTE


def show_rune(char: str) -> str:
    """``U+0041 'A'``, as ``%#U`` writes a character."""
    if is_stray_byte(char):
        char = REPLACEMENT
    shown = f" '{char}'" if char.isprintable() else ""
    return f"U+{ord(char):04X}{shown}"


def _escape(char: str, delimiter: str, *, ascii_only: bool) -> str:
    code = ord(char)
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == delimiter:
        return f"\\{char}"
    if is_stray_byte(char):
        return f"\\x{code - _FIRST_SURROGATE - 0x400:02x}"
    if char.isprintable() and (code <= _MAX_ASCII or not ascii_only):
        return char
    if code < ord(" ") or code == _MAX_ASCII:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _MAX_BMP else f"\\U{code:08x}"


def unquote(literal: str) -> str:
    """The text of a double-quoted or raw string literal, quotes included in ``literal``.

    Raises:
        LiteralError: An escape sequence is unknown or names no character.
    """
    body = literal[1:-1]
    if literal[0] == "`":
        return body.replace("\r", "")
    if not body.isascii():
        body = "".join([REPLACEMENT if is_stray_byte(char) else char for char in body])
    if "\\" not in body:
        return body
    pieces: list[str | bytes] = []
    position = 0
    while position < len(body):
        backslash = body.find("\\", position)
        if backslash < 0:
            pieces.append(body[position:])
            break
        pieces.append(body[position:backslash])
        piece, position = _unescape(body, backslash + 1, '"')
        pieces.append(piece)
    if any(type(piece) is bytes for piece in pieces):  # bytes may join to characters
        encoded = [
            p if isinstance(p, bytes) else p.encode("utf-8", "surrogateescape") for p in pieces
        ]
        return from_bytes(b"".join(encoded))
    return "".join([piece for piece in pieces if isinstance(piece, str)])


def unquote_rune(literal: str) -> int:
    """The code point of a character literal.

    Raises:
        LiteralError: There is not exactly one character between the quotes.
    """
    body = literal[1:-1]
    if not body:
        raise LiteralError
    if body[0] != "\\":
        code, end = ord(REPLACEMENT) if is_stray_byte(body[0]) else ord(body[0]), 1
    else:
        piece, end = _unescape(body, 1, "'")
        code = piece[0] if isinstance(piece, bytes) else ord(piece)
    if end != len(body):
        raise LiteralError(f"malformed character constant: {literal}")
    return code


def _unescape(body: str, position: int, delimiter: str) -> tuple[str | bytes, int]:
    """The character (or byte) of an escape sequence, and where the sequence ends."""
    char = body[position : position + 1]
    if char in _UNESCAPES and char:
        return _UNESCAPES[char], position + 1
    if char and char == delimiter:
        return char, position + 1
    if char in _HEX_LENGTHS and char:
        end = position + 1 + _HEX_LENGTHS[char]
        code = _number(body[position + 1 : end], 16, end - position - 1)
        if char == "x":
            return bytes((code,)) if code > _MAX_ASCII else chr(code), end
        if code > _MAX_RUNE or _FIRST_SURROGATE <= code <= _LAST_SURROGATE:
            raise LiteralError
        return chr(code), end
    code = _number(body[position : position + 3], 8, 3)
    if code > _MAX_BYTE:
        raise LiteralError
    return bytes((code,)) if code > _MAX_ASCII else chr(code), position + 3


def _number(digits: str, base: int, length: int) -> int:
    allowed = "0123456789abcdefABCDEF" if base > 10 else "01234567"  # noqa: PLR2004 - decimal
    if len(digits) != length or not all(digit in allowed for digit in digits):
        raise LiteralError
    return int(digits, base)
