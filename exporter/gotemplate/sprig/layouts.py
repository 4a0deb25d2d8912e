"""Go's way to write dates: a layout shows how 2006-01-02 15:04:05 Monday would look.

Both directions keep to Go 1.26, ``time.Time.Format`` and ``time.ParseInLocation``, errors included.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from exporter.gotemplate.sprig.civil import Date, days_of
from exporter.gotemplate.sprig.objects import MONTHS, WEEKDAYS
from exporter.gotemplate.sprig.zones import Offset

_TOKEN: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|002|15|1|2006|2|_2(?!006)|__2|[345]|PM|pm"
    r"|-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07"
    r"|[.,](?:0+|9+)(?![0-9])"
)


class Token(NamedTuple):
    """A piece of a layout: literal text, then an element (empty at the end of the layout)."""

    literal: str
    element: str


class Clock(NamedTuple):
    """A moment in the words of a calendar and a clock on the wall."""

    date: Date
    hour: int
    minute: int
    second: int
    nanosecond: int
    offset: Offset


def tokens(layout: str) -> Iterator[Token]:
    """Cut a layout into its pieces; the last one has no element."""
    end = 0
    for match in _TOKEN.finditer(layout):
        yield Token(layout[end : match.start()], match[0])
        end = match.end()
    yield Token(layout[end:], "")


def format_clock(clock: Clock, layout: str) -> str:
    """``time.Time.Format``."""
    return "".join(token.literal + _element(clock, token.element) for token in tokens(layout))


def _element(clock: Clock, element: str) -> str:
    if not element:
        return ""
    if element[0] in "Z-":
        return _numeric_offset(clock.offset.seconds, element)
    if element[0] in ".,":
        return _fraction(clock.nanosecond, element)
    if element == "MST":
        return clock.offset.name or _numeric_offset(clock.offset.seconds, "-0700")
    return _date_element(clock.date, element) or _clock_element(clock, element)


def _date_element(date: Date, element: str) -> str:
    year, month, day = date
    days = days_of(year, month, day)
    weekday = WEEKDAYS[(days + 4) % 7]
    year_day = days - days_of(year, 1, 1) + 1
    match element:
        case "2006":
            return f"-{-year:04}" if year < 0 else f"{year:04}"
        case "06":
            return f"{abs(year) % 100:02}"
        case "January":
            return MONTHS[month - 1]
        case "Jan":
            return MONTHS[month - 1][:3]
        case "Monday":
            return weekday
        case "Mon":
            return weekday[:3]
        case "1" | "01":
            return f"{month:0{len(element)}}"
        case "2" | "02":
            return f"{day:0{len(element)}}"
        case "_2":
            return f"{day:2}"
        case "002":
            return f"{year_day:03}"
        case "__2":
            return f"{year_day:3}"
    return ""


def _clock_element(clock: Clock, element: str) -> str:
    match element:
        case "15":
            return f"{clock.hour:02}"
        case "3" | "03":
            return f"{clock.hour % 12 or 12:0{len(element)}}"
        case "4" | "04":
            return f"{clock.minute:0{len(element)}}"
        case "5" | "05":
            return f"{clock.second:0{len(element)}}"
        case _:
            half = "PM" if clock.hour >= 12 else "AM"  # noqa: PLR2004 - noon
            return half if element == "PM" else half.lower()


def _numeric_offset(seconds: int, element: str) -> str:
    if seconds == 0 and element[0] == "Z":
        return "Z"
    sign = "-" if int(seconds / 60) < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    parts = [f"{hours:02}", f"{rest // 60:02}", f"{rest % 60:02}"]
    shown = len(element.replace(":", "")) // 2
    return sign + (":" if ":" in element else "").join(parts[:shown])


def _fraction(nanosecond: int, element: str) -> str:
    digits = f"{nanosecond:09}"[: len(element) - 1]
    if element[1] == "9":
        digits = digits.rstrip("0")
    return element[0] + digits if digits else ""
