"""The Docker engine through docker-py: what it is, what it can, and images that live in it.

BuildKit builds do not go through here (:mod:`exporter.build.buildkit`); docker-py has no BuildKit.
docker-py is imported only when the engine is needed: it costs as much time as a whole export.
"""

import json
import re
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter import process
from exporter.build.docker_config import docker_folder
from exporter.errors import EngineError
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference
from exporter.registry.keychain import Credential

if TYPE_CHECKING:
    from docker import DockerClient

    from exporter.build.ssh import SshRoad

DEFAULT_HOST = "unix:///var/run/docker.sock"
OLDEST_API = (1, 41)
_CERTIFICATE = re.compile(r"certificate verify failed: ([^(\"']+)")
_LOST_LAYER = re.compile(r"parent snapshot \S+ does not exist")
_LOADS = 3
_ANSWER_S = 2.0
_TIMEOUT_S = 60
_BEHIND_SSH = "http://engine:2375"
_START = "Start the engine, set DOCKER_HOST, or mount /var/run/docker.sock."


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """What an engine says of itself.

    ``host`` is where it was reached, ``rootless`` whether it runs without root.
    With a ``containerd_store`` it keeps indexes and can hold several platforms.
    ``free_bytes`` is what its disk has left; None when the disk is out of sight (a remote engine).
    """

    host: str
    version: str
    api_version: str
    platform: Platform
    containerd_store: bool
    rootless: bool
    free_bytes: int | None


class PushError(Exception):
    """An engine could not push an image; the text is what it says."""


class Engine:
    """A connected engine; made by :func:`connect`."""

    def __init__(self, client: "DockerClient", host: str) -> None:
        self._client = client
        self._host = host

    def facts(self) -> EngineFacts:
        """Ask the engine what it is.

        Raises:
            EngineError: It is too old for BuildKit as the exporter needs it, or does not tell.
        """
        with self._asked("tell what it is"):
            version: dict[str, Any] = self._client.version()
            info: dict[str, Any] = self._client.info()
        return _facts(self._host, version, info)

    def image_archive(self, name: str) -> Iterator[bytes]:
        """The image as the tar stream of ``docker save``.

        Raises:
            EngineError: The engine has none of this name, or breaks off.
        """
        with self._asked(f"give the image {name}"):
            yield from self._client.images.get(name).save(named=True)

    def push_image(self, reference: Reference, account: Credential | None) -> None:
        """Push an image that has the reference as its name.

        Raises:
            PushError: The engine or the registry refuses.
        """
        login = {}
        if account is not None and account.identity_token:
            login = {"identitytoken": account.identity_token}
        elif account is not None:
            login = {"username": account.username, "password": account.password}
        with self._asked(f"push {reference}"):
            stream = self._client.api.push(
                str(reference.repository),
                tag=reference.tag,
                auth_config={**login, "serveraddress": reference.repository.registry},
                stream=True,
                decode=True,
            )
            told = list(stream)  # to its end, else its connection stays open
        if error := _error_in(told):
            raise PushError(error)
        if not any("Digest" in (each.get("aux") or {}) for each in told):
            raise PushError("unexpected EOF: the engine does not tell the digest")

    def inspect_image(self, name: str) -> dict[str, Any] | None:
        """What the engine tells of an image, or None when it has none of this name."""
        from docker.errors import ImageNotFound  # noqa: PLC0415 - see the module's docstring

        with self._asked(f"show the image {name}"):
            try:
                found: dict[str, Any] = self._client.images.get(name).attrs
            except ImageNotFound:
                return None
        return found

    def load_image(self, open_archive: Callable[[], Iterator[bytes]]) -> None:
        """Take in an archive as ``docker load`` does.

        While others remove images, an engine may lose a layer that it was about to build on.

        Raises:
            EngineError: The engine refuses it.
        """
        api: Any = self._client.api  # the stubs leave this one out
        error = ""
        for _ in range(_LOADS):
            with self._asked("load an image"):
                archive: Any = open_archive()  # requests takes iterators
                error = _error_in(list(api.load_image(archive)))
            if not _LOST_LAYER.search(error):
                break
        if error:
            raise EngineError(f"the Docker engine at {self._host} cannot load an image: {error}")

    def remove_image(self, name: str) -> None:
        """Take a name away from an image; nothing happens when it is not there."""
        from docker.errors import ImageNotFound  # noqa: PLC0415 - see the module's docstring

        with self._asked(f"remove the image {name}"):
            try:
                self._client.images.remove(name, noprune=True)
            except ImageNotFound:
                return

    def image_names(self, repository: str) -> tuple[str, ...]:
        """``repository:tag`` of every local image of a repository."""
        # docker-py's own list asks for every image once more, which another run may have removed.
        with self._asked(f"list the images of {repository}"):
            images: list[dict[str, Any]] = self._client.api.images(name=repository)
        return tuple(tag for image in images for tag in image.get("RepoTags") or ())

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        from docker.errors import DockerException  # noqa: PLC0415 - see the module's docstring
        from requests import RequestException  # noqa: PLC0415 - loaded by docker-py

        try:
            yield
        except (DockerException, RequestException) as error:
            raise EngineError(
                f"the Docker engine at {self._host} cannot {what}: {_reason(error)}"
            ) from error


