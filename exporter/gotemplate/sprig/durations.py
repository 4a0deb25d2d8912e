"""Go's ``time.Duration``: nanoseconds in 64 bits, written as ``1h2m3.5s``."""

import re
from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.casts import bounded_int

NANOSECOND: Final = 1
MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
_UNITS: Final = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "\u00b5s": MICROSECOND,
    "\u03bcs": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_LIMIT: Final = 1 << 63
_PART: Final = re.compile(r"(?P<whole>[0-9]*)(?P<fraction>\.[0-9]*)?(?P<unit>[^.0-9]*)")


def parse_duration(text: str) -> int:
    """``time.ParseDuration``: the nanoseconds of ``-1.5h`` or ``2h45m``.

    Raises:
        FunctionError: With Go's text; a day is no unit.
    """
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise _invalid(text)
    total = 0
    while rest:
        match = _PART.match(rest)
        if match is None or not (match["whole"] or (match["fraction"] or ".") != "."):
            raise _invalid(text)
        if bounded_int(match["whole"] or "0") > _LIMIT:
            raise _invalid(text)
        if not match["unit"]:
            raise FunctionError(f"time: missing unit in duration {quoted(text)}")
        unit = _UNITS.get(match["unit"])
        if unit is None:
            raise FunctionError(
                f"time: unknown unit {quoted(match['unit'])} in duration {quoted(text)}"
            )
        total += _nanoseconds(match["whole"], (match["fraction"] or "")[1:], unit, text)
        if total > _LIMIT:
            raise _invalid(text)
        rest = rest[match.end() :]
    if sign > 0 and total == _LIMIT:
        raise _invalid(text)
    return sign * total


def _nanoseconds(whole: str, fraction: str, unit: int, text: str) -> int:
    number = bounded_int(whole or "0")
    if number > _LIMIT // unit:
        raise _invalid(text)
    # Go computes the fraction in floating point and stops reading digits before it overflows.
    digits, scale = 0, 1.0
    for digit in fraction:
        if digits > (_LIMIT - 1) // 10:
            break
        digits, scale = digits * 10 + int(digit), scale * 10
    return number * unit + int(digits * (unit / scale))


def _invalid(text: str) -> FunctionError:
    return FunctionError(f"time: invalid duration {quoted(text)}")


def quoted(text: str) -> str:
    """The quoting of Go's package ``time``: its own, plainer than ``strconv.Quote``."""
    result = []
    for char in text:
        if char < " " or char >= "\x80":
            data = char.encode("utf-8", "surrogateescape")
            result.append("".join(f"\\x{byte:02x}" for byte in data))
        else:
            result.append(f"\\{char}" if char in '"\\' else char)
    return f'"{"".join(result)}"'


def format_duration(nanoseconds: int) -> str:
    """``Duration.String``: ``1h0m0s``, ``1.5s``, ``20ms``, ``0s``."""
    size = abs(nanoseconds)
    sign = "-" if nanoseconds < 0 else ""
    if size == 0:
        return "0s"
    if size < SECOND:
        name, unit = next(
            (name, unit)
            for name, unit in (("ms", MILLISECOND), ("\u00b5s", MICROSECOND), ("ns", NANOSECOND))
            if size >= unit
        )
        return f"{sign}{_decimal(size, unit)}{name}"
    minutes, rest = divmod(size, MINUTE)
    text = f"{_decimal(rest, SECOND)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{minutes}m{text}"
        if hours:
            text = f"{hours}h{text}"
    return sign + text


def _decimal(size: int, unit: int) -> str:
    whole, rest = divmod(size, unit)
    digits = f"{rest:0{len(str(unit)) - 1}}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def rounded(nanoseconds: int, unit: int) -> int:
    """``Duration.Round``: to a multiple of ``unit``, half away from zero."""
    if unit <= 0:
        return nanoseconds
    size = (2 * abs(nanoseconds) + unit) // (2 * unit) * unit
    return -size if nanoseconds < 0 else size
