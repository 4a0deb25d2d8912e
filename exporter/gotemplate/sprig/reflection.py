"""Types of values, deep comparison, deep copies."""

from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.nils import is_nil
from exporter.gotemplate.sprig.kinds import kind_of
from exporter.gotemplate.sprig.objects import LibraryObject
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import Value, go_type

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)


@named("typeOf")
def type_of(value: Value) -> str:
    """Go's name of the value's type."""
    return go_type(value)


@named("typeIs")
def type_is(name: str, value: Value) -> bool:
    """Whether the value has that type."""
    return name == go_type(value)


@named("typeIsLike")
def type_is_like(name: str, value: Value) -> bool:
    """Whether the value has that type or is a pointer to one."""
    return go_type(value) in (name, f"*{name}")


@named("kindOf")
def kind_name(value: Value) -> str:
    """Go's kind of the value: ``map``, ``slice``, ``int`` …, ``invalid`` for nil."""
    return kind_of(value)


@named("kindIs")
def kind_is(name: str, value: Value) -> bool:
    """Whether the value has that kind."""
    return name == kind_of(value)


@named("deepEqual")
def deep_equal(left: Value, right: Value) -> bool:
    """``reflect.DeepEqual``: the same types and the same content all the way down."""
    return _equal(left, right, set())


def _equal(left: Value, right: Value, seen: set[tuple[int, int]]) -> bool:
    if type(left) is not type(right):
        return False
    if not (isinstance(left, (list, dict)) and isinstance(right, type(left))):
        return left == right
    if left is right:
        return True
    pair = (id(left), id(right))
    if pair in seen:
        # A cycle: equal unless another part differs.
        return True
    seen.add(pair)
    if is_nil(left) or is_nil(right):
        return False
    if len(left) != len(right):
        return False
    if isinstance(left, list):
        return all(_equal(mine, yours, seen) for mine, yours in zip(left, right, strict=True))
    return all(key in right and _equal(value, right[key], seen) for key, value in left.items())


@named("mustDeepCopy", "deepCopy")
def deep_copy(value: Value) -> Value:
    """The value with copies of all its lists and maps.

    Raises:
        FunctionError: The value is nil.
    """
    if value is None:
        raise FunctionError("reflect: call of reflect.Value.Type on zero Value")
    return _copied(value, 0)


_MAX_DEPTH: Final = 10_000


def _copied(value: Value, depth: int) -> Value:
    if depth > _MAX_DEPTH:
        raise FunctionError("the value contains itself, or is nested too deeply")
    if is_nil(value):
        return value
    if isinstance(value, list):
        return type(value)(_copied(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return type(value)((key, _copied(item, depth + 1)) for key, item in value.items())
    return value.deep_copied() if isinstance(value, LibraryObject) else value
