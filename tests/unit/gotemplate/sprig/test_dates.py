from dataclasses import replace

import pytest

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig import functions
from exporter.gotemplate.sprig.durations import rounded
from exporter.gotemplate.sprig.objects import Duration, Month, Weekday
from exporter.gotemplate.values import Int32, Int64, Value
from tests.unit.gotemplate.sprig.calls import EAST, NOW_NS, RUNTIME, call, text_of


def test_now_is_what_the_runtime_says() -> None:
    assert text_of(call("now")) == "2024-01-02 00:04:05 +0000 UTC"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("x", "2024-01-02", id="text means now"),
        pytest.param(None, "2024-01-02", id="nil means now"),
        pytest.param(86_400, "1970-01-02", id="int"),
        pytest.param(Int64(86_400), "1970-01-02", id="int64"),
        pytest.param(Int32(86_400), "1970-01-02", id="int32"),
        pytest.param(86_400.0, "2024-01-02", id="float means now"),
        pytest.param(10**13, "318857-05-20", id="far future"),
        pytest.param(-(10**12), "-29719-04-05", id="far past"),
    ],
)
def test_what_counts_as_a_date(value: Value, expected: str) -> None:
    assert call("date", "2006-01-02", value) == expected


def test_a_zone_comes_from_the_runtime() -> None:
    assert call("dateInZone", "15:04 MST -07:00", 0, "Test/East") == "03:00 EAST +03:00"


@pytest.mark.parametrize("zone", ["No/Such", "../etc/localtime", "/etc/localtime"])
def test_an_unknown_zone_is_utc(zone: str) -> None:
    assert call("dateInZone", "15:04 MST", 0, zone) == "00:00 UTC"


@pytest.mark.parametrize(
    ("layout", "text", "expected"),
    [
        pytest.param("2006 002", "2024 060", "2024-02-29 00:00:00 +0000 UTC", id="day of the year"),
        pytest.param("MST", "GMT+3", "0000-01-01 03:00:00 +0300 GMT+3", id="GMT offset"),
        pytest.param("MST", "CET", "0000-01-01 00:00:00 +0000 CET", id="unknown zone"),
        pytest.param("15 -0700", "1 +0000", "0000-01-01 01:00:00 +0000 UTC", id="offset of UTC"),
        pytest.param("3PM pm", "1AM pm", "0000-01-01 13:00:00 +0000 UTC", id="both halves"),
    ],
)
def test_parsing(layout: str, text: str, expected: str) -> None:
    assert text_of(call("mustToDate", layout, text)) == expected


@pytest.mark.parametrize(
    ("layout", "text", "message"),
    [
        pytest.param("2006-01-02", "2023-02-29", ": day out of range", id="no leap year"),
        pytest.param("2006 002", "2023 366", ": day-of-year out of range", id="day of the year"),
        pytest.param("15", "24", ": hour out of range", id="hour"),
        pytest.param("-0700", "+2500", ": time zone offset hour out of range", id="offset"),
    ],
)
def test_an_impossible_date_is_an_error(layout: str, text: str, message: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call("mustToDate", layout, text)

    assert str(caught.value) == f'parsing time "{text}"{message}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "invalid duration", id="nothing"),
        pytest.param("1", "missing unit in duration", id="no unit"),
        pytest.param("1d", 'unknown unit "d" in duration', id="days"),
        pytest.param("9" * 30 + "s", "invalid duration", id="too long"),
    ],
)
def test_a_wrong_duration_is_an_error(text: str, message: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call("mustDateModify", text, call("now"))

    assert str(caught.value) == f'time: {message} "{text}"'


def test_age_is_counted_from_the_runtime_s_clock() -> None:
    assert call("ago", NOW_NS // 10**9 - 3661) == "1h1m1s"
    assert call("durationRound", call("toDate", "2006-01-02", "2023-01-01")) == "1y"


def test_zones_of_the_machine_are_known_by_name_and_offset() -> None:
    east = functions(replace(RUNTIME, zone=lambda _: EAST))

    def shown(layout: str, text: str) -> str | None:
        return text_of(east["mustToDate"].call(layout, text))

    assert shown("2006 MST", "2024 EAST") == "2024-01-01 00:00:00 +0300 EAST"
    assert shown("2006 -0700", "2024 +0300") == "2024-01-01 00:00:00 +0300 EAST"
    assert shown("2006", "2024") == "2024-01-01 00:00:00 +0300 EAST"


def test_an_offset_of_very_many_digits_can_be_read() -> None:
    assert text_of(call("mustToDate", "MST", "GMT+" + "0" * 5000 + "3")) is not None


def test_rounding_to_nothing_changes_nothing() -> None:
    assert rounded(1_234, 0) == 1_234


def test_dates_and_numbers_with_names_can_be_map_keys() -> None:
    moment = call("now")

    assert len({moment, call("now"), Month(1), Month(1), Weekday(1), Duration(1)}) == 4


def test_a_very_long_duration_is_no_duration() -> None:
    with pytest.raises(FunctionError, match="invalid duration"):
        call("mustDateModify", "2562047h2562047h", call("now"))
