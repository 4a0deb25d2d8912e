"""What BuildKit asks of us, over two of our connections."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.buildkit import CallError, Credentials, Services, wire
from exporter.buildkit.connection import Connection
from exporter.buildkit.rpc import INTERNAL, NOT_FOUND, UNAVAILABLE, UNIMPLEMENTED
from exporter.errors import EngineError
from tests.unit.buildkit.peers import eventually, thread

_FORWARD = "/moby.sshforward.v1.SSH/ForwardAgent"
_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
_ACCOUNT = "/moby.filesync.v1.Auth/Credentials"


@contextmanager
def _serving(services: Services) -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    server, client = Connection(theirs, services.serve), Connection(ours)
    try:
        yield client
    finally:
        client.close()
        server.close()


def _ask(services: Services, method: str, message: bytes) -> wire.Fields:
    with _serving(services) as client:
        call = client.call(method)
        call.send(message, last=True)
        answer = call.receive()
        assert answer is not None
        assert call.receive() is None
        return wire.Fields(answer)


def _refused(services: Services, method: str, message: bytes = b"") -> CallError:
    with pytest.raises(CallError) as caught:
        _ask(services, method, message)
    return caught.value


def test_a_secret_is_read_when_it_is_asked_for() -> None:
    services = Services(trees={}, secrets={"token": lambda: b"\xffvalue", "none": lambda: b""})
    assert _ask(services, _SECRET, wire.field(1, "token")).data(1) == b"\xffvalue"
    assert _ask(services, _SECRET, wire.field(1, "none")).data(1) == b""


def test_an_unknown_secret_is_not_found() -> None:
    error = _refused(Services(trees={}), _SECRET, wire.field(1, "token"))
    assert (error.code, error.message) == (NOT_FOUND, "secret token: not found")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("registry-1.docker.io", "index.docker.io"),
        ("docker.io", "index.docker.io"),
        ("ghcr.io:444", "ghcr.io:444"),
    ],
)
def test_accounts_are_found_by_their_registry(asked: str, found: str) -> None:
    services = Services(trees={}, find_account=lambda host: Credentials(host, "secret"))
    answer = _ask(services, _ACCOUNT, wire.field(1, asked))
    assert (answer.text(1), answer.text(2)) == (found, "secret")


def test_an_error_of_ours_is_kept_for_the_end() -> None:
    def fail(host: str) -> Credentials:
        raise EngineError(f"no helper for {host}")

    services = Services(trees={}, find_account=fail)
    error = _refused(services, _ACCOUNT, wire.field(1, "ghcr.io"))
    assert (error.code, error.message) == (INTERNAL, "no helper for ghcr.io")
    assert str(services.error).startswith("no helper for ghcr.io")


def test_a_message_that_is_none_is_an_error() -> None:
    assert _refused(Services(trees={}), _SECRET, b"\x0f").code == INTERNAL


def test_what_is_not_served_is_said() -> None:
    assert _refused(Services(trees={}), "/moby.filesync.v1.Auth/FetchToken").code == UNIMPLEMENTED
    assert _refused(Services(trees={}), "x").code == UNIMPLEMENTED


def test_we_are_healthy() -> None:
    assert _ask(Services(trees={}), "/grpc.health.v1.Health/Check", b"").number(1) == 1


@contextmanager
def _agent(folder: Path, serve: Callable[[socket.socket], None]) -> Iterator[Services]:
    """Services with an agent that takes one connection."""
    path = folder / "agent"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def accept() -> None:
            with listener.accept()[0] as connection:
                connection.settimeout(10)
                serve(connection)

        with thread(accept):
            yield Services(trees={}, agents={"default": path})


def test_bytes_go_to_the_agent_and_back_until_nothing_more_is_asked(tmp_path: Path) -> None:
    def echo(connection: socket.socket) -> None:
        while data := connection.recv(1 << 16):
            connection.sendall(data.upper())
        connection.sendall(b"bye")

    with _agent(tmp_path, echo) as services, _serving(services) as client:
        call = client.call(_FORWARD)
        call.send(wire.field(1, b"hello"))
        assert call.receive() == wire.field(1, b"HELLO")
        call.send(b"", last=True)
        assert call.receive() == wire.field(1, b"bye")
        assert call.receive() is None


def test_the_call_ends_with_the_agent(tmp_path: Path) -> None:
    with _agent(tmp_path, lambda _: None) as services, _serving(services) as client:
        call = client.call(_FORWARD)
        assert call.receive() is None


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_the_agents_connection_ends_with_the_call(tmp_path: Path, how: str) -> None:
    threads = threading.active_count()
    met = threading.Event()

    def wait(connection: socket.socket) -> None:
        met.set()
        assert connection.recv(1) == b""

    with _agent(tmp_path, wait) as services, _serving(services) as client:
        call = client.call(_FORWARD)
        assert met.wait(10)
        call.cancel() if how == "cancel" else client.close()
    eventually(lambda: threading.active_count() <= threads)


def test_an_agent_that_is_not_there_is_said(tmp_path: Path) -> None:
    services = Services(trees={}, agents={"default": tmp_path / "agent"})
    error = _refused(services, _FORWARD)
    assert error.code == UNAVAILABLE
    assert "ssh agent default" in error.message
    check = "/moby.sshforward.v1.SSH/CheckAgent"
    assert _refused(services, check, wire.field(1, "other")).code == NOT_FOUND
    assert _ask(services, check, b"").number(1) == 0
