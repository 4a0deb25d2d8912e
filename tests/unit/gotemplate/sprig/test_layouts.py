"""Layouts of dates in both directions; the expectations are what Go 1.26 answers."""

import pytest

from exporter.gotemplate.function import FunctionError
from tests.unit.gotemplate.sprig.calls import call, text_of


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("06 Jan January 1 01", "24 Jan January 1 01"),
        ("Monday Mon 2 _2 02 __2 002", "Tuesday Tue 2  2 02   2 002"),
        ("15 3 03 4 04 5 05 PM pm", "00 12 12 4 04 5 05 AM am"),
        ("MST Z07 Z0700 Z07:00 Z070000 Z07:00:00", "UTC Z Z Z Z Z"),
        ("-07 -0700 -07:00 -070000 -07:00:00", "+00 +0000 +00:00 +000000 +00:00:00"),
        ("Month Janet _2006 0 .5 ,000 .999x", "Month Janet _2024 0 .5 ,000 x"),
        ("06", "24"),
        ("2006-01-02 .00 .99", "2024-01-02 .00 "),
    ],
)
def test_writing_a_date(layout: str, expected: str) -> None:
    assert call("dateInZone", layout, 1_704_153_845, "UTC") == expected


@pytest.mark.parametrize(
    ("layout", "text", "expected"),
    [
        ("06-1-2", "24-5-6", "2024-05-06 00:00:00 +0000 UTC"),
        ("06", "68", "2068-01-01 00:00:00 +0000 UTC"),
        ("06", "69", "1969-01-01 00:00:00 +0000 UTC"),
        ("January 2", "may 6", "0000-05-06 00:00:00 +0000 UTC"),
        ("Jan _2", "Dec  6", "0000-12-06 00:00:00 +0000 UTC"),
        ("Jan 2 Monday", "Jan 2 tuesday", "0000-01-02 00:00:00 +0000 UTC"),
        ("Mon 2", "Tue 2", "0000-01-02 00:00:00 +0000 UTC"),
        ("3:4:5 PM", "12:3:4 AM", "0000-01-01 00:03:04 +0000 UTC"),
        ("03:04 pm", "11:12 pm", "0000-01-01 23:12:00 +0000 UTC"),
        ("05.000", "07,123", "0000-01-01 00:00:07.123 +0000 UTC"),
        ("05.999", "07", "0000-01-01 00:00:07 +0000 UTC"),
        ("15:04:05", "01:02:03,5", "0000-01-01 01:02:03.5 +0000 UTC"),
        ("Z0700", "Z", "0000-01-01 00:00:00 +0000 UTC"),
        ("Z07:00", "-05:30", "0000-01-01 00:00:00 -0530 -0530"),
        ("-07", "+02", "0000-01-01 00:00:00 +0200 +0200"),
        ("-070000", "+010203", "0000-01-01 00:00:00 +0102 +0102"),
        ("-07:00:00", "-01:02:03", "0000-01-01 00:00:00 -0102 -0102"),
        ("MST", "UTC", "0000-01-01 00:00:00 +0000 UTC"),
        ("MST", "+03", "0000-01-01 00:00:00 +0000 +03"),
        ("MST", "EAST", "0000-01-01 00:00:00 +0000 EAST"),
        ("MST", "WITA", "0000-01-01 00:00:00 +0000 WITA"),
        ("MST", "ABCDT", "0000-01-01 00:00:00 +0000 ABCDT"),
        ("2006  01", "2024 05", "2024-05-01 00:00:00 +0000 UTC"),
        ("2006 ", "2024", "2024-01-01 00:00:00 +0000 UTC"),
        ("__2 2006", "  3 2023", "2023-01-03 00:00:00 +0000 UTC"),
        ("002 2006", "366 2024", "2024-12-31 00:00:00 +0000 UTC"),
        ("01 02 002 2006", "03 01 061 2024", "2024-03-01 00:00:00 +0000 UTC"),
    ],
)
def test_reading_a_date(layout: str, text: str, expected: str) -> None:
    assert text_of(call("mustToDate", layout, text)) == expected


