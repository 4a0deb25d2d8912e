"""A terminal, or a CI that folds nothing: plain lines, outputs handed over by a file, if any."""

from collections.abc import Callable, Mapping, Sequence

from exporter.ci.console import Level
from exporter.ci.style import Paint, Style
from exporter.errors import Place

HandOver = Callable[[Mapping[str, str]], Sequence[str]]
"""Gives the outputs to later steps; the lines say what could not be given."""

PAINTS: Mapping[Level, Paint] = {"notice": "new", "warning": "careful", "error": "bad"}


class Plain:
    """The dialect of every CI that only reads lines, and of a terminal."""

    most_annotations = 0

    def __init__(
        self,
        style: Style | None = None,
        *,
        name: str = "plain",
        hand_over: HandOver | None = None,
    ) -> None:
        self.name = name
        self._style = style or Style(colors=False)
        self._hand_over = hand_over

    def open_group(self, title: str) -> Sequence[str]:
        """The title as a line of its own."""
        return [self._style.paint(title, "title")]

    def close_group(self) -> Sequence[str]:
        """Nothing to close."""
        return []

    def aside(self, commands: Sequence[str]) -> Sequence[str]:
        """There are no commands that could be stopped."""
        return commands

    def annotate(self, level: Level, text: str, place: Place | None) -> Sequence[str]:
        """``level: text``; the text names the place itself."""
        del place
        first, *others = text.splitlines() or [""]
        return [f"{self._style.paint(f'{level}:', PAINTS[level])} {first}", *others]

    def mask(self, secret: str) -> Sequence[str]:
        """Nobody to tell."""
        del secret
        return []

    def harmless(self, line: str) -> str:
        """Nobody takes lines for commands."""
        return line

    def write_outputs(self, outputs: Mapping[str, str]) -> Sequence[str]:
        """Hand them over by the CI's file; where there is none, ``--output-file`` does that."""
        return self._hand_over(outputs) if self._hand_over else []

    def write_summary(self, markdown: str) -> Sequence[str]:
        """Nobody to show it to; the table in the log says the same."""
        del markdown
        return []
