"""Read a date by a Go layout, as ``time.ParseInLocation`` of Go 1.26 does, errors included."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.casts import bounded_int
from exporter.gotemplate.sprig.civil import days_in, days_of, is_leap
from exporter.gotemplate.sprig.durations import quoted
from exporter.gotemplate.sprig.layouts import tokens
from exporter.gotemplate.sprig.objects import MONTHS, WEEKDAYS
from exporter.gotemplate.sprig.zones import UTC_ZONE, Zone, fixed_zone

_DAY: Final = 86_400
_ZONE_NAME: Final = re.compile(r"ChST|MeST|GMT|[+-]|(?:[A-Z]{4}T|[A-Z]{3}T|WITA|[A-Z]{3})(?![A-Z])")
_SIGNED_HOURS: Final = re.compile(r"[+-]([0-9]+)")
_MAX_ZONE_HOURS: Final = 23
_LEAP_DAY: Final = 60
"""29 February, counted from 1 January."""


class _Misfit(Exception):  # noqa: N818 - caught in this module
    """The value does not fit the element of the layout."""


class _OutOfRange(Exception):  # noqa: N818 - caught in this module
    """The value fits, but is too large; the message names what."""


@dataclass(slots=True)
class _Reading:
    """What was read so far; ``rest`` is the value that is still to be read."""

    rest: str
    year: int = 0
    month: int = -1
    day: int = -1
    year_day: int = -1
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    halves: str = ""
    """Every ``AM`` and ``PM`` that was read."""
    zone: Zone | None = None
    offset: int | None = None
    zone_name: str = ""
    before_fraction: bool = False
    """The next element of the layout is a fraction of a second."""

    def take(self, count: int) -> str:
        """Cut ``count`` characters off."""
        if len(self.rest) < count:
            raise _Misfit
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def number(self, *, digits: int = 2, exact: bool) -> int:
        """Cut a number of at most ``digits`` digits off, or of so many when ``exact``."""
        count = 0
        while count < digits and _is_digit(self.rest[count : count + 1]):
            count += 1
        if count == 0 or (exact and count < digits):
            raise _Misfit
        return int(self.take(count))

    def name(self, names: Sequence[str]) -> int:
        """Cut one of the names off, in any letter case; gives its index."""
        for index, name in enumerate(names):
            if self.rest[: len(name)].lower() == name.lower():
                self.rest = self.rest[len(name) :]
                return index
        raise _Misfit


def parse_clock(layout: str, value: str, default: Zone, local: Zone) -> tuple[int, int, Zone]:
    """Seconds since 1970-01-01 UTC, nanoseconds and the zone of a written date.

    Args:
        layout: How the date is written.
        value: The date.
        default: The zone that a date without one is in.
        local: The zone whose abbreviations are known; it is the result's zone when it fits.

    Raises:
        FunctionError: The value does not fit the layout, or no such date exists; Go's text.
    """
    reading = _Reading(value)
    pieces = list(tokens(layout))
    for index, (literal, element) in enumerate(pieces):
        if not _skip(reading, literal):
            raise _misfit(value, layout, reading.rest, literal)
        if not element:
            break
        reading.before_fraction = pieces[index + 1].element[:1] in (".", ",")
        held = reading.rest
        try:
            _READERS.get(element, _read_other)(reading, element)
        except _Misfit:
            raise _misfit(value, layout, held, element) from None
        except _OutOfRange as problem:
            raise _wrong(value, f"{problem} out of range") from None
    if reading.rest:
        raise _wrong(value, f"extra text: {quoted(reading.rest)}")
    _settle_hour(reading)
    _settle_day(reading, value)
    return _resolve(reading, default, local)


def _misfit(value: str, layout: str, rest: str, element: str) -> FunctionError:
    return FunctionError(
        f"parsing time {quoted(value)} as {quoted(layout)}: "
        f"cannot parse {quoted(rest)} as {quoted(element)}"
    )


def _wrong(value: str, message: str) -> FunctionError:
    return FunctionError(f"parsing time {quoted(value)}: {message}")


def _skip(reading: _Reading, literal: str) -> bool:
    """Cut the literal off; a run of spaces fits any run of spaces, also none at the end."""
    while literal:
        if literal[0] == " ":
            if reading.rest and reading.rest[0] != " ":
                return False
            literal, reading.rest = literal.lstrip(" "), reading.rest.lstrip(" ")
        elif reading.rest[:1] != literal[0]:
            return False
        else:
            literal, reading.rest = literal[1:], reading.rest[1:]
    return True


def _is_digit(char: str) -> bool:
    return len(char) == 1 and char in "0123456789"


def _read_year(reading: _Reading, element: str) -> None:
    if element == "06":
        year = _atoi(reading.take(2))
        reading.year = year + (1900 if year >= 69 else 2000)  # noqa: PLR2004 - as POSIX cuts centuries
        return
    if not _is_digit(reading.rest[:1]):
        raise _Misfit
    reading.year = _atoi(reading.take(4))


def _atoi(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise _Misfit
    return int(text)


def _read_month(reading: _Reading, element: str) -> None:
    if element == "January":
        reading.month = reading.name(MONTHS) + 1
    elif element == "Jan":
        reading.month = reading.name([name[:3] for name in MONTHS]) + 1
    else:
        reading.month = reading.number(exact=element == "01")
        if not 1 <= reading.month <= 12:  # noqa: PLR2004 - months of a year
            raise _OutOfRange("month")


def _read_weekday(reading: _Reading, element: str) -> None:
    reading.name(WEEKDAYS if element == "Monday" else [name[:3] for name in WEEKDAYS])


def _read_day(reading: _Reading, element: str) -> None:
    if element == "_2":
        reading.rest = reading.rest.removeprefix(" ")
    reading.day = reading.number(exact=element == "02")


def _read_year_day(reading: _Reading, element: str) -> None:
    if element == "__2":
        reading.rest = reading.rest.removeprefix(" ").removeprefix(" ")
    reading.year_day = reading.number(digits=3, exact=element == "002")


def _read_hour(reading: _Reading, element: str) -> None:
    reading.hour = reading.number(exact=element == "03")
    if reading.hour > (23 if element == "15" else 12):
        raise _OutOfRange("hour")


def _read_minute(reading: _Reading, element: str) -> None:
    reading.minute = reading.number(exact=element == "04")
    if reading.minute >= 60:  # noqa: PLR2004 - minutes of an hour
        raise _OutOfRange("minute")


def _read_second(reading: _Reading, element: str) -> None:
    reading.second = reading.number(exact=element == "05")
    if reading.second >= 60:  # noqa: PLR2004 - seconds of a minute
        raise _OutOfRange("second")
    # A fraction may follow though the layout has none.
    if not reading.before_fraction:
        _read_fraction(reading)


def _read_fraction(reading: _Reading) -> None:
    match = re.match(r"[.,]([0-9]+)", reading.rest)
    if match:
        reading.rest = reading.rest[match.end() :]
        reading.nanosecond = int(match[1][:9].ljust(9, "0"))


def _read_half(reading: _Reading, element: str) -> None:
    half = reading.take(2)
    if half not in ((("AM", "PM")) if element == "PM" else ("am", "pm")):
        raise _Misfit
    reading.halves += half.upper()


def _read_zone_name(reading: _Reading, _element: str) -> None:
    if reading.rest.startswith("UTC"):
        reading.zone = UTC_ZONE
        reading.rest = reading.rest[3:]
        return
    match = _ZONE_NAME.match(reading.rest)
    if match is None or len(reading.rest) < 3:  # noqa: PLR2004 - no name is shorter
        raise _Misfit
    end = match.end()
    if match[0] in ("GMT", "+", "-"):
        end = 3 if match[0] == "GMT" else 0
        hours = _SIGNED_HOURS.match(reading.rest, end)
        if hours and bounded_int(hours[1]) <= _MAX_ZONE_HOURS:
            end = hours.end()
    if end == 0:
        raise _Misfit
    reading.zone_name = reading.take(end)


def _read_other(reading: _Reading, element: str) -> None:
    """Offsets and fractions of seconds."""
    if element[0] in ".,":
        if element[1] == "9":
            _read_fraction(reading)
            return
        text = reading.take(len(element))
        if text[0] not in ".," or not text[1:].isascii() or not text[1:].isdigit():
            raise _Misfit
        reading.nanosecond = int(text[1:10].ljust(9, "0"))
        return
    if element[0] == "Z" and reading.rest[:1] == "Z":
        reading.zone = UTC_ZONE
        reading.rest = reading.rest[1:]
        return
    _read_offset(reading, element)


def _read_offset(reading: _Reading, element: str) -> None:
    text = reading.take(len(element))
    separators = [index for index, char in enumerate(element) if char == ":"]
    if any(text[index] != ":" for index in separators):
        raise _Misfit
    if ":" in element:
        text = "".join(char for index, char in enumerate(text) if index not in separators)
    digits = text[1:].ljust(6, "0")
    problem = None
    values = []
    for name, limit, part in zip(
        ("hour", "minute", "second"),
        (24, 60, 60),
        (digits[:2], digits[2:4], digits[4:6]),
        strict=True,
    ):
        if not (part.isascii() and part.isdigit()):
            raise problem or _Misfit
        values.append(int(part))
        if values[-1] > limit:
            problem = _OutOfRange(f"time zone offset {name}")
    if problem:
        raise problem
    if text[0] not in "+-":
        raise _Misfit
    offset = (values[0] * 60 + values[1]) * 60 + values[2]
    reading.offset = -offset if text[0] == "-" else offset


_Reader = Callable[[_Reading, str], None]
_READERS: Final[dict[str, _Reader]] = {
    **dict.fromkeys(("2006", "06"), _read_year),
    **dict.fromkeys(("January", "Jan", "1", "01"), _read_month),
    **dict.fromkeys(("Monday", "Mon"), _read_weekday),
    **dict.fromkeys(("2", "_2", "02"), _read_day),
    **dict.fromkeys(("__2", "002"), _read_year_day),
    **dict.fromkeys(("15", "3", "03"), _read_hour),
    **dict.fromkeys(("4", "04"), _read_minute),
    **dict.fromkeys(("5", "05"), _read_second),
    **dict.fromkeys(("PM", "pm"), _read_half),
    "MST": _read_zone_name,
}


def _settle_hour(reading: _Reading) -> None:
    if "PM" in reading.halves and reading.hour < 12:  # noqa: PLR2004 - noon
        reading.hour += 12
    elif "AM" in reading.halves and reading.hour == 12:  # noqa: PLR2004 - midnight
        reading.hour = 0


def _settle_day(reading: _Reading, value: str) -> None:
    """Month and day, from the day of the year if that was given."""
    if reading.year_day >= 0:
        last = 366 if is_leap(reading.year) else 365
        if not 1 <= reading.year_day <= last:
            raise _wrong(value, "day-of-year out of range")
        month, day = 1, reading.year_day
        while day > days_in(month, reading.year):
            day -= days_in(month, reading.year)
            month += 1
        if reading.month not in (-1, month):
            raise _wrong(value, "day-of-year does not match month")
        if reading.day not in (-1, day):
            raise _wrong(value, "day-of-year does not match day")
        reading.month, reading.day = month, day
    reading.month = max(reading.month, 1)
    if reading.day < 0:
        reading.day = 1
    if not 1 <= reading.day <= days_in(reading.month, reading.year):
        raise _wrong(value, "day out of range")


def _resolve(reading: _Reading, default: Zone, local: Zone) -> tuple[int, int, Zone]:
    clock = reading.hour * 3600 + reading.minute * 60 + reading.second
    seconds = days_of(reading.year, reading.month, reading.day) * _DAY + clock
    if reading.zone is not None:
        return seconds, reading.nanosecond, reading.zone
    name = reading.zone_name
    if reading.offset is not None:
        seconds -= reading.offset
        there = local.at(seconds)
        same = there.seconds == reading.offset and name in ("", there.name)
        return seconds, reading.nanosecond, local if same else fixed_zone(name, reading.offset)
    if name:
        known = local.named(name, seconds)
        if known is not None:
            return seconds - known, reading.nanosecond, local
        hours = _SIGNED_HOURS.match(name, 3) if name.startswith("GMT") else None
        offset = bounded_int(hours[0]) * 3600 if hours else 0
        # Go takes the clock for that of UTC, even where GMT+3 tells the offset.
        return seconds, reading.nanosecond, fixed_zone(name, offset)
    return default.from_wall(seconds), reading.nanosecond, default
