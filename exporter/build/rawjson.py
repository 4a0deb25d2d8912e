"""Buildx's progress stream (``--progress=rawjson``).

The stream is a sequence of JSON objects, each starting with ``{`` and ending with ``}`` alone on a
line, followed on failure by buildx's own text: the place in the Dockerfile, an excerpt and
``ERROR: …``.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from exporter.build.progress import Failure, Progress
from exporter.buildkit.status import Log, Update, Vertex

_PLACE = re.compile(r"^(?P<file>\S.*):(?P<line>\d+)$")
_FRACTION = re.compile(r"\.\d+")


class RawJson:
    """Reads the stream of one solve into its progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._text: list[str] = []
        self._object: list[str] | None = None

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
        closing = [line for line in self._text if line.startswith("ERROR: ")]
        message = closing[-1].removeprefix("ERROR: ") if closing else "\n".join(self._text[-3:])
        place = next((found for text in self._text if (found := _PLACE.match(text))), None)
        if place is None:
            return self._progress.failure(message)
        return self._progress.failure(message, place["file"], int(place["line"]))

    def _take(self, text: str) -> None:
        try:
            event = json.loads(text)
        except ValueError:
            self._text.append(text)
            return
        self._progress.take(_update(event))


def _update(event: Mapping[str, Any]) -> Update:
    statuses = event.get("statuses") or ()
    return Update(
        vertexes=tuple(_vertex(each) for each in event.get("vertexes") or ()),
        done=tuple((each["vertex"], each["id"]) for each in statuses if each.get("completed")),
        logs=tuple(
            Log(vertex=log["vertex"], data=base64.b64decode(log.get("data") or b""))
            for log in event.get("logs") or ()
        ),
        warnings=tuple(
            base64.b64decode(each.get("short") or b"") for each in event.get("warnings") or ()
        ),
    )


def _vertex(vertex: Mapping[str, Any]) -> Vertex:
    return Vertex(
        digest=vertex["digest"],
        name=vertex["name"],
        cached=bool(vertex.get("cached")),
        started=_moment(vertex.get("started")),
        completed=_moment(vertex.get("completed")),
        error=vertex.get("error") or "",
    )


def _moment(text: str | None) -> float | None:
    """Seconds since the epoch of an RFC 3339 time; nanoseconds are cut."""
    if not text:
        return None
    fraction = _FRACTION.search(text)
    micro = fraction.group()[:7] if fraction else ""
    return datetime.fromisoformat(_FRACTION.sub(micro, text)).timestamp()
