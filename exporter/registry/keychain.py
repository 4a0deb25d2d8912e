"""Credentials: given ones, Docker's config files, credential helpers, podman's auth.json."""

import base64
import binascii
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from exporter.errors import InputError
from exporter.log import hide
from exporter.oci.reference import DOCKER_HUB, Repository
from exporter.process import Completed, ProgramMissingError, run
from exporter.value import dataclass

logger = logging.getLogger(__name__)

_HELPER_TIMEOUT_S = 20
_HUB_KEYS = ("https://index.docker.io/v1/", "docker.io", "registry-1.docker.io")
_IDENTITY = "<token>"  # the user name by which helpers mark an identity token


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An account at a registry; ``source`` says where it was found."""

    username: str
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A credential given by the user for a registry, or for the repositories below a prefix.

    ``scope`` is ``host[:port]`` or ``host[:port]/path``; the longest match wins.
    """

    scope: str
    username: str
    password: str = field(repr=False)


Run = Callable[..., Completed]


class Keychain:
    """Finds the credential for a repository; every answer is remembered. Thread-safe.

    Order: given logins, then Docker's ``config.json`` (``credHelpers``, ``credsStore``, ``auths``),
    then podman's ``auth.json``; nothing found means anonymous.
    Nothing is written to any of the user's files.
    """

    def __init__(
        self,
        *,
        logins: Sequence[Login] = (),
        env: Mapping[str, str] | None = None,
        docker_config: Path | None = None,
        run: Run = run,
    ) -> None:
        """Prepare; files and helpers are read when the first credential is asked for.

        Args:
            logins: Credentials from the options.
            env: Where ``DOCKER_CONFIG``, ``HOME``, ``REGISTRY_AUTH_FILE`` and the helpers' ``PATH``
                are looked up.
            docker_config: Folder of ``config.json``, before ``DOCKER_CONFIG``.
            run: Starts a credential helper.
        """
        hide(login.password for login in logins)
        self._logins = {_scope_key(login.scope): login for login in logins}
        self._env = env or {}
        self._docker_config = docker_config
        self._run = run
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Credential | None] = {}
        self._files: tuple[_ConfigFile, ...] | None = None

    def find(self, repository: Repository) -> Credential | None:
        """The credential for this repository; None means anonymous.

        Raises:
            InputError: A config file or a helper's answer cannot be understood.
        """
        key = (repository.registry, repository.name)
        with self._lock:
            if key not in self._found:
                self._found[key] = self._search(repository)
            return self._found[key]

    def find_host(self, registry: str) -> Credential | None:
        """The credential for a registry as a whole, as docker knows only such; else as `find`.

        What is given for a part of a registry holds for all of it.
        """
        given = [
            login for scope, login in self._logins.items() if scope.partition("/")[0] == registry
        ]
        if given:
            return Credential(
                username=given[-1].username, password=given[-1].password, source="the options"
            )
        return self.find(Repository(registry=registry, name=""))

    def _search(self, repository: Repository) -> Credential | None:
        for scope in _scopes(repository):
            login = self._logins.get(scope)
            if login is not None:
                return Credential(
                    username=login.username, password=login.password, source="the options"
                )
        if self._files is None:
            self._files = tuple(self._read_files())
        for file in self._files:
            credential = self._from_file(file, repository)
            if credential is not None:
                hide((credential.password, credential.identity_token))
                logger.debug(
                    "%s: account %s from %s",
                    repository.registry,
                    credential.username,
                    credential.source,
                )
                return credential
        return None

    def _from_file(self, file: "_ConfigFile", repository: Repository) -> Credential | None:
        keys = _server_keys(repository.registry)
        helper = next((file.helpers[key] for key in keys if key in file.helpers), file.store)
        if helper:
            for key in keys[:1] if repository.registry != DOCKER_HUB else (_HUB_KEYS[0],):
                credential = self._ask(helper, key)
                if credential is not None:
                    return credential
        for scope in _scopes(repository):
            if scope in file.auths:
                return file.auths[scope]
        return None

    def _ask(self, helper: str, server: str) -> Credential | None:
        if "\0" in helper:
            raise InputError(
                f"the name of the credential helper for {server} holds a NUL character",
                remedy="Correct credHelpers and credsStore in Docker's config.json",
            )
        program = f"docker-credential-{helper}"
        try:
            done = self._run(
                [program, "get"], env=self._env, stdin=server.encode(), timeout_s=_HELPER_TIMEOUT_S
            )
        except (ProgramMissingError, TimeoutError) as error:
            logger.warning("no credentials of %s from the helper: %s", server, error)
            return None
        if done.returncode != 0:
            logger.debug("%s knows nothing about %s", program, server)
            return None
        try:
            answer = json.loads(done.stdout)
            username, secret = str(answer["Username"]), str(answer["Secret"])
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{program} did not answer as a credential helper does",
                remedy=f"Try `echo {server} | {program} get` by hand",
            ) from error
        if not secret:
            return None
        if username == _IDENTITY:
            return Credential(username=username, identity_token=secret, source=program)
        return Credential(username=username, password=secret, source=program)

    def _read_files(self) -> "Iterator[_ConfigFile]":
        env = self._env
        home = env.get("HOME", "")
        docker = self._docker_config or _folder(env.get("DOCKER_CONFIG"), home, ".docker")
        runtime = env.get("XDG_RUNTIME_DIR")
        candidates = (
            docker and docker / "config.json",
            env.get("REGISTRY_AUTH_FILE") and Path(env["REGISTRY_AUTH_FILE"]),
            runtime and Path(runtime, "containers", "auth.json"),
            home and Path(home, ".config", "containers", "auth.json"),
        )
        for path in candidates:
            if path and (file := _read_file(Path(path))) is not None:
                yield file


