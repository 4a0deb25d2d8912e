"""What is exported: published images, from this run's build, a build report, or a promotion."""

import json
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
    report = parsed_json(read_text(path, "the report"), path)
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


def parsed_json(text: str, path: Path) -> dict[str, Any]:
    """The object in a JSON file; InputError when it is none."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is not a JSON object")
    return value


def read_text(path: Path, what: str) -> str:
    """The text of a file that the options name; InputError when it cannot be read."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{what} {path} cannot be read: {reason}") from error
