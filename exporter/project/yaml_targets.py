"""What a resolved scalar gives in a field of a Go type, or ``WRONG``; yaml.v2's decode.go.

Each function gets the tag and the value that ``yaml_scalars`` found, never null, and the text.
"""

from typing import Final

from exporter.project.yaml_scalars import BINARY, MAX_INT64, MIN_INT64, TIMESTAMP, Resolved


class Wrong:
    """The type of WRONG."""


WRONG: Final = Wrong()
"""What stands for a value that does not fit its type."""

# The bounds as Go compares them with a float, that is rounded up.
_FLOAT_INT64: Final = 2.0**63
_FLOAT_UINT64: Final = 2.0**64


def pick_string(tag: str, value: Resolved, text: str) -> str:
    """``string``: the text of the scalar, or the bytes of a binary one."""
    return value if tag == BINARY and isinstance(value, str) else text


def pick_boolean(_tag: str, value: Resolved, _text: str) -> bool | Wrong:
    """``bool``: booleans only."""
    return value if isinstance(value, bool) else WRONG


def pick_integer(_tag: str, value: Resolved, _text: str) -> int | Wrong:
    """``int``: whole numbers, and floats without their fraction."""
    if isinstance(value, float):
        return _int64(value) if value <= _FLOAT_INT64 else WRONG
    if not isinstance(value, int) or isinstance(value, bool) or value > MAX_INT64:
        return WRONG
    return value


def pick_unsigned(_tag: str, value: Resolved, _text: str) -> int | Wrong:
    """``uint64``: the same from 0 on."""
    if isinstance(value, float):
        return _uint64(value) if value <= _FLOAT_UINT64 else WRONG
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return WRONG
    return value


def _int64(value: float) -> int:
    """Convert as Go does on amd64, where what does not fit becomes the smallest number."""
    return int(value) if MIN_INT64 <= value < _FLOAT_INT64 else MIN_INT64


def _uint64(value: float) -> int:
    """Convert as Go does on amd64, where a negative number wraps around."""
    if value < _FLOAT_INT64:
        return _int64(value) % 2**64
    return int(value) if value < _FLOAT_UINT64 else 2**63


def pick_duration(tag: str, value: Resolved, text: str) -> int | Wrong:
    """``time.Duration``: Go's notation, or a number of nanoseconds."""
    if not isinstance(value, str):
        return pick_integer(tag, value, text)
    from exporter.gotemplate.function import FunctionError  # noqa: PLC0415 - rarely used
    from exporter.gotemplate.sprig.durations import parse_duration  # noqa: PLC0415 - the same

    try:
        return WRONG if tag == TIMESTAMP else parse_duration(value)
    except FunctionError:
        return WRONG
