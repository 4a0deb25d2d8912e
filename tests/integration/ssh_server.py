"""A real sshd on a port of the loopback, and an ssh program with a configuration of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.services import free_port, running, wait_for

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshServer:
    """Its address, and the files of both sides in ``folder``; they may be changed at any time."""

    folder: Path
    port: int

    @property
    def host(self) -> str:
        """``DOCKER_HOST``, for the user who runs the tests."""
        return f"ssh://{_user()}@127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """Variables with which programs use the engine at the other side."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {"DOCKER_HOST": self.host, "PATH": path}

    @property
    def known_hosts(self) -> Path:
        """The keys of hosts that the client knows."""
        return self.folder / "known_hosts"

    @property
    def authorized_keys(self) -> Path:
        """The keys of users that the server knows."""
        return self.folder / "authorized_keys"

    @property
    def logins(self) -> int:
        """How often somebody was let in."""
        return (self.folder / "sshd.log").read_text(errors="replace").count("Accepted publickey")

    def end_sessions(self) -> None:
        """Break off every connection, and let nobody in any more."""
        self.authorized_keys.write_text("")
        pid = (self.folder / "sshd.pid").read_text().strip()
        subprocess.run(["pkill", "--parent", pid], check=True)


@contextmanager
def ssh_server(folder: Path, *, far_path: str = "") -> Iterator[SshServer]:
    """A server that lets us in; ``far_path`` is the PATH of programs there."""
    folder.chmod(0o700)
    port = free_port()
    for name in ("host_key", "user_key"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(argv, check=True)
    server = SshServer(folder=folder, port=port)
    server.authorized_keys.write_text((folder / "user_key.pub").read_text())
    key = (folder / "host_key.pub").read_text()
    server.known_hosts.write_text(f"[127.0.0.1]:{port} {key}")
    config, log = folder / "sshd_config", folder / "sshd.log"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host_key'}\n"
        f"PidFile {folder / 'sshd.pid'}\nAuthorizedKeysFile {server.authorized_keys}\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
        "StrictModes no\nPermitRootLogin yes\nMaxStartups 100\n"
        f"SetEnv PATH={far_path or os.environ['PATH']}\n"
    )
    _write_program(folder)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with log.open("wb") as sink, running([SSHD, "-D", "-e", "-f", str(config)], sink.fileno()):
        wait_for(lambda: b"Server listening" in log.read_bytes(), log)
        yield server


def _write_program(folder: Path) -> None:
    """An ``ssh`` that leaves alone what the user of this machine has."""
    config, program = folder / "ssh_config", folder / "bin" / "ssh"
    config.write_text(
        f"IdentityFile {folder / 'user_key'}\nIdentitiesOnly yes\nIdentityAgent none\n"
        f"UserKnownHostsFile {folder / 'known_hosts'}\nGlobalKnownHostsFile /dev/null\n"
    )
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    program.chmod(0o755)


def _user() -> str:
    return subprocess.run(
        ["id", "--user", "--name"], check=True, capture_output=True, text=True
    ).stdout.strip()
