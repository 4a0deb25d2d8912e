"""A solve: asked for, watched, and served until it has ended.

Source: BuildKit's ``api/services/control/control.proto``.
"""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from exporter.buildkit import wire
from exporter.buildkit.connection import Connection
from exporter.buildkit.roads import Road
from exporter.buildkit.rpc import Call, CallError
from exporter.buildkit.services import Services
from exporter.buildkit.status import Update, read_update

_CONTROL = "/moby.buildkit.v1.Control"
_EXPOSE = "X-Docker-Expose-Session"
_SETTLE_S = 1.0
"""How long the last news may come after the end of a solve that failed."""
_LAST_NEWS_S = 10.0
"""The same for a solve that went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be solved.

    ``attributes`` are those of the frontend. ``exporter`` and its attributes say how the result
    leaves. Sessions with the same ``shared_key`` offer the same directories, so that BuildKit
    recognises what it has of them.
    """

    attributes: Mapping[str, str] = field(repr=False)
    exporter: str
    exporter_attributes: Mapping[str, str]
    frontend: str = "dockerfile.v0"
    entitlements: Sequence[str] = ()
    shared_key: str = ""


class Client:
    """One BuildKit; connected when it is first needed, and until the end."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def close(self) -> None:
        """End all connections; what still runs is cancelled."""
        self._stack.close()

    def start(self, request: Request, services: Services) -> "Solving":
        """Begin a solve.

        Raises:
            RoadError: BuildKit is not reached.
            CallError: The connection broke.
        """
        connection = self._connected()
        session, job = secrets.token_hex(12), secrets.token_hex(12)
        stack = ExitStack()
        try:
            headers = {
                f"{_EXPOSE}-Uuid": [session],
                f"{_EXPOSE}-Name": ["exporter"],
                f"{_EXPOSE}-Sharedkey": [request.shared_key],
                f"{_EXPOSE}-Grpc-Method": list(services.methods),
            }
            self._road.attach(stack, connection, headers, services.serve)
            solve = connection.call(f"{_CONTROL}/Solve")
            stack.callback(solve.cancel)
            solve.send(_encoded(request, job=job, session=session), last=True)
            status = connection.call(f"{_CONTROL}/Status")
            stack.callback(status.cancel)
            status.send(wire.field(1, job), last=True)
        except BaseException:
            stack.close()
            raise
        return Solving(solve, status, stack)

    def has_worker(self, condition: str) -> bool:
        """Whether a worker of BuildKit meets a condition, in the language of containerd's filters.

        Raises:
            RoadError: BuildKit is not reached.
            CallError: It does not tell, or the connection broke.
        """
        call = self._connected().call(f"{_CONTROL}/ListWorkers")
        call.send(wire.field(1, condition), last=True)
        return any(call.receive_all())

    def _connected(self) -> Connection:
        """The connection; another one when that has broken."""
        with self._lock:
            if self._connection is None or self._connection.is_broken:
                self._stack.close()
                with ExitStack() as stack:
                    self._connection = self._road.connect(stack)
                    self._stack = stack.pop_all()
            return self._connection


class Solving:
    """A solve that runs."""

    def __init__(self, solve: Call, status: Call, stack: ExitStack) -> None:
        self._solve = solve
        self._status = status
        self._stack = stack
        self._answer: bytes | None = None
        self._error: CallError | None = None
        self._thread = threading.Thread(target=self._wait, name="solve", daemon=True)
        self._thread.start()

    def watch(self, take: Callable[[Update], None], *, until: Callable[[], bool]) -> None:
        """Hand on what BuildKit tells, to the end or until enough is known."""
        try:
            while (message := self._status.receive()) is not None:
                take(read_update(message))
                if until():
                    return
        except CallError:  # the solve tells better why
            self._thread.join(_SETTLE_S)
        except BaseException:  # nobody is going to ask for the result
            self._stack.close()
            raise

    def result(self) -> Mapping[str, str]:
        """Wait for the end; what the exporter tells.

        Raises:
            CallError: The solve failed, or the connection broke.
        """
        with self._stack:
            self._thread.join()
        if self._error:
            raise self._error
        return wire.Fields(self._answer or b"").mapping(1)

    def see_off(self) -> None:
        """Wait for the end, however it is."""
        with suppress(CallError):
            self.result()

    def _wait(self) -> None:
        try:
            while (message := self._solve.receive()) is not None:
                self._answer = message
        except CallError as error:
            self._error = error
        self._status.cancel(after_s=_SETTLE_S if self._error else _LAST_NEWS_S)


def _encoded(request: Request, *, job: str, session: str) -> bytes:
    return b"".join(
        (
            wire.field(1, job),
            wire.field(3, request.exporter),
            wire.field(4, request.exporter_attributes),
            wire.field(5, session),
            wire.field(6, request.frontend),
            wire.field(7, request.attributes),
            wire.message(8, b""),
            *(wire.message(9, each) for each in request.entitlements),
        )
    )
