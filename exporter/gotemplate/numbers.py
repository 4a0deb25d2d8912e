"""Numeric constants: the same text may be an int, a uint, a float and a complex number."""

import sys
from typing import Final

from exporter.gotemplate.lexer import Kind, Token
from exporter.gotemplate.nodes import Number
from exporter.gotemplate.quoting import LiteralError, quote, unquote_rune

_BASES: Final = {"x": 16, "o": 8, "b": 2}
_MAX_INT: Final = (1 << 63) - 1
_MIN_INT: Final = -(1 << 63)
_MAX_UINT: Final = (1 << 64) - 1
_DECIMAL: Final = "0123456789_"
_HEXADECIMAL: Final = "0123456789abcdefABCDEF_"
_HEX_MARKS: Final = frozenset("xX")
_SIGNS: Final = frozenset("+-")
_FLOAT_STARTS: Final = frozenset(".0123456789")
_FLOAT_MARKS: Final = frozenset(".eEpP")


def parse_number(token: Token) -> Number:
    """The constant of a number, complex or character token.

    Raises:
        LiteralError: The text is no number, or an integer that needs more than 64 bits.
    """
    text = token.text
    if token.kind is Kind.CHAR_CONSTANT:
        code = unquote_rune(text)
        return Number(token.position, text, code, code, float(code))
    if token.kind is Kind.COMPLEX:
        middle = _end_of_float(text, 0)
        end = _end_of_float(text, middle)
        if text[middle : middle + 1] not in _SIGNS or text[end:] != "i":
            raise LiteralError("syntax error scanning complex number")
        return _complex(token, _parse_real(text[:middle]), _parse_real(text[middle:end]))
    if text.endswith("i"):
        imaginary = parse_float(text[:-1])
        if imaginary is not None:
            return _complex(token, 0.0, imaginary)
    return _real(token)


def _end_of_float(text: str, start: int) -> int:
    """Where the float ends that begins at ``start``, as ``fmt.Sscan`` cuts it."""
    place = _skip(text, start, "+-", at_most=1)
    place = _skip(text, place, "iI", at_most=1)  # it could be Inf
    digits, mark = _DECIMAL, "eE"
    if text[place : place + 1] == "0":
        place += 1
        if text[place : place + 1] in _HEX_MARKS:
            place += 1
            digits, mark = _HEXADECIMAL, "pP"
    place = _skip(text, place, digits)
    place = _skip(text, place, ".", at_most=1)
    place = _skip(text, place, digits)
    marked = _skip(text, place, mark, at_most=1)
    if marked == place:
        return place
    return _skip(text, _skip(text, marked, "+-", at_most=1), _DECIMAL)


def _skip(text: str, place: int, allowed: str, *, at_most: int = sys.maxsize) -> int:
    end = place
    while end < len(text) and end - place < at_most and text[end] in allowed:
        end += 1
    return end


def _complex(token: Token, real: float, imaginary: float) -> Number:
    value = complex(real, imaginary)
    if imaginary:
        return Number(token.position, token.text, None, None, None, value)
    return Number(token.position, token.text, _as_int(real), _as_uint(real), real, value)


def _parse_real(text: str) -> float:
    number = parse_float(text)
    if number is None:
        raise LiteralError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    return number


def _real(token: Token) -> Number:
    text = token.text
    number = parse_integer(text)
    if number is not None and _MIN_INT <= number <= _MAX_UINT:
        signed = number if number <= _MAX_INT else None
        unsigned = number if number >= 0 and (text[0] not in "+-" or not number) else None
        if signed is not None or unsigned is not None:
            return Number(token.position, text, signed, unsigned, float(number))
    real = parse_float(text)
    if real is None:
        raise LiteralError(f"illegal number syntax: {quote(text)}")
    if not _FLOAT_MARKS & set(text):
        raise LiteralError(f"integer overflow: {quote(text)}")
    return Number(token.position, text, _as_int(real), _as_uint(real), real)


def _as_int(real: float) -> int | None:
    return int(real) if real.is_integer() and _MIN_INT <= real <= _MAX_INT else None


def _as_uint(real: float) -> int | None:
    return int(real) if real.is_integer() and 0 <= real <= _MAX_UINT else None


def parse_integer(text: str) -> int | None:
    """An integer as Go source spells it: ``0x1f``, ``0b1``, ``017``, ``1_000``, with a sign."""
    digits = text.lstrip("+-")
    if len(text) - len(digits) > 1 or not _underscores_fit(digits):
        return None
    base = _BASES.get(digits[1:2].lower()) if digits[:1] == "0" else None
    try:
        if base is not None:
            number = int(digits[2:].replace("_", "") if digits[2:] else "none", base)
        elif digits[:1] == "0" and len(digits) > 1:
            number = int(digits[1:].replace("_", ""), 8)
        else:
            number = int(digits.replace("_", "")) if digits.isascii() else int("none")
    except ValueError:
        return None
    return -number if text[0] == "-" else number


def parse_float(text: str) -> float | None:
    """A decimal or hexadecimal float; None when it is none, or too large."""
    digits = text.lstrip("+-")
    if len(text) - len(digits) > 1 or digits[:1] not in _FLOAT_STARTS:
        return None
    is_hex = digits[:2].lower() == "0x"
    if not _underscores_fit(digits):
        return None
    plain = text.replace("_", "")
    try:
        if not is_hex:
            number = float(plain)
        elif "p" in plain.lower():
            number = float.fromhex(plain)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return None if abs(number) == float("inf") else number


def _underscores_fit(digits: str) -> bool:
    """Whether each underscore stands between digits, or between a base prefix and a digit."""
    prefix = digits[:2].lower()
    allowed = "0123456789abcdef" if prefix == "0x" else "0123456789"
    body = f"0{digits[2:]}" if prefix in ("0x", "0o", "0b") else digits
    parts = body.lower().split("_")
    return all(part and part[-1] in allowed for part in parts[:-1]) and all(
        part and part[0] in allowed for part in parts[1:]
    )
