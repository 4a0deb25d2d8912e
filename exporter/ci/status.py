"""What is going on right now: a line at the bottom of a terminal, or a sign of life in a log."""

import os
from collections.abc import Callable, Sequence
from typing import TextIO

from exporter.value import dataclass

_ERASE = "\r\x1b[2K"
_SILENCE_S = 60.0
"""Some CIs end a job that says nothing for ten minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something that takes its time, and when it began on the status's clock."""

    title: str
    started: float


class Status:
    """Draws and erases the line; the caller holds a lock and says what is active."""

    def __init__(self, out: TextIO, clock: Callable[[], float]) -> None:
        self.now = clock
        self._out = out
        self._is_terminal = out.isatty()
        self._is_drawn = False
        self._last_line = clock()

    def spoken(self) -> None:
        """Lines are about to be written: the status gives way."""
        self._last_line = self.now()
        if self._is_drawn:
            self._out.write(_ERASE)
            self._is_drawn = False

    def show(self, works: Sequence[Work]) -> Sequence[str]:
        """Draw the line on a terminal; elsewhere the lines to write after a long silence."""
        if self._is_terminal:
            text = " · ".join(self._told(work) for work in works)
            shown = text[: self._columns() - 1]
            self._out.write(f"{_ERASE}{shown}" if shown else _ERASE * self._is_drawn)
            self._out.flush()
            self._is_drawn = bool(shown)
            return ()
        if not works or self.now() - self._last_line < _SILENCE_S:
            return ()
        return [f"… {self._told(work)}" for work in works]

    def _told(self, work: Work) -> str:
        return f"{work.title}: {self.now() - work.started:.0f} s"

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns or 80
        except OSError:
            return 80
