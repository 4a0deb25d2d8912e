"""An engine on another machine, reached by ssh: all works, and every trouble is explained."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.build import ssh
from exporter.build.engine import connect
from exporter.errors import EngineError
from tests.images import pull
from tests.integration.runs import SMALL, Workplace
from tests.integration.services import wait_for
from tests.integration.ssh_server import SSHD, SshServer, ssh_server
from tests.integration.test_doctor import doctor, starting

pytestmark = [pytest.mark.engine, pytest.mark.registry]


@pytest.fixture(scope="module", autouse=True)
def _sshd() -> None:
    if not SSHD:
        reason = "sshd is not installed; run scripts/engine-up"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[SshServer]:
    """A machine that lets us in."""
    folder = tmp_path / "far"
    folder.mkdir()
    with ssh_server(folder) as server:
        yield server


def _problem(env: dict[str, str]) -> str:
    """What connecting says; it must not take long."""
    started = time.monotonic()
    with pytest.raises(EngineError) as raised, connect(env):
        pass
    assert time.monotonic() - started < 30
    return str(raised.value)


def test_build_publish_and_export(workplace: Workplace, far: SshServer) -> None:
    workplace.commit(SMALL)
    ran = workplace.export(env=far.env)
    assert ran.code == 0, ran.text
    assert ran.built == ["app/dockerfile"]
    assert pull(workplace.tag).tree()[0]["path"] == "/file"
    assert far.logins >= 2  # the look at the engine, and the build


def test_the_context_in_use_leads_there(workplace: Workplace, far: SshServer) -> None:
    workplace.commit(SMALL)
    env = {"PATH": far.env["PATH"], "DOCKER_CONFIG": str(workplace.folder / "docker")}
    argv = ["docker", "context", "create", "far", "--docker", f"host={far.host}"]
    subprocess.run(argv, check=True, env=env, capture_output=True)
    ran = workplace.export(env={**env, "DOCKER_CONTEXT": "far"})
    assert ran.code == 0, ran.text
    assert ran.built == ["app/dockerfile"]
    assert far.logins >= 2


def test_local_mode(workplace: Workplace, far: SshServer) -> None:
    workplace.commit(SMALL)
    ran = workplace.run("export", "--tag", workplace.tag, env=far.env)
    assert ran.code == 0, ran.text
    assert pull(workplace.tag).tree()[0]["path"] == "/file"
    again = workplace.run("export", "--tag", workplace.tag, env=far.env)
    assert again.built == []


def test_the_exporter_pushes_what_was_built_there(workplace: Workplace, far: SshServer) -> None:
    workplace.commit(SMALL)
    ran = workplace.export("--publish-from", "client", env=far.env)
    assert ran.code == 0, ran.text
    assert pull(workplace.tag).tree()[0]["path"] == "/file"


def test_doctor_shows_it(workplace: Workplace, far: SshServer) -> None:
    workplace.commit(SMALL)
    code, lines = doctor(workplace, **far.env)
    assert code == 0, lines
    assert f" at {far.host} (API 1." in starting(lines, "ok       engine")[0]


def test_nothing_is_left_running(far: SshServer) -> None:
    with connect(far.env) as engine:
        assert engine.facts().free_bytes is None
    listed = subprocess.run(["ps", "-e", "-o", "args="], check=True, capture_output=True, text=True)
    running = [line for line in listed.stdout.splitlines() if line.startswith("/usr/bin/ssh ")]
    assert [line for line in running if str(far.folder) in line] == []


def test_an_unknown_host_key(workplace: Workplace, far: SshServer) -> None:
    far.known_hosts.write_text("")
    workplace.commit(SMALL)
    ran = workplace.export(env=far.env)
    assert ran.code == 4
    assert (
        f"app must be built, but the Docker engine at {far.host} cannot be reached: "
        "Host key verification failed. Add its key to ~/.ssh/known_hosts" in ran.text
    )


def test_a_builder_behind_an_unknown_host_key(workplace: Workplace, far: SshServer) -> None:
    """Builders are not looked at before; docker's own message quotes ssh."""
    workplace.commit(SMALL)
    env = {"PATH": far.env["PATH"], "DOCKER_CONFIG": str(workplace.folder / "docker")}
    argv = ["docker", "context", "create", "far", "--docker", f"host={far.host}"]
    subprocess.run(argv, check=True, env=env, capture_output=True)
    far.known_hosts.write_text("")
    ran = workplace.export("--builder", "far", env=env)
    assert ran.code == 4
    assert "cannot be reached: Host key verification failed. Add its key to" in ran.text
    code, lines = doctor(workplace, "--builder", "far", **env)
    assert code == 4
    assert starting(lines, "problem  builder") == [
        "far cannot be reached: Host key verification failed."
    ]


