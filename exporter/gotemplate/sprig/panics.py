"""The texts of Go's panics and how they surface: ``error calling F: runtime error: …``."""

from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.values import Value, go_kind

NIL_DEREFERENCE: Final = "runtime error: invalid memory address or nil pointer dereference"


def kind_of_type(value: Value) -> str:
    """``reflect.TypeOf(value).Kind()``, which panics for nil.

    Raises:
        FunctionError: The value is nil.
    """
    if value is None:
        raise FunctionError(NIL_DEREFERENCE)
    return go_kind(value)
