"""Labels to add to exported images, as ``--add-label`` spells them."""

from collections.abc import Iterable
from typing import Final

from exporter.errors import InputError

_REMEDY: Final = (
    "Write NAME=VALUE, several of them separated by {separator}, and nothing behind the last one"
)


def parse_labels(inputs: Iterable[str], *, separator: str = "\n") -> dict[str, str]:
    """Read labels as werf does: no trimming, no quoting, the first ``=`` ends the name.

    Returns:
        Labels by name, in the order of their first appearance; the last value of a name wins.

    Raises:
        InputError: One problem for each text that holds anything but NAME=VALUE.
    """
    labels: dict[str, str] = {}
    problems = []
    for text in inputs:
        for piece in text.split(separator) if separator else text or [""]:
            name, equals, value = piece.partition("=")
            if not name or not equals:
                shown = f"{piece!r}" if piece else "an empty text"
                problems.append(
                    f"unsupported --add-label value {text!r}: {shown} is not NAME=VALUE"
                )
                break
            labels[name] = value
    if problems:
        raise InputError(*problems, remedy=_REMEDY.format(separator=_shown(separator)))
    return labels


def _shown(separator: str) -> str:
    return {"\n": "line feeds", "": "nothing (--add-label-separator is empty)"}.get(
        separator, repr(separator)
    )
