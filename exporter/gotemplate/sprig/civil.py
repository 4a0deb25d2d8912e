"""The Gregorian calendar without bounds: days since 1970-01-01 and year, month, day.

Python's ``datetime`` ends with the years 1 and 9999, Go's ``time`` does not.
"""

from typing import Final, NamedTuple

_DAYS_OF_400_YEARS: Final = 146_097
_DAYS_TO_EPOCH: Final = 719_468
"""From 0000-03-01 to 1970-01-01; years that start in March have the leap day at their end."""
_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Date(NamedTuple):
    """A day; month and day count from 1."""

    year: int
    month: int
    day: int


def date_of(days: int) -> Date:
    """The date that many days after 1970-01-01."""
    era, day_of_era = divmod(days + _DAYS_TO_EPOCH, _DAYS_OF_400_YEARS)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * day_of_year + 2) // 153
    month = march_month + 3 if march_month < 10 else march_month - 9  # noqa: PLR2004 - March to December
    year = year_of_era + era * 400 + (month <= 2)  # noqa: PLR2004 - January, February
    return Date(year, month, day_of_year - (153 * march_month + 2) // 5 + 1)


def days_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01; months and days out of range carry over, as Go's ``time.Date``."""
    carry, month = divmod(month - 1, 12)
    month += 1
    year += carry - (month <= 2)  # noqa: PLR2004 - January, February
    era, year_of_era = divmod(year, 400)
    march_month = (month + 9) % 12
    day_of_year = (153 * march_month + 2) // 5
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * _DAYS_OF_400_YEARS + day_of_era - _DAYS_TO_EPOCH + day - 1


def is_leap(year: int) -> bool:
    """Whether the year has 366 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in(month: int, year: int) -> int:
    """The days of a month."""
    return _DAYS[month - 1] + (month == 2 and is_leap(year))  # noqa: PLR2004 - February
