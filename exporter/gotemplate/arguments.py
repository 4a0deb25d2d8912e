"""What a parameter of a Go type accepts: literals by their kind, values by their exact type."""

from typing import Final, TypeAlias

from exporter.gotemplate import nodes
from exporter.gotemplate.function import result_type, wrap_int
from exporter.gotemplate.runtime import Blame, Last
from exporter.gotemplate.values import NO_VALUE, Value, go_type

ANY: Final = "interface {}"
RAW: Final = "reflect.Value"
Literal: TypeAlias = nodes.Nil | nodes.Bool | nodes.Number | nodes.String
LITERALS: Final = (nodes.Nil, nodes.Bool, nodes.Number, nodes.String)
_NILABLE: Final = ("[]", "map[", "*", "func(", "chan ", "interface {", "error", RAW)
_FLOATS: Final = frozenset(("float64", "float32"))
_INTEGER: Final = "int"
_UNSIGNED: Final = "uint"
_RADIX_PREFIXES: Final = ("0x", "0X")
_FLOAT_MARKS: Final = frozenset(".eEpP")
_MAX_INT: Final = (1 << 63) - 1


def can_be_nil(wanted: str) -> bool:
    """Whether nil can be given to a parameter of this Go type."""
    return wanted.startswith(_NILABLE)


def _nil(node: nodes.Nil, wanted: str, blame: Blame) -> Value:
    if can_be_nil(wanted):
        return NO_VALUE if wanted == RAW else None
    raise blame.error(node, f"cannot assign nil to {wanted}")


def convert(value: Value, wanted: str, *, blame: Blame, last: Last) -> Value:
    """A computed value as an argument; Go converts nothing here.

    Raises:
        GoTemplateError: The value is of another type, or missing where the type has no nil.
    """
    if value is NO_VALUE:
        if can_be_nil(wanted):
            return None
        raise blame.error(last, f"invalid value; expected {wanted}")
    got = ANY if value is None else go_type(value)
    if got == wanted:
        return value
    raise blame.error(last, f"wrong type for value; expected {wanted}; got {got}")


def accept(value: Value, wanted: str, *, blame: Blame, last: Last) -> Value:
    """A computed value as an argument of any type, the all-accepting ones included.

    Raises:
        GoTemplateError: As ``convert``.
    """
    if wanted == RAW:
        return value
    if wanted == ANY:
        return None if value is NO_VALUE else value
    return convert(value, wanted, blame=blame, last=last)


def literal(node: Literal, wanted: str, blame: Blame) -> Value:
    """A constant as an argument; a number takes any numeric type that it fits.

    Raises:
        GoTemplateError: The constant is none of the wanted type, or nil where the type has none.
    """
    if isinstance(node, nodes.Nil):
        return _nil(node, wanted, blame)
    if wanted in (ANY, RAW):
        return ideal(node, blame) if isinstance(node, nodes.Number) else _text_or_bool(node)
    found: Value = None
    if wanted == "string":
        kind = "string"
        found = node.text if isinstance(node, nodes.String) else None
    elif wanted == "bool":
        kind = "bool"
        found = node.value if isinstance(node, nodes.Bool) else None
    elif wanted in _FLOATS:
        kind = "float"
        found = node.float_value if isinstance(node, nodes.Number) else None
    elif wanted.startswith(_UNSIGNED):
        kind = "unsigned integer"
        found = _sized(node.uint_value, wanted) if isinstance(node, nodes.Number) else None
    elif wanted.startswith(_INTEGER):
        kind = "integer"
        found = _sized(node.int_value, wanted) if isinstance(node, nodes.Number) else None
    else:
        raise blame.error(node, f"can't handle {node} for arg of type {wanted}")
    if found is None:
        raise blame.error(node, f"expected {kind}; found {node}")
    return found


def ideal(number: nodes.Number, blame: Blame) -> Value:
    """The value of a number where any type will do: its spelling decides.

    Raises:
        GoTemplateError: An integer above the range of int.
    """
    text = number.text
    if number.complex_value is not None:
        return number.complex_value
    is_float = (
        number.float_value is not None
        and text[0] != "'"
        and _FLOAT_MARKS & set(text)
        and (not text.startswith(_RADIX_PREFIXES) or _FLOAT_MARKS & {"p", "P"} & set(text))
    )
    if is_float:
        return number.float_value
    if number.int_value is not None:
        return number.int_value
    raise blame.error(number, f"{number} overflows int")


def _text_or_bool(node: nodes.Bool | nodes.String) -> Value:
    return node.text if isinstance(node, nodes.String) else node.value


def _sized(number: int | None, wanted: str) -> Value:
    kind = result_type(wanted)
    if number is None or kind is None:
        return None
    cut = wrap_int(number, wanted)
    return cut if kind is int else kind(cut)
