"""Go values in Python clothes: which Python type stands for which Go type.

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

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

if TYPE_CHECKING:  # it imports this module
    from exporter.gotemplate.function import Function

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
    go_methods: ClassVar[Mapping[str, "Function"]] = {}

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
