"""Image configuration in Dockerfile words (deprecated): the ``docker`` section."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.errors import Place
from exporter.project.models.shape import Key, Shape, Values

DOCKER = Shape(
    "docker",
    (
        Key("VOLUME", "text or texts", "volumes"),
        Key("EXPOSE", "text or texts", "ports"),
        Key("ENV", "text map", "variables"),
        Key("LABEL", "text map", "labels"),
        Key("CMD", "text or texts", "command"),
        Key("ENTRYPOINT", "text or texts", "entrypoint"),
        Key("WORKDIR", "text", "working directory"),
        Key("USER", "text", "user"),
        Key("HEALTHCHECK", "text", "check of the running container"),
        Key("exactValues", "flag", "take values as they are, without Dockerfile quoting rules"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """The section's values; ``cmd`` and ``entrypoint`` as one Dockerfile argument, "" for none.

    A list became ``["a", "b"]`` without escaping, as in werf, because that text enters digests.
    """

    place: Place
    volume: tuple[str, ...]
    expose: tuple[str, ...]
    env: Mapping[str, str]
    label: Mapping[str, str]
    cmd: str
    entrypoint: str
    workdir: str
    user: str
    healthcheck: str
    exact_values: bool


def docker_of(values: Values | None) -> Docker | None:
    """Read a ``docker`` section; None when there is none.

    Raises:
        ConfigError: A value is neither a string nor a list of strings.
    """
    if values is None:
        return None
    volume, expose = values.text_or_texts("VOLUME"), values.text_or_texts("EXPOSE")
    cmd, entrypoint = _command(values, "CMD"), _command(values, "ENTRYPOINT")
    return Docker(
        place=values.place,
        volume=volume,
        expose=expose,
        env=values.text_map("ENV"),
        label=values.text_map("LABEL"),
        # A new entrypoint makes the base image's command meaningless.
        cmd="[]" if entrypoint and not cmd else cmd,
        entrypoint=entrypoint,
        workdir=values.text("WORKDIR"),
        user=values.text("USER"),
        healthcheck=values.text("HEALTHCHECK"),
        exact_values=values.flag("exactValues"),
    )


def _command(values: Values, key: str) -> str:
    value = values.anything(key)
    words = values.text_or_texts(key)
    if value is None or isinstance(value, str):
        return words[0] if words else ""
    return '["' + '", "'.join(words) + '"]' if words else "[]"
