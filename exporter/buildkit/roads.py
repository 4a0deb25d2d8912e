"""How BuildKit is reached: the one inside an engine by the engine's own API, others by a program.

Programs of docker know contexts, TLS, ssh and builders; a line to them is their standard input
and output.
"""

import socket
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import IO, Protocol

from exporter import process
from exporter.buildkit import wire
from exporter.buildkit.connection import Connection, Serve
from exporter.buildkit.rpc import CallError, Metadata

_ANSWER_S = 20.0
_DIAL_S = 60.0
_MOST_HEAD = 16 << 10
_PIECE = 256 << 10
_SWITCHING = 101
_WATCH_S = 10.0
_PATIENCE_S = 60.0


class RoadError(Exception):
    """BuildKit was not reached; the text says why."""


class Road(Protocol):
    """A way to one BuildKit."""

    def connect(self, stack: ExitStack) -> Connection:
        """A connection for calls, ended by the stack.

        Raises:
            RoadError: It is not reached.
        """
        ...

    def attach(
        self, stack: ExitStack, connection: Connection, headers: Metadata, serve: Serve
    ) -> None:
        """Let BuildKit call back, as the session that the headers describe."""
        ...


class Line(Protocol):
    """A way to connect; ``host`` is where to."""

    host: str

    def dial(self, stack: ExitStack) -> tuple[socket.socket, Callable[[], str]]:
        """A connection, ended by the stack, and what is told of it when it breaks.

        Raises:
            OSError: It cannot be had.
            ProgramMissingError: The program does not exist.
        """
        ...


class SocketLine:
    """To a socket of this machine."""

    def __init__(self, path: str) -> None:
        self.host = f"unix://{path}"
        self._path = path

    def dial(self, stack: ExitStack) -> tuple[socket.socket, Callable[[], str]]:  # noqa: D102
        connection = stack.enter_context(socket.socket(socket.AF_UNIX))
        connection.settimeout(_ANSWER_S)
        connection.connect(self._path)
        return connection, str


class ProgramLine:
    """To the standard input and output of a program."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.host = f"the other side of '{' '.join(argv)}'"
        self._argv = argv
        self._env = env

    def dial(self, stack: ExitStack) -> tuple[socket.socket, Callable[[], str]]:  # noqa: D102
        said = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it is one
        connection = stack.enter_context(process.dial(self._argv, env=self._env, stderr=said))
        connection.settimeout(_DIAL_S)
        return connection, lambda: _last_words(said)


class _RefusedError(RoadError):
    """An engine does not hand over its connection."""


class EngineRoad:
    """BuildKit inside an engine, which hands over connections to its API.

    From API 1.53 on that is deprecated, and gRPC spoken at the socket itself; so that is tried
    where an engine refuses.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._straight: StraightRoad | None = None

    def connect(self, stack: ExitStack) -> Connection:  # noqa: D102 - see Road
        self._straight = None
        try:
            connection = Connection(self._upgraded(stack, "/grpc", {}))
        except _RefusedError as refused:
            self._straight = StraightRoad(self._line)
            try:
                return self._straight.connect(stack)
            except RoadError:
                raise refused from None
        stack.callback(connection.close)
        return connection

    def attach(  # noqa: D102 - see Road
        self, stack: ExitStack, connection: Connection, headers: Metadata, serve: Serve
    ) -> None:
        if self._straight is not None:
            self._straight.attach(stack, connection, headers, serve)
            return
        session = Connection(self._upgraded(stack, "/session", headers), serve)
        stack.callback(session.close)

    def _upgraded(self, stack: ExitStack, target: str, headers: Metadata) -> socket.socket:
        """A connection that speaks HTTP/2 from now on."""
        lines = [f"POST {target} HTTP/1.1", "Host: docker", "Connection: Upgrade", "Upgrade: h2c"]
        lines += [f"{name}: {text}" for name, texts in headers.items() for text in texts]
        said: Callable[[], str] = str
        try:
            connection, said = self._line.dial(stack)
            connection.sendall("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape"))
            status = _answer(connection)
        except TimeoutError as error:
            raise self._lost("it does not answer") from error
        except OSError as error:
            raise self._lost(said() or error.strerror or str(error)) from error
        if status is None:
            raise self._lost(said() or "it closed the connection")
        if status != _SWITCHING:
            raise _RefusedError(
                f"the engine at {self._line.host} answers {target} with status {status}"
            )
        connection.settimeout(None)
        return connection

    def _lost(self, reason: str) -> RoadError:
        return RoadError(f"cannot connect to the docker daemon at {self._line.host}: {reason}")


class StraightRoad:
    """BuildKit at the other end of a line; sessions go by the same line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def connect(self, stack: ExitStack) -> Connection:  # noqa: D102 - see Road
        try:
            line, said = self._line.dial(stack)
        except OSError as error:
            raise RoadError(f"cannot connect to the builder: {error}") from error
        line.settimeout(None)  # what is asked first has a limit of its own
        connection = Connection(line)
        stack.callback(connection.close)
        try:
            _ask(connection)
        except CallError as error:
            reason = said() or error.message
            raise RoadError(f"cannot connect to the builder: {reason}") from error
        watch = threading.Thread(target=_watch, args=(connection,), name="watch", daemon=True)
        watch.start()
        return connection

    def attach(  # noqa: D102 - see Road
        self, stack: ExitStack, connection: Connection, headers: Metadata, serve: Serve
    ) -> None:
        lower = {name.lower(): texts for name, texts in headers.items()}
        call = connection.call("/moby.buildkit.v1.Control/Session", lower)
        ours, theirs = socket.socketpair()

        def inward() -> None:
            with suppress(CallError, OSError):
                while messages := call.receive_all():
                    theirs.sendall(b"".join(wire.Fields(each).data(1) for each in messages))
            with suppress(OSError):
                theirs.shutdown(socket.SHUT_RDWR)  # ends the other thread, which closes it

        def outward() -> None:
            with theirs, suppress(CallError, OSError):
                while data := theirs.recv(_PIECE):
                    call.send(wire.field(1, data))
            call.cancel()

        for work in (inward, outward):
            threading.Thread(target=work, name="session", daemon=True).start()
        session = Connection(ours, serve)
        stack.callback(session.close)


def _ask(connection: Connection) -> None:
    """See that BuildKit is there."""
    call = connection.call("/moby.buildkit.v1.Control/ListWorkers")
    call.cancel(after_s=_PATIENCE_S)
    call.send(b"", last=True)
    call.receive()


def _watch(connection: Connection) -> None:
    """End the connection when nobody is there any more: the program does not notice it."""
    try:
        while not connection.wait(_WATCH_S):
            _ask(connection)
    except CallError as error:
        connection.give_up(f"the builder does not answer: {error.message}")


def _answer(connection: socket.socket) -> int | None:
    """The status of an HTTP answer, 0 when it is something else; None when none comes.

    Nothing behind its head is taken from the connection.
    """
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte or len(head) > _MOST_HEAD:
            return None
        head += byte
    parts = head.split(maxsplit=2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("ERROR: ") if lines else ""
