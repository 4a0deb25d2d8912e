"""Durations in Go's notation (``1h30m``), as ``time.ParseDuration`` reads and ``String`` writes."""

import re
from types import MappingProxyType
from typing import Final

_UNITS: Final = MappingProxyType(
    {
        "ns": 1,
        "us": 1_000,
        "µs": 1_000,
        "μs": 1_000,
        "ms": 1_000_000,
        "s": 1_000_000_000,
        "m": 60_000_000_000,
        "h": 3_600_000_000_000,
    }
)
_PART: Final = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?P<unit>[^0-9.]+)")
_LIMIT: Final = 2**63


def parse_duration(text: str) -> int:
    """Give the nanoseconds that ``text`` spells.

    Raises:
        ValueError: The text is not a duration, or one beyond 292 years.
    """
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("+", text)
    if rest == "0":
        return 0
    total, end = 0, 0
    while end < len(rest):
        part = _PART.match(rest, end)
        if part is None or part["unit"] not in _UNITS or not (part["whole"] or part["fraction"]):
            raise ValueError(f"not a duration: {text!r}")
        unit = _UNITS[part["unit"]]
        fraction = part["fraction"] or ""
        total += int(part["whole"] or 0) * unit
        total += int(fraction or 0) * unit // 10 ** len(fraction)
        end = part.end()
    # the smallest duration has no positive twin
    if not rest or total > _LIMIT - (sign == "+"):
        raise ValueError(f"not a duration: {text!r}")
    return -total if sign == "-" else total


def format_duration(nanoseconds: int) -> str:
    """Write a duration as Go prints it: ``1h0m0s``, ``1.5s``, ``10µs``, ``0s``."""
    sign, size = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if size == 0:
        return "0s"
    if size < _UNITS["s"]:
        unit = next(unit for unit in ("ms", "µs", "ns") if size >= _UNITS[unit])
        return f"{sign}{_decimal(size, _UNITS[unit])}{unit}"
    minutes, rest = divmod(size, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, _UNITS['s'])}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _decimal(size: int, unit: int) -> str:
    whole, rest = divmod(size, unit)
    fraction = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)
