"""What BuildKit may ask of us while it solves: files, accounts, secrets, an ssh agent."""

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from exporter.buildkit import wire
from exporter.buildkit.files import Tree, send_tree
from exporter.buildkit.rpc import NOT_FOUND, UNAVAILABLE, UNIMPLEMENTED, Call, CallError
from exporter.errors import ExporterError
from exporter.oci.reference import DOCKER_HUB

logger = logging.getLogger(__name__)

_SERVING = 1
_AGENT_BYTES = 32 << 10
_HUB = ("registry-1.docker.io", "docker.io")


class Credentials(NamedTuple):
    """An account of a registry; without a name the secret is an identity token."""

    username: str
    secret: str


def anonymous(registry: str) -> Credentials:
    """No account anywhere."""
    del registry
    return Credentials("", "")


@dataclass(slots=True, kw_only=True)
class Services:
    """Serves one solve.

    ``trees`` are directories by the names that the solve uses. ``find_account`` gets the host of a
    registry. ``secrets`` are read by their ids; ``agents`` are sockets of ssh agents by theirs.
    ``error`` is what went wrong on our side, if anything did.
    """

    trees: Mapping[str, Tree]
    find_account: Callable[[str], Credentials] = field(default=anonymous, repr=False)
    secrets: Mapping[str, Callable[[], bytes]] = field(default_factory=dict, repr=False)
    agents: Mapping[str, Path] = field(default_factory=dict)
    error: ExporterError | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """What is served."""
        return tuple(_HANDLERS)

    def serve(self, call: Call) -> None:
        """Answer a call."""
        handler = _HANDLERS.get(call.method)
        if handler is None:
            raise CallError(UNIMPLEMENTED, f"{call.method} is not served")
        try:
            handler(self, call)
        except ExporterError as error:
            self.error = self.error or error
            raise
        call.finish()

    def _files(self, call: Call) -> None:
        name = call.metadata.get("dir-name", ("",))[0]
        tree = self.trees.get(name)
        if tree is None:
            raise CallError(NOT_FOUND, f"there is no directory {name}")
        send_tree(call, tree)

    def _account(self, call: Call) -> None:
        host = _asked(call).text(1)
        found = self.find_account(DOCKER_HUB if host in _HUB else host)
        call.send(wire.field(1, found.username) + wire.field(2, found.secret))

    def _secret(self, call: Call) -> None:
        name = _asked(call).text(1)
        if name not in self.secrets:
            raise CallError(NOT_FOUND, f"secret {name}: not found")
        call.send(wire.field(1, self.secrets[name]()))

    def _agent(self, call: Call) -> None:
        name = _asked(call).text(1) or "default"
        if name not in self.agents:
            raise CallError(NOT_FOUND, f"unset ssh forward key {name}")
        call.send(b"")

    def _agent_stream(self, call: Call) -> None:
        name = call.metadata.get("buildkit.ssh.id", ("default",))[0] or "default"
        with socket.socket(socket.AF_UNIX) as agent:
            try:
                agent.connect(str(self.agents[name]))
                _join(call, agent)
            except (KeyError, OSError) as error:
                raise CallError(UNAVAILABLE, f"the ssh agent {name}: {error}") from error

    def _health(self, call: Call) -> None:
        call.send(wire.field(1, _SERVING))


def _asked(call: Call) -> wire.Fields:
    return wire.Fields(call.receive() or b"")


def _join(call: Call, agent: socket.socket) -> None:
    """Carry bytes both ways until the agent ends or the call is broken off."""

    def answers() -> None:
        try:
            while data := agent.recv(_AGENT_BYTES):
                call.send(wire.field(1, data))
        except (OSError, CallError) as error:
            logger.debug("the ssh agent's answers ended: %s", error)
        call.finish()

    thread = threading.Thread(target=answers, name="ssh agent", daemon=True)
    thread.start()
    how = socket.SHUT_RDWR
    try:
        for message in _messages(call):
            agent.sendall(wire.Fields(message).data(1))
        how = socket.SHUT_WR
    finally:
        with suppress(OSError):
            agent.shutdown(how)
        thread.join()


def _messages(call: Call) -> Iterable[bytes]:
    while (message := call.receive()) is not None:
        yield message


_HANDLERS: Mapping[str, Callable[[Services, Call], None]] = {
    "/moby.filesync.v1.FileSync/DiffCopy": Services._files,  # noqa: SLF001 - its own table
    "/moby.filesync.v1.Auth/Credentials": Services._account,  # noqa: SLF001 - the same
    "/moby.buildkit.secrets.v1.Secrets/GetSecret": Services._secret,  # noqa: SLF001 - the same
    "/moby.sshforward.v1.SSH/CheckAgent": Services._agent,  # noqa: SLF001 - the same
    "/moby.sshforward.v1.SSH/ForwardAgent": Services._agent_stream,  # noqa: SLF001 - the same
    "/grpc.health.v1.Health/Check": Services._health,  # noqa: SLF001 - the same
}
