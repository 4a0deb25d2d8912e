"""The template language of ``--tag`` and of labels: Go's, between percent signs.

Source: specification sections 4.1 and 11.5.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import ClassVar, Final

from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.function import Function
from exporter.gotemplate.quoting import quote
from exporter.gotemplate.template_set import TemplateSet
from exporter.gotemplate.values import GoObject, Value

_SET: Final = "--tag"
_LABEL: Final = "label"
_HTML: Final = str.maketrans(
    {
        "\0": "\ufffd",
        '"': "&#34;",
        "'": "&#39;",
        "&": "&amp;",
        "+": "&#43;",
        "<": "&lt;",
        ">": "&gt;",
    }
)


def execute(
    texts: Sequence[str], places: Mapping[str, str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Execute the templates in their order, in one set; the functions give ``places``.

    Returns:
        Each text that could be executed with what it gave, and a problem for each other one.
    """
    functions = {name: _place(name, place) for name, place in places.items()}
    templates = TemplateSet(functions, root=_SET)
    executed = []
    problems = []
    for text in texts:
        braced, added = _braced(text)
        try:
            templates.parse(_SET, braced)
            executed.append((text, templates.execute(_SET, None)))
        except GoTemplateError as error:
            problems.append(f"invalid tag template {quote(text)}: {_message(error, added)}")
    return executed, problems


class _LabelData(GoObject):
    """What the dot is in a label: its fields are the values of the functions, capitalized."""

    __slots__ = ("values",)
    go_type: ClassVar[str] = "stage.labelsTemplateData"

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def go_fields(self) -> Mapping[str, Value]:
        return {name.capitalize(): value for name, value in self.values.items()}


def fill_label(text: str, values: Mapping[str, str]) -> str:
    """Fill in a label's text for one image; functions and fields of the dot give ``values``.

    As in werf, which uses ``html/template``, what actions print is escaped and other text is not.

    Raises:
        GoTemplateError: The text does not parse, or fails; its column is that of the user's text.
    """
    if "%" not in text:
        return text
    functions = {name: _place(name, value) for name, value in values.items()}
    templates = TemplateSet(functions, root=_LABEL, escape=lambda shown: shown.translate(_HTML))
    braced, added = _braced(text)
    try:
        templates.parse(_LABEL, braced)
        return templates.execute(_LABEL, _LabelData(values))
    except GoTemplateError as error:
        raise GoTemplateError(_message(error, added), kind=error.kind) from error


def _place(name: str, place: str) -> Function:
    return Function(name, "func() string", lambda: place)


def _braced(text: str) -> tuple[str, list[int]]:
    """Write a template with ``{{ }}``, which the template language here knows.

    Returns:
        The text, and the positions in it of the characters that were added.
    """
    pieces: list[tuple[str, int]] = []
    position = 0
    while position < len(text):
        start = text.find("%", position)
        end = len(text) if start < 0 else start
        literal = text[position:end]
        for number, part in enumerate(literal.split("{{")):
            # Braces outside of actions are text: {{"{{"}} prints them.
            pieces += [('{{"{{"}}', 6)] * bool(number) + [(part, 0)]
        if start < 0:
            break
        end = _action_end(text, start + 1)
        closed = end < len(text)
        pieces += [("{{", 1), (text[start + 1 : end], 0), ("}}" if closed else "", int(closed))]
        position = end + 1
    starts = accumulate((len(piece) for piece, _ in pieces), initial=0)
    added = [start for start, (_, count) in zip(starts, pieces, strict=False) for _ in range(count)]
    return "".join(piece for piece, _ in pieces), added


def _action_end(text: str, position: int) -> int:
    """Give the position of the percent sign that ends an action, or the text's length."""
    quoted = ""
    while position < len(text):
        char = text[position]
        if quoted:
            if char == "\\" and quoted != "`":
                position += 1
            elif char == quoted:
                quoted = ""
        elif char in "\"'`":
            quoted = char
        elif text.startswith("/*", position):
            position = text.find("*/", position) + 1
            if not position:
                return len(text)
        elif char == "%":
            return position
        position += 1
    return position


def _message(error: GoTemplateError, added: Sequence[int]) -> str:
    """Give Go's text with the column that the place has in the user's own text."""
    if error.spot is None or error.column < 0 or error.line > 1:
        return error.text
    column = error.column - sum(start < error.column for start in added)
    return error.text.replace(f":1:{error.column}:", f":1:{column}:", 1)
