"""Registries and engines that a test starts for itself, on ports of its own."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "right-password"
_HTPASSWD = "user:$2y$05$abcdefghijklmnopqrstuuBO.kmgTJhdt40M5ZyHgFmcpBdUb9aS.\n"
"""The user ``user`` with ``PASSWORD``; made with crypt(3)."""


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def password_registry(folder: Path) -> Iterator[str]:
    """The address of a real registry that lets in ``user`` with ``PASSWORD`` only."""
    htpasswd = folder / "htpasswd"
    htpasswd.write_text(_HTPASSWD)
    auth = f"auth: {{htpasswd: {{realm: test, path: {htpasswd}}}}}\n"
    with real_registry(folder, more=auth) as address:
        yield address


@contextmanager
def real_registry(folder: Path, *, host: str = "127.0.0.1", more: str = "") -> Iterator[str]:
    """The address of a real registry of its own; ``more`` is added to its configuration."""
    port = free_port()
    config, log = folder / "registry.yml", folder / "registry.log"
    config.write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'registry'}}}}}\n"
        f"http: {{addr: {host}:{port}}}\n{more}"
    )
    with (
        log.open("wb") as sink,
        running(["docker-registry", "serve", str(config)], sink.fileno()),
    ):
        wait_for(lambda: _answers(f"http://{host}:{port}/v2/"), log)
        yield f"{host}:{port}"


@contextmanager
def second_engine(
    folder: Path, *, containerd: bool = True, certificates: Path | None = None
) -> Iterator[str]:
    """``DOCKER_HOST`` of another real engine with its own data, on TCP; ended afterwards.

    ``containerd`` says whether it keeps images in containerd's store or in its own.
    With ``certificates`` (a directory) it speaks TLS and asks clients for theirs.
    """
    port = free_port()
    host = f"tcp://127.0.0.1:{port}"
    config = folder / "daemon.json"
    config.write_text(json.dumps({"features": {"containerd-snapshotter": containerd}}))
    argv = ["dockerd", "--config-file", str(config), "--host", host]
    # sockets below the exec root have at most 107 characters in their path
    exec_root = Path(tempfile.mkdtemp(prefix="eng-"))
    argv += ["--data-root", str(folder / "data"), "--exec-root", str(exec_root)]
    argv += ["--pidfile", str(folder / "dockerd.pid")]
    # A firewall and a bridge are the machine's engine's own: ``--bridge none`` would delete its
    # bridge, so this engine gets one for itself.
    argv += ["--iptables=false", "--ip6tables=false"]
    if certificates is not None:
        argv += ["--tlsverify", "--tlscacert", str(certificates / "ca.pem")]
        argv += ["--tlscert", str(certificates / "server-cert.pem")]
        argv += ["--tlskey", str(certificates / "server-key.pem")]
    log = folder / "dockerd.log"
    with (
        bridge() as (name, _),
        log.open("wb") as sink,
        running([*argv, "--bridge", name], sink.fileno()),
    ):
        try:
            wait_for(lambda: b"API listen on" in log.read_bytes(), log, seconds=60)
            yield host
        finally:
            _unmount_below(folder)
            _unmount_below(exec_root)
    shutil.rmtree(exec_root, ignore_errors=True)
    shutil.rmtree(folder / "data", ignore_errors=True)


@contextmanager
def bridge() -> Iterator[tuple[str, str]]:
    """The name of a network bridge that exists as long as it is needed, and its address."""
    name, number = f"exb{secrets.token_hex(4)}", secrets.randbelow(4096)
    address = f"10.213.{number // 16}.{number % 16 * 16 + 1}"
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "addr", "add", f"{address}/28", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield name, address
    finally:
        subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


@contextmanager
def running(argv: list[str], log: int) -> Iterator[None]:
    """A server that runs in the block, with a file for all that it prints."""
    with subprocess.Popen(argv, stdout=log, stderr=log, env=dict(os.environ)) as server:
        try:
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_for(is_there: Callable[[], bool], log: Path, *, seconds: float = 20) -> None:
    """Wait for something to be there; fail with the end of the log."""
    end = time.monotonic() + seconds
    while not is_there():
        assert time.monotonic() < end, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _unmount_below(folder: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    for line in reversed(mounts):
        point = line.split()[1]
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", point], check=False, capture_output=True)
