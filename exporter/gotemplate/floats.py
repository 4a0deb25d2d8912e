"""Floating-point numbers as Go's ``strconv.FormatFloat`` and ``ParseFloat`` have them."""

import math
from typing import Final

SHORTEST: Final = -1
"""The precision that asks for the fewest digits that read back as the same number."""

_MANTISSA_BITS: Final = 52
_SHORTEST_EXPONENT: Final = 6
_SMALLEST_EXPONENT: Final = -4


def format_float(number: float, verb: str = "g", precision: int = SHORTEST) -> str:
    """Format with one of the verbs ``e E f g G b x X``; infinities are ``+Inf`` and ``-Inf``."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    match verb:
        case "b":
            return _binary(number)
        case "x" | "X":
            text = _hexadecimal(number, precision)
            return text.upper() if verb == "X" else text
        case "f":
            return f"{number:.{precision}f}" if precision >= 0 else _shortest_plain(number)
        case "e" | "E":
            text = f"{number:.{precision}e}" if precision >= 0 else _shortest_exponent(number)
        case _:
            text = f"{number:.{precision or 1}g}" if precision >= 0 else _shortest(number)
    return text.upper() if verb in "EG" else text


def format_json_like(number: float) -> str:
    """Shortest digits, plain between 1e-6 and 1e21, as ``encoding/json`` writes a float64."""
    size = abs(number)
    if size and not 1e-6 <= size < 1e21:  # noqa: PLR2004 - the bounds of encoding/json
        text = _shortest_exponent(number)
        # encoding/json cleans e-09 up to e-9, and only that
        return f"{text[:-2]}{text[-1]}" if text[-4:-1] == "e-0" else text
    return _shortest_plain(number)


def _digits(number: float) -> tuple[str, str, int]:
    """Sign, shortest digits without trailing zeros, and the exponent of the first digit."""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    stripped = stripped.rstrip("0")
    sign = "-" if math.copysign(1, number) < 0 else ""
    return (sign, stripped, point - 1) if stripped else (sign, "0", 0)


def _shortest(number: float) -> str:
    exponent = _digits(number)[2]
    if _SMALLEST_EXPONENT <= exponent < _SHORTEST_EXPONENT:
        return _shortest_plain(number)
    return _shortest_exponent(number)


def _shortest_exponent(number: float) -> str:
    sign, digits, exponent = _digits(number)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _shortest_plain(number: float) -> str:
    sign, digits, exponent = _digits(number)
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    fraction = digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _binary(number: float) -> str:
    mantissa, exponent = math.frexp(abs(number))
    scaled = int(math.ldexp(mantissa, _MANTISSA_BITS + 1))
    power = exponent - _MANTISSA_BITS - 1
    lowest = -1074
    if not scaled:
        power = lowest
    elif power < lowest:  # a subnormal number has fewer bits
        scaled >>= lowest - power
        power = lowest
    sign = "-" if math.copysign(1, number) < 0 else ""
    return f"{sign}{scaled}p{power:+d}"


def _hexadecimal(number: float, precision: int) -> str:
    sign = "-" if math.copysign(1, number) < 0 else ""
    mantissa, exponent = math.frexp(abs(number))
    bits = int(math.ldexp(mantissa, 61))  # one digit before the point, 60 bits behind it
    power = exponent - 1 if bits else 0
    if 0 <= precision < 15:  # noqa: PLR2004 - 60 bits are 15 digits
        shift = 60 - 4 * precision
        extra = bits & ((1 << shift) - 1)
        half = 1 << (shift - 1)
        bits >>= shift
        if extra > half or (extra == half and bits & 1):
            bits += 1
        bits <<= shift
        if bits >> 61:
            bits >>= 1
            power += 1
    fraction = f"{bits & ((1 << 60) - 1):015x}"
    fraction = fraction.rstrip("0") if precision < 0 else fraction.ljust(precision, "0")[:precision]
    point = "." if fraction else ""
    return f"{sign}0x{bits >> 60}{point}{fraction}p{'-' if power < 0 else '+'}{abs(power):02d}"
