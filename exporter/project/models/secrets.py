"""Secrets that a build may read: the ``secrets`` section."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from exporter.errors import Place
from exporter.project.models.shape import Key, Shape, Values


def _check_sources(values: Values) -> None:
    given = [key for key in ("env", "src", "value") if values.text(key)]
    if len(given) > 1:
        raise values.error(
            "secrets validation error: secret type could be ONLY `env`, `src` or `value`",
            key=given[1],
        )


SECRET = Shape(
    "secrets",
    (
        Key("id", "text", "name under which the build finds the secret"),
        Key("env", "text", "environment variable that holds the secret"),
        Key("src", "text", "file that holds the secret"),
        Key("value", "text", "the secret itself"),
    ),
    check_first=_check_sources,
)


class SecretRules(Protocol):
    """What giterminism says about secrets."""

    def check_secret_env(self, name: str, place: Place) -> None:
        """Refuse a secret from an environment variable."""

    def check_secret_file(self, path: str, place: Place) -> None:
        """Refuse a secret from a file."""

    def check_secret_value(self, name: str, place: Place) -> None:
        """Refuse a secret written in the config, by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret under its id, from exactly one of three sources; the others are ""."""

    place: Place
    id: str
    env: str
    src: str
    value: str = field(repr=False)


def read_secrets(entries: Iterable[Values], rules: SecretRules) -> tuple[Secret, ...]:
    """Read the ``secrets`` section.

    Raises:
        ConfigError: A rule of spec section 2.6 is broken.
        GiterminismError: A secret is not allowed.
    """
    secrets: dict[str, Secret] = {}
    for values in entries:
        secret = _secret_of(values)
        if secret.id in secrets:
            raise values.error(f'duplicated secret "{secret.id}"', key="id")
        if secret.env:
            rules.check_secret_env(secret.env, values.place_of("env"))
        elif secret.src:
            rules.check_secret_file(secret.src, values.place_of("src"))
        else:
            rules.check_secret_value(secret.id, values.place_of("value"))
        secrets[secret.id] = secret
    return tuple(secrets.values())


def _secret_of(values: Values) -> Secret:
    name, env, src = values.text("id"), values.text("env"), values.text("src")
    value = values.text("value")
    if not (env or src or value):
        raise values.error(
            "unable to load build secrets: secret should be defined as `env`, `src` or `value`"
        )
    name = name or env or (posixpath.basename(src.rstrip("/")) or "/" if src else "")
    if not name:
        raise values.error(
            "unable to load build secrets: type value should be used with id parameter",
            key="value",
        )
    return Secret(place=values.place, id=name, env=env, src=src, value=value)
