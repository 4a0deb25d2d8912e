"""The way to an engine by ssh: over there ``docker system dial-stdio`` joins the two.

The docker programs go the same way.
docker-py's own way is not taken: it needs paramiko even when it uses the ssh program, takes its
variables from this process, waits for passwords, and loses what ssh says of a failure.
"""

import re
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import IO, Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from exporter import process
from exporter.errors import EngineError

CONNECT_S = 20
_ALIVE_S = 15
_ADDRESS = re.compile(
    r"ssh://(?:(?P<user>[^@:/]+)(?P<password>:[^@/]*)?@)?"
    r"(?P<host>\[[^]/]+\]|[^@:/\[\]]+)(?::(?P<port>\d+))?(?P<socket>/[^?#]*)?$"
)
_TROUBLE = re.compile(
    r"(?i)(?P<key>host key verification failed|remote host identification has changed)"
    r"|(?P<refused>permission denied \()"
    r"|(?P<docker>docker: (?:command )?not found|'docker': no such file)"
    r"|(?P<socket>cannot connect to the docker daemon|docker daemon socket|dial unix)"
)
_QUOTED = re.compile(r"command \[ssh .*?\bstderr=(.+)", re.DOTALL)
_REMEDIES = {
    "key": "Add its key to ~/.ssh/known_hosts, for example with ssh-keyscan, and compare it first.",
    "refused": "Give ssh a key that the other side knows, without a passphrase or in an ssh-agent.",
    "docker": "Install docker there; ssh finds it only on the PATH of a login without a terminal.",
    "socket": "Start the engine there, and let the user of DOCKER_HOST use it (group docker).",
}
_UNREACHABLE = "Check the address, and that ssh reaches it without asking anything."


def command(host: str) -> list[str]:
    """The program that joins an engine at ``ssh://[user@]host[:port][/socket]``; it never asks.

    Raises:
        EngineError: The address is of another form.
    """
    found = _ADDRESS.match(host)
    if not found or found["password"]:
        raise EngineError(
            "the address of the Docker engine "
            + ("holds a password, which ssh does not take" if found else f"is wrong: {host}"),
            remedy="Use ssh://[user@]host[:port] and a key.",
        )
    argv = ["ssh", "-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_S}"]
    argv += ["-o", f"ServerAliveInterval={_ALIVE_S}"]
    argv += ["-l", found["user"]] if found["user"] else []
    argv += ["-p", found["port"]] if found["port"] else []
    there = ["--host", f"unix://{found['socket']}"] if (found["socket"] or "/") != "/" else []
    return [*argv, "--", found["host"].strip("[]"), "docker", *there, "system", "dial-stdio"]


def explain(said: str) -> tuple[str, str]:
    """The line of ssh's words that matters, and the remedy."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for line in reversed(lines):
        if found := _TROUBLE.search(line):
            return line, _REMEDIES[str(found.lastgroup)]
    return (lines[-1] if lines else "no answer"), _UNREACHABLE


def words_in(message: str) -> str:
    """What ssh said, in a message of a docker program that could not use it; else empty."""
    found = _QUOTED.search(message)
    return found[1] if found else ""


class SshRoad(HTTPAdapter):
    """Carries the requests of docker-py's session; a connection is one run of ssh."""

    def __init__(self, host: str, env: Mapping[str, str]) -> None:
        """Take the engine's address and the variables that ssh sees; nothing is started yet."""
        super().__init__()
        self._argv = command(host)
        self._env = env
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the road
        self._programs = ExitStack()
        self._pool = HTTPConnectionPool("engine")
        self._pool.ConnectionCls = partial(_Connection, self._dial)  # type: ignore[assignment]  # called only

    def _dial(self) -> socket.socket:
        return self._programs.enter_context(
            process.dial(self._argv, env=self._env, stderr=self._said)
        )

    def get_connection_with_tls_context(self, *_: object, **__: object) -> HTTPConnectionPool:
        """Where requests go, whatever they are; part of requests' protocol."""
        return self._pool

    def request_url(self, request: PreparedRequest, proxies: object) -> str:
        """What stands in the request's first line: there is no proxy on this way."""
        del proxies
        return request.path_url

    def close(self) -> None:
        """End every run of ssh."""
        self._pool.close()
        self._programs.close()
        self._said.close()
        super().close()

    def trouble(self) -> tuple[str, str]:
        """Why the other side was not reached, by what ssh wrote, and the remedy."""
        self._said.seek(0)
        return explain(self._said.read().decode("utf-8", "replace"))


class _Connection(HTTPConnection):
    def __init__(
        self,
        dial: Callable[[], socket.socket],
        *args: Any,  # noqa: ANN401 - handed on to urllib3
        **kwargs: Any,  # noqa: ANN401 - the same
    ) -> None:
        super().__init__(*args, **kwargs)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        """The seam of urllib3 for other kinds of sockets."""
        connection = self._dial()
        connection.settimeout(self.timeout)
        return connection