@dataclass(frozen=True, slots=True, kw_only=True)
class _ConfigFile:
    auths: Mapping[str, Credential]
    helpers: Mapping[str, str]
    store: str


def _folder(given: str | None, home: str, name: str) -> Path | None:
    if given:
        return Path(given)
    return Path(home, name) if home else None


def _read_file(path: Path) -> _ConfigFile | None:
    try:
        document = json.loads(path.read_bytes() or b"{}")
        auths = document.get("auths") or {}
        return _ConfigFile(
            auths={
                _scope_key(server): credential
                for server, entry in auths.items()
                if (credential := _credential(entry or {}, str(path))) is not None
            },
            helpers=dict(document.get("credHelpers") or {}),
            store=str(document.get("credsStore") or ""),
        )
    except OSError:  # absent, or of another user: then there are no credentials in it for us
        return None
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"{path} is not a Docker config file", remedy="Log in again to have it written anew"
        ) from error


def _credential(entry: Mapping[str, object], source: str) -> Credential | None:
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    encoded = entry.get("auth")
    if encoded:
        try:
            decoded = base64.b64decode(str(encoded)).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("auth is not base64") from error
        username, _, password = decoded.partition(":")
        password = password.strip("\0")
    token = str(entry.get("identitytoken") or "")
    if not (token or username):
        return None
    return Credential(username=username, password=password, identity_token=token, source=source)


def _scope_key(text: str) -> str:
    """``host[:port][/path]`` of a key in a config file, Docker Hub under one name."""
    host, _, path = text.removeprefix("https://").removeprefix("http://").partition("/")
    path = path.strip("/")
    if path in ("v1", "v2", "api/v1", "api/v2"):
        path = ""
    if host in ("docker.io", "registry-1.docker.io"):
        host = DOCKER_HUB
    return f"{host}/{path}" if path else host


def _scopes(repository: Repository) -> Iterator[str]:
    """The keys that may hold this repository's account, most specific first."""
    parts = repository.name.split("/")
    for length in range(len(parts), 0, -1):
        yield "/".join((repository.registry, *parts[:length]))
    yield repository.registry


def _server_keys(registry: str) -> tuple[str, ...]:
    """What helpers and ``credHelpers`` may call this registry."""
    if registry == DOCKER_HUB:
        return (*_HUB_KEYS, DOCKER_HUB)
    return (registry, f"https://{registry}")
