"""Go values in Python clothes: which Python type stands for which Go type, and how it prints.

================================ =========================================================
Go                              Python
================================ =========================================================
``string``                      ``str``; bytes that are no UTF-8 as surrogateescape
``[]byte``                      ``bytes``
``bool``                        ``bool``
``int``                         ``int`` itself
``int8`` … ``uint64``           ``Int8`` … ``Uint64``, subclasses of ``int``
``float64``, ``complex128``     ``float``, ``complex``
``nil`` in an interface         ``None``
``[]interface {}``              ``list`` itself
``[]string``, ``[]int``         ``StringSlice``, ``IntSlice``, subclasses of ``list``
``[][]interface {}``            ``SliceSlice``, a subclass of ``list``
``map[string]interface {}``     ``dict`` itself
``map[interface {}]interface {}`` ``AnyMap``, a subclass of ``dict``
``map[string]string``           ``StringMap``, a subclass of ``dict``
anything with fields or methods ``GoObject``
no value at all                 ``NO_VALUE``, what a missing map key gives
================================ =========================================================

The exact Python type decides: test with ``type(value) is int``, because ``bool`` and ``Int64`` are
subclasses of ``int`` too. A nil slice or map of a known type is an empty one here, except that a
function whose parameter is a map or slice gets ``None`` when the template gave it nil.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, TypeAlias

from exporter.gotemplate.floats import format_float

Value: TypeAlias = object
"""Any of the types above; ``object`` so that every use has to look at the type first."""


class NoValue:
    """The type of ``NO_VALUE``; prints as Go prints the absence of a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<no value>"

    def __bool__(self) -> bool:
        return False


NO_VALUE: Final = NoValue()


class _SizedInt(int):
    """An integer that is not Go's plain ``int``."""

    __slots__ = ()
    go_type: ClassVar[str]


class Int8(_SizedInt):
    """Go's ``int8``."""

    __slots__ = ()
    go_type = "int8"


class Int16(_SizedInt):
    """Go's ``int16``."""

    __slots__ = ()
    go_type = "int16"


class Int32(_SizedInt):
    """Go's ``int32``, also ``rune``."""

    __slots__ = ()
    go_type = "int32"


class Int64(_SizedInt):
    """Go's ``int64``."""

    __slots__ = ()
    go_type = "int64"


class Uint(_SizedInt):
    """Go's ``uint``."""

    __slots__ = ()
    go_type = "uint"


class Uint8(_SizedInt):
    """Go's ``uint8``, also ``byte``."""

    __slots__ = ()
    go_type = "uint8"


class Uint16(_SizedInt):
    """Go's ``uint16``."""

    __slots__ = ()
    go_type = "uint16"


class Uint32(_SizedInt):
    """Go's ``uint32``."""

    __slots__ = ()
    go_type = "uint32"


class Uint64(_SizedInt):
    """Go's ``uint64``."""

    __slots__ = ()
    go_type = "uint64"


class StringSlice(list[str]):
    """Go's ``[]string``."""

    __slots__ = ()


class IntSlice(list[int]):
    """Go's ``[]int``."""

    __slots__ = ()


class SliceSlice(list[list[Value]]):
    """Go's ``[][]interface {}``."""

    __slots__ = ()


class AnyMap(dict[Value, Value]):
    """Go's ``map[interface {}]interface {}``, what YAML gives below its top level."""

    __slots__ = ()


class StringMap(dict[str, str]):
    """Go's ``map[string]string``."""

    __slots__ = ()


class GoObject:
    """Something with methods or fields that templates may use, such as ``.Files``.

    A subclass says its Go type, lists its methods (``function.registrar`` collects them; the first
    argument of each call is the object) and, for a struct with exported fields, overrides
    ``go_fields``.
    ``go_string`` is its ``String()`` or ``Error()`` method, or None when it has none.
    """

    __slots__ = ()
    go_type: ClassVar[str] = "struct {}"
    go_methods: ClassVar[Mapping[str, object]] = {}
    """Name to ``function.Function``."""

    def go_fields(self) -> Mapping[str, Value]:
        """Exported fields by name, in declaration order."""
        return {}

    def go_string(self) -> str | None:
        """How ``print`` shows it."""
        return None