@pytest.mark.parametrize(
    ("layout", "text", "problem"),
    [
        ("06", "x", ' as "06": cannot parse "x" as "06"'),
        ("06", "2", ' as "06": cannot parse "2" as "06"'),
        ("2006", "2a24", ' as "2006": cannot parse "2a24" as "2006"'),
        ("2006", "20", ' as "2006": cannot parse "20" as "2006"'),
        ("January", "Foo", ' as "January": cannot parse "Foo" as "January"'),
        ("01", "1", ' as "01": cannot parse "1" as "01"'),
        ("1", "13", ": month out of range"),
        ("Monday", "Foo", ' as "Monday": cannot parse "Foo" as "Monday"'),
        ("02", "3", ' as "02": cannot parse "3" as "02"'),
        ("03", "13", ": hour out of range"),
        ("04", "60", ": minute out of range"),
        ("05", "60", ": second out of range"),
        ("PM", "pm", ' as "PM": cannot parse "pm" as "PM"'),
        ("pm", "x", ' as "pm": cannot parse "x" as "pm"'),
        ("MST", "ab", ' as "MST": cannot parse "ab" as "MST"'),
        ("MST", "ABCTE", ' as "MST": cannot parse "ABCTE" as "MST"'),
        ("MST", "+", ' as "MST": cannot parse "+" as "MST"'),
        ("MST", "ABCDEF", ' as "MST": cannot parse "ABCDEF" as "MST"'),
        ("-07:00", "+0700x", ' as "-07:00": cannot parse "+0700x" as "-07:00"'),
        ("-07:00", "+0x:00", ' as "-07:00": cannot parse "+0x:00" as "-07:00"'),
        ("-07:00:00", "+01:0203", ' as "-07:00:00": cannot parse "+01:0203" as "-07:00:00"'),
        ("-0700", "0200 ", ' as "-0700": cannot parse "0200 " as "-0700"'),
        ("-0700", "+0199", ": time zone offset minute out of range"),
        ("-070000", "+010099", ": time zone offset second out of range"),
        (".000", ".1", ' as ".000": cannot parse ".1" as ".000"'),
        (".000", "x123", ' as ".000": cannot parse "x123" as ".000"'),
        ("01 002 2006", "01 061 2024", ": day-of-year does not match month"),
        ("02 002 2006", "02 061 2024", ": day-of-year does not match day"),
        ("002", "000", ": day-of-year out of range"),
        ("a", "b", ' as "a": cannot parse "b" as "a"'),
        ("a b", "axb", ' as "a b": cannot parse "xb" as "a b"'),
        ('"', "é", ' as "\\"": cannot parse "\\xc3\\xa9" as "\\""'),
        ("2006-01-02", "2024-05-06\x01", ': extra text: "\\x01"'),
    ],
)
def test_a_date_that_does_not_fit_is_an_error(layout: str, text: str, problem: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call("mustToDate", layout, text)

    assert str(caught.value).startswith('parsing time "')
    assert str(caught.value).endswith(f'"{problem}')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h2m3s", "2024-01-01 01:02:03 +0000 UTC"),
        ("-1.5h", "2023-12-31 22:30:00 +0000 UTC"),
        ("1us", "2024-01-01 00:00:00.000001 +0000 UTC"),
        ("1µs", "2024-01-01 00:00:00.000001 +0000 UTC"),
        ("2ns", "2024-01-01 00:00:00.000000002 +0000 UTC"),
        (".5s", "2024-01-01 00:00:00.5 +0000 UTC"),
        ("1.s", "2024-01-01 00:00:01 +0000 UTC"),
        ("0", "2024-01-01 00:00:00 +0000 UTC"),
        ("-0", "2024-01-01 00:00:00 +0000 UTC"),
        ("+1ms", "2024-01-01 00:00:00.001 +0000 UTC"),
        ("0.0000000001s", "2024-01-01 00:00:00 +0000 UTC"),
        ("1.00000000000000000000000000001s", "2024-01-01 00:00:01 +0000 UTC"),
    ],
)
def test_shifting_a_date(text: str, expected: str) -> None:
    assert text_of(call("mustDateModify", text, call("toDate", "2006", "2024"))) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("+", 'time: invalid duration "+"'),
        (".", 'time: invalid duration "."'),
        ("-.s", 'time: invalid duration "-.s"'),
        ("1h1", 'time: missing unit in duration "1h1"'),
        ("xx", 'time: invalid duration "xx"'),
        ("3000000h", 'time: invalid duration "3000000h"'),
        ("2562047h47m16.854775808s", 'time: invalid duration "2562047h47m16.854775808s"'),
        ("1é", 'time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"'),
        ('1"', 'time: unknown unit "\\"" in duration "1\\""'),
    ],
)
def test_a_shift_that_is_no_duration_is_an_error(text: str, problem: str) -> None:
    moment = call("toDate", "2006", "2024")

    with pytest.raises(FunctionError) as caught:
        call("mustDateModify", text, moment)

    assert str(caught.value) == problem
    assert call("dateModify", text, moment) is moment
