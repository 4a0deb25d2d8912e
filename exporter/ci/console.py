"""What the user sees while the program runs, whichever CI runs it.

A :class:`Console` decides what is said and in which order; its :class:`Dialect` how the CI wants it
written. Parallel work is shown one group at a time: the group that was opened first is live, the
others wait and follow whole. Every line is foreign until proven otherwise: it loses control
characters and cannot give the CI a command.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, Protocol, TextIO

from exporter.ci.status import Status, Work
from exporter.ci.style import Style, clean
from exporter.ci.ticker import Ticker
from exporter.errors import BuildError, ConfigError, ExporterError, InputError, Place
from exporter.log import hidden_in, hide, redact

Level = Literal["notice", "warning", "error"]


class Dialect(Protocol):
    """How one CI writes groups, annotations, masks, outputs and summaries.

    Every method returns the lines for the log. ``most_annotations`` is how many of one kind the CI
    shows; 0 means all.
    """

    name: str
    most_annotations: int

    def open_group(self, title: str) -> Sequence[str]:
        """Lines that open a group; what follows is foreign text until it is closed."""
        ...

    def close_group(self) -> Sequence[str]:
        """Lines that close the open group."""
        ...

    def aside(self, commands: Sequence[str]) -> Sequence[str]:
        """The same commands, so written that they count inside an open group."""
        ...

    def annotate(self, level: Level, text: str, place: Place | None) -> Sequence[str]:
        """Lines that show a message, at its place where the CI can."""
        ...

    def mask(self, secret: str) -> Sequence[str]:
        """Lines that make the CI hide a secret."""
        ...

    def harmless(self, line: str) -> str:
        """A line that the CI cannot take for a command; the same where none counts anyway."""
        ...

    def write_outputs(self, outputs: Mapping[str, str]) -> Sequence[str]:
        """Hand the outputs to later steps."""
        ...

    def write_summary(self, markdown: str) -> Sequence[str]:
        """Show the summary on the run's page."""
        ...


