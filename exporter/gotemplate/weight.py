"""How much a value is when it is written out: a list of twice the same list counts it twice.

Sixty nested lists of that kind take no memory but would fill any disk as JSON.
"""

from typing import Final

from exporter.gotemplate.values import Value

WALKERS: Final = frozenset(
    (
        "deepCopy",
        "mustDeepCopy",
        "toJson",
        "mustToJson",
        "toPrettyJson",
        "mustToPrettyJson",
        "toRawJson",
        "mustToRawJson",
        "toYaml",
    )
)
"""Functions of sprig and werf that visit every part of their argument, however often it comes."""
MAX_PARTS: Final = 2_000_000


def is_too_heavy(value: Value) -> bool:
    """Whether a value has more than ``MAX_PARTS`` parts, those of equal parts counted each time.

    A value inside itself counts once: the function that walks over it has its own word for that.
    """
    return _parts(value, {}) > MAX_PARTS


def _parts(value: Value, known: dict[int, int]) -> int:
    if not isinstance(value, list | dict):
        return 1
    if id(value) in known:
        return known[id(value)]
    known[id(value)] = 1  # while we are inside
    total = 1
    for item in value.values() if isinstance(value, dict) else value:
        total += _parts(item, known)
    known[id(value)] = total
    return total
