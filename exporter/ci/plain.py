"""A terminal, or a CI that folds nothing: plain lines, errors on their own line."""

from collections.abc import Mapping, Sequence

from exporter.ci.console import Level
from exporter.errors import Place


class Plain:
    """The dialect of no CI in particular."""

    name = "plain"

    def open_group(self, title: str) -> Sequence[str]:
        """The title as a line of its own."""
        return [title]

    def close_group(self) -> Sequence[str]:
        """Nothing to close."""
        return []

    def annotate(self, level: Level, text: str, place: Place | None) -> Sequence[str]:
        """``level: text``; the text names the place itself."""
        del place
        return [f"{level}: {text}"]

    def mask(self, secret: str) -> Sequence[str]:
        """Nobody to tell."""
        del secret
        return []

    def write_outputs(self, outputs: Mapping[str, str]) -> None:
        """Nobody to hand them to; ``--output-file`` does that."""

    def write_summary(self, markdown: str) -> None:
        """Nobody to show it to; the table on the terminal says the same."""
