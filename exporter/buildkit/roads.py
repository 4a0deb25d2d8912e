"""How BuildKit is reached: the one inside an engine by its socket, any other by a program.

The program is ``docker buildx dial-stdio``, which knows builders, contexts, TLS and ssh.
"""

import socket
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import IO, Protocol

from exporter import process
from exporter.buildkit import wire
from exporter.buildkit.rpc import CallError, Connection, Metadata, Serve

_ANSWER_S = 20.0
_MOST_HEAD = 16 << 10
_PIECE = 256 << 10
_SWITCHING = 101


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


class EngineRoad:
    """BuildKit inside the engine behind a socket of this machine."""

    def __init__(self, path: str) -> None:
        self._path = path

    def connect(self, stack: ExitStack) -> Connection:  # noqa: D102 - see Road
        connection = Connection(self._upgraded("/grpc", {}))
        stack.callback(connection.close)
        return connection

    def attach(  # noqa: D102 - see Road
        self, stack: ExitStack, connection: Connection, headers: Metadata, serve: Serve
    ) -> None:
        del connection
        session = Connection(self._upgraded("/session", headers), serve)
        stack.callback(session.close)

    def _upgraded(self, target: str, headers: Metadata) -> socket.socket:
        """A connection that speaks HTTP/2 from now on."""
        lines = [f"POST {target} HTTP/1.1", "Host: docker", "Connection: Upgrade", "Upgrade: h2c"]
        lines += [f"{name}: {text}" for name, texts in headers.items() for text in texts]
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_ANSWER_S)
            connection.connect(self._path)
            connection.sendall("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape"))
            status = _answer(connection)
            if status != _SWITCHING:
                raise RoadError(f"the engine answers {target} with status {status}")  # noqa: TRY301
            connection.settimeout(None)
        except TimeoutError as error:
            connection.close()
            raise RoadError(f"the engine does not answer in {_ANSWER_S:g} s") from error
        except OSError as error:
            connection.close()
            raise RoadError(error.strerror or str(error)) from error
        except BaseException:
            connection.close()
            raise
        return connection


class ProgramRoad:
    """BuildKit behind the standard input and output of a program."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._argv = argv
        self._env = env

    def connect(self, stack: ExitStack) -> Connection:  # noqa: D102 - see Road
        said = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it is one
        sock = stack.enter_context(process.dial(self._argv, env=self._env, stderr=said))
        connection = Connection(sock)
        stack.callback(connection.close)
        try:
            call = connection.call("/moby.buildkit.v1.Control/ListWorkers")
            call.send(b"", last=True)
            call.receive()
        except CallError as error:
            raise RoadError(_last_words(said) or error.message) from error
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


def _answer(connection: socket.socket) -> int:
    """The status of an HTTP answer; nothing behind its head is taken from the connection."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte or len(head) > _MOST_HEAD:
            raise RoadError("the engine closed the connection")
        head += byte
    parts = head.split(maxsplit=2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("ERROR: ") if lines else ""
