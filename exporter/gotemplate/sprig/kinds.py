"""Go's kinds of values, those of months and durations too; nil has none."""

from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.objects import LibraryObject
from exporter.gotemplate.values import Value, go_kind

NIL_DEREFERENCE: Final = "runtime error: invalid memory address or nil pointer dereference"


def kind_of(value: Value) -> str:
    """``reflect.ValueOf(value).Kind()``; ``invalid`` for nil."""
    return value.kind if isinstance(value, LibraryObject) else go_kind(value)


def kind_of_type(value: Value) -> str:
    """``reflect.TypeOf(value).Kind()``, which panics for nil.

    Raises:
        FunctionError: The value is nil.
    """
    if value is None:
        raise FunctionError(NIL_DEREFERENCE)
    return kind_of(value)
