"""The functions that every Go template has, without ``and`` and ``or``, which are syntax here.

Their parameters of type ``reflect.Value`` get the missing value and nil as they come.
"""

from typing import Final

from exporter.gotemplate.comparison import equal, less, less_or_equal
from exporter.gotemplate.function import Function, FunctionError, registrar
from exporter.gotemplate.printf import sprint_all, sprintf, sprintln
from exporter.gotemplate.quoting import is_stray_byte
from exporter.gotemplate.sprint import sprint_printable
from exporter.gotemplate.values import (
    INTEGERS,
    NO_VALUE,
    AnyMap,
    StringMap,
    Uint8,
    Value,
    from_bytes,
    go_type,
    to_bytes,
)

BUILTINS: Final[dict[str, Function]] = {}
_go = registrar(BUILTINS)

_HTML: Final = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_JS: Final = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "<": "\\u003C",
    ">": "\\u003E",
    "&": "\\u0026",
    "=": "\\u003D",
}
_NIL_PANIC: Final = "reflect: call of reflect.Value.Type on zero Value"
_MAX_SLICE_INDEXES: Final = 3


@_go("func(reflect.Value, ...reflect.Value) reflect.Value", "and", "or", "call")
def _in_the_compiler(*_args: Value) -> Value:
    raise AssertionError("these are compiled, never called")


def non_function(callee: str | None) -> Function:
    """``call`` of something: no value of a werf template is a function.

    ``callee`` is how the template spells it, None when it comes out of a pipe.
    """

    def call(function: Value, *_args: Value) -> Value:
        if function is None or function is NO_VALUE:
            raise FunctionError("call of nil")
        shown = callee
        if shown is None:
            shown = function if isinstance(function, str) else f"<{go_type(function)} Value>"
        raise FunctionError(f"non-function {shown} of type {go_type(function)}")

    return Function("call", BUILTINS["call"].signature, call)


BUILTINS["print"] = Function("print", "func(...interface {}) string", sprint_all)
BUILTINS["println"] = Function("println", "func(...interface {}) string", sprintln)
BUILTINS["printf"] = Function("printf", "func(string, ...interface {}) string", sprintf)
BUILTINS["eq"] = Function("eq", "func(reflect.Value, ...reflect.Value) (bool, error)", equal)
BUILTINS["lt"] = Function("lt", "func(reflect.Value, reflect.Value) (bool, error)", less)
BUILTINS["le"] = Function("le", "func(reflect.Value, reflect.Value) (bool, error)", less_or_equal)


@_go("func(reflect.Value, reflect.Value) (bool, error)", "ne")
def _ne(left: Value, right: Value) -> bool:
    return not equal(left, right)


@_go("func(reflect.Value, reflect.Value) (bool, error)", "gt")
def _gt(left: Value, right: Value) -> bool:
    return not less_or_equal(left, right)


@_go("func(reflect.Value, reflect.Value) (bool, error)", "ge")
def _ge(left: Value, right: Value) -> bool:
    return not less(left, right)


@_go("func(reflect.Value) bool", "not")
def _not(value: Value) -> bool:
    return not value


@_go("func(reflect.Value) (int, error)", "len")
def _len(item: Value) -> int:
    if item is None:
        raise FunctionError("len of nil pointer")
    if item is NO_VALUE:
        raise FunctionError(_NIL_PANIC)
    if isinstance(item, str):
        return len(item) if item.isascii() else len(to_bytes(item))
    if isinstance(item, list | dict | bytes):
        return len(item)
    raise FunctionError(f"len of type {_pointee(item)}")


@_go("func(reflect.Value, ...reflect.Value) (reflect.Value, error)", "index")
def _index(item: Value, *indexes: Value) -> Value:
    if item is None or item is NO_VALUE:
        raise FunctionError("index of untyped nil")
    for index in indexes:
        if item is None:
            raise FunctionError("index of nil pointer")
        if isinstance(item, dict):
            item = _entry(item, index)
        elif isinstance(item, str | bytes):
            data = to_bytes(item) if isinstance(item, str) else item
            place = _place(index, len(data))
            if place == len(data):
                kind = "string" if isinstance(item, str) else "slice"
                raise FunctionError(f"reflect: {kind} index out of range")
            item = Uint8(data[place])
        elif isinstance(item, list):
            place = _place(index, len(item))
            if place == len(item):
                raise FunctionError("reflect: slice index out of range")
            item = item[place]
        else:
            raise FunctionError(f"can't index item of type {_pointee(item)}")
    return item


