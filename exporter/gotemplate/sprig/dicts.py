"""Maps with string keys: make, read, change, choose; ``set`` and ``unset`` change what they get."""

from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.nils import NIL_MAP
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprig.strings import text_of
from exporter.gotemplate.values import Value, go_type

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

Map = dict[str, Value]
_DIG_ARGUMENTS: Final = 3


@named("dict")
def dict_(*items: Value) -> Map:
    """A map of keys and values in turn; a last key without a value gets an empty string."""
    values = [*items[1::2], ""]
    return {text_of(key): value for key, value in zip(items[::2], values, strict=False)}


@named("get")
def get(values: Map | None, key: str) -> Value:
    """The value of the key; an empty string when there is none."""
    return (values or {}).get(key, "")


@named("set")
def set_(values: Map | None, key: str, value: Value) -> Map:
    """Give the key a value; the map itself.

    Raises:
        FunctionError: The map is nil.
    """
    if values is None or values is NIL_MAP:
        raise FunctionError("assignment to entry in nil map")
    values[key] = value
    return values


@named("unset")
def unset(values: Map | None, key: str) -> Map:
    """Remove the key; the map itself."""
    if values is None:
        return NIL_MAP
    values.pop(key, None)
    return values


@named("hasKey")
def has_key(values: Map | None, key: str) -> bool:
    """Whether the map has the key."""
    return key in (values or {})


@named("pluck")
def pluck(key: str, *maps: Map | None) -> list[Value]:
    """The values of the key in the maps that have it."""
    return [values[key] for values in maps if values and key in values]


@named("keys")
def keys(*maps: Map | None) -> list[str]:
    """The keys of all maps."""
    return [key for values in maps for key in values or {}]


@named("values")
def values_(values: Map | None) -> list[Value]:
    """The values of the map."""
    return list((values or {}).values())


@named("pick")
def pick(values: Map | None, *wanted: str) -> Map:
    """A new map of only these keys."""
    return {key: values[key] for key in wanted if values and key in values}


@named("omit")
def omit(values: Map | None, *unwanted: str) -> Map:
    """A new map without these keys."""
    return {key: value for key, value in (values or {}).items() if key not in unwanted}


@named("dig")
def dig(*arguments: Value) -> Value:
    """The value under a path of keys; after the path come a default and the map.

    Raises:
        FunctionError: Something on the way is no map, or a key no string.
    """
    if len(arguments) < _DIG_ARGUMENTS:
        raise FunctionError("dig needs at least three arguments")
    *path, default, start = arguments
    values = _as_map(start)
    names = [_as_string(key) for key in path]
    for name in names[:-1]:
        if name not in values:
            return default
        values = _as_map(values[name])
    return values.get(names[-1], default)


def _as_map(value: Value) -> Map:
    if type(value) is not dict:
        raise _conversion(value, "map[string]interface {}")
    return value


def _as_string(value: Value) -> str:
    if not isinstance(value, str):
        raise _conversion(value, "string")
    return value


def _conversion(value: Value, wanted: str) -> FunctionError:
    name = "nil" if value is None else go_type(value)
    return FunctionError(f"interface conversion: interface {{}} is {name}, not {wanted}")
