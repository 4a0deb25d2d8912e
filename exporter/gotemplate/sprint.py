"""How Go prints a value by default: ``%v``, and what an action writes."""

from collections.abc import Iterator
from typing import Final

from exporter.gotemplate.floats import format_float
from exporter.gotemplate.values import GoObject, NoValue, Value, sorted_items

MAX_PRINTED: Final = 1 << 26
"""Bytes that one value may print; a list of lists of lists … can be far bigger than it looks."""


class TooLargeError(ValueError):
    """A value would print more than ``MAX_PRINTED`` bytes, or contains itself."""


def sprint_value(value: Value) -> str:
    """Go's ``%v``: ``map[a:1 b:[x y]]``, ``<nil>``, ``1e+06``.

    Raises:
        TooLargeError: The text would be too large.
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]  # the exact type was tested
    if kind is int:
        return f"{value}"
    if kind is bool:
        return "true" if value else "false"
    pieces: list[str] = []
    room = MAX_PRINTED
    for piece in _pieces(value, 0):
        room -= len(piece)
        if room < 0:
            raise TooLargeError(f"a value prints more than {MAX_PRINTED} bytes")
        pieces.append(piece)
    return "".join(pieces)


POINTER: Final = "0xc000000000"
"""What stands for an address in memory."""
_MAX_DEPTH: Final = 200


def _pieces(value: Value, depth: int) -> Iterator[str]:
    """The text of a value, piece by piece so that a bomb is noticed before it goes off."""
    match value:
        case str():
            yield value
        case bool():
            yield "true" if value else "false"
        case int():
            yield f"{int(value)}"
        case float():
            yield format_float(value)
        case complex():
            yield sprint_complex(value)
        case None:
            yield "<nil>"
        case NoValue():
            yield "<no value>"
        case bytes():
            yield f"[{' '.join(map(str, value))}]"
        case _ if depth > _MAX_DEPTH:
            raise TooLargeError("a value contains itself, or is nested too deeply to be printed")
        case list():
            yield from _list_pieces(value, depth)
        case dict():
            opening = "map["
            for key, item in sorted_items(value):
                yield opening
                yield from _pieces(key, depth + 1)
                yield ":"
                yield from _pieces(item, depth + 1)
                opening = " "
            yield "]" if value else "map[]"
        case GoObject():
            yield from _object_pieces(value, depth)
        case _:
            yield f"?{type(value).__name__}?"


def _list_pieces(items: list[Value], depth: int) -> Iterator[str]:
    opening = "["
    for item in items:
        yield opening
        yield from _pieces(item, depth + 1)
        opening = " "
    yield "]" if items else "[]"


def _object_pieces(value: GoObject, depth: int) -> Iterator[str]:
    text = value.go_string()
    if text is not None:
        yield text
        return
    if value.go_type.startswith("*"):
        if depth:  # Go shows the address
            yield POINTER
            return
        yield "&"
    yield "{"
    for number, item in enumerate(value.go_fields().values()):
        if number:
            yield " "
        yield from _pieces(item, depth + 1)
    yield "}"


def sprint_complex(value: complex) -> str:
    """``(1+2i)``."""
    imaginary = format_float(value.imag)
    sign = "" if imaginary[0] in "+-" else "+"
    return f"({format_float(value.real)}{sign}{imaginary}i)"


def sprint_printable(value: Value) -> str:
    """What an action writes: as ``%v``, but nil is ``<no value>`` and pointers are followed.

    Raises:
        TooLargeError: The text would be too large.
    """
    if value is None:
        return "<no value>"
    text = sprint_value(value)
    return text[1:] if isinstance(value, GoObject) and text.startswith("&{") else text
