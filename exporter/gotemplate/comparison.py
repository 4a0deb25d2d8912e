"""``eq`` and ``lt``: what may be compared with what."""

from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.nils import is_nil
from exporter.gotemplate.printf import sprintf
from exporter.gotemplate.values import (
    INTEGERS,
    NO_VALUE,
    GoObject,
    Value,
    go_kind,
    go_type,
    to_bytes,
)

_BAD_TYPE: Final = "invalid type for comparison"
_UNCOMPARABLE: Final = ("[]", "map[", "func")


def _basic_kind(value: Value) -> str:
    """``bool``, ``int``, ``float``, ``complex`` or ``string``; "" for everything else.

    Signed and unsigned integers can be compared with each other, so they are one kind here.
    """
    kind = type(value)
    if kind is str:
        return "string"
    if kind is bool:
        return "bool"
    if kind in INTEGERS:
        return "int"
    if kind is float:
        return "float"
    return "complex" if kind is complex else ""


def equal(first: Value, *others: Value) -> bool:
    """Whether ``first`` equals one of ``others``.

    Raises:
        FunctionError: The types cannot be compared, or there is nothing to compare with.
    """
    if not others:
        raise FunctionError("missing argument for comparison")
    kind = _basic_kind(first)
    for other in others:
        if kind and type(first) is type(other):
            if first == other:
                return True
        elif _equal_unlike(first, other, kind):
            return True
    return False


def _equal_unlike(first: Value, other: Value, kind: str) -> bool:
    """Equality where the values are not simply of the same basic type."""
    other_kind = _basic_kind(other)
    is_nil, other_is_nil = _is_nil(first), _is_nil(other)
    if kind != other_kind:
        if first is NO_VALUE or first is None or other is NO_VALUE or other is None:
            return False
        shown = f"{go_type(first)} and {go_type(other)}"
        raise FunctionError(f"incompatible types for comparison: {shown}")
    if kind:
        return first == other
    if not is_nil and not other_is_nil and go_kind(first) != go_kind(other):
        left, right = sprintf("%s", first), sprintf("%v", other)
        types = f"{left}: {go_type(first)}, {go_type(other)}: {right}"
        raise FunctionError(f"non-comparable types {types}")
    if is_nil or other_is_nil:
        return is_nil and other_is_nil
    if go_type(other).startswith(_UNCOMPARABLE):
        raise FunctionError(f"non-comparable type {sprintf('%s', other)}: {go_type(other)}")
    # Pointers are the same or not; structs are compared by their content.
    return first is other or (
        isinstance(first, GoObject) and go_kind(first) == "struct" and first == other
    )


def _is_nil(value: Value) -> bool:
    return value is None or value is NO_VALUE or is_nil(value)


def less(left: Value, right: Value) -> bool:
    """Whether ``left`` is smaller; strings are compared by their bytes.

    Raises:
        FunctionError: The values have no order, or not a common one.
    """
    kind, other_kind = _basic_kind(left), _basic_kind(right)
    if not kind or not other_kind:
        raise FunctionError(_BAD_TYPE)
    if kind != other_kind:
        shown = f"{go_type(left)} and {go_type(right)}"
        raise FunctionError(f"incompatible types for comparison: {shown}")
    if isinstance(left, str) and isinstance(right, str):
        return to_bytes(left) < to_bytes(right)
    if kind in ("bool", "complex") or not isinstance(left, int | float):
        raise FunctionError(_BAD_TYPE)
    return isinstance(right, int | float) and left < right


def less_or_equal(left: Value, right: Value) -> bool:
    """Whether ``left`` is smaller or equal.

    Raises:
        FunctionError: As ``less``.
    """
    return less(left, right) or equal(left, right)
