"""Labels of an export: those to add, and those that must not leave the stages repository."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from exporter.errors import InputError

VARIABLES: Final = "WERF_EXPORT_ADD_LABEL_"
SEPARATOR_VARIABLE: Final = "WERF_EXPORT_ADD_LABEL_SEPARATOR"
INTERNAL_PREFIX: Final = "werf"
_REMEDY: Final = (
    "Write NAME=VALUE, several of them separated by {separator}, and nothing behind the last one"
)


def add_label_inputs(env: Mapping[str, str], flags: Sequence[str]) -> tuple[str, ...]:
    """Give all ``--add-label`` texts: variables, ordered as ``NAME=value``, then flags.

    Names that start like the variable of the separator are no labels.
    """
    variables = sorted(
        f"{name}={value}"
        for name, value in env.items()
        if name.startswith(VARIABLES) and not name.startswith(SEPARATOR_VARIABLE)
    )
    return (*(variable.partition("=")[2] for variable in variables), *flags)


def label_separator(env: Mapping[str, str], flag: str | None) -> str:
    """Give what separates labels in one text: the flag, else the variable, else a line feed."""
    return flag if flag is not None else env.get(SEPARATOR_VARIABLE) or "\n"


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


def exported_labels(labels: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Give the labels of an exported image: without all that start with ``werf``, with ``added``.

    An added label may start with ``werf`` (section 6.3).
    """
    kept = {name: value for name, value in labels.items() if not name.startswith(INTERNAL_PREFIX)}
    return kept | dict(added)


def _shown(separator: str) -> str:
    return {"\n": "line feeds", "": "nothing (--add-label-separator is empty)"}.get(
        separator, repr(separator)
    )
