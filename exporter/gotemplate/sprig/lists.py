"""Lists: make, extend, cut, search; no function changes the list that it is given."""

from collections.abc import Sequence
from typing import Final

from exporter.gotemplate.function import FunctionError, check_size
from exporter.gotemplate.nils import NIL_LIST
from exporter.gotemplate.sprig.casts import to_int64
from exporter.gotemplate.sprig.flow import empty
from exporter.gotemplate.sprig.kinds import kind_of_type
from exporter.gotemplate.sprig.reflection import deep_equal
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprig.sequences import elements
from exporter.gotemplate.values import SliceSlice, Value

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_HASHABLE: Final = frozenset((str, int, bool, bytes))


def _items(value: Value, complaint: str) -> Sequence[Value]:
    """The items of a slice; ``complaint`` and the kind are the error for anything else."""
    kind = kind_of_type(value)
    if kind != "slice":
        raise FunctionError(f"{complaint} {kind}")
    return elements(value)


@named("list", "tuple")
def list_(*items: Value) -> list[Value]:
    """A list of the items."""
    return list(items)


@named("append", "push", "mustAppend", "mustPush")
def append(value: Value, item: Value) -> list[Value]:
    """The list with the item at its end."""
    return [*_items(value, "Cannot push on type"), item]


@named("prepend", "mustPrepend")
def prepend(value: Value, item: Value) -> list[Value]:
    """The list with the item in front."""
    return [item, *_items(value, "Cannot prepend on type")]


@named("concat")
def concat(*values: Value) -> list[Value]:
    """All lists as one."""
    result: list[Value] = []
    for value in values:
        kind = kind_of_type(value)
        if kind != "slice":
            raise FunctionError(f"Cannot concat type {kind} as list")
        result += elements(value)
        check_size(len(result))
    return result or NIL_LIST


@named("first", "mustFirst")
def first(value: Value) -> Value:
    """The first item; nil when there is none."""
    items = _items(value, "Cannot find first on type")
    return items[0] if items else None


@named("last", "mustLast")
def last(value: Value) -> Value:
    """The last item; nil when there is none."""
    items = _items(value, "Cannot find last on type")
    return items[-1] if items else None


@named("rest", "mustRest")
def rest(value: Value) -> list[Value]:
    """All but the first item."""
    items = _items(value, "Cannot find rest on type")
    return list(items[1:]) if items else NIL_LIST


@named("initial", "mustInitial")
def initial(value: Value) -> list[Value]:
    """All but the last item."""
    items = _items(value, "Cannot find initial on type")
    return list(items[:-1]) if items else NIL_LIST


@named("reverse", "mustReverse")
def reverse(value: Value) -> list[Value]:
    """The items from the last to the first."""
    return list(reversed(_items(value, "Cannot find reverse on type")))


@named("compact", "mustCompact")
def compact(value: Value) -> list[Value]:
    """The items that are not empty."""
    return [item for item in _items(value, "Cannot compact on type") if not empty(item)]


@named("uniq", "mustUniq")
def uniq(value: Value) -> list[Value]:
    """The items without repetitions; ``1``, ``1.0`` and ``"1"`` are different."""
    result: list[Value] = []
    simple: set[tuple[type, Value]] = set()
    others: list[Value] = []
    for item in _items(value, "Cannot find uniq on type"):
        if type(item) in _HASHABLE:
            if (type(item), item) in simple:
                continue
            simple.add((type(item), item))
        elif _is_in(item, others):
            continue
        else:
            others.append(item)
        result.append(item)
    return result


def _is_in(needle: Value, items: Sequence[Value]) -> bool:
    return any(deep_equal(needle, item) for item in items)


@named("without", "mustWithout")
def without(value: Value, *unwanted: Value) -> list[Value]:
    """The items that equal none of the others."""
    items = _items(value, "Cannot find without on type")
    return [item for item in items if not _is_in(item, unwanted)]


@named("has", "mustHas")
def has(needle: Value, value: Value) -> bool:
    """Whether some item equals ``needle``; nil has none."""
    return value is not None and _is_in(needle, _items(value, "Cannot find has on type"))


@named("slice", "mustSlice")
def slice_(value: Value, *bounds: Value) -> Value:
    """The items from the first bound up to the second, without it; nil of an empty list.

    Raises:
        FunctionError: The bounds are outside of the list, or it is none.
    """
    items = _items(value, "list should be type of slice or array but")
    if not items:
        return None
    start = to_int64(bounds[0]) if bounds else 0
    end = to_int64(bounds[1]) if len(bounds) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise FunctionError("reflect.Value.Slice: slice index out of bounds")
    if isinstance(value, (list, bytes)):
        # A slice keeps its type.
        return type(value)(value[start:end])
    return None


@named("chunk", "mustChunk")
def chunk(size: int, value: Value) -> SliceSlice:
    """The list in pieces of ``size`` items.

    Raises:
        FunctionError: The size leads to pieces of a negative length, or the value is no list.
    """
    items = _items(value, "Cannot chunk type")
    if size > 0:
        starts = range(0, len(items), size)
        return SliceSlice(list(items[start : start + size]) for start in starts)
    # What Go's arithmetic makes of the other sizes: no pieces, one piece, or a panic.
    count = (len(items) - 1) // size + 1 if size else -1
    if count == 0:
        return SliceSlice()
    if count == 1 and len(items) % size:
        return SliceSlice([list(items)])
    raise FunctionError("runtime error: makeslice: len out of range")
