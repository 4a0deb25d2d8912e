import math

import pytest

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.values import Uint64, Value
from tests.unit.gotemplate.sprig.calls import call


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("0x_1f", 31, id="underscore behind the base"),
        pytest.param("1__0", 0, id="two underscores"),
        pytest.param("5.00", 5, id="zeros behind the point"),
        pytest.param("5.", 0, id="bare point"),
        pytest.param("-0b11", -3, id="binary"),
        pytest.param("9" * 5000, 0, id="thousands of digits"),
        pytest.param(Uint64(1 << 63), -(1 << 63), id="uint64 wraps"),
        pytest.param(math.nan, -(1 << 63), id="NaN"),
        pytest.param(1e30, -(1 << 63), id="too large a float"),
    ],
)
def test_int64_reads_as_the_cast_library(value: Value, expected: int) -> None:
    assert call("int64", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("1_0.5", 10.5, id="underscore"),
        pytest.param("0x1.8p1", 3.0, id="hexadecimal"),
        pytest.param("0x1f", 0.0, id="hexadecimal without exponent"),
        pytest.param("1e400", 0.0, id="out of range"),
        pytest.param("0x1p99999", 0.0, id="hexadecimal out of range"),
        pytest.param("-Infinity", -math.inf, id="infinity"),
        pytest.param(
            "\N{LATIN SMALL LETTER DOTLESS I}nf", 0.0, id="a letter that only looks like i"
        ),
    ],
)
def test_float64_reads_as_the_cast_library(value: Value, expected: float) -> None:
    assert call("float64", value) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        pytest.param("div", (-(1 << 63), -1), -(1 << 63), id="division overflows"),
        pytest.param("mul", (1 << 62, 4, "x"), 0, id="product wraps, then times 0"),
        pytest.param("ceil", (-0.5,), 0.0, id="ceil"),
        pytest.param("round", (1.5, 400), math.nan, id="round to more digits than there are"),
        pytest.param("addf", (0.1, 0.2), 0.3, id="decimal sum"),
        pytest.param("addf", (-1e308, -1e308), -math.inf, id="decimal sum overflows"),
        pytest.param("divf", (2, 3), 0.6666666666666667, id="sixteen digits"),
        pytest.param("maxf", (-0.0, 0), 0.0, id="zeros"),
        pytest.param("maxf", (1, 2), 2.0, id="greater"),
        pytest.param("round", (1e300, 9999), math.nan, id="round far beyond"),
        pytest.param("round", (1e300, -400), math.nan, id="round to nothing"),
        pytest.param("maxf", (math.nan, math.inf), math.inf, id="infinity beats NaN"),
        pytest.param("minf", (math.nan, 1), math.nan, id="NaN beats numbers"),
    ],
)
def test_arithmetic(name: str, arguments: tuple[Value, ...], expected: Value) -> None:
    assert call(name, *arguments) == pytest.approx(expected, rel=0, abs=0, nan_ok=True)


def test_a_sequence_of_four_numbers_is_none() -> None:
    assert call("seq", 1, 2, 3, 4) == ""


def test_ceil_keeps_the_sign_of_zero() -> None:
    assert str(call("ceil", -0.5)) == "-0.0"


def test_a_decimal_cannot_be_infinite() -> None:
    with pytest.raises(FunctionError, match=r"^Cannot create a Decimal from \+Inf$"):
        call("addf", "inf")
