"""Write JSON as Go's ``encoding/json`` does: sorted keys, HTML escaping, Go's floats and errors."""

import math
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from exporter.gotemplate.floats import format_float, format_json_like
from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.nils import is_nil
from exporter.gotemplate.sprig.objects import LibraryObject
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import AnyMap, GoObject, Value, go_type, to_bytes

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_Item = TypeVar("_Item")

_MAX_DEPTH: Final = 2_000
_REPLACEMENT: Final = "\\ufffd"
_ESCAPES: Final = {
    **{code: f"\\u{code:04x}" for code in range(0x20)},
    **{0xDC00 + byte: _REPLACEMENT for byte in range(0x80, 0x100)},
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    ord("\b"): "\\b",
    ord("\f"): "\\f",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_HTML_ESCAPES: Final = {**_ESCAPES, **{ord(char): f"\\u{ord(char):04x}" for char in "<>&"}}


def to_json(value: Value, *, indent: str = "", escape_html: bool = True) -> str:
    """The value as JSON text.

    Args:
        value: Any value of templates.
        indent: What each level is indented by; all on one line when empty.
        escape_html: Write ``<``, ``>`` and ``&`` as escape sequences.

    Raises:
        FunctionError: JSON has no such value: NaN, a map with other keys than strings.
    """
    writer = _Writer(indent, _HTML_ESCAPES if escape_html else _ESCAPES)
    writer.write(value)
    return "".join(writer.pieces)


class _Writer:
    """Collects the pieces of one JSON text; ``depth`` is how far inside of containers it is."""

    __slots__ = ("depth", "escapes", "indent", "pieces")

    def __init__(self, indent: str, escapes: dict[int, str]) -> None:
        self.indent = indent
        self.escapes = escapes
        self.pieces: list[str] = []
        self.depth = 0

    def write(self, value: Value) -> None:
        if value is None or is_nil(value):
            self.pieces.append("null")
        elif isinstance(value, str):
            self._string(value)
        elif isinstance(value, bool):
            self.pieces.append("true" if value else "false")
        elif isinstance(value, int):
            self.pieces.append(str(int(value)))
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise FunctionError(f"json: unsupported value: {format_float(value)}")
            self.pieces.append(format_json_like(value))
        elif isinstance(value, bytes):
            self._bytes(value)
        elif isinstance(value, AnyMap):
            raise FunctionError(f"json: unsupported type: {go_type(value)}")
        elif isinstance(value, dict):
            self._object(sorted(value.items(), key=lambda item: to_bytes(item[0])), value)
        elif isinstance(value, list):
            self._container("[]", value, self.write, value)
        elif isinstance(value, LibraryObject):
            self.write(value.json_value())
        elif isinstance(value, GoObject):
            self._object(value.go_fields().items(), value)
        else:
            raise FunctionError(f"json: unsupported type: {go_type(value)}")

    def _string(self, text: str) -> None:
        self.pieces.append(f'"{text.translate(self.escapes)}"')

    def _bytes(self, data: bytes) -> None:
        from base64 import b64encode  # noqa: PLC0415 - hardly ever needed

        self.pieces.append(f'"{b64encode(data).decode()}"')

    def _object(self, items: Iterable[tuple[str, Value]], owner: Value) -> None:
        def write_item(item: tuple[str, Value]) -> None:
            self._string(item[0])
            self.pieces.append(": " if self.indent else ":")
            self.write(item[1])

        self._container("{}", items, write_item, owner)

    def _container(
        self, brackets: str, items: Iterable[_Item], write: Callable[[_Item], None], owner: Value
    ) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise FunctionError(
                f"json: unsupported value: encountered a cycle via {go_type(owner)}"
            )
        separator = f"\n{self.indent * self.depth}" if self.indent else ""
        written = False
        self.pieces.append(brackets[0])
        for item in items:
            self.pieces.append(f",{separator}" if written else separator)
            write(item)
            written = True
        self.depth -= 1
        if written and self.indent:
            self.pieces.append(f"\n{self.indent * self.depth}")
        self.pieces.append(brackets[1])


@named("mustToJson")
def must_to_json(value: Value) -> str:
    """The value as JSON on one line."""
    return to_json(value)


@named("toJson")
def to_json_or_nothing(value: Value) -> str:
    """The value as JSON on one line; nothing when JSON has no such value."""
    try:
        return to_json(value)
    except FunctionError:
        return ""


@named("mustToPrettyJson")
def must_to_pretty_json(value: Value) -> str:
    """The value as JSON, indented by two spaces."""
    return to_json(value, indent="  ")


@named("toPrettyJson")
def to_pretty_json(value: Value) -> str:
    """The value as JSON, indented by two spaces; nothing when JSON has no such value."""
    try:
        return to_json(value, indent="  ")
    except FunctionError:
        return ""


@named("toRawJson", "mustToRawJson")
def to_raw_json(value: Value) -> str:
    """The value as JSON on one line, ``<``, ``>`` and ``&`` as they are."""
    return to_json(value, escape_html=False)
