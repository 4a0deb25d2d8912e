"""What is exported: published images, from this run's build, a build report, or a promotion."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporter.errors import InputError
from exporter.oci.graph import Graph
from exporter.oci.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A published image: its name, its content tag, and where it is now.

    ``graph`` holds what of it was loaded already, so that it is not asked for again.
    """

    image: str
    content_tag: str
    reference: Reference
    graph: Graph | None = field(default=None, repr=False)


def read_build_report(path: Path) -> dict[str, Source]:
    """The final images of a build report in werf's format, JSON or env file (specification 8).

    Raises:
        InputError: It cannot be read, or is not such a report.
    """
    text = _read(path, "the build report")
    images = _env_records(text, path) if path.suffix == ".env" else _json_records(text, path)
    if not images:
        raise InputError(f"the build report {path} has no images")
    found = {}
    for name, record in images.items():
        for key in ("WerfImageName", "DockerImageName", "DockerRepo", "DockerTag", "DockerImageID"):
            if not record.get(key):
                raise InputError(
                    f"the build report {path} has no {key} for the image {name!r}",
                    remedy="Write it anew with --save-build-report.",
                )
        if record.get("Final"):
            found[name] = Source(
                image=name,
                content_tag=record["DockerTag"],
                reference=Reference.parse(record["DockerImageName"]),
            )
    return found


def read_promotion(text: str, cwd: Path) -> dict[str, Source]:
    """What to promote: the images of an exporter's report, or one reference with a digest.

    Raises:
        InputError: It is neither.
    """
    path = cwd / text
    if "@" not in text and path.suffix == ".json":
        return _from_report(path)
    reference = Reference.parse(text)
    if reference.digest is None:
        raise InputError(
            f"--from {text} has no digest",
            remedy="A tag may move while it is promoted: name the image as repository@sha256:…, "
            "or give the report of the run that exported it.",
        )
    name = reference.repository.name.rpartition("/")[2]
    return {name: Source(image=name, content_tag=reference.tag or "", reference=reference)}


def _from_report(path: Path) -> dict[str, Source]:
    report = _parsed(_read(path, "the report"), path)
    images = report.get("images")
    if report.get("version") != 1 or not isinstance(images, dict):
        raise InputError(
            f"{path} is not a report of the exporter", remedy="Write one with --report-path."
        )
    found = {}
    for name, image in images.items():
        for ref in image.get("references", {}).values():
            if ref.get("digest") and ref.get("status") in _IN_PLACE:
                pinned = f"{ref['registry']}/{ref['repository']}@{ref['digest']}"
                found[name] = Source(
                    image=name,
                    content_tag=image.get("content-tag", ""),
                    reference=Reference.parse(pinned),
                )
                break
    if not found:
        raise InputError(f"the report {path} names no exported image")
    return found


_IN_PLACE = ("created", "moved", "unchanged", "kept", "unverified")


def _json_records(text: str, path: Path) -> Mapping[str, Mapping[str, Any]]:
    images = _parsed(text, path).get("Images")
    if not isinstance(images, dict):
        raise InputError(f"{path} is not a build report", remedy="It has no object 'Images'.")
    return images


def _env_records(text: str, path: Path) -> Mapping[str, Mapping[str, Any]]:
    """The records of an env file, by image; names of variables say which fact they hold."""
    facts = {
        "DOCKER_IMAGE_NAME": "DockerImageName",
        "DOCKER_IMAGE_ID": "DockerImageID",
        "DOCKER_REPO": "DockerRepo",
        "DOCKER_TAG": "DockerTag",
        "WERF_IMAGE_NAME": "WerfImageName",
        "FINAL": "Final",
    }
    groups: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise InputError(f"{path}:{number}: a line of an env file has an equals sign")
        for suffix, fact in facts.items():
            if name.startswith("WERF_") and name.endswith(f"_{suffix}"):
                group = groups.setdefault(name.removesuffix(suffix), {})
                group[fact] = value == "true" if fact == "Final" else value
    return {record.get("WerfImageName", ""): record for record in groups.values()}


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is not a JSON object")
    return value


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{what} {path} cannot be read: {reason}") from error
