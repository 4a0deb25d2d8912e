"""What is exported: published images, from this run's build, a build report, or a promotion."""

import json
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from exporter.errors import InputError
from exporter.oci.graph import Graph
from exporter.oci.reference import Reference
from exporter.project.selection import select_images
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A published image: its name, its content tag, and where it is now.

    ``graph`` holds what of it was loaded already, so that it is not asked for again.
    """

    image: str
    content_tag: str
    reference: Reference
    graph: Graph | None = field(default=None, repr=False)


def read_promotion(texts: Sequence[str], patterns: Sequence[str], cwd: Path) -> tuple[Source, ...]:
    """What to promote: images of reports of the exporter or of werf, and single references.

    An image that is named by a reference is called like the last part of its repository.

    Raises:
        InputError: Nothing is named, a report cannot be read, or a pattern matches nothing.
    """
    if not texts:
        raise InputError(
            "nothing to promote: --from (input 'from') is missing",
            remedy="Name the report of the run that exported the images, or REPOSITORY@sha256:….",
        )
    found: dict[str, Source] = {}
    for text in texts:
        path = cwd / text
        if "@" not in text and path.suffix in {".json", ".env"}:
            found |= _from_report(path)
        else:
            reference = Reference.parse(text)
            name = reference.repository.name.rpartition("/")[2]
            tag = reference.tag or ""
            found[name] = Source(image=name, content_tag=tag, reference=reference)
    names = select_images([_Named(name=name) for name in found], patterns, final_only=True).export
    return tuple(found[name] for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A promoted image, as the selection by patterns sees it."""

    name: str
    final: bool = True


def _from_report(path: Path) -> dict[str, Source]:
    text = read_text(path, "the report")
    if path.suffix == ".env" or '"Images"' in text:
        from exporter import build_report  # noqa: PLC0415 - reports of werf only

        return build_report.read(path)
    report = parsed_json(text, path)
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
