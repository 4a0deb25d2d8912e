"""Defaults, choices and failing on purpose."""

from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import GoObject, Value

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)


@named("empty")
def empty(value: Value) -> bool:
    """Whether the value is nil, false, 0, or has no items; a struct never is."""
    return not (value or isinstance(value, GoObject))


@named("default")
def default(fallback: Value, *given: Value) -> Value:
    """``given`` unless it is absent or empty."""
    return fallback if not given or empty(given[0]) else given[0]


@named("coalesce")
def coalesce(*values: Value) -> Value:
    """The first value that is not empty."""
    return next((value for value in values if not empty(value)), None)


@named("all")
def all_(*values: Value) -> bool:
    """Whether no value is empty."""
    return not any(empty(value) for value in values)


@named("any")
def any_(*values: Value) -> bool:
    """Whether some value is not empty."""
    return not all(empty(value) for value in values)


@named("ternary")
def ternary(if_true: Value, if_false: Value, test: bool) -> Value:  # noqa: FBT001 - as templates call
    """One of two values."""
    return if_true if test else if_false


@named("fail")
def fail(message: str) -> str:
    """End rendering with the message.

    Raises:
        FunctionError: Always.
    """
    raise FunctionError(message)
