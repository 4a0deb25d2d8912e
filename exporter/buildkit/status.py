"""What BuildKit tells of a solve while it runs."""

from dataclasses import dataclass

from exporter.buildkit.wire import Fields

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """A step: when it started and completed, in seconds since the epoch, and why it failed."""

    digest: str
    name: str
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Output of a step: bytes that may end in the middle of a line."""

    vertex: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What is new. ``done`` are parts of steps that are completed: the step, and what it was."""

    vertexes: tuple[Vertex, ...] = ()
    done: tuple[tuple[str, str], ...] = ()
    logs: tuple[Log, ...] = ()
    warnings: tuple[bytes, ...] = ()


def read_update(message: bytes) -> Update:
    """A StatusResponse of BuildKit's control service."""
    found = Fields(message)
    return Update(
        vertexes=tuple(_vertex(each) for each in found.messages(1)),
        done=tuple(
            (each.text(2), each.text(1))
            for each in found.messages(2)
            if each.message(8) is not None
        ),
        logs=tuple(Log(vertex=each.text(1), data=each.data(4)) for each in found.messages(3)),
        warnings=tuple(each.data(3) for each in found.messages(4)),
    )


def _vertex(found: Fields) -> Vertex:
    return Vertex(
        digest=found.text(1),
        name=found.text(3),
        cached=bool(found.number(4)),
        started=_moment(found.message(5)),
        completed=_moment(found.message(6)),
        error=found.text(7),
    )


def _moment(found: Fields | None) -> float | None:
    return None if found is None else found.number(1) + found.number(2) / _NANO