_TYPE_NAMES: Final[dict[type, str]] = {
    str: "string",
    int: "int",
    bool: "bool",
    float: "float64",
    complex: "complex128",
    bytes: "[]uint8",
    list: "[]interface {}",
    dict: "map[string]interface {}",
    type(None): "<nil>",
    NoValue: "<nil>",
    StringSlice: "[]string",
    IntSlice: "[]int",
    SliceSlice: "[][]interface {}",
    AnyMap: "map[interface {}]interface {}",
    StringMap: "map[string]string",
    **{sized: sized.go_type for sized in (Int8, Int16, Int32, Int64)},
    **{sized: sized.go_type for sized in (Uint, Uint8, Uint16, Uint32, Uint64)},
}

UNSIGNED: Final = frozenset((Uint, Uint8, Uint16, Uint32, Uint64))
SIGNED: Final = frozenset((int, Int8, Int16, Int32, Int64))
INTEGERS: Final = UNSIGNED | SIGNED
SLICES: Final = frozenset((list, bytes, StringSlice, IntSlice, SliceSlice))
MAPS: Final = frozenset((dict, AnyMap, StringMap))


def go_type(value: Value) -> str:
    """Go's name of the value's type, as ``%T`` prints it; ``<nil>`` for nil."""
    name = _TYPE_NAMES.get(type(value))
    if name is not None:
        return name
    return value.go_type if isinstance(value, GoObject) else type(value).__name__


def go_kind(value: Value) -> str:
    """Go's ``reflect.Kind`` of the value: ``string``, ``int64``, ``slice``, ``map``, ``ptr`` …."""
    name = go_type(value)
    if name == "<nil>":
        return "invalid"
    if name.startswith("[]"):
        return "slice"
    if name.startswith("map["):
        return "map"
    if isinstance(value, GoObject):
        return "ptr" if name.startswith("*") else "struct"
    return name


def is_true(value: Value) -> bool:
    """Go's truth: neither nil, nor zero, nor empty; a struct is always true."""
    return bool(value) or isinstance(value, GoObject)


def to_bytes(text: str) -> bytes:
    """The bytes of a Go string."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """The Go string of some bytes."""
    return data.decode("utf-8", "surrogateescape")


def compare_key(key: Value) -> tuple[int, Value]:
    """A sort key for map keys as Go prints them; mixed types: nil, bool, numbers, strings."""
    match key:
        case None | NoValue():
            return 0, 0
        case bool():
            return 1, key
        case int():
            return 2, int(key)
        case float():
            return 3, (-1.0, 0.0) if key != key else (0.0, key)  # noqa: PLR0124 - NaN sorts first
        case str():
            return 4, key if key.isascii() else to_bytes(key).decode("latin-1")
        case _:
            return 5, repr(key)


def sorted_items(mapping: Mapping[Value, Value]) -> list[tuple[Value, Value]]:
    """The entries of a Go map in the order in which Go prints and ranges over them."""
    names = [key for key in mapping if type(key) is str and key.isascii()]
    if len(names) == len(mapping):
        return [(name, mapping[name]) for name in sorted(names)]
    return [(key, mapping[key]) for key in sorted(mapping, key=compare_key)]


MAX_PRINTED: Final = 1 << 26
"""Bytes that one value may print; a list of lists of lists … can be far bigger than it looks."""


class TooLargeError(ValueError):
    """A value would print more than ``MAX_PRINTED`` bytes, or contains itself."""


def sprint(value: Value) -> str:
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
    yield "&{" if value.go_type.startswith("*") else "{"
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
