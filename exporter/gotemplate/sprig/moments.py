"""Go's ``time.Time`` with its methods, as templates meet it."""

from typing import ClassVar, Final

from exporter.gotemplate.function import Function, FunctionError, registrar
from exporter.gotemplate.sprig.civil import date_of, days_of
from exporter.gotemplate.sprig.durations import SECOND, rounded
from exporter.gotemplate.sprig.layouts import Clock, format_clock
from exporter.gotemplate.sprig.objects import Duration, LibraryObject, Month, Weekday
from exporter.gotemplate.sprig.zones import UTC_ZONE, Offset, Zone
from exporter.gotemplate.values import Value

_DAY: Final = 86_400
_YEAR_ONE: Final = -62_135_596_800
"""0001-01-01 00:00 UTC, Go's zero time, in seconds from 1970."""
_MAX_YEAR: Final = 9999
_DEFAULT_LAYOUT: Final = "2006-01-02 15:04:05.999999999 -0700 MST"
_RFC3339_NANO: Final = "2006-01-02T15:04:05.999999999Z07:00"


class Moment(LibraryObject):
    """Go's ``time.Time``: a moment, and the zone to show it in."""

    __slots__ = ("nanosecond", "seconds", "zone")
    go_type = "time.Time"
    go_methods: ClassVar[dict[str, Function]] = {}

    def __init__(self, seconds: int, nanosecond: int = 0, zone: Zone = UTC_ZONE) -> None:
        """``seconds`` count from 1970-01-01 UTC, ``nanosecond`` is 0 to 999,999,999."""
        self.seconds = seconds
        self.nanosecond = nanosecond
        self.zone = zone

    def __eq__(self, other: object) -> bool:
        """Go's ``==``: the same moment in the same zone."""
        return (
            isinstance(other, Moment)
            and (self.seconds, self.nanosecond) == (other.seconds, other.nanosecond)
            and self.zone == other.zone
        )

    def __hash__(self) -> int:
        return hash((self.seconds, self.nanosecond))

    def go_string(self) -> str:
        """Such as ``2024-05-06 07:08:09 +0000 UTC``."""
        return self.format(_DEFAULT_LAYOUT)

    def format(self, layout: str) -> str:
        """Written as the layout shows."""
        return format_clock(self.clock(), layout)

    def json_value(self) -> Value:
        """As RFC 3339 has it.

        Raises:
            FunctionError: The year has more than four digits.
        """
        if not 0 <= self.clock().date.year <= _MAX_YEAR:
            raise FunctionError(
                "json: error calling MarshalJSON for type time.Time: "
                "Time.MarshalJSON: year outside of range [0,9999]"
            )
        return self.format(_RFC3339_NANO)

    def clock(self) -> Clock:
        """Calendar and clock of its zone."""
        offset = self.zone.at(self.seconds)
        days, second = divmod(self.seconds + offset.seconds, _DAY)
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        return Clock(date_of(days), hour, minute, second, self.nanosecond, offset)

    def since_1970(self) -> int:
        """Nanoseconds from 1970-01-01 UTC."""
        return self.seconds * SECOND + self.nanosecond

    def plus(self, nanoseconds: int) -> "Moment":
        """The moment so much later, in the same zone."""
        seconds, nanosecond = divmod(self.since_1970() + nanoseconds, SECOND)
        return Moment(seconds, nanosecond, self.zone)

    def within(self, zone: Zone) -> "Moment":
        """The same moment, shown in another zone."""
        return Moment(self.seconds, self.nanosecond, zone)

    def offset(self) -> Offset:
        """The zone's abbreviation and offset at this moment."""
        return self.zone.at(self.seconds)


ZERO: Final = Moment(_YEAR_ONE)
"""Go's zero ``time.Time``."""

_time = registrar(Moment.go_methods)


@_time("func() string", "String")
def _time_text(moment: Moment) -> str:
    return moment.go_string()


@_time("func(string) string", "Format")
def _format(moment: Moment, layout: str) -> str:
    return moment.format(layout)


@_time("func() int", "Year")
def _year(moment: Moment) -> int:
    return moment.clock().date.year


@_time("func() time.Month", "Month")
def _month(moment: Moment) -> Month:
    return Month(moment.clock().date.month)


@_time("func() int", "Day")
def _day(moment: Moment) -> int:
    return moment.clock().date.day


@_time("func() time.Weekday", "Weekday")
def _weekday(moment: Moment) -> Weekday:
    return Weekday((days_of(*moment.clock().date) + 4) % 7)


@_time("func() int", "YearDay")
def _year_day(moment: Moment) -> int:
    date = moment.clock().date
    return days_of(*date) - days_of(date.year, 1, 1) + 1


@_time("func() int", "Hour")
def _hour(moment: Moment) -> int:
    return moment.clock().hour


@_time("func() int", "Minute")
def _minute(moment: Moment) -> int:
    return moment.clock().minute


@_time("func() int", "Second")
def _second(moment: Moment) -> int:
    return moment.clock().second


@_time("func() int", "Nanosecond")
def _nanosecond(moment: Moment) -> int:
    return moment.nanosecond


@_time("func() int64", "Unix")
def _unix(moment: Moment) -> int:
    return moment.seconds


@_time("func() int64", "UnixMilli")
def _unix_milli(moment: Moment) -> int:
    return moment.since_1970() // 1_000_000


@_time("func() int64", "UnixMicro")
def _unix_micro(moment: Moment) -> int:
    return moment.since_1970() // 1_000


@_time("func() int64", "UnixNano")
def _unix_nano(moment: Moment) -> int:
    return moment.since_1970()


@_time("func() time.Time", "UTC")
def _utc(moment: Moment) -> Moment:
    return moment.within(UTC_ZONE)


@_time("func() bool", "IsZero")
def _is_zero(moment: Moment) -> bool:
    return (moment.seconds, moment.nanosecond) == (_YEAR_ONE, 0)


@_time("func(time.Time) bool", "After")
def _after(moment: Moment, other: Moment) -> bool:
    return moment.since_1970() > other.since_1970()


@_time("func(time.Time) bool", "Before")
def _before(moment: Moment, other: Moment) -> bool:
    return moment.since_1970() < other.since_1970()


@_time("func(time.Time) bool", "Equal")
def _equal(moment: Moment, other: Moment) -> bool:
    return moment.since_1970() == other.since_1970()


@_time("func(time.Time) int", "Compare")
def _compare(moment: Moment, other: Moment) -> int:
    return (moment.since_1970() > other.since_1970()) - (moment.since_1970() < other.since_1970())


@_time("func(time.Time) time.Duration", "Sub")
def _sub(moment: Moment, other: Moment) -> Duration:
    limit = 1 << 63
    return Duration(max(-limit, min(limit - 1, moment.since_1970() - other.since_1970())))


@_time("func(time.Duration) time.Time", "Add")
def _add(moment: Moment, duration: Duration) -> Moment:
    return moment.plus(duration.nanoseconds)


@_time("func(time.Duration) time.Time", "Round")
def _round(moment: Moment, duration: Duration) -> Moment:
    past = moment.since_1970() - _YEAR_ONE * SECOND
    return moment.plus(rounded(past, duration.nanoseconds) - past)


@_time("func(int, int, int) time.Time", "AddDate")
def _add_date(moment: Moment, years: int, months: int, days: int) -> Moment:
    date = moment.clock().date
    shifted = days_of(date.year + years, date.month + months, date.day + days)
    wall = moment.seconds + moment.offset().seconds + (shifted - days_of(*date)) * _DAY
    return Moment(moment.zone.from_wall(wall), moment.nanosecond, moment.zone)
