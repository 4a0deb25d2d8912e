"""What the engine says over its socket is what docker-py hears."""

import os
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.build.engine import DEFAULT_HOST, connect, facts_from, socket_of
from exporter.errors import EngineError

OLD = b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"ApiVersion": "1.40"}'


@pytest.fixture
def strange(tmp_path: Path) -> Iterator[tuple[Path, list[bytes]]]:
    """A socket that says to everybody what the list holds."""
    said: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"".join(said))

    path = tmp_path / "engine.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path, said
        server.shutdown()


@pytest.mark.engine
def test_the_facts_are_the_same() -> None:
    env = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    path = socket_of(env)
    assert f"unix://{path}" == DEFAULT_HOST
    with connect(env) as engine:
        known = engine.facts()
    told = facts_from(path)
    assert abs((told.free_bytes or 0) - (known.free_bytes or 0)) < 1 << 30
    fields = ("host", "version", "api_version", "platform", "containerd_store", "rootless")
    assert [getattr(told, name) for name in fields] == [getattr(known, name) for name in fields]


def test_an_engine_that_is_elsewhere_is_left_to_docker_py(tmp_path: Path) -> None:
    assert socket_of({"DOCKER_HOST": "tcp://127.0.0.1:2375"}) == ""
    assert socket_of({"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}) == ""


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (OLD, "speaks API 1.40, which is too old"),
        (b"", "cannot tell what it is"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<a>", "cannot tell what it is"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "speaks API 0.0"),
    ],
)
def test_strange_engines(strange: tuple[Path, list[bytes]], answer: bytes, message: str) -> None:
    path, said = strange
    said.append(answer)
    with pytest.raises(EngineError, match=message):
        facts_from(str(path))
