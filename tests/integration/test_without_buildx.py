"""BuildKit itself is asked for images of Dockerfiles, wherever it is: buildx builds nothing."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.build.buildx import Buildx
from exporter.build.reach import find_reach
from tests.images import pull
from tests.integration.runs import SMALL, Ran, Workplace
from tests.integration.services import second_engine

pytestmark = [pytest.mark.engine, pytest.mark.registry]


@pytest.fixture(autouse=True)
def no_buildx(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(*_: object) -> None:
        raise AssertionError("buildx was asked to build")

    monkeypatch.setattr(Buildx, "once", once)


@pytest.fixture
def committed(workplace: Workplace) -> Workplace:
    dockerfile = "FROM scratch\nCOPY file /\n"
    return workplace.commit({**SMALL, "Dockerfile": dockerfile, "file": workplace.unique})


@pytest.fixture(scope="module", params=[True, False], ids=["containerd-store", "own-store"])
def other(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """``DOCKER_HOST`` of another engine."""
    with second_engine(tmp_path_factory.mktemp("engine"), containerd=request.param) as host:
        yield host


def check(workplace: Workplace, ran: Ran) -> None:
    assert ran.code == 0, ran.text
    assert ran.built == ["app/dockerfile"]
    assert ran.text.count("exporting to image: done") == 1, ran.text
    assert [entry["path"] for entry in pull(workplace.tag).tree()] == ["/file"]


def test_the_engine_of_this_machine(committed: Workplace) -> None:
    check(committed, committed.export())


def test_local_mode(committed: Workplace) -> None:
    ran = committed.run("export", "--tag", committed.tag)
    check(committed, ran)
    subprocess.run(["docker", "rmi", "-f", ran.image("app")["stage"]], check=True)


def test_an_engine_elsewhere(committed: Workplace, other: str) -> None:
    check(committed, committed.export(env={"DOCKER_HOST": other}))


def test_an_engine_elsewhere_in_local_mode(committed: Workplace, other: str) -> None:
    env = {"DOCKER_HOST": other}
    check(committed, committed.run("export", "--tag", committed.tag, env=env))


def test_a_builder_that_is_the_engine_of_a_context(committed: Workplace, other: str) -> None:
    env = {"DOCKER_CONFIG": str(committed.folder / "docker"), "HOME": str(committed.folder)}
    given = {**env, "PATH": os.environ["PATH"]}
    argv = ["docker", "context", "create", "far", "--docker", f"host={other}"]
    subprocess.run(argv, check=True, env=given, capture_output=True)
    check(committed, committed.export("--builder", "far", env=env))


ENGINE = "/var/run/docker.sock"
REFUSED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _handle(client: socket.socket, seen: list[bytes]) -> None:
    """As engines are going to be: gRPC at the socket itself, and no way to change over to it."""
    with client, socket.socket(socket.AF_UNIX) as engine:
        first = client.recv(1 << 16)
        seen.append(first[:12])
        if first.startswith((b"POST /grpc", b"POST /session")):
            client.sendall(REFUSED)
            return
        engine.connect(ENGINE)
        if first.startswith(b"PRI "):
            engine.sendall(
                b"POST /grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
            )
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += engine.recv(1)
        engine.sendall(first)
        back = threading.Thread(target=_pipe, args=(engine, client), daemon=True)
        back.start()
        _pipe(client, engine)
        back.join()


def test_an_engine_that_speaks_grpc_at_its_socket(committed: Workplace) -> None:
    path = committed.folder / "engine.sock"
    seen: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client = listener.accept()[0]
                    threading.Thread(target=_handle, args=(client, seen), daemon=True).start()

        server = threading.Thread(target=accept)
        server.start()
        ran = committed.export(env={"DOCKER_HOST": f"unix://{path}"})
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    check(committed, ran)
    assert b"POST /grpc H" in seen
    assert b"PRI * HTTP/2" in seen
    assert b"POST /sessio" not in seen


@pytest.mark.parametrize(
    ("current", "is_other"),
    [
        pytest.param(None, False, id="nothing-chosen"),
        pytest.param('{"Name": "", "Key": "unix:///var/run/docker.sock"}', False, id="taken-back"),
        pytest.param('{"Name": "pods"}', True, id="chosen"),
        pytest.param("{", True, id="not-readable"),
    ],
)
def test_what_buildx_uses_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, current: str | None, *, is_other: bool
) -> None:
    asked: list[str] = []

    def find(name: str, _: object) -> None:
        asked.append(name)
        raise LookupError

    monkeypatch.setattr("exporter.build.reach.find_builder", find)
    (tmp_path / "buildx").mkdir()
    if current is not None:
        (tmp_path / "buildx/current").write_text(current)
    env = {"DOCKER_CONFIG": str(tmp_path), "PATH": os.environ["PATH"]}
    if is_other:
        with pytest.raises(LookupError):
            find_reach("", env)
    else:
        assert find_reach("", env).is_engine
    assert asked == ([""] if is_other else [])
