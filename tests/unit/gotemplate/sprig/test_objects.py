"""Methods of versions and dates in templates; the expectations are what the original answers."""

import pytest

from exporter.gotemplate.failure import GoTemplateError
from tests.unit.gotemplate.sprig.calls import render

DATE = '{{ $t := toDate "2006-01-02T15:04:05.999Z07:00" "2024-02-29T07:08:09.25+02:00" }}'
VERSION = '{{ $v := semver "v1.2.3-rc.1+b" }}'


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$t.Year", "2024"),
        ("$t.Month", "February"),
        ("$t.Day", "29"),
        ("$t.Weekday", "Thursday"),
        ("$t.YearDay", "60"),
        ("$t.Hour", "7"),
        ("$t.Minute", "8"),
        ("$t.Second", "9"),
        ("$t.Nanosecond", "250000000"),
        ("$t.Unix", "1709183289"),
        ("$t.UnixMilli", "1709183289250"),
        ("$t.UnixMicro", "1709183289250000"),
        ("$t.UnixNano", "1709183289250000000"),
        ("$t.UTC", "2024-02-29 05:08:09.25 +0000 UTC"),
        ("$t.IsZero", "false"),
        ("$t.String", "2024-02-29 07:08:09.25 +0200 +0200"),
        ('$t.Format "Jan 2"', "Feb 29"),
        ("$t.After now", "true"),
        ("$t.Before now", "false"),
        ("$t.Equal $t.UTC", "true"),
        ("$t.Compare now", "1"),
        ("$t.AddDate 1 0 1", "2025-03-02 07:08:09.25 +0200 +0200"),
        ("$t.AddDate 0 -1 0", "2024-01-29 07:08:09.25 +0200 +0200"),
        ("$t.Sub $t.UTC", "0s"),
        ('($t.Sub (toDate "2006" "2024")).Hours', "1421.1359027777778"),
        ('($t.Sub (toDate "2006" "2024")).Minutes', "85268.15416666666"),
        ('($t.Sub (toDate "2006" "2024")).Seconds', "5.11608925e+06"),
        ('($t.Sub (toDate "2006" "2024")).Milliseconds', "5116089250"),
        ('((toDate "2006" "2024").Sub $t).Microseconds', "-5116089250000"),
        ('((toDate "2006" "2024").Sub $t).Hours', "-1421.1359027777778"),
        ('($t.Sub (toDate "2006" "2024")).Nanoseconds', "5116089250000000"),
        ('$t.Sub (toDate "2006" "0001")', "2562047h47m16.854775807s"),
        ('$t.Add ($t.Sub (toDate "2006" "2024"))', "2024-04-28 12:16:18.5 +0200 +0200"),
        ('$t.Round ($t.Sub (toDate "2006" "2024"))', "2024-02-16 12:55:50.75 +0200 +0200"),
        ("$t.Month.String", "February"),
        ("($t.Sub $t).String", "0s"),
        ("$t.Month | toJson", "2"),
        ("$t.Weekday | int", "4"),
        ('$t.Sub (toDate "2006" "2024") | toJson', "5116089250000000"),
        ("list $t.Month | has $t.Month", "true"),
        ("list $t.Weekday | has $t.Month", "false"),
        ("list ($t.Sub $t) | has ($t.Sub $t)", "true"),
        ("list $t | has $t", "true"),
        ("list $t.UTC | has $t", "false"),
        ("uniq (list $t.Month $t.Month)", "[February]"),
        ("kindOf $t.Month", "int"),
        ("kindOf ($t.Sub $t)", "int64"),
        ("typeOf $t.Weekday", "time.Weekday"),
        ("deepCopy $t", "2024-02-29 07:08:09.25 +0200 +0200"),
        ('(toDate "05.999999999" "00.5").Sub (toDate "05" "00")', "500ms"),
        ('(toDate "05.999999999" "00.0015").Sub (toDate "05" "00")', "1.5ms"),
        ('(toDate "05.999999999" "00.0000015").Sub (toDate "05" "00")', "1.5µs"),
        ('(toDate "05.999999999" "00.000000001").Sub (toDate "05" "00")', "1ns"),
    ],
)
def test_dates(expression: str, expected: str) -> None:
    assert render(f"{DATE}{{{{ {expression} }}}}") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$v.Original", "v1.2.3-rc.1+b"),
        ('$v.Equal (semver "1.2.3-rc.1")', "true"),
        ('$v.LessThan (semver "1.2.3")', "true"),
        ("$v.LessThanEqual $v", "true"),
        ('$v.GreaterThan (semver "1.2.3-rc.0")', "true"),
        ('$v.GreaterThanEqual (semver "2")', "false"),
        ("$v.IncPatch", "1.2.3"),
        ("$v.IncMinor", "1.3.0"),
        ("$v.IncMajor", "2.0.0"),
        ('$v.SetPrerelease "x"', "1.2.3-x+b"),
        ('$v.SetPrerelease ""', "1.2.3+b"),
        ('$v.SetMetadata "m"', "1.2.3-rc.1+m"),
        ('$v.SetMetadata ""', "1.2.3-rc.1"),
        ("$v.Metadata", "b"),
        ('list $v | has (semver "v1.2.3-rc.1+b")', "true"),
        ('list $v | has (semver "1.2.3-rc.1+b")', "false"),
    ],
)
def test_versions(expression: str, expected: str) -> None:
    assert render(f"{VERSION}{{{{ {expression} }}}}") == expected


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ('$v.SetMetadata "a..b"', "Invalid Metadata string"),
        ('$v.SetPrerelease "01"', "Version segment starts with 0"),
        ('$v.SetPrerelease "a..b"', "Invalid Metadata string"),
        ('$v.SetPrerelease "é"', "Invalid Prerelease string"),
    ],
)
def test_parts_that_no_version_may_have(expression: str, problem: str) -> None:
    with pytest.raises(GoTemplateError) as caught:
        render(f"{VERSION}{{{{ {expression} }}}}")

    assert str(caught.value).endswith(f": {problem}")


@pytest.mark.parametrize(
    ("constraint", "version", "expected"),
    [
        ("<1.2.3", "1.2.2", "true"),
        ("<1.2", "1.2.0", "false"),
        ("=>1.2", "1.2.0", "true"),
        ("=<1", "1.9.0", "true"),
        ("=<1", "2.0.0", "false"),
        (">1", "2.0.0", "true"),
        (">1.2", "1.3.0", "true"),
        (">1.2", "1.2.9", "false"),
        (">*", "1.0.0", "true"),
        ("!=1.2.3", "1.2.4", "true"),
        ("!=1", "1.2.3", "false"),
        ("!=1", "2.0.0", "true"),
        ("!=1.2", "1.3.0", "true"),
        ("!=1.2-a", "1.2.0-b", "true"),
        ("!=*", "0.0.0", "false"),
        ("~1.2.3", "2.2.3", "false"),
        ("^1.2.3", "2.0.0", "false"),
        ("^1.2.3", "1.2.2", "false"),
        ("^0.1.2", "0.2.0", "false"),
        ("^0.0.2", "0.0.2", "true"),
        ("^0.0.2", "0.1.2", "false"),
        ("1.2.3", "1.2.3-rc", "false"),
        (">1.2.3-a", "1.2.3-b", "true"),
        ("1.2.3-a.1", "1.2.3-a.1.1", "false"),
    ],
)
def test_constraints(constraint: str, version: str, expected: str) -> None:
    assert render(f'{{{{ semverCompare "{constraint}" "{version}" }}}}') == expected
