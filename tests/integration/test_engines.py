"""Engines other than the machine's own: by DOCKER_HOST, by context, as --builder; and bad ones."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest
import trustme

from exporter.build.engine import connect
from exporter.errors import EngineError
from tests.images import pull
from tests.integration.runs import ONE_IMAGE, SMALL, Workplace
from tests.integration.services import second_engine

pytestmark = [pytest.mark.engine, pytest.mark.registry]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``DOCKER_HOST`` of another engine."""
    with second_engine(tmp_path_factory.mktemp("engine")) as host:
        yield host


def _context(folder: Path, host: str, name: str = "far") -> dict[str, str]:
    """A Docker configuration that knows an engine as a context."""
    env = {"DOCKER_CONFIG": str(folder / "docker-config"), "HOME": str(folder)}
    argv = ["docker", "context", "create", name, "--docker", f"host={host}"]
    subprocess.run(argv, check=True, env={**env, "PATH": "/usr/bin:/bin"}, capture_output=True)
    return env


def _steps(host: str) -> list[str]:
    """What an engine has built and still has in its cache."""
    with closing(docker.DockerClient(base_url=host)) as client:
        return [record["Description"] for record in client.api.df()["BuildCache"] or ()]


def _count_files(workplace: Workplace) -> str:
    """An image of a file with a name of its own; returns how the engine calls the step."""
    name = workplace.unique
    dockerfile = f"FROM scratch\nCOPY {name} /file\n"
    workplace.commit({"werf.yaml": ONE_IMAGE, "Dockerfile": dockerfile, name: name})
    return f"[1/1] COPY {name} /file"


def test_docker_host_chooses_the_engine(workplace: Workplace, other: str) -> None:
    step = _count_files(workplace)
    ran = workplace.export(env={"DOCKER_HOST": other})
    assert ran.code == 0, ran.text
    assert step in _steps(other)
    assert pull(workplace.tag).tree()[0]["path"] == "/file"


def test_the_context_in_use_chooses_the_engine(workplace: Workplace, other: str) -> None:
    step = _count_files(workplace)
    env = _context(workplace.folder, other)
    ran = workplace.run("export", "--tag", workplace.tag, env={**env, "DOCKER_CONTEXT": "far"})
    assert ran.code == 0, ran.text
    assert step in _steps(other)


@pytest.mark.parametrize("by_buildx", [False, True], ids=["asked", "by-buildx"])
def test_a_context_is_a_builder(workplace: Workplace, other: str, *, by_buildx: bool) -> None:
    step = _count_files(workplace)
    env = _context(workplace.folder, other)
    cache = ["--cache-from", f"type=registry,ref={workplace.repo}-cache"] if by_buildx else []
    ran = workplace.export("--builder", "far", *cache, env=env)
    assert ran.code == 0, ran.text
    assert step in _steps(other)


def test_an_unknown_builder(workplace: Workplace) -> None:
    _count_files(workplace)
    ran = workplace.export("--builder", "nobody")
    assert ran.code == 4
    assert 'no builder "nobody" found' in ran.text
    assert "docker buildx ls" in ran.text


def test_an_unknown_context(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    ran = workplace.export(env={"DOCKER_CONTEXT": "nowhere"})
    assert ran.code == 4
    assert "app must be built, but the Docker context nowhere cannot be used" in ran.text
    assert "docker context ls shows the contexts" in ran.text


def test_a_cache_in_a_registry_serves_another_engine(workplace: Workplace, other: str) -> None:
    workplace.commit(
        {
            "werf.yaml": ONE_IMAGE,
            "Dockerfile": "FROM 127.0.0.1:5000/base/busybox:1\n"
            "RUN --network=none cat /proc/sys/kernel/random/uuid > /random\n"
            f"LABEL test={workplace.unique}\n",
            "file": workplace.unique,
        }
    )
    cache = f"type=registry,ref={workplace.repo}-cache"
    first = workplace.export("--cache-to", f"{cache},mode=max")
    assert first.code == 0, first.text
    random = pull(workplace.tag).manifest["layers"][-1]["digest"]
    again = ["export", "--repo", f"{workplace.repo}-2", "--tag", workplace.tag]
    second = workplace.run(*again, "--cache-from", cache, env={"DOCKER_HOST": other})
    assert second.code == 0, second.text
    # The step writes something else whenever it really runs.
    assert pull(workplace.tag).manifest["layers"][-1]["digest"] == random, second.text


def test_tls_with_certificates_of_both_sides(workplace: Workplace, tmp_path: Path) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    client = authority.issue_cert("client@example.test")
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    authority.cert_pem.write_to_path(certificates / "ca.pem")
    for name, issued in (("server-", server), ("", client)):
        issued.private_key_pem.write_to_path(certificates / f"{name}key.pem")
        issued.cert_chain_pems[0].write_to_path(certificates / f"{name}cert.pem")
    _count_files(workplace)
    with second_engine(tmp_path, certificates=certificates) as host:
        env = {"DOCKER_HOST": host, "DOCKER_CERT_PATH": str(certificates)}
        ran = workplace.export(env={**env, "DOCKER_TLS_VERIFY": "1"})
        assert ran.code == 0, ran.text
        refused = workplace.run(
            "export", "--repo", f"{workplace.repo}-2", "--tag", workplace.tag,
            env={"DOCKER_HOST": host},
        )  # fmt: skip
        assert refused.code == 4
        assert f"the Docker engine at {host} cannot be reached" in refused.text


@contextmanager
def _old_engine() -> Iterator[str]:
    """``DOCKER_HOST`` of something that answers as an engine of 2019 would."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            about = {"ApiVersion": "1.40", "MinAPIVersion": "1.12", "Version": "19.03.0"}
            body = json.dumps({**about, "Os": "linux", "Arch": "amd64"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_an_engine_that_is_too_old() -> None:
    with (
        _old_engine() as host,
        connect({"DOCKER_HOST": host}) as engine,
        pytest.raises(EngineError) as raised,
    ):
        engine.facts()
    assert "speaks API 1.40, which is too old. Use Docker Engine 20.10 or newer." in str(
        raised.value
    )


def test_what_an_engine_says_of_itself(other: str) -> None:
    with connect({}) as engine:
        mine = engine.facts()
    with connect({"DOCKER_HOST": other}) as engine:
        theirs = engine.facts()
    assert mine.host == "unix:///var/run/docker.sock"
    assert mine.free_bytes is None or mine.free_bytes > 0
    assert theirs.free_bytes is None
    assert (theirs.containerd_store, theirs.rootless) == (True, False)
    assert str(mine.platform).startswith("linux/")