def test_another_host_key_than_before(far: SshServer) -> None:
    other = (far.folder / "user_key.pub").read_text()
    far.known_hosts.write_text(f"[127.0.0.1]:{far.port} {other}")
    assert "Host key verification failed. Add its key to ~/.ssh/known_hosts" in _problem(far.env)


def test_a_key_that_is_refused(far: SshServer) -> None:
    far.authorized_keys.write_text("")
    told = _problem(far.env)
    assert "Permission denied (publickey). Give ssh a key that the other side knows" in told


def test_nobody_listens(far: SshServer) -> None:
    nowhere = "ssh://127.0.0.1:1"
    told = _problem({**far.env, "DOCKER_HOST": nowhere})
    assert f"the Docker engine at {nowhere} cannot be reached: ssh: connect to host" in told
    assert "Connection refused. Check the address" in told


def test_a_host_that_never_answers(far: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "CONNECT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = f"ssh://127.0.0.1:{listener.getsockname()[1]}"
        told = _problem({**far.env, "DOCKER_HOST": silent})
    assert "timed out" in told


def test_no_docker_over_there(tmp_path: Path, workplace: Workplace) -> None:
    workplace.commit(SMALL)
    folder = tmp_path / "bare"
    folder.mkdir()
    with ssh_server(folder, far_path="/nonexistent") as bare:
        code, lines = doctor(workplace, **bare.env)
    assert code == 4
    assert "docker: command not found" in starting(lines, "problem  engine")[0]
    assert any("→ Install docker there" in line for line in lines)


def test_no_engine_over_there(far: SshServer) -> None:
    told = _problem({**far.env, "DOCKER_HOST": f"{far.host}/nonexistent/docker.sock"})
    assert "/nonexistent/docker.sock" in told
    assert "Start the engine there" in told


def test_no_ssh_here(far: SshServer, tmp_path: Path) -> None:
    told = _problem({"DOCKER_HOST": far.host, "PATH": str(tmp_path)})
    assert "the program 'ssh' was not found on PATH. Install openssh-client" in told


def test_a_connection_that_breaks(tmp_path: Path) -> None:
    folder = tmp_path / "far"
    folder.mkdir()
    with ssh_server(folder) as far, connect(far.env) as engine:
        engine.facts()
        far.end_sessions()
        with pytest.raises(EngineError) as raised:
            engine.image_names("exporter-no-such")
    told = f"the Docker engine at {far.host} cannot list the images of exporter-no-such: "
    assert str(raised.value).startswith(told + "the connection broke")


def test_a_connection_that_breaks_during_a_build(workplace: Workplace, far: SshServer) -> None:
    dockerfile = f"FROM 127.0.0.1:5000/base/busybox:1\nRUN --network=none sleep {far.port}\n"
    workplace.commit({**SMALL, "Dockerfile": dockerfile})

    def cut() -> None:
        log = far.folder / "sshd.log"
        wait_for(lambda: _is_running(f"sleep {far.port}"), log, seconds=60)
        far.end_sessions()

    cutter = threading.Thread(target=cut)
    cutter.start()
    ran = workplace.export(env=far.env)
    cutter.join()
    assert ran.code == 4
    assert "error: the connection to the builder broke while app was built: " in ran.text
    assert "Run it again" in ran.text


def _is_running(command: str) -> bool:
    listed = subprocess.run(["ps", "-e", "-o", "args="], check=True, capture_output=True, text=True)
    return command in listed.stdout
