"""What ``promote`` takes: images of reports of the exporter or of werf, and single references."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from exporter import build_report
from exporter.errors import InputError
from exporter.oci.reference import Reference
from exporter.project.selection import select_images
from exporter.sources import Source, parsed_json, read_text
from exporter.value import dataclass


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
        return build_report.read(path)
    report = parsed_json(text, path)
    images = report.get("images")
    if report.get("version") != 1 or not isinstance(images, dict):
        raise InputError(
            f"{path} is not a report of the exporter", remedy="Write one with --report-path."
        )
    found = {}
    for name, image in images.items():
        try:
            source = _source(name, image)
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError(
                f"the report {path} does not say where the image {name!r} is",
                remedy="Write it anew with --report-path.",
            ) from error
        if source is not None:
            found[name] = source
    if not found:
        raise InputError(f"the report {path} names no exported image")
    return found


def _source(name: str, image: Mapping[str, Any]) -> Source | None:
    """Where an image of a report is; none when it was exported nowhere."""
    for ref in image.get("references", {}).values():
        if ref.get("digest") and ref.get("status") in _IN_PLACE:
            pinned = f"{ref['registry']}/{ref['repository']}@{ref['digest']}"
            return Source(
                image=name,
                content_tag=str(image.get("content-tag", "")),
                reference=Reference.parse(pinned),
            )
    return None


_IN_PLACE = ("created", "moved", "unchanged", "kept", "unverified")