def _error_in(told: Iterable[Mapping[str, Any]]) -> str:
    """What went wrong, in the answers of a request that goes on for a while."""
    return next((str(each["error"]) for each in told if each.get("error")), "")


def socket_of(env: Mapping[str, str]) -> str:
    """The engine's socket on this machine when it takes a connection, else "".

    Costs a millisecond; "" does not mean that there is no engine.
    """
    host = env.get("DOCKER_HOST") or DEFAULT_HOST
    if not host.startswith("unix://") or (not env.get("DOCKER_HOST") and _context(env)):
        return ""
    path = host.removeprefix("unix://")
    try:
        _connected(path).close()
    except OSError:
        return ""
    return path


def facts_from(path: str) -> EngineFacts:
    """What the engine behind a socket is, without docker-py, which takes 0.1 s to load.

    Raises:
        EngineError: It is too old, or does not tell.
    """
    host = f"unix://{path}"
    try:
        return _facts(host, _told(path, "/version"), _told(path, "/info"))
    except (OSError, HTTPException, ValueError, KeyError) as error:
        raise EngineError(
            f"the Docker engine at {host} cannot tell what it is: {_reason(error)}"
        ) from error


def _told(path: str, what: str) -> dict[str, Any]:
    connection = HTTPConnection("localhost")
    connection.sock = _connected(path)
    with closing(connection):
        connection.request("GET", what)
        found: dict[str, Any] = json.loads(connection.getresponse().read())
    return found


def _connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_ANSWER_S)
        connection.connect(path)
        connection.settimeout(_TIMEOUT_S)
    except OSError:
        connection.close()
        raise
    return connection


def _facts(host: str, version: Mapping[str, Any], info: Mapping[str, Any]) -> EngineFacts:
    api = str(version.get("ApiVersion", "0.0"))
    if tuple(int(part) for part in api.split(".")[:2]) < OLDEST_API:
        raise EngineError(
            f"the Docker engine at {host} speaks API {api}, which is too old",
            remedy="Use Docker Engine 20.10 or newer.",
        )
    driver = dict(info.get("DriverStatus") or ())
    directory = str(info.get("DockerRootDir", ""))
    is_here = host.startswith("unix://") and Path(directory).is_dir()
    return EngineFacts(
        host=host,
        version=str(version.get("Version", "")),
        api_version=api,
        platform=Platform.parse(f"{version['Os']}/{version['Arch']}"),
        containerd_store="containerd" in str(driver.get("driver-type", "")),
        rootless=any("rootless" in option for option in info.get("SecurityOptions") or ()),
        free_bytes=shutil.disk_usage(directory).free if is_here else None,
    )


@contextmanager
def connect(env: Mapping[str, str]) -> Iterator[Engine]:
    """The engine that ``DOCKER_HOST`` and the like name, else that of the Docker context in use.

    ``ssh://`` hosts are reached through the ssh program, with the user's own settings
    (:mod:`exporter.build.ssh`).

    Raises:
        EngineError: It is not there, not reachable or does not let us in.
    """
    from docker.errors import DockerException  # noqa: PLC0415 - see the module's docstring

    reach = _with_certificates(env if env.get("DOCKER_HOST") else {**env, **_context(env)})
    host = reach.get("DOCKER_HOST") or DEFAULT_HOST
    with ExitStack() as stack:
        road: SshRoad | None = None
        if host.startswith("ssh://"):
            from exporter.build import ssh  # noqa: PLC0415 - as docker-py

            road = stack.enter_context(closing(ssh.SshRoad(host, reach)))
        try:
            client = stack.enter_context(closing(_client(reach, road)))
            client.ping()
        except process.ProgramMissingError as error:
            raise EngineError(
                f"the Docker engine at {host} cannot be reached: {error.what}",
                remedy="Install openssh-client, or reach the engine by tcp:// with TLS.",
            ) from error
        except (DockerException, OSError) as error:
            reason, remedy = road.trouble() if road else (_reason(error), _START)
            raise EngineError(
                f"the Docker engine at {host} cannot be reached: {reason}", remedy=remedy
            ) from error
        yield Engine(client, host)


