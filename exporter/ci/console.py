"""What the user sees while the program runs, whichever CI runs it.

A :class:`Console` decides what is said and in which order; its :class:`Dialect` how the CI wants it
written. Parallel work is shown one group at a time: the group that was opened first is live, the
others wait and follow whole.
"""

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol, TextIO

from exporter.errors import BuildError, ExporterError, InputError, Place
from exporter.log import hide, redact

Level = Literal["notice", "warning", "error"]

MOST_ANNOTATIONS = 10
"""The runner shows no more of one kind and step."""


class Dialect(Protocol):
    """How one CI writes groups, annotations, masks, outputs and summaries."""

    name: str

    def open_group(self, title: str) -> Sequence[str]:
        """Lines that open a group; what follows is foreign text until it is closed."""
        ...

    def close_group(self) -> Sequence[str]:
        """Lines that close the open group."""
        ...

    def annotate(self, level: Level, text: str, place: Place | None) -> Sequence[str]:
        """Lines that show a message, at its place where the CI can."""
        ...

    def mask(self, secret: str) -> Sequence[str]:
        """Lines that make the CI hide a secret."""
        ...

    def write_outputs(self, outputs: Mapping[str, str]) -> None:
        """Hand the outputs to later steps."""
        ...

    def write_summary(self, markdown: str) -> None:
        """Show the summary on the run's page."""
        ...


class Console:
    """Says things; safe to use from several threads."""

    def __init__(self, dialect: Dialect, *, quiet: bool = False, out: TextIO | None = None) -> None:
        self.dialect = dialect
        self.problems: list[tuple[Level, str]] = []
        self._quiet = quiet
        self._out = out or sys.stdout
        self._lock = threading.RLock()
        self._live: _Group | None = None
        self._waiting: list[_Group] = []
        self._counts: dict[Level, int] = {}

    def say(self, text: str) -> None:
        """One line of the user's story."""
        if not self._quiet:
            self._write([text])

    def result(self, text: str) -> None:
        """Lines that are shown even when quiet."""
        self._write(text.splitlines())

    def mask(self, secrets: Sequence[str]) -> None:
        """Never show these texts; called before anything else is done with them."""
        hide(secrets)
        for secret in secrets:
            if secret.strip():
                self._write_raw(self.dialect.mask(secret))

    def notice(self, text: str, place: Place | None = None) -> None:
        """Something worth knowing."""
        self._annotate("notice", text, place)

    def warning(self, text: str, place: Place | None = None) -> None:
        """Something that may be wrong."""
        self._annotate("warning", text, place)

    def error(self, error: ExporterError) -> None:
        """Why the run failed: one annotation per problem, the remedy with it."""
        if isinstance(error, BuildError) and error.output:
            self._write(["", *error.output, ""])
        if isinstance(error, InputError):
            for problem in error.problems[:-1]:
                self._annotate("error", problem, None)
            last = error.problems[-1] if error.problems else ""
            text = f"{last}. {error.remedy}" if error.remedy else last
            self._annotate("error", text, error.place)
        elif error.place is not None:
            text = f"{error.what}. {error.remedy}" if error.remedy else error.what
            self._annotate("error", f"{error.place}: {text}", error.place)
        else:
            self._annotate("error", str(error), None)

    def bug(self, trace: str) -> None:
        """An unexpected exception, for the maintainers."""
        self._write(trace.splitlines())

    @contextmanager
    def group(self, title: str) -> "Iterator[Group]":
        """A foldable part of the log; several may be open at once, one is shown at a time."""
        group = _Group(title)
        with self._lock:
            if self._live is None:
                self._open(group)
            else:
                self._waiting.append(group)
        try:
            yield Group(self, group)
        finally:
            with self._lock:
                group.ended = True
                if self._live is group:
                    self._close()

    def _line(self, group: "_Group", text: str) -> None:
        with self._lock:
            if self._live is group:
                self._write([text])
            else:
                group.lines.append(text)

    def _open(self, group: "_Group") -> None:
        self._live = group
        if not self._quiet:
            self._write_raw(self.dialect.open_group(group.title))
        self._write(group.lines)

    def _close(self) -> None:
        if not self._quiet:
            self._write_raw(self.dialect.close_group())
        self._live = None
        while self._waiting and self._live is None:
            self._open(self._waiting.pop(0))
            live: _Group | None = self._live
            if live is not None and live.ended:
                self._close()

    def _annotate(self, level: Level, text: str, place: Place | None) -> None:
        clean = redact(text)
        with self._lock:
            self.problems.append((level, clean))
            self._counts[level] = self._counts.get(level, 0) + 1
            if self._counts[level] <= MOST_ANNOTATIONS:
                self._write_raw(self.dialect.annotate(level, clean, place))
            else:
                self._write([f"{level}: {clean}"])

    def _write(self, lines: Sequence[str]) -> None:
        if lines and not (self._quiet and self._live):
            self._write_raw([redact(line) for line in lines])

    def _write_raw(self, lines: Sequence[str]) -> None:
        with self._lock:
            for line in lines:
                self._out.write(f"{line}\n")
            self._out.flush()


class _Group:
    def __init__(self, title: str) -> None:
        self.title = title
        self.lines: list[str] = []
        self.ended = False


class Group:
    """An open group of a console."""

    def __init__(self, console: Console, group: _Group) -> None:
        self._console = console
        self._group = group

    def say(self, text: str) -> None:
        """One line inside the group; it may be foreign text."""
        self._console._line(self._group, text)  # noqa: SLF001 - both halves of one thing