class Console:
    """Says things; safe to use from several threads.

    ``folder`` is where the project is in the checkout, for annotations; empty for its top.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        quiet: bool = False,
        out: TextIO | None = None,
        style: Style | None = None,
        clock: Callable[[], float] = time.monotonic,
        ticker: Ticker | None = None,
        folder: str = "",
    ) -> None:
        self.dialect = dialect
        self.style = style or Style(colors=False)
        self.problems: list[tuple[Level, str]] = []
        self._quiet = quiet
        self._folder = folder
        self._out = out or sys.stdout
        self._lock = threading.RLock()
        self._live: _Group | None = None
        self._waiting: list[_Group] = []
        self._status = Status(self._out, clock)
        self._ticker = ticker
        self._counts: dict[Level, int] = {}
        self._held: dict[Level, list[tuple[str, Place | None]]] = {}

    def say(self, text: str) -> None:
        """One event of the user's story."""
        if not self._quiet:
            self._write(text.splitlines())

    def result(self, text: str) -> None:
        """Lines that are shown even when quiet."""
        self._write(text.splitlines())

    def mask(self, secrets: Sequence[str]) -> None:
        """Never show these texts; called before anything else is done with them."""
        hide(secrets)
        for secret in secrets:
            if secret.strip():
                self._command(self.dialect.mask(secret))

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
            *others, last = error.problems or ("",)
            for problem in others:
                self._annotate("error", problem, None)
            self._annotate("error", _sentences(last, error.remedy), error.place)
        else:
            where = f"{error.place}: " if error.place else ""
            self._annotate("error", where + _sentences(error.what, error.remedy), error.place)
        if isinstance(error, ConfigError) and error.excerpt:
            self._write(["", *error.excerpt.splitlines(), ""])

    def bug(self, trace: str) -> None:
        """An unexpected exception, for the maintainers."""
        self._write(trace.splitlines())

    @contextmanager
    def group(self, title: str) -> "Iterator[Group]":
        """A foldable part of the log; several may be open at once, one is shown at a time."""
        group = _Group(clean(redact(title), self.style), self._status.now())
        if self._ticker and not self._quiet:
            self._ticker.start(self.tick)
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

    def handler(self) -> logging.Handler:
        """A handler that lets the program's log be part of this one, in the right order."""
        return _LogHandler(self)

    def write_outputs(self, outputs: Mapping[str, str]) -> None:
        """Hand the outputs to later steps, and name those that the CI may drop."""
        masked = [name for name, value in outputs.items() if hidden_in(value)]
        if masked:
            names = ", ".join(f"'{name}'" for name in masked)
            self.warning(
                f"the outputs {names} contain a masked value: a CI drops such outputs between jobs."
                " Give the registry, repository or tag a name that is no secret."
            )
        try:
            self._command(self.dialect.write_outputs(outputs))
        except OSError as error:
            self.warning(f"the outputs cannot be handed to later steps: {error}")

    def write_summary(self, markdown: str) -> None:
        """Show the summary on the run's page."""
        try:
            self._command(self.dialect.write_summary(redact(markdown)))
        except OSError as error:
            self.warning(f"the summary cannot be shown: {error}")

    def tick(self) -> None:
        """Show what is going on, on a terminal or after a long silence."""
        with self._lock:
            groups = [*([self._live] if self._live else []), *self._waiting]
            works = [
                Work(title=group.title, started=group.started)
                for group in groups
                if not group.ended
            ]
            self._write(self._status.show(works))

    def finish(self) -> None:
        """Show what was held back because the CI shows only so many annotations of a kind."""
        if self._ticker:
            self._ticker.stop()
            self.tick()
        for level, held in self._held.items():
            if len(held) == 1:
                text, place = held[0]
                self._command(self.dialect.annotate(level, text, place))
            elif held:
                text = f"+{len(held)} more of this kind, each a line of the log"
                self._command(self.dialect.annotate(level, text, None))
        self._held.clear()

    def _line(self, group: "_Group", text: str) -> None:
        with self._lock:
            if self._live is group:
                self._write(text.splitlines() or [""])
            else:
                group.lines += text.splitlines() or [""]

    def _open(self, group: "_Group") -> None:
        if not self._quiet:
            self._put(self.dialect.open_group(group.title))
        self._live = group
        self._write(group.lines)

    def _close(self) -> None:
        if not self._quiet:
            self._put(self.dialect.close_group())
        self._live = None
        while self._waiting and self._live is None:
            self._open(self._waiting.pop(0))
            live: _Group | None = self._live
            if live is not None and live.ended:
                self._close()

    def _annotate(self, level: Level, text: str, place: Place | None) -> None:
        shown = redact(text)
        if place is not None and self._folder:
            place = replace(place, path=f"{self._folder}/{place.path}")
        most = self.dialect.most_annotations
        with self._lock:
            self.problems.append((level, shown))
            self._counts[level] = self._counts.get(level, 0) + 1
            if not most or self._counts[level] < most:
                self._command(self.dialect.annotate(level, shown, place))
            else:
                self._held.setdefault(level, []).append((shown, place))
                self._write([f"{level}: {line}" for line in shown.splitlines()[:1]])

    def _command(self, lines: Sequence[str]) -> None:
        """Write lines that the CI shall understand, also while a group of foreign text is open."""
        with self._lock:
            inside = self._live is not None and not self._quiet
            self._put(self.dialect.aside(lines) if inside and lines else lines)

    def _write(self, lines: Sequence[str]) -> None:
        with self._lock:
            if self._quiet and self._live:
                return
            self._put([self.dialect.harmless(clean(redact(line), self.style)) for line in lines])

    def _put(self, lines: Sequence[str]) -> None:
        if not lines:
            return
        with self._lock:
            self._status.spoken()
            for line in lines:
                self._out.write(f"{line}\n")
            self._out.flush()


def _sentences(what: str, remedy: str) -> str:
    if not remedy:
        return what
    return f"{what}{'' if what.endswith(('.', '!', '?')) else '.'} {remedy}"


class _LogHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Warnings are worth an annotation; everything else is a line."""
        if record.levelno >= logging.WARNING:
            self._console.warning(self.format(record))
        else:
            self._console.result(self.format(record))


class _Group:
    def __init__(self, title: str, started: float) -> None:
        self.title = title
        self.started = started
        self.lines: list[str] = []
        self.ended = False


class Group:
    """An open group of a console."""

    def __init__(self, console: Console, group: _Group) -> None:
        self._console = console
        self._group = group

    def say(self, text: str) -> None:
        """Lines inside the group; they may be foreign text."""
        self._console._line(self._group, text)  # noqa: SLF001 - both halves of one thing