def _pointee(item: Value) -> str:
    """The type of an item, or of what it points to."""
    return go_type(item).removeprefix("*")


def _entry(mapping: dict[Value, Value], index: Value) -> Value:
    """A map entry, or the zero value of the element type."""
    zero = "" if isinstance(mapping, StringMap) else None
    if isinstance(mapping, AnyMap):
        key = None if index is NO_VALUE else index
        if isinstance(key, list | dict | bytes):
            raise FunctionError(f"runtime error: hash of unhashable type {go_type(key)}")
        if isinstance(key, str):
            return mapping.get(key, zero)
        # In Python 1, 1.0 and True are the same key.
        return next((mapping[k] for k in mapping if type(k) is type(key) and k == key), zero)
    if index is None or index is NO_VALUE:
        raise FunctionError("value is nil; should be of type string")
    if not isinstance(index, str):
        raise FunctionError(f"value has type {go_type(index)}; should be string")
    return mapping.get(index, zero)


def _place(index: Value, size: int) -> int:
    """An index that is at most ``size``."""
    if index is None or index is NO_VALUE:
        raise FunctionError("cannot index slice/array with nil")
    if type(index) not in INTEGERS or not isinstance(index, int):
        raise FunctionError(f"cannot index slice/array with type {go_type(index)}")
    if not 0 <= index <= size:
        raise FunctionError(f"index out of range: {int(index)}")
    return int(index)


@_go("func(reflect.Value, ...reflect.Value) (reflect.Value, error)", "slice")
def _slice(item: Value, *indexes: Value) -> Value:
    if item is None or item is NO_VALUE:
        raise FunctionError("slice of untyped nil")
    if len(indexes) > _MAX_SLICE_INDEXES:
        raise FunctionError(f"too many slice indexes: {len(indexes)}")
    if isinstance(item, str):
        if len(indexes) == _MAX_SLICE_INDEXES:
            raise FunctionError("cannot 3-index slice a string")
        data = to_bytes(item)
        return from_bytes(data[_bounds(indexes, len(data))])
    if isinstance(item, bytes):
        return item[_bounds(indexes, len(item))]
    if isinstance(item, list):
        return type(item)(item[_bounds(indexes, len(item))])
    raise FunctionError(f"can't slice item of type {_pointee(item)}")


def _bounds(indexes: tuple[Value, ...], size: int) -> slice:
    places = [_place(index, size) for index in indexes]
    start, end, *rest = [*places, *[0, size][len(places) :]]
    if start > end:
        raise FunctionError(f"invalid slice index: {start} > {end}")
    if rest and end > rest[0]:
        raise FunctionError(f"invalid slice index: {end} > {rest[0]}")
    return slice(start, end)


def _joined(args: tuple[Value, ...]) -> str:
    """As ``print``, but nil and pointers are shown as an action shows them."""
    pieces: list[str] = []
    after_string = True
    for arg in args:
        is_string = arg is None or isinstance(arg, str)
        if not after_string and not is_string:
            pieces.append(" ")
        pieces.append(sprint_printable(arg))
        after_string = is_string
    return "".join(pieces)


@_go("func(...interface {}) string", "html")
def _html(*args: Value) -> str:
    return _joined(args).translate(_HTML)


@_go("func(...interface {}) string", "js")
def _js(*args: Value) -> str:
    return "".join([_js_char(char) for char in _joined(args)])


def _js_char(char: str) -> str:
    if char in _JS:
        return _JS[char]
    # A stray byte counts as U+FFFD, which can be printed.
    return char if is_stray_byte(char) or char.isprintable() else f"\\u{ord(char):04X}"


@_go("func(...interface {}) string", "urlquery")
def _urlquery(*args: Value) -> str:
    from urllib.parse import quote_plus  # noqa: PLC0415 - hardly ever used

    return quote_plus(to_bytes(_joined(args)), safe="")
