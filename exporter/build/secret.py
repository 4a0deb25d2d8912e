"""Secrets of builds, and arguments that ought to be secrets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from exporter.errors import ConfigError
from exporter.project.models.secrets import Secret
from exporter.value import dataclass

_TELLING_NAME = (
    r"(?i)(?:^|_)(?:auth|credentials?|passwd|password|pword|secret|token"
    r"|(?:api|access|private|secret|deploy|signing)_?key)(?:_|$)"
)
_PUBLIC_NAME = r"(?i)public"
_SHORTEST_VALUE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSecret:
    """A secret of a build: from a variable of the build's own environment, or from a file.

    ``value`` reaches the program through its environment only, never through its arguments.
    """

    id: str
    value: str | None = field(default=None, repr=False)
    file: Path | None = None

    def read(self) -> bytes:
        """What is secret."""
        if self.file is not None:
            return self.file.read_bytes()
        return (self.value or "").encode("utf-8", "surrogateescape")


def read_secret(
    secret: Secret, *, env: Mapping[str, str], host_path: Callable[[str], Path]
) -> BuildSecret:
    """The secret that werf.yaml names.

    Args:
        secret: As configured.
        env: The user's environment.
        host_path: Where a configured path is on this machine.

    Raises:
        ConfigError: Its variable is not set, or its file does not exist.
    """
    if secret.env:
        value = env.get(secret.env)
        if value is None:
            raise ConfigError(
                f"the secret '{secret.id}' comes from the variable {secret.env}, which is not set",
                place=secret.place,
                remedy=f"Set {secret.env} in the environment of the step",
            )
        return BuildSecret(id=secret.id, value=value)
    if secret.src:
        path = host_path(secret.src)
        if not path.is_file():
            raise ConfigError(
                f"the secret '{secret.id}' comes from the file {secret.src}, which does not exist",
                place=secret.place,
            )
        return BuildSecret(id=secret.id, file=path)
    return BuildSecret(id=secret.id, value=secret.value)


def secret_arguments(arguments: Mapping[str, str]) -> dict[str, str]:
    """The build arguments that are secrets by their name; short values are none.

    BuildKit writes the values of arguments into the names of its steps, and into the history of
    the image.
    """
    return {
        name: value
        for name, value in arguments.items()
        if re.search(_TELLING_NAME, name)
        and not re.search(_PUBLIC_NAME, name)
        and len(value) >= _SHORTEST_VALUE
    }
