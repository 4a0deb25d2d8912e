"""A private Docker configuration for one run: the user's own, plus the credentials that were given.

The user's files stay as they are: ``config.json`` is written anew into a temporary directory, and
everything else in the user's directory (contexts, plugins, builders) is linked from there.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.registry.keychain import Login

DOCKER_HUB_KEY = "https://index.docker.io/v1/"


@contextmanager
def private_config(
    user_directory: Path, logins: Sequence[Login], env: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """The environment for docker programs in which the given accounts are known.

    Without accounts it is the user's own configuration. The directory is removed at the end.
    """
    child_env = {**env, "DOCKER_CONFIG": str(user_directory)}
    if not logins:
        yield child_env
        return
    with TemporaryDirectory(prefix="exporter-docker-") as name:
        directory = Path(name)
        if user_directory.is_dir():
            for entry in user_directory.iterdir():
                if entry.name != "config.json":
                    (directory / entry.name).symlink_to(entry.absolute())
        config = directory / "config.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps(_merged(user_directory / "config.json", logins)))
        child_env["DOCKER_CONFIG"] = name
        child_env.setdefault("BUILDX_CONFIG", str(user_directory / "buildx"))
        yield child_env


def _merged(path: Path, logins: Sequence[Login]) -> dict[str, object]:
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError):
        config = {}
    if not isinstance(config, dict):
        config = {}
    auths = dict(config.get("auths") or {})
    helpers = dict(config.get("credHelpers") or {})
    for login in logins:
        key = _key(login.scope.partition("/")[0])
        pair = f"{login.username}:{login.password}".encode()
        auths[key] = {"auth": base64.b64encode(pair).decode()}
        helpers[key] = ""  # an account given here wins over a credential store
    return {**config, "auths": auths, "credHelpers": helpers}


def _key(registry: str) -> str:
    hub = ("index.docker.io", "docker.io", "registry-1.docker.io")
    return DOCKER_HUB_KEY if registry in hub else registry


def docker_folder(given: str, env: Mapping[str, str]) -> Path:
    """Where the user's Docker configuration is: as given, ``DOCKER_CONFIG``, or ``~/.docker``."""
    return Path(given or env.get("DOCKER_CONFIG") or Path(env.get("HOME") or "/", ".docker"))


def with_docker_folder(given: str, env: Mapping[str, str]) -> Mapping[str, str]:
    """The variables by which everybody finds the same configuration, also one that is given."""
    return {**env, "DOCKER_CONFIG": str(docker_folder(given, env))}