def _client(reach: Mapping[str, str], road: "SshRoad | None") -> "DockerClient":
    import docker  # noqa: PLC0415 - see the module's docstring

    def connected(version: str) -> "DockerClient":
        if road is None:
            return docker.DockerClient.from_env(
                version=version, environment=dict(reach), timeout=_TIMEOUT_S
            )
        client = docker.DockerClient(_BEHIND_SSH, version=version, timeout=_TIMEOUT_S)
        client.api.mount(_BEHIND_SSH, road)
        return client

    if road is None and not reach.get("DOCKER_CERT_PATH"):
        return connected("auto")
    # requests prefers REQUESTS_CA_BUNDLE to the engine's own authority, and a proxy to our road,
    # unless told otherwise, which is possible only before the version is asked for.
    first = connected(f"{OLDEST_API[0]}.{OLDEST_API[1]}")
    first.api.trust_env = False
    client = connected(str(first.api.version(api_version=False)["ApiVersion"]))
    client.api.trust_env = False
    return client


def _with_certificates(reach: Mapping[str, str]) -> Mapping[str, str]:
    """The same variables; with TLS ``DOCKER_CERT_PATH`` is set, and what is needed is there."""
    verify = bool(reach.get("DOCKER_TLS_VERIFY"))
    if not (verify or reach.get("DOCKER_CERT_PATH")):
        return reach
    folder = Path(reach.get("DOCKER_CERT_PATH") or docker_folder("", reach))
    needed = [folder / name for name in (*(["ca.pem"] if verify else []), "cert.pem", "key.pem")]
    if missing := [str(path) for path in needed if not path.is_file()]:
        raise EngineError(
            f"certificates for the Docker engine are missing: {', '.join(missing)}",
            remedy="DOCKER_CERT_PATH is the folder with ca.pem, cert.pem and key.pem.",
        )
    return {**reach, "DOCKER_CERT_PATH": str(folder)}


def _context(env: Mapping[str, str]) -> dict[str, str]:
    """Variables that lead to the engine of the context in use; none for the default context."""
    name = env.get("DOCKER_CONTEXT", "")
    if not name:
        try:
            name = str(
                json.loads((docker_folder("", env) / "config.json").read_bytes()).get(
                    "currentContext", ""
                )
            )
        except (OSError, ValueError, AttributeError):
            return {}
    if name in ("", "default"):
        return {}
    try:
        done = process.run(["docker", "context", "inspect", name], env=env)
    except process.ProgramMissingError:
        return {}
    if done.returncode:
        raise EngineError(
            f"the Docker context {name} cannot be used: {done.stderr.strip()}",
            remedy="docker context ls shows the contexts; DOCKER_CONTEXT or DOCKER_HOST chooses.",
        )
    [context] = json.loads(done.stdout)
    found = {"DOCKER_HOST": str(context["Endpoints"]["docker"]["Host"])}
    if context.get("TLSMaterial", {}).get("docker"):
        found["DOCKER_CERT_PATH"] = str(Path(context["Storage"]["TLSPath"], "docker"))
        found["DOCKER_TLS_VERIFY"] = "1"
    return found


def _reason(error: Exception) -> str:
    text = str(error)
    if found := _CERTIFICATE.search(text):
        return f"its certificate is not accepted: {found[1].strip()}"
    for sign, reason in (
        ("Permission denied", "permission denied"),
        ("No such file", "there is no such socket"),
        ("Connection refused", "connection refused"),
        ("timed out", "no answer"),
        ("Connection aborted", "the connection broke"),
        ("Connection broken", "the connection broke"),
        ("certificate", "the certificates do not fit together"),
    ):
        if sign in text:
            return reason
    return text.splitlines()[0][:200] if text else type(error).__name__
