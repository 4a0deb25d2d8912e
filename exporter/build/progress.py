"""BuildKit's progress stream (``--progress=rawjson``) as lines for people.

The stream is a sequence of JSON objects, each starting with ``{`` and ending with ``}`` alone on a
line, followed on failure by buildx's own text: the place in the Dockerfile, an excerpt and
``ERROR: …``.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_PLACE = re.compile(r"^(?P<file>\S.*):(?P<line>\d+)$")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_FRACTION = re.compile(r"\.\d+")


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


class Progress:
    """Reads the stream of one solve and tells each line of interest to ``say``."""

    _LAST_LINES = 50

    def __init__(self, say: Callable[[str], None]) -> None:
        """``say`` gets one line at a time, without line break and control characters."""
        self._say = say
        self._steps: dict[str, Step] = {}
        self._text: list[str] = []
        self._object: list[str] | None = None
        self.pushed = ""
        """The digest of the manifest that BuildKit itself has pushed; empty until it is out."""
        self._pushes: dict[str, str] = {}

    def read(self, lines: Iterable[bytes], *, until: Callable[[], bool] = lambda: False) -> None:
        """Take in the stream, line by line as it comes: all of it, or until enough is known."""
        for raw in lines:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if self._object is not None:
                self._object.append(line)
                if line == "}":
                    self._take("\n".join(self._object))
                    self._object = None
                    if until():
                        return
            elif line == "{":
                self._object = [line]
            elif line.startswith("{") and line.endswith("}"):
                self._take(line)
            elif line.strip():
                self._text.append(line)

    def failure(self) -> Failure:
        """What went wrong, from the failed step and buildx's closing text."""
        failed = next((step for step in self._steps.values() if step.error), None)
        closing = [line for line in self._text if line.startswith("ERROR: ")]
        message = closing[-1].removeprefix("ERROR: ") if closing else "\n".join(self._text[-3:])
        message = message.removeprefix("failed to solve: ")
        place = next((found for text in self._text if (found := _PLACE.match(text))), None)
        return Failure(
            step=failed.name if failed else "",
            message=message or (failed.error if failed else "the build ended without saying why"),
            file=place["file"] if place else "",
            line=int(place["line"]) if place else 0,
            output=tuple(failed.output[-self._LAST_LINES :]) if failed else (),
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step seen, in the order of appearance."""
        return tuple(self._steps.values())

    def _take(self, text: str) -> None:
        try:
            event = json.loads(text)
        except ValueError:
            self._text.append(text)
            return
        for status in event.get("statuses") or ():
            if status["id"].startswith("pushing manifest for ") and status.get("completed"):
                self._pushes[status["vertex"]] = status["id"].rpartition("@")[2]
        for vertex in event.get("vertexes") or ():
            self._vertex(vertex)
        for log in event.get("logs") or ():
            self._log(log)
        for warning in event.get("warnings") or ():
            short = base64.b64decode(warning.get("short") or b"").decode("utf-8", "replace")
            self._say(f"warning: {_plain(short)}")

    def _vertex(self, vertex: dict[str, Any]) -> None:
        step = self._steps.setdefault(vertex["digest"], Step(name=_plain(vertex["name"])))
        internal = step.name.startswith("[internal]")
        if vertex.get("started") and step.started is None:
            step.started = _moment(vertex["started"])
            if not internal and not vertex.get("cached"):
                self._say(step.name)
        if vertex.get("error"):
            step.error = vertex["error"]
        if vertex.get("completed") and not step.error:
            self.pushed = self._pushes.get(vertex["digest"], self.pushed)
        if not vertex.get("completed") or step.seconds is not None:
            return
        step.seconds = _moment(vertex["completed"]) - (step.started or 0)
        step.cached = bool(vertex.get("cached"))
        if step.partial:
            self._line(step, step.partial)
            step.partial = ""
        if step.error:
            self._say(f"{step.name}: failed: {_plain(step.error)}")
        elif not internal:
            state = "cached" if step.cached else f"done in {step.seconds:.1f} s"
            self._say(f"{step.name}: {state}")

    def _log(self, log: dict[str, Any]) -> None:
        step = self._steps.setdefault(log["vertex"], Step(name=""))
        text = step.partial + base64.b64decode(log.get("data") or b"").decode("utf-8", "replace")
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


def _moment(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; nanoseconds are cut."""
    fraction = _FRACTION.search(text)
    micro = fraction.group()[:7] if fraction else ""
    return datetime.fromisoformat(_FRACTION.sub(micro, text)).timestamp()
