"""Time zones: UTC, a fixed offset, or one of the time zone database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from exporter.gotemplate.sprig.runtime import Runtime

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = -62_135_510_400
"""The second day of year 1, so that no offset leaves the range of ``datetime``."""
_LAST: Final = 253_402_214_400
_HALF_YEAR: Final = 182 * 86_400


class Offset(NamedTuple):
    """What a zone says at one moment: its abbreviation and the seconds east of UTC."""

    name: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone; ``rules`` is None when the offset is always ``fixed``."""

    label: str
    fixed: Offset
    rules: tzinfo | None = None

    def at(self, seconds: int) -> Offset:
        """Name and offset in force ``seconds`` after 1970-01-01 UTC."""
        if self.rules is None:
            return self.fixed
        bounded = max(_FIRST, min(_LAST, seconds))
        moment = (_EPOCH + timedelta(seconds=bounded)).astimezone(self.rules)
        offset = moment.utcoffset() or timedelta()
        return Offset(moment.tzname() or "", int(offset.total_seconds()))

    def from_wall(self, seconds: int) -> int:
        """The moment when clocks of this zone show what UTC shows at ``seconds``."""
        return seconds - self.at(seconds - self.at(seconds).seconds).seconds

    def named(self, name: str, seconds: int) -> int | None:
        """The offset that ``name`` means here about that time; None when it means nothing."""
        for instant in (seconds, seconds - _HALF_YEAR, seconds + _HALF_YEAR):
            offset = self.at(instant)
            if offset.name == name:
                return offset.seconds
        return None


UTC_ZONE: Final = Zone("UTC", Offset("UTC", 0))


def fixed_zone(name: str, seconds: int) -> Zone:
    """Go's ``time.FixedZone``."""
    return Zone(name, Offset(name, seconds))


def local_zone(runtime: Runtime) -> Zone:
    """The zone of the machine."""
    rules = runtime.zone("Local")
    return Zone("Local", UTC_ZONE.fixed, rules)


def load_zone(name: str, runtime: Runtime) -> Zone:
    """Go's ``time.LoadLocation``; an unknown name gives UTC, as sprig does."""
    if name == "Local":
        return local_zone(runtime)
    if name in ("", "UTC") or ".." in name or name[0] in "/\\":
        return UTC_ZONE
    rules = runtime.zone(name)
    return UTC_ZONE if rules is None else Zone(name, UTC_ZONE.fixed, rules)
