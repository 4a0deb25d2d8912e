"""Go's nil slices and maps, where a function returns one and the difference shows.

A nil slice prints and ranges as an empty one, but ``toJson`` writes ``null`` for it and
``deepEqual`` tells it from an empty slice. The value model has no nil of a type, so these
constants are told by identity. Nothing may change them.
"""

from typing import Final

from exporter.gotemplate.values import StringSlice, Value

NIL_LIST: Final[list[Value]] = []
NIL_STRINGS: Final = StringSlice()
NIL_MAP: Final[dict[str, Value]] = {}

_NILS: Final = (NIL_LIST, NIL_STRINGS, NIL_MAP)


def is_nil(value: Value) -> bool:
    """Whether the value is one of the nil slices and maps of this module."""
    return any(value is nil for nil in _NILS)
