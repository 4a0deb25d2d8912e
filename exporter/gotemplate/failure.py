"""What a template error knows: Go's exact text, the place, the node, the way there."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from exporter.errors import Place, TemplateError

Kind = Literal["parse", "exec", "func"]
"""Not parsed; refused while executing; refused by a function that was called."""

_TAB_STOP: Final = 4
_MAX_CALLS: Final = 50
_MAX_SOURCE: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place in a template text.

    ``line`` counts from 1 and ``column`` bytes from 0, as Go prints them; a ``column`` of -1 means
    that only the line is known. ``source_line`` is the text of that line, ``caret`` the index of
    the character in it, ``executing`` the template that is executed there and ``node`` Go's
    spelling of what is executed.
    """

    name: str
    line: int
    column: int = -1
    executing: str = ""
    node: str = ""
    source_line: str = ""
    caret: int = 0

    @classmethod
    def of(
        cls, *, name: str, text: str, position: int, executing: str = "", node: str = ""
    ) -> "Spot":
        """The place of a character position in ``text``."""
        start = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        before = text[start:position]
        return cls(
            name=name,
            line=text.count("\n", 0, position) + 1,
            column=len(before.encode("utf-8", "surrogateescape")),
            executing=executing,
            node=node,
            source_line=text[start : end if end >= 0 else len(text)],
            caret=len(before),
        )

    def line_only(self) -> "Spot":
        """The same place as parse errors print it."""
        return replace(self, column=-1)

    def __str__(self) -> str:
        """``NAME:LINE:COLUMN`` as Go prints it."""
        column = f":{self.column}" if self.column >= 0 else ""
        return f"{self.name}:{self.line}{column}"

    @property
    def place(self) -> Place:
        """The place for people and annotations: line and column count from 1, in characters."""
        return Place(path=self.name, line=self.line, column=self.caret + 1)


class GoTemplateError(TemplateError):
    """A template does not parse or execute; ``text`` and ``str()`` are Go's exact message.

    Fields: ``kind``; ``spot``, where it happened; ``message``, the part of Go's text behind the
    place; ``calls``, the places of the template, include and tpl calls on the way there, outermost
    first. A function that executes templates lets the error of the inner template pass (or raises a
    ``FunctionError`` from it), and the evaluator puts ``error calling F: …`` around its text while
    ``spot`` and ``message`` go on telling the innermost place.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Kind,
        spot: Spot | None = None,
        calls: tuple[Spot, ...] = (),
        text: str = "",
    ) -> None:
        self.kind: Kind = kind
        self.spot = spot
        self.message = message
        self.calls = calls
        self.text = text or _go_text(message, spot)
        super().__init__(self.text, place=spot.place if spot else None)

    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        """The name of the text that has the error; "" when it is in no text."""
        return self.spot.name if self.spot else ""

    @property
    def line(self) -> int:
        """Counted from 1; 0 when unknown."""
        return self.spot.line if self.spot else 0

    @property
    def column(self) -> int:
        """Bytes from 0, as in Go's text; -1 when unknown."""
        return self.spot.column if self.spot else -1

    @property
    def node(self) -> str:
        """Go's spelling of what was executed; "" for parse errors."""
        return self.spot.node if self.spot else ""

    @property
    def wants_calls(self) -> bool:
        """Whether there is room for one more call."""
        return len(self.calls) < _MAX_CALLS

    def called_at(self, spot: Spot) -> None:
        """Remember one more call on the way, further out than those already known."""
        if self.wants_calls:
            self.calls = (spot, *self.calls)

    def render(self) -> str:
        """For people: message, the line with a caret below it, and the calls on the way."""
        if self.spot is None:
            return self.text
        lines = [f"{self.spot.place}: {self.message}", *_marked(self.spot)]
        for call in reversed(self.calls):
            lines += [f"  called from {call.place}", *_marked(call)]
        return "\n".join(lines)


class LimitError(GoTemplateError):
    """The template does too much; its text is not wrapped again by each call on the way."""


def _go_text(message: str, spot: Spot | None) -> str:
    if spot is None:
        return f"template: {message}"
    if not spot.executing:
        return f"template: {spot}: {message}"
    from exporter.gotemplate.quoting import quote  # noqa: PLC0415 - only errors need it

    return f"template: {spot}: executing {quote(spot.executing)} at <{spot.node}>: {message}"


def _marked(spot: Spot) -> list[str]:
    """The source line and a caret under the place; a long line is cut around the place."""
    start = max(0, spot.caret - _MAX_SOURCE // 2) if len(spot.source_line) > _MAX_SOURCE else 0
    shown = spot.source_line[start : start + _MAX_SOURCE].replace("\t", " " * _TAB_STOP)
    indent = spot.source_line[start : spot.caret].replace("\t", " " * _TAB_STOP)
    return [f"    {shown}", f"    {' ' * len(indent)}^"]
