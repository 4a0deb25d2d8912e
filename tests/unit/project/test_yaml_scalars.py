import math

import pytest

from exporter.gotemplate.values import Uint64
from exporter.project.yaml_scalars import (
    BINARY,
    BOOL,
    FLOAT,
    INT,
    NULL,
    STR,
    TIMESTAMP,
    Resolved,
    ScalarError,
    resolve,
    short_tag,
)


@pytest.mark.parametrize(
    ("text", "tag", "value"),
    [
        ("y", BOOL, True),
        ("Off", BOOL, False),
        ("oN", STR, "oN"),
        ("", NULL, None),
        ("~", NULL, None),
        ("nULL", STR, "nULL"),
        ("0", INT, 0),
        ("-0", INT, 0),
        ("+12", INT, 12),
        ("017", INT, 15),
        ("0o17", INT, 15),
        ("0O17", INT, 15),
        ("018", FLOAT, 18.0),
        ("0x1F", INT, 31),
        ("-0b11", INT, -3),
        ("0b-11", INT, -3),
        ("+9223372036854775808", FLOAT, 9223372036854775808.0),
        ("-99999999999999999999", FLOAT, -1e20),
        ("1_000", INT, 1000),
        ("_1", STR, "_1"),
        ("9223372036854775807", INT, 9223372036854775807),
        ("9223372036854775808", INT, Uint64(9223372036854775808)),
        ("18446744073709551616", FLOAT, 1.8446744073709552e19),
        ("-9223372036854775809", FLOAT, -9.223372036854775808e18),
        ("1.10", FLOAT, 1.1),
        ("1.", FLOAT, 1.0),
        (".5", FLOAT, 0.5),
        (".", STR, "."),
        ("1e3", FLOAT, 1000.0),
        ("1e400", STR, "1e400"),
        ("1:30", STR, "1:30"),
        ("<<", STR, "<<"),
        ("2024-01-02", TIMESTAMP, "2024-01-02"),
        ("2024-1-2T3:4:5Z", TIMESTAMP, "2024-1-2T3:4:5Z"),
        ("2024-01-02 03:04:05.5", TIMESTAMP, "2024-01-02 03:04:05.5"),
        ("2024-01-02T03:04:05", STR, "2024-01-02T03:04:05"),
        ("2024-02-30", STR, "2024-02-30"),
        ("2024-13-01", STR, "2024-13-01"),
        ("\u0661", STR, "\u0661"),
    ],
)
def test_plain_scalar_means_what_it_means_to_yaml_v2(text: str, tag: str, value: Resolved) -> None:
    found = resolve(text)
    assert found == (tag, value)
    assert type(found[1]) is type(value)


def test_infinities_and_nan_have_names() -> None:
    assert resolve("-.Inf") == (FLOAT, -math.inf)
    assert math.isnan(float(resolve(".nan")[1] or 0))


@pytest.mark.parametrize(
    ("text", "tag", "expected"),
    [
        ("1", FLOAT, (FLOAT, 1.0)),
        ("1", STR, (STR, "1")),
        ("1", "!own", ("!own", "1")),
        ("aGk=", BINARY, (BINARY, "hi")),
        ("/w==", BINARY, (BINARY, "\udcff")),
        ("yes", BOOL, (BOOL, True)),
    ],
)
def test_tag_decides(text: str, tag: str, expected: tuple[str, Resolved]) -> None:
    assert resolve(text, tag) == expected


@pytest.mark.parametrize(
    ("text", "tag", "message"),
    [
        ("5.0", INT, "cannot decode !!float `5.0` as a !!int"),
        ("x", BOOL, "cannot decode !!str `x` as a !!bool"),
        ("a", BINARY, "!!binary value contains invalid base64 data"),
        ("2024-01-02", INT, "cannot decode !!str `2024-01-02` as a !!int"),
    ],
)
def test_tag_that_the_text_contradicts_is_an_error(text: str, tag: str, message: str) -> None:
    with pytest.raises(ScalarError) as caught:
        resolve(text, tag)
    assert str(caught.value) == message


def test_own_tags_have_no_short_form() -> None:
    assert short_tag(INT) == "!!int"
    assert short_tag("!own") == "!own"
