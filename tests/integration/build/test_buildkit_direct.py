"""What a real BuildKit asks of us while it builds, and how builds end that do not end well."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.integration.runs import ONE_IMAGE, Ran, Workplace
from tests.integration.services import PASSWORD, password_registry

pytestmark = [pytest.mark.engine, pytest.mark.registry]

ENGINE = "/var/run/docker.sock"
SMALL_BASE = "FROM 127.0.0.1:5000/base/busybox:1\n"
BASE = "FROM 127.0.0.1:5000/base/debian:trixie-slim\n"
LIST_KEYS = (
    "RUN --mount=type=ssh perl -MIO::Socket::UNIX -e "
    "'$s = IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK}) or die $!; "
    'print $s "\\0\\0\\0\\1\\13"; $s->flush; $s->read($n, 4); $s->read($a, unpack("N", $n)); '
    'print "found $1\\n" if $a =~ /(key-of-\\w+)/\''
)


def _export(workplace: Workplace, dockerfile: str, *, config: str = "", **env: str) -> Ran:
    files = {"werf.yaml": f"{ONE_IMAGE}{config}", "Dockerfile": dockerfile}
    return workplace.commit(files).export(env=env)


def _fresh(workplace: Workplace) -> str:
    """The end of a command that makes its step a new one."""
    return f" # {workplace.unique}\n"


def _eventually(is_so: Callable[[], object], *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def _sleeps(seconds: int) -> bool:
    """Whether a command that sleeps so long runs anywhere on this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes() == b"sleep\0%d\0" % seconds:
                return True
    return False


def test_a_failure_has_its_place_in_a_very_long_dockerfile_too(workplace: Workplace) -> None:
    """BuildKit quotes the whole file in the error."""
    comment = "".join(f"# {number} {'x' * 100}\n" for number in range(2000))
    dockerfile = f"{SMALL_BASE}{comment}RUN echo last words; exit 9{_fresh(workplace)}"
    ran = _export(workplace, dockerfile)
    assert ran.code == 4
    assert "Dockerfile:2002: building app failed" in ran.text
    assert "exit code 9" in ran.text
    assert "last words" in ran.text


def test_a_secret_that_is_needed_and_not_given_fails(workplace: Workplace) -> None:
    run = f"RUN --mount=type=secret,id=token,required cat /run/secrets/token{_fresh(workplace)}"
    ran = _export(workplace, SMALL_BASE + run)
    assert ran.code == 4
    assert "Dockerfile:2: building app failed" in ran.text
    assert "secret token: not found" in ran.text


