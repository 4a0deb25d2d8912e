"""Arithmetic on floats in decimal, so that ``addf 0.1 0.2`` is 0.3.

Behaviour of shopspring/decimal 1.3.1: exact sums and products, quotients with 16 digits behind the
point.
"""

import math
from collections.abc import Callable
from typing import Final

from exporter.gotemplate.floats import format_float
from exporter.gotemplate.function import FunctionError, check_size
from exporter.gotemplate.sprig.casts import to_float64
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import Value

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_QUOTIENT_DIGITS: Final = 16

_Decimal = tuple[int, int]
"""Digits and the power of ten that they are multiplied by."""


@named("addf")
def addf(*values: Value) -> float:
    """The sum."""
    return _folded(0.0, values, _sum)


@named("add1f")
def add1f(value: Value) -> float:
    """One more."""
    return _folded(value, (1,), _sum)


@named("subf")
def subf(first: Value, *others: Value) -> float:
    """The first without the others."""
    return _folded(first, others, _difference)


@named("mulf")
def mulf(first: Value, *others: Value) -> float:
    """The product."""
    return _folded(first, others, _product)


@named("divf")
def divf(first: Value, *others: Value) -> float:
    """The first divided by each of the others."""
    return _folded(first, others, _quotient)


def _folded(
    first: Value, others: tuple[Value, ...], operation: Callable[[_Decimal, _Decimal], _Decimal]
) -> float:
    result = _decimal(to_float64(first))
    for other in others:
        result = operation(result, _decimal(to_float64(other)))
        check_size(abs(result[1]))
    return _float(result)


def _decimal(number: float) -> _Decimal:
    """The shortest decimal that reads back as this float."""
    if not math.isfinite(number):
        raise FunctionError(f"Cannot create a Decimal from {format_float(number)}")
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)


def _float(decimal: _Decimal) -> float:
    digits, exponent = decimal
    try:
        # Python rounds the quotient of two ints to the nearest float, as Go's big.Rat does.
        return float(digits * 10**exponent) if exponent > 0 else float(digits / 10**-exponent)
    except OverflowError:
        return -math.inf if digits < 0 else math.inf


def _aligned(left: _Decimal, right: _Decimal) -> tuple[int, int, int]:
    exponent = min(left[1], right[1])
    return (
        left[0] * 10 ** (left[1] - exponent),
        right[0] * 10 ** (right[1] - exponent),
        exponent,
    )


def _sum(left: _Decimal, right: _Decimal) -> _Decimal:
    first, second, exponent = _aligned(left, right)
    return first + second, exponent


def _difference(left: _Decimal, right: _Decimal) -> _Decimal:
    return _sum(left, (-right[0], right[1]))


def _product(left: _Decimal, right: _Decimal) -> _Decimal:
    return left[0] * right[0], left[1] + right[1]


def _quotient(left: _Decimal, right: _Decimal) -> _Decimal:
    """Rounded half away from zero."""
    if right[0] == 0:
        raise FunctionError("decimal division by 0")
    dividend, divisor, _ = _aligned(left, right)
    scaled, divisor = abs(dividend) * 10**_QUOTIENT_DIGITS, abs(divisor)
    quotient, rest = divmod(scaled, divisor)
    if 2 * rest >= divisor:
        quotient += 1
    same_sign = (dividend < 0) == (right[0] < 0)
    return quotient if same_sign else -quotient, -_QUOTIENT_DIGITS
