"""Secrets of builds."""

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from exporter.errors import ConfigError
from exporter.project.models.secrets import Secret
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSecret:
    """A secret of a build: from a variable of the build's own environment, or from a file.

    ``value`` reaches the program through its environment only, never through its arguments.
    """

    id: str
    value: str | None = field(default=None, repr=False)
    file: Path | None = None


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
