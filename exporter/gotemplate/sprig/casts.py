"""Any value as a number, by the rules of spf13/cast 1.6.0: what it cannot read is zero."""

import math
import re
from typing import Final

from exporter.gotemplate.function import wrap_int
from exporter.gotemplate.sprig.objects import Named
from exporter.gotemplate.values import Value

MIN_INT64: Final = -(1 << 63)
MAX_INT64: Final = (1 << 63) - 1
_MANY_DIGITS: Final = 100

# Patterns as text, compiled when first used: most templates only add numbers.
_DECIMAL: Final = r"[+-]?[0-9]+\Z"
_OCTAL: Final = r"[+-]?[0-7]+\Z"
_PREFIXED: Final = (
    r"(?P<sign>[+-]?)(?:"
    r"0[xX](?P<x>_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)"
    r"|0[bB](?P<b>_?[01]+(?:_[01]+)*)"
    r"|0[oO](?P<o>_?[0-7]+(?:_[0-7]+)*)"
    r"|0(?P<z>_?[0-7]+(?:_[0-7]+)*)"
    r"|(?P<d>0|[1-9][0-9]*(?:_[0-9]+)*)"
    r")\Z"
)
_BASES: Final = {"x": 16, "b": 2, "o": 8, "z": 8, "d": 10}
_DIGITS: Final = r"[0-9]+(?:_[0-9]+)*"
_FLOAT: Final = (
    rf"(?ai)[+-]?(?:(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:e[+-]?{_DIGITS})?"
    r"|inf|infinity|nan)\Z"
)
_HEX_DIGITS: Final = r"[0-9a-f]+(?:_[0-9a-f]+)*"
_HEX_FLOAT: Final = (
    rf"(?ai)[+-]?0x(?:_?{_HEX_DIGITS}\.?(?:{_HEX_DIGITS})?|\.{_HEX_DIGITS})p[+-]?{_DIGITS}\Z"
)
_ZERO_FRACTION: Final = r"\.0+\Z"


def to_int64(value: Value) -> int:
    """``cast.ToInt64``, also ``cast.ToInt``: fractions are cut, numbers in strings may have a base.

    ``"0x1f"`` is 31, ``"010"`` 8, ``"5.0"`` 5; ``"5.5"``, ``" 5"``, ``"1e3"`` and ``"08"`` are 0.
    """
    if isinstance(value, str):
        return _int_of(re.sub(_ZERO_FRACTION, "", value))
    if isinstance(value, float):
        return truncated(value)
    if isinstance(value, int):
        return wrap_int(int(value), "int64")
    return value.number if isinstance(value, Named) else 0


def to_float64(value: Value) -> float:
    """``cast.ToFloat64``: numbers in strings are decimal, or hexadecimal with an exponent."""
    if isinstance(value, str):
        return _float_of(value)
    if isinstance(value, float):
        return value
    if isinstance(value, int):
        return float(int(value))
    return float(value.number) if isinstance(value, Named) else 0.0


def truncated(number: float) -> int:
    """A float as an int64; what does not fit is the smallest one, as on amd64."""
    if not math.isfinite(number):
        return MIN_INT64
    whole = int(number)
    return whole if MIN_INT64 <= whole <= MAX_INT64 else MIN_INT64


def decimal_int(text: str) -> int:
    """``strconv.ParseInt(text, 10, 64)`` without its error: 0, or the nearest bound."""
    if not re.match(_DECIMAL, text):
        return 0
    return max(MIN_INT64, min(MAX_INT64, bounded_int(text)))


def bounded_int(digits: str) -> int:
    """A decimal integer; one of very many digits, which Python refuses, as a very large one."""
    if len(digits) > _MANY_DIGITS:
        sign = "-" if digits[0] == "-" else ""
        digits = sign + (digits.lstrip("+-0")[:_MANY_DIGITS] or "0")
    return int(digits)


def octal_int(text: str) -> int:
    """``strconv.ParseInt(text, 8, 64)``, 0 for any error."""
    return _in_range(int(text, 8)) if re.match(_OCTAL, text) else 0


def _int_of(text: str) -> int:
    """``strconv.ParseInt(text, 0, 64)``, 0 for any error."""
    match = re.match(_PREFIXED, text)
    if match is None:
        return 0
    name = match.lastgroup or "d"
    digits = match[name].replace("_", "")
    number = bounded_int(digits) if name == "d" else int(digits, _BASES[name])
    return _in_range(-number if match["sign"] == "-" else number)


def _in_range(number: int) -> int:
    return number if MIN_INT64 <= number <= MAX_INT64 else 0


def _float_of(text: str) -> float:
    """``strconv.ParseFloat(text, 64)``, 0 for any error, a number out of range among them."""
    if re.match(_HEX_FLOAT, text):
        try:
            return float.fromhex(text.replace("_", ""))
        except OverflowError:
            return 0.0
    if not re.match(_FLOAT, text):
        return 0.0
    number = float(text.replace("_", ""))
    return 0.0 if math.isinf(number) and "i" not in text.lower() else number
