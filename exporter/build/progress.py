"""What BuildKit tells of a solve, as lines for people, and what of it is kept for the end."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.buildkit.status import Log, Update, Vertex

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_MADE = "exporting manifest sha256:"
_PUSHED = "pushing manifest for "


@dataclass(slots=True, kw_only=True)
class Step:
    """One vertex of the solve: its name, and whether and how it ended."""

    name: str
    cached: bool = False
    error: str = ""
    started: float | None = None
    seconds: float | None = None
    output: list[str] = field(default_factory=list)
    partial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a solve failed: the failing step, its last lines, its place in the Dockerfile."""

    step: str
    message: str
    file: str = ""
    line: int = 0
    output: tuple[str, ...] = ()


NOT_PUSHED = Failure(step="exporting to image", message="BuildKit has ended without pushing")
"""The failure of a solve that ended well, but did not tell that the image is in the registry."""


class Progress:
    """Takes in what is told of one solve, and tells each line of interest to ``say``."""

    _LAST_LINES = 50

    def __init__(self, say: Callable[[str], None]) -> None:
        """``say`` gets one line at a time, without line break and control characters."""
        self._say = say
        self._steps: dict[str, Step] = {}
        self.pushed = ""
        """The digest of the manifest that BuildKit itself has pushed; empty until it is out."""
        self._made: dict[str, str] = {}
        self._pushes: dict[str, str] = {}

    def take(self, update: Update) -> None:
        """Take in what is new."""
        for vertex, what in update.done:
            if what.startswith(_MADE):
                self._made[vertex] = what.rpartition(" ")[2]
            elif what.startswith(_PUSHED):  # the name has the digest unless it is pushed by that
                digest = what.rpartition("@")[2] if "@" in what else self._made.get(vertex, "")
                self._pushes[vertex] = digest
        for each in update.vertexes:
            self._vertex(each)
        for log in update.logs:
            self._log(log)
        for warning in update.warnings:
            self._say(f"warning: {_plain(warning.decode('utf-8', 'replace'))}")

    def failure(self, message: str, file: str = "", line: int = 0) -> Failure:
        """What went wrong: the failed step beside what BuildKit says at the end."""
        failed = next((step for step in self._steps.values() if step.error), None)
        message = message.removeprefix("failed to solve: ")
        return Failure(
            step=failed.name if failed else "",
            message=message or (failed.error if failed else "the build ended without saying why"),
            file=file,
            line=line,
            output=tuple(failed.output[-self._LAST_LINES :]) if failed else (),
        )

    @property
    def has_failed(self) -> bool:
        """Whether a step has failed."""
        return any(step.error for step in self._steps.values())

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step seen, in the order of appearance."""
        return tuple(self._steps.values())

    def _vertex(self, vertex: Vertex) -> None:
        step = self._steps.setdefault(vertex.digest, Step(name=_plain(vertex.name)))
        internal = step.name.startswith("[internal]")
        if vertex.started is not None and step.started is None:
            step.started = vertex.started
            if not internal and not vertex.cached:
                self._say(step.name)
        if vertex.error:
            step.error = vertex.error
        if vertex.completed is not None and not step.error:
            self.pushed = self._pushes.get(vertex.digest, self.pushed)
        if vertex.completed is None or step.seconds is not None:
            return
        step.seconds = vertex.completed - (step.started or 0)
        step.cached = vertex.cached
        if step.partial:
            self._line(step, step.partial)
            step.partial = ""
        if step.error:
            self._say(f"{step.name}: failed: {_plain(step.error)}")
        elif not internal:
            state = "cached" if step.cached else f"done in {step.seconds:.1f} s"
            self._say(f"{step.name}: {state}")

    def _log(self, log: Log) -> None:
        step = self._steps.setdefault(log.vertex, Step(name=""))
        text = step.partial + log.data.decode("utf-8", "replace")
        *whole, step.partial = re.split(r"\r\n|\n|\r", text)
        for line in whole:
            self._line(step, line)

    def _line(self, step: Step, line: str) -> None:
        clean = _plain(line)
        step.output.append(clean)
        del step.output[: -self._LAST_LINES]
        self._say(f"  {clean}")


def _plain(text: str) -> str:
    """The text without escape sequences and control characters."""
    return _CONTROL.sub("", text)
