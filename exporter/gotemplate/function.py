"""Functions that templates may call: a name, a Go signature, a Python callable.

The evaluator checks the number and types of arguments by the signature before it calls, exactly as
Go does, and tags the result with the Go result type.
So a callable gets what its signature says: ``string`` is a ``str``, ``int`` is an ``int`` within 64
bits, ``interface {}`` is any value (``None`` for nil and for a missing key, never ``NO_VALUE``),
and a map or slice parameter may be ``None`` for a nil one.
Declare functions so::

    FUNCTIONS: dict[str, Function] = {}
    go = registrar(FUNCTIONS)

    @go("func(string, string) bool", "contains")
    def contains(needle: str, text: str) -> bool:
        return needle in text

A callable may return plain Python values: a result of type ``int64`` is turned into ``Int64``, one
of type ``[]string`` into ``StringSlice``.
Results of type ``interface {}`` keep their Python type, so return ``Int64(1)`` there when Go would.
A callable that multiplies its input must bound what it makes with ``check_size``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from exporter.gotemplate import values
from exporter.gotemplate.values import Value

MAX_SIZE: Final = 1 << 23
"""Bytes of a string, or items of a list, that one function call may make."""


class FunctionError(Exception):
    """A function refuses its arguments, or its Go original would panic.

    The message becomes ``error calling F: message``.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A Go function type; ``variadic`` is the element type of a last ``...T`` parameter."""

    params: tuple[str, ...]
    variadic: str | None
    result: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function as templates see it; ``call`` gets positional arguments only."""

    name: str
    signature: str
    call: Callable[..., Value]


_Call = TypeVar("_Call", bound=Callable[..., Value])


def registrar(functions: dict[str, Function]) -> Callable[..., Callable[[_Call], _Call]]:
    """A decorator ``go(signature, *names)`` that adds the decorated callable to ``functions``."""

    def go(signature: str, *names: str) -> Callable[[_Call], _Call]:
        def add(call: _Call) -> _Call:
            for name in names:
                functions[name] = Function(name, signature, call)
            return call

        return add

    return go


def check_size(size: int) -> None:
    """Refuse to make a value of more than ``MAX_SIZE`` bytes or items.

    Raises:
        FunctionError: ``size`` is above the limit.
    """
    if size > MAX_SIZE:
        raise FunctionError(f"the result would have {size} elements, more than {MAX_SIZE} allowed")


@lru_cache(maxsize=512)
def parse_signature(text: str) -> Signature:
    """Read ``func(int, ...interface {}) (string, error)``.

    Raises:
        ValueError: The text is no function type with one result, or with a result and an error.
    """
    if not text.startswith("func(") or ")" not in text:
        raise ValueError(f"{text!r} is not a Go function type")
    inside, outside = _close(text[5:])
    params = _split(inside)
    variadic = params.pop()[3:] if params and params[-1].startswith("...") else None
    result = outside.strip()
    if result.startswith("("):
        results = _split(result[1:-1])
        if len(results) != 2 or results[1] != "error":  # noqa: PLR2004 - a value and an error
            raise ValueError(
                f"{text!r}: a template function returns a value, or a value and an error"
            )
        result = results[0]
    return Signature(params=tuple(params), variadic=variadic, result=result)


def _close(text: str) -> tuple[str, str]:
    """What is before and behind the parenthesis that closes an open one."""
    depth = 1
    for position, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if not depth:
            return text[:position], text[position + 1 :]
    raise ValueError(f"unclosed parenthesis in {text!r}")


def _split(text: str) -> list[str]:
    """Types between commas that are outside of brackets."""
    parts, depth, start = [], 0, 0
    for position, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and not depth:
            parts.append(text[start:position].strip())
            start = position + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts


_RESULT_TYPES: Final[Mapping[str, type]] = {
    "int": int,
    "int8": values.Int8,
    "int16": values.Int16,
    "int32": values.Int32,
    "int64": values.Int64,
    "uint": values.Uint,
    "uint8": values.Uint8,
    "uint16": values.Uint16,
    "uint32": values.Uint32,
    "uint64": values.Uint64,
    "float64": float,
    "[]string": values.StringSlice,
    "[]int": values.IntSlice,
    "[][]interface {}": values.SliceSlice,
    "[]interface {}": list,
    "map[string]interface {}": dict,
    "map[string]string": values.StringMap,
    "map[interface {}]interface {}": values.AnyMap,
}
_BITS: Final = {"": 64, "8": 8, "16": 16, "32": 32, "64": 64}


def result_type(name: str) -> type | None:
    """The Python type that a result of this Go type must have; None when any will do."""
    return _RESULT_TYPES.get(name)


def wrap_int(number: int, name: str) -> int:
    """Cut a number to the width of a Go integer type, as Go's arithmetic does."""
    unsigned = name.startswith("u")
    bits = _BITS[name.removeprefix("u").removeprefix("int")]
    number &= (1 << bits) - 1
    return number if unsigned or number < 1 << (bits - 1) else number - (1 << bits)
