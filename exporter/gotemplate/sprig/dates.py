"""Dates and durations: format, parse, shift, count."""

from typing import Final

from exporter.gotemplate.function import FunctionError, wrap_int
from exporter.gotemplate.sprig import durations
from exporter.gotemplate.sprig.casts import decimal_int
from exporter.gotemplate.sprig.durations import SECOND, format_duration, parse_duration
from exporter.gotemplate.sprig.moments import ZERO, Moment
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprig.runtime import Runtime
from exporter.gotemplate.sprig.zones import load_zone, local_zone
from exporter.gotemplate.values import Int32, Int64, Value

FUNCTIONS: Final[Implementations] = {}
"""What needs nothing from outside."""
RUNTIME_FUNCTIONS: Final[Implementations] = {}
"""What needs the clock or the zones: the first argument is the ``Runtime``."""
named = register(FUNCTIONS)
outside = register(RUNTIME_FUNCTIONS)

_DAY: Final = 24 * durations.HOUR
_STEPS: Final = (
    ("y", 365 * _DAY),
    ("mo", 30 * _DAY),
    ("d", _DAY),
    ("h", durations.HOUR),
    ("m", durations.MINUTE),
    ("s", SECOND),
)


def _now(runtime: Runtime) -> Moment:
    seconds, nanosecond = divmod(runtime.now_ns(), SECOND)
    return Moment(seconds, nanosecond, local_zone(runtime))


def _moment(value: Value, runtime: Runtime) -> Moment:
    """A date as it is, an integer as seconds since 1970; anything else means now."""
    if isinstance(value, Moment):
        return value
    if type(value) in (int, Int64, Int32) and isinstance(value, int):
        return Moment(int(value))
    return _now(runtime)


@outside("now")
def now(runtime: Runtime) -> Moment:
    """The current time."""
    return _now(runtime)


@outside("date")
def date(runtime: Runtime, layout: str, value: Value) -> str:
    """The date in the layout, in the zone of the machine."""
    return date_in_zone(runtime, layout, value, "Local")


@outside("dateInZone", "date_in_zone")
def date_in_zone(runtime: Runtime, layout: str, value: Value, zone: str) -> str:
    """The date in the layout, in a zone of the time zone database; UTC when it is unknown."""
    return _moment(value, runtime).within(load_zone(zone, runtime)).format(layout)


@outside("htmlDate")
def html_date(runtime: Runtime, value: Value) -> str:
    """The date as ``2006-01-02``, in the zone of the machine."""
    return date_in_zone(runtime, "2006-01-02", value, "Local")


@outside("htmlDateInZone")
def html_date_in_zone(runtime: Runtime, value: Value, zone: str) -> str:
    """The date as ``2006-01-02`` in a zone."""
    return date_in_zone(runtime, "2006-01-02", value, zone)


@outside("ago")
def ago(runtime: Runtime, value: Value) -> str:
    """How long ago, in whole seconds."""
    past = _moment(None if isinstance(value, Int32) else value, runtime)
    elapsed = runtime.now_ns() - past.since_1970()
    return format_duration(durations.rounded(elapsed, SECOND))


@outside("durationRound")
def duration_round(runtime: Runtime, value: Value) -> str:
    """The largest unit of a duration, or of the time since a date: ``2h``, ``3mo``."""
    nanoseconds = 0
    if isinstance(value, str):
        try:
            nanoseconds = parse_duration(value)
        except FunctionError:
            return "0s"
    elif isinstance(value, Int64):
        nanoseconds = value
    elif isinstance(value, Moment):
        nanoseconds = runtime.now_ns() - value.since_1970()
    size = abs(nanoseconds)
    return next((f"{size // unit}{name}" for name, unit in _STEPS if size > unit), "0s")


@outside("mustToDate")
def must_to_date(runtime: Runtime, layout: str, text: str) -> Moment:
    """The date written in the layout, in the zone of the machine unless it tells one.

    Raises:
        FunctionError: It is not written so.
    """
    from exporter.gotemplate.sprig.layout_parse import parse_clock  # noqa: PLC0415 - most only format

    local = local_zone(runtime)
    return Moment(*parse_clock(layout, text, local, local))


@outside("toDate")
def to_date(runtime: Runtime, layout: str, text: str) -> Moment:
    """As ``mustToDate``, but the zero date when the text does not fit."""
    try:
        return must_to_date(runtime, layout, text)
    except FunctionError:
        return ZERO


@named("duration")
def duration(value: Value) -> str:
    """Seconds, in a string or an ``int64``, as ``1h2m3s``; 0 for anything else."""
    seconds = 0
    if isinstance(value, str):
        seconds = decimal_int(value)
    elif isinstance(value, Int64):
        seconds = int(value)
    return format_duration(wrap_int(seconds * SECOND, "int64"))


@named("mustDateModify", "must_date_modify")
def must_date_modify(shift: str, moment: Moment) -> Moment:
    """The date so much later or earlier.

    Raises:
        FunctionError: The duration is none.
    """
    return moment.plus(parse_duration(shift))


@named("dateModify", "date_modify")
def date_modify(shift: str, moment: Moment) -> Moment:
    """The date so much later or earlier, unchanged when the duration is none."""
    try:
        return must_date_modify(shift, moment)
    except FunctionError:
        return moment


@named("unixEpoch")
def unix_epoch(moment: Moment) -> str:
    """Seconds since 1970-01-01 UTC."""
    return str(moment.seconds)
