"""Arithmetic, conversion to numbers, rounding, ranges of numbers.

Integers are 64 bits wide and wrap around as Go's do.
"""

import math
from typing import Final

from exporter.gotemplate.function import FunctionError, check_size, wrap_int
from exporter.gotemplate.sprig.casts import decimal_int, octal_int, to_float64, to_int64
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprint import sprint_value as sprint
from exporter.gotemplate.values import IntSlice, Value

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)


def _int64(number: int) -> int:
    return wrap_int(number, "int64")


@named("atoi")
def atoi(text: str) -> int:
    """The decimal number; 0 when there is none."""
    return decimal_int(text)


@named("int", "int64")
def to_int(value: Value) -> int:
    """The value as an integer; 0 when it is none."""
    return to_int64(value)


@named("float64")
def to_float(value: Value) -> float:
    """The value as a float; 0 when it is none."""
    return to_float64(value)


@named("toDecimal")
def to_decimal(value: Value) -> int:
    """The number that the value's digits write in octal, such as a file mode."""
    return octal_int(sprint(value))


@named("add")
def add(*values: Value) -> int:
    """The sum."""
    return _int64(sum(map(to_int64, values)))


@named("add1")
def add1(value: Value) -> int:
    """One more."""
    return _int64(to_int64(value) + 1)


@named("sub")
def sub(left: Value, right: Value) -> int:
    """The difference."""
    return _int64(to_int64(left) - to_int64(right))


@named("mul")
def mul(first: Value, *others: Value) -> int:
    """The product."""
    result = to_int64(first)
    for other in others:
        result = _int64(result * to_int64(other))
    return result


def _quotient(left: int, right: int) -> int:
    """Go's division: towards zero."""
    if right == 0:
        raise FunctionError("runtime error: integer divide by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


@named("div")
def div(left: Value, right: Value) -> int:
    """The quotient, cut towards zero."""
    return _int64(_quotient(to_int64(left), to_int64(right)))


@named("mod")
def mod(left: Value, right: Value) -> int:
    """The remainder, with the sign of ``left``."""
    dividend, divisor = to_int64(left), to_int64(right)
    return dividend - divisor * _quotient(dividend, divisor)


@named("max", "biggest")
def maximum(first: Value, *others: Value) -> int:
    """The greatest as an integer."""
    return max(map(to_int64, (first, *others)))


@named("min")
def minimum(first: Value, *others: Value) -> int:
    """The least as an integer."""
    return min(map(to_int64, (first, *others)))


@named("maxf")
def maxf(first: Value, *others: Value) -> float:
    """The greatest as a float; NaN when one is NaN and none is +Inf."""
    result = to_float64(first)
    for other in others:
        number = to_float64(other)
        if math.inf in (result, number):
            result = math.inf
        elif math.isnan(result) or math.isnan(number):
            result = math.nan
        elif result == number == 0:
            result = number if math.copysign(1, result) < 0 else result
        else:
            result = max(result, number)
    return result


@named("minf")
def minf(first: Value, *others: Value) -> float:
    """The least as a float; NaN when one is NaN and none is -Inf."""
    return -maxf(-to_float64(first), *(-to_float64(other) for other in others))


@named("floor")
def floor(value: Value) -> float:
    """The whole number below."""
    number = to_float64(value)
    return math.copysign(math.floor(number), number) if math.isfinite(number) else number


@named("ceil")
def ceil(value: Value) -> float:
    """The whole number above."""
    return -floor(-to_float64(value))


@named("round")
def round_(value: Value, places: int, *round_on: float) -> float:
    """Rounded to ``places`` digits behind the point; up when the rest is at least ``round_on``.

    A negative number has a negative rest, so it is always rounded down, as sprig does.
    """
    limit = round_on[0] if round_on else 0.5
    power = _power_of_ten(places)
    digits = power * to_float64(value)
    rest = math.modf(digits)[0] if math.isfinite(digits) else math.nan
    whole = ceil(digits) if rest >= limit else floor(digits)
    return _divided(whole, power)


def _divided(left: float, right: float) -> float:
    """IEEE division, which Python refuses for a zero divisor."""
    if right:
        return left / right
    return math.nan if math.isnan(left) or not left else math.copysign(math.inf, left)


def _power_of_ten(exponent: int) -> float:
    """``math.Pow(10, exponent)``: Go multiplies, so large powers differ in their last bits."""
    mantissa, power = 1.0, 0
    base, base_power = math.frexp(10.0)
    rest = abs(exponent)
    while rest:
        if base_power > 1 << 12:
            power += base_power
            break
        if rest & 1:
            mantissa *= base
            power += base_power
        base *= base
        base_power *= 2
        if base < 0.5:  # noqa: PLR2004 - a mantissa is at least one half
            base += base
            base_power -= 1
        rest >>= 1
    if exponent < 0:
        mantissa, power = 1 / mantissa, -power
    try:
        return math.ldexp(mantissa, power)
    except OverflowError:
        return math.inf


@named("until")
def until(count: int) -> IntSlice:
    """The numbers from 0 up (or down) to ``count``, without it."""
    return _range(0, count, -1 if count < 0 else 1)


@named("untilStep")
def until_step(start: int, stop: int, step: int) -> IntSlice:
    """The numbers from ``start`` to ``stop``, without it; none when the step leads away."""
    return _range(start, stop, step)


def _range(start: int, stop: int, step: int) -> IntSlice:
    if step == 0:
        return IntSlice()
    numbers = range(start, stop, step)
    check_size(len(numbers))
    return IntSlice(numbers)


@named("seq")
def seq(*bounds: int) -> str:
    """The numbers of ``[first [step]] last`` with spaces between them, as the command of that name.

    Nothing without numbers, with more than three, or when the step leads away from the last.
    """
    match bounds:
        case (last,):
            first, step = 1, 1 if last >= 1 else -1
        case (first, last):
            step = 1 if last >= first else -1
        case (first, step, last):
            if last < first and step > 0:
                return ""
        case _:
            return ""
    return " ".join(map(str, _range(first, last + (1 if last >= first else -1), step)))