def test_a_secret_that_is_not_needed_may_be_missing(workplace: Workplace) -> None:
    run = f"RUN --mount=type=secret,id=token test ! -e /run/secrets/token{_fresh(workplace)}"
    ran = _export(workplace, SMALL_BASE + run)
    assert ran.code == 0, ran.text


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of a real ssh agent that knows the key of somebody."""
    path, key = tmp_path / "agent", tmp_path / "key"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "key-of-somebody", "-f", str(key)]
    subprocess.run(argv, check=True)
    with subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL
    ) as running:
        _eventually(path.exists)
        env = {**os.environ, "SSH_AUTH_SOCK": str(path)}
        subprocess.run(["ssh-add", "-q", str(key)], check=True, env=env)
        yield str(path)
        running.terminate()


def test_the_users_ssh_agent_is_reached(workplace: Workplace, agent: str) -> None:
    dockerfile = BASE + LIST_KEYS + _fresh(workplace)
    ran = _export(workplace, dockerfile, config="ssh: default\n", SSH_AUTH_SOCK=agent)
    assert ran.code == 0, ran.text
    assert "found key-of-somebody" in ran.text


def test_no_ssh_agent_is_an_error(workplace: Workplace) -> None:
    ran = _export(workplace, BASE + LIST_KEYS.replace("type=ssh", "type=ssh,required"))
    assert ran.code == 4
    assert "Dockerfile:2" in ran.text
    assert "unset ssh forward key default" in ran.text


def test_a_base_image_is_pulled_with_the_users_account(
    workplace: Workplace, tmp_path: Path
) -> None:
    docker = tmp_path / ".docker"
    docker.mkdir()
    with password_registry(tmp_path) as address:
        account = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
        (docker / "config.json").write_text(json.dumps({"auths": {address: {"auth": account}}}))
        workplace.commit({"werf.yaml": ONE_IMAGE, "Dockerfile": f"{SMALL_BASE}RUN touch /private"})
        base = f"{address}/private/base:v1"
        pushed = workplace.run("export", "--repo", workplace.repo, "--tag", base)
        assert pushed.code == 0, pushed.text
        run = f"FROM {base}\nRUN ls /private{_fresh(workplace)}"
        ran = _export(workplace, run)
        assert ran.code == 0, ran.text
        (docker / "config.json").unlink()
        refused = _export(workplace, run.replace("RUN", "RUN true &&"))
    assert refused.code == 5
    assert f"the base image {base} of app cannot be read: " in refused.text
    assert f"Log in (docker login {address})" in refused.text
    assert PASSWORD not in ran.text + refused.text


def test_hosts_are_added(workplace: Workplace) -> None:
    config = 'addHost: ["some.example:10.1.2.3", "six.example:[2001:db8::1]"]\n'
    ran = _export(workplace, f"{SMALL_BASE}RUN cat /etc/hosts{_fresh(workplace)}", config=config)
    assert ran.code == 0, ran.text
    said = [line.split() for line in ran.text.splitlines()]
    assert ["10.1.2.3", "some.example"] in said
    assert ["2001:db8::1", "six.example"] in said


@pytest.mark.parametrize("config", ["addHost: nope", "addHost: nope=1.2.3", "network: nope"])
def test_a_host_or_network_that_is_none_is_an_error_that_names_it(
    workplace: Workplace, config: str
) -> None:
    ran = _export(workplace, f"{SMALL_BASE}RUN true{_fresh(workplace)}", config=f"{config}\n")
    assert ran.code == 4
    assert "building app failed" in ran.text
    assert "nope" in ran.text


def test_a_build_has_the_network_that_it_is_given(workplace: Workplace) -> None:
    dockerfile = f"{SMALL_BASE}RUN tail -n +3 /proc/net/dev | cut -d: -f1{_fresh(workplace)}"
    cards = {card.name for card in Path("/sys/class/net").iterdir()}
    seen = {}
    for network in ("none", "host"):
        ran = _export(workplace, dockerfile, config=f"network: {network}\n")
        assert ran.code == 0, ran.text
        seen[network] = {line.strip() for line in ran.text.splitlines()} & cards
    assert seen["none"] == {"lo"}
    assert {"lo", "docker0"} <= seen["host"]


def test_a_frontend_out_of_reach_is_an_error_that_names_it(workplace: Workplace) -> None:
    config = "args: {BUILDKIT_SYNTAX: '127.0.0.1:1/no/frontend:1'}\n"
    ran = _export(workplace, f"{SMALL_BASE}RUN true\n", config=config)
    assert ran.code == 4
    assert "127.0.0.1:1/no/frontend:1" in ran.text
    assert "connection refused" in ran.text


def test_proxies_of_the_docker_configuration_reach_the_build(
    workplace: Workplace, tmp_path: Path
) -> None:
    (tmp_path / ".docker").mkdir()
    proxies = {"httpProxy": "http://proxy.example:3128", "noProxy": "10.0.0.0/8"}
    config = {"proxies": {"default": proxies}}
    (tmp_path / ".docker" / "config.json").write_text(json.dumps(config))
    dockerfile = f"{SMALL_BASE}RUN echo $HTTP_PROXY $http_proxy $NO_PROXY{_fresh(workplace)}"
    ran = _export(workplace, dockerfile)
    assert ran.code == 0, ran.text
    address = "http://proxy.example:3128"
    assert f"{address} {address} 10.0.0.0/8" in ran.text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupt_ends_the_build_at_once_and_its_step_with_it(
    workplace: Workplace, number: signal.Signals, code: int
) -> None:
    seconds = 100_000 + int(workplace.unique[-4:], 16)
    dockerfile = f"{SMALL_BASE}RUN sleep {seconds}\n"
    workplace.commit({"werf.yaml": ONE_IMAGE, "Dockerfile": dockerfile})
    argv = [sys.executable, "-m", "exporter", "export"]
    argv += ["--repo", workplace.repo, "--tag", workplace.tag]
    with subprocess.Popen(
        argv,
        cwd=workplace.project.path,
        env={"PATH": os.environ["PATH"], "HOME": str(workplace.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        _eventually(lambda: _sleeps(seconds))
        began = time.monotonic()
        running.send_signal(number)
        text = running.communicate(timeout=30)[0]
        took = time.monotonic() - began
    assert running.returncode == code, text
    assert took < 3
    assert "Traceback" not in text
    _eventually(lambda: not _sleeps(seconds), seconds=15)


class Relay:
    """A socket that leads to the engine; ``targets`` are what was asked first on it."""

    def __init__(self, path: Path) -> None:
        self.host = f"unix://{path}"
        self.targets: list[str] = []
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._server = threading.Thread(target=self._serve)
        self._server.start()

    def kill(self) -> None:
        """Break all connections, and take no others."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._server.join()

    def close(self) -> None:
        """The same, in the end."""
        self.kill()
        for each in (self._listener, *self._open):
            each.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.socket(socket.AF_UNIX)
                far.connect(ENGINE)
                self._open += [near, far]
                for work in (self._inward, self._outward):
                    threading.Thread(target=work, args=(near, far), daemon=True).start()

    def _inward(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            data = near.recv(1 << 16)
            self.targets.append(data.split(b" ")[1].decode() if data else "")
            far.sendall(data)
        self._outward(far, near)

    @staticmethod
    def _outward(near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(1 << 16):
                near.sendall(data)
            near.shutdown(socket.SHUT_WR)


@contextmanager
def _relay(folder: Path) -> Iterator[Relay]:
    relay = Relay(folder / "relay.sock")
    try:
        yield relay
    finally:
        relay.close()


def test_an_engine_that_goes_away_is_an_error_with_a_remedy(
    workplace: Workplace, tmp_path: Path
) -> None:
    seconds = 200_000 + int(workplace.unique[-4:], 16)
    with _relay(tmp_path) as relay:

        def kill() -> None:
            _eventually(lambda: _sleeps(seconds))
            relay.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        ran = _export(workplace, f"{SMALL_BASE}RUN sleep {seconds}\n", DOCKER_HOST=relay.host)
        killer.join()
    assert ran.code == 4
    assert "the connection to the builder broke while app was built" in ran.text
    assert "Run it again; the builder keeps the steps that were finished" in ran.text
    _eventually(lambda: not _sleeps(seconds), seconds=15)


def test_images_built_at_once_share_the_connection(workplace: Workplace, tmp_path: Path) -> None:
    config = "project: test\nconfigVersion: 1\n" + "".join(
        f"---\nimage: {name}\ndockerfile: Dockerfile\nargs: {{NAME: {name}}}\n"
        for name in ("one", "two", "three")
    )
    dockerfile = f"{SMALL_BASE}ARG NAME\nRUN sleep 1; echo $NAME{_fresh(workplace)}"
    workplace.commit({"werf.yaml": config, "Dockerfile": dockerfile})
    tag = workplace.tag.replace("/out:v1", "/%image%:v1")
    with _relay(tmp_path) as relay:
        where = ("--repo", workplace.repo, "--tag", tag)
        ran = workplace.run("export", *where, env={"DOCKER_HOST": relay.host})
    assert ran.code == 0, ran.text
    assert len(ran.built) == 3
    assert relay.targets.count("/grpc") == 1
    assert relay.targets.count("/session") == 3


def test_builds_leave_no_threads_and_no_files_open(workplace: Workplace) -> None:
    def build(number: int) -> None:
        command = "exit 3" if number % 3 == 2 else "true"
        run = f"RUN {command} # {number}{_fresh(workplace)}"
        ran = _export(workplace, SMALL_BASE + run)
        assert ran.code == (4 if command == "exit 3" else 0), ran.text

    def count() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    threads = threading.active_count()
    build(0)
    build(2)  # what is loaded for an error
    _eventually(lambda: threading.active_count() <= threads)
    before = count()
    for number in range(3, 12):
        build(number)
    # what others had left when it began may be gone by now
    _eventually(lambda: all(now <= then for now, then in zip(count(), before, strict=True)))
