"""The ``docker:`` section: what it hashes to, and what it makes of an image config.

werf pastes the values into Dockerfile lines, where quotes and spaces have meanings. Here a value is
processed as one Dockerfile word where it is one, and taken as it is where it would be several: what
fails or falls apart in werf is exact here.
Source: spec/werf-behaviour.md, sections 11.1 and 11.4; spec/stapel-observed.md, section 3.
"""

import json
import re
from collections.abc import Mapping, Sequence
from posixpath import join, normpath

from exporter.build.digest import h256
from exporter.build.dockerfile.expand import ExpansionError, process_word
from exporter.build.dockerfile.words import parse_words
from exporter.errors import ConfigError, Place
from exporter.oci.document import Json
from exporter.project.models.docker import Docker

STAGE = "dockerInstructions"

_PORT = re.compile(r"\d+(?:-\d+)?(?:/[a-z]+)?")
_FLAG = re.compile(r"--(interval|timeout|start-period|start-interval|retries)=(\S+)\s*")
_UNITS = {
    "h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000,
    "ms": 1_000_000, "us": 1000, "ns": 1,
}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)")


def dependencies(docker: Docker) -> str:
    """What the section hashes to; enters the stage's digest."""
    return h256(
        *(("exact-values:::",) if docker.exact_values else ()),
        *docker.volume,
        *docker.expose,
        *_pairs(docker.env),
        *_pairs(docker.label),
        docker.cmd,
        docker.entrypoint,
        docker.workdir,
        docker.user,
        docker.healthcheck,
    )


def changes(docker: Docker, run: Mapping[str, Json], env: Sequence[str]) -> dict[str, Json]:
    """The keys of an image config's ``config`` object that the section sets.

    ``Labels`` are the new ones only, everything else is whole.

    Args:
        docker: The section.
        run: The object before.
        env: Its variables, ``NAME=value``.

    Raises:
        ConfigError: A value does not mean anything.
    """
    words = _Words(docker, env)
    change: dict[str, Json] = {}
    if docker.env:
        values = dict(entry.partition("=")[::2] for entry in env)
        values |= {key: words.value(value) for key, value in sorted(docker.env.items())}
        change["Env"] = [f"{key}={value}" for key, value in values.items()]
    if docker.label:
        change["Labels"] = {
            words.value(key): words.value(value) for key, value in sorted(docker.label.items())
        }
    if docker.volume:
        change["Volumes"] = _set(run.get("Volumes"), words.list(docker.volume))
    if docker.expose:
        change["ExposedPorts"] = _set(
            run.get("ExposedPorts"),
            [_port(port, docker.place) for port in words.list(docker.expose)],
        )
    if docker.workdir:
        # As in werf: commands run in /, whatever the working directory of the base.
        change["WorkingDir"] = normpath(join("/", words.value(docker.workdir)))
    if docker.user:
        change["User"] = words.value(docker.user)
    if docker.entrypoint:
        change["Entrypoint"] = _command(docker.entrypoint) or None
        change["Cmd"] = None
    if docker.cmd:
        change["Cmd"] = _command(docker.cmd) or None
    if docker.healthcheck:
        change["Healthcheck"] = _healthcheck(docker.healthcheck, docker.place)
    return change


class _Words:
    """Values of the section as the image gets them."""

    def __init__(self, docker: Docker, env: Sequence[str]) -> None:
        self._exact = docker.exact_values
        self._place = docker.place
        self._variables = dict(entry.partition("=")[::2] for entry in env)

    def value(self, text: str) -> str:
        """One value: variables replaced, outer quotes taken away unless values are exact."""
        is_word = not self._exact and len(parse_words(text, escape="\\")) == 1
        try:
            return process_word(text if is_word else _quoted(text), self._variables)
        except ExpansionError as error:
            raise ConfigError(
                f"`docker:` holds {text!r}, which cannot be read: {error}",
                place=self._place,
                remedy="Write \\$ for a dollar sign that is meant as it is.",
            ) from error

    def list(self, texts: Sequence[str]) -> list[str]:
        """The values of a list; without exact values an item may hold several."""
        if self._exact:
            return [self.value(text) for text in texts]
        found: list[str] = []
        for text in texts:
            items = _json_list(text)
            if items is None:
                items = [self.value(word) for word in parse_words(text, escape="\\")]
            found += items
        return found


def _quoted(text: str) -> str:
    """The text in double quotes, in which only variables are replaced."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _command(text: str) -> list[Json]:
    """A command: a JSON list, else a line for the shell."""
    words = _json_list(text)
    return list(words) if words is not None else ["/bin/sh", "-c", text]


def _json_list(text: str) -> list[str] | None:
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    is_list = isinstance(found, list) and all(isinstance(each, str) for each in found)
    return found if is_list else None


def _port(text: str, place: Place) -> str:
    if not _PORT.fullmatch(text):
        raise ConfigError(f"`docker.EXPOSE` holds {text!r}, which is no port", place=place)
    return text if "/" in text else f"{text}/tcp"


def _set(old: Json, names: Sequence[str]) -> dict[str, Json]:
    found: dict[str, Json] = dict(old) if isinstance(old, Mapping) else {}
    found |= {name: {} for name in names}
    return dict(sorted(found.items()))


def _healthcheck(text: str, place: Place) -> dict[str, Json]:
    found: dict[str, Json] = {}
    rest = text.strip()
    while flag := _FLAG.match(rest):
        rest = rest[flag.end() :]
        name, value = flag[1], flag[2]
        key = "".join(part.capitalize() for part in name.split("-"))
        found[key] = (
            int(value) if name == "retries" and value.isdigit() else _nanoseconds(value, place)
        )
    kind, _, command = rest.partition(" ")
    match kind.upper():
        case "NONE":
            return {"Test": ["NONE"]}
        case "CMD" if command.strip():
            words = _json_list(command.strip())
            test = ["CMD", *words] if words is not None else ["CMD-SHELL", command.strip()]
            return {"Test": [*test], **found}
        case _:
            raise ConfigError(
                f"`docker.HEALTHCHECK` is {text!r}: NONE or CMD with a command is expected",
                place=place,
            )


def _nanoseconds(text: str, place: Place) -> int:
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ConfigError(f"`docker.HEALTHCHECK` holds {text!r}, which is no duration", place=place)
    return int(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _pairs(mapping: Mapping[str, str]) -> list[str]:
    return [text for pair in sorted(mapping.items()) for text in pair]
