"""How Go prints a value by default: ``%v``, and what an action writes."""

from collections.abc import Mapping, Sequence
from typing import Final

from exporter.gotemplate.floats import format_float
from exporter.gotemplate.values import GoObject, NoValue, Value, sorted_items

MAX_PRINTED: Final = 1 << 26
"""Bytes that one value may print; a list of lists of lists … can be far bigger than it looks."""
PIECE_COST: Final = 16
"""Bytes that each piece of it counts more."""
MAX_PRINTED_DEPTH: Final = 200
POINTER: Final = "0xc000000000"
"""What stands for an address in memory."""


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
    pieces = Pieces()
    _print(pieces, value, 0)
    return pieces.text()


def sprint_printable(value: Value) -> str:
    """What an action writes: as ``%v``, but nil is ``<no value>`` and pointers are followed.

    Raises:
        TooLargeError: The text would be too large.
    """
    if value is None:
        return "<no value>"
    text = sprint_value(value)
    return text[1:] if isinstance(value, GoObject) and text.startswith("&{") else text


class Pieces:
    """Text that grows piece by piece, so that a bomb is noticed before it goes off."""

    __slots__ = ("_pieces", "_room")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = MAX_PRINTED

    def text(self) -> str:
        """All that was written."""
        return "".join(self._pieces)

    def write(self, piece: str) -> None:
        """Add a piece.

        Raises:
            TooLargeError: There is too much.
        """
        self._room -= len(piece) + PIECE_COST
        if self._room < 0:
            raise TooLargeError("a value prints too much text")
        self._pieces.append(piece)


def check_depth(depth: int) -> None:
    """Refuse a value inside too many others.

    Raises:
        TooLargeError: It is nested too deeply; probably it contains itself.
    """
    if depth > MAX_PRINTED_DEPTH:
        raise TooLargeError("a value contains itself, or is nested too deeply to be printed")


def _print(pieces: Pieces, value: Value, depth: int) -> None:
    match value:
        case str():
            pieces.write(value)
        case bool():
            pieces.write("true" if value else "false")
        case int():
            pieces.write(f"{int(value)}")
        case float():
            pieces.write(format_float(value))
        case complex():
            pieces.write(_complex(value))
        case None:
            pieces.write("<nil>")
        case NoValue():
            pieces.write("<no value>")
        case bytes():
            pieces.write(f"[{' '.join(map(str, value))}]")
        case list():
            _print_list(pieces, value, depth)
        case dict():
            _print_map(pieces, value, depth)
        case GoObject():
            _print_object(pieces, value, depth)
        case _:
            pieces.write(f"?{type(value).__name__}?")


def _print_list(pieces: Pieces, items: Sequence[Value], depth: int) -> None:
    check_depth(depth)
    pieces.write("[")
    for number, item in enumerate(items):
        if number:
            pieces.write(" ")
        _print(pieces, item, depth + 1)
    pieces.write("]")


def _print_map(pieces: Pieces, items: Mapping[Value, Value], depth: int) -> None:
    check_depth(depth)
    pieces.write("map[")
    for number, (key, item) in enumerate(sorted_items(items)):
        if number:
            pieces.write(" ")
        _print(pieces, key, depth + 1)
        pieces.write(":")
        _print(pieces, item, depth + 1)
    pieces.write("]")


def _print_object(pieces: Pieces, value: GoObject, depth: int) -> None:
    text = value.go_string()
    is_pointer = value.go_type.startswith("*")
    if text is not None:
        pieces.write(text)
    elif is_pointer and depth:  # Go shows the address
        pieces.write(POINTER)
    else:
        check_depth(depth)
        pieces.write("&{" if is_pointer else "{")
        for number, item in enumerate(value.go_fields().values()):
            if number:
                pieces.write(" ")
            _print(pieces, item, depth + 1)
        pieces.write("}")


def _complex(value: complex) -> str:
    """``(1+2i)``."""
    imaginary = format_float(value.imag)
    sign = "" if imaginary[0] in "+-" else "+"
    return f"({format_float(value.real)}{sign}{imaginary}i)"
