"""What Go's reflection gives of any slice, whatever the type of its items."""

from collections.abc import Sequence

from exporter.gotemplate.values import SLICES, Uint8, Value


def is_slice(value: Value) -> bool:
    """Whether the value is a slice of any type."""
    return type(value) in SLICES


def elements(value: Value) -> Sequence[Value]:
    """The items of a slice, those of a ``[]byte`` as ``uint8``; none of anything else."""
    if isinstance(value, bytes):
        return [Uint8(byte) for byte in value]
    return value if isinstance(value, list) else []
