"""Ways to BuildKit, where engines and programs do not do what they should."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from exporter.buildkit import (
    Client,
    EngineRoad,
    ProgramLine,
    RoadError,
    Services,
    SocketLine,
    StraightRoad,
    roads,
)
from exporter.buildkit.client import Request
from exporter.buildkit.connection import Connection
from exporter.buildkit.rpc import CallError
from tests.unit.buildkit.peers import Peer, eventually, open_files

_UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
_REQUEST = Request(attributes={"filename": "Dockerfile"}, exporter="moby", exporter_attributes={})


@contextmanager
def _engine(folder: Path, answer: Callable[[socket.socket, bytes], None]) -> Iterator[EngineRoad]:
    """A socket that answers each connection, with the head of its request, in a thread."""

    def serve() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            answer(connection, head)

    path = folder / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        server = threading.Thread(target=serve)
        server.start()
        yield EngineRoad(SocketLine(str(path)))
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "answers /grpc with status 404"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "answers /grpc with status 400"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "answers /grpc with status 200"),
        (b"rubbish\r\n\r\n", "answers /grpc with status 0"),
        (b"HTTP/1.1 101 UPGR", "it closed the connection"),
        (b"", "it closed the connection"),
        (b"x" * 20_000, "it closed the connection"),
    ],
)
def test_an_engine_that_does_not_switch_is_not_reached(
    tmp_path: Path, answer: bytes, message: str
) -> None:
    fds = open_files()
    with _engine(tmp_path, lambda sock, _: sock.sendall(answer)) as road:
        client = Client(road)
        with pytest.raises(RoadError, match=message):
            client.start(_REQUEST, Services(trees={}))
    eventually(lambda: open_files() <= fds)


def test_an_engine_that_is_silent_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roads, "_ANSWER_S", 0.05)

    def wait(sock: socket.socket, head: bytes) -> None:
        del head
        sock.recv(1)

    with _engine(tmp_path, wait) as road:
        client = Client(road)
        with pytest.raises(RoadError, match=r"it does not answer"):
            client.start(_REQUEST, Services(trees={}))


def test_no_socket_and_a_name_that_is_too_long(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with pytest.raises(RoadError, match="No such file or directory"):
            EngineRoad(SocketLine(str(tmp_path / "nothing.sock"))).connect(stack)
        with pytest.raises(RoadError, match="too long"):
            EngineRoad(SocketLine("/" + "x" * 200)).connect(stack)


class _BuildKit:
    """Answers solves, and keeps the heads of requests."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.peers: list[Peer] = []

    def __call__(self, sock: socket.socket, head: bytes) -> None:
        self.heads.append(head)
        if head.startswith(b"POST /session "):
            sock.sendall(_UPGRADED)
            while sock.recv(1 << 16):
                pass
            return
        sock.sendall(_UPGRADED)
        peer = Peer(sock, is_client=False)
        self.peers.append(peer)
        peer.begin()
        while True:
            try:
                solve, status = peer.requested(), peer.requested()
            except (AssertionError, OSError):
                return
            peer.respond(status)
            peer.respond(solve, b"\x0a\x08\x0a\x01a\x12\x031=2")


def _solved(client: Client) -> object:
    solving = client.start(_REQUEST, Services(trees={}))
    solving.watch(lambda _: None, until=lambda: False)
    return solving.result()


def test_solves_share_a_connection_and_have_a_session_each(tmp_path: Path) -> None:
    buildkit = _BuildKit()
    threads, fds = threading.active_count(), open_files()
    with _engine(tmp_path, buildkit) as road:
        client = Client(road)
        for _ in range(20):
            assert _solved(client) == {"a": "1=2"}
        client.close()
    kinds = [head.split(b" ")[1] for head in buildkit.heads]
    assert kinds.count(b"/grpc") == 1
    assert kinds.count(b"/session") == 20
    eventually(lambda: threading.active_count() <= threads)
    eventually(lambda: open_files() <= fds)


def test_a_broken_connection_is_made_anew_but_not_after_the_end(tmp_path: Path) -> None:
    buildkit = _BuildKit()
    with _engine(tmp_path, buildkit) as road:
        client = Client(road)
        _solved(client)
        buildkit.peers[0].sock.shutdown(socket.SHUT_RDWR)
        connection = client._connection
        assert isinstance(connection, Connection)
        eventually(lambda: connection.is_broken)
        assert _solved(client) == {"a": "1=2"}
        client.close()
        with pytest.raises(CallError):
            client.start(_REQUEST, Services(trees={}))


def test_a_watcher_that_fails_ends_the_solve(tmp_path: Path) -> None:
    threads = threading.active_count()

    def answer(sock: socket.socket, head: bytes) -> None:
        sock.sendall(_UPGRADED)
        if head.startswith(b"POST /session "):
            while sock.recv(1 << 16):
                pass
            return
        peer = Peer(sock, is_client=False)
        peer.begin()
        peer.requested()
        status = peer.requested()
        peer.http.send_headers(status, [(":status", "200")])
        peer.http.send_data(status, b"\0\0\0\0\0")
        peer.flush()
        while peer.read():
            pass

    def fail(_: object) -> None:
        raise KeyboardInterrupt

    with _engine(tmp_path, answer) as road:
        client = Client(road)
        solving = client.start(_REQUEST, Services(trees={}))
        with pytest.raises(KeyboardInterrupt):
            solving.watch(fail, until=lambda: False)
        with pytest.raises(CallError, match="cancelled"):
            solving.result()
        client.close()
    eventually(lambda: threading.active_count() <= threads)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('ERROR: no builder \"x\" found')", 'no builder "x" found'),
        ("", "the connection was closed by the other side"),
        ("print('this is no HTTP/2', flush=True); input()", "."),
    ],
)
def test_a_program_that_does_not_lead_there(program: str, message: str) -> None:
    threads = threading.active_count()
    client = Client(StraightRoad(ProgramLine([sys.executable, "-c", program], {})))
    for _ in range(2):
        with pytest.raises(RoadError, match=message):
            client.start(_REQUEST, Services(trees={}))
    client.close()
    eventually(lambda: threading.active_count() <= threads)
