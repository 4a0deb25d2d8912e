"""Files of other images: what an import hashes to, its labels, and its record in the repository.

The digest holds a checksum of the selected files, not the image that they come from, so a source
that is rebuilt with equal content changes nothing. The checksum is found by the source's content
digest in a record of the repository, so that it is computed once.
Source: spec/werf-behaviour.md, sections 6.2 and 11.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.build.digest import VARIANT_LABEL, h256
from exporter.build.images import Needed, PlannedStage
from exporter.build.stages import LABEL_PROJECT
from exporter.errors import BuildError
from exporter.naming.service_tags import import_metadata_tag
from exporter.project.models.imports import Import

NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
"""The checksum of a selection without files."""

_EXTERNAL = "external-image:"
_LISTED = "///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an import takes its files from.

    ``content_digest`` stands for the content, ``stage_id`` names the stage; both are
    ``external-image:REFERENCE`` for an image from elsewhere. ``reference`` is what the engine
    pulls, "" while the image is not built. ``has_variant`` says that equal content digests may
    stand for different content.
    """

    content_digest: str
    stage_id: str
    reference: str
    has_variant: bool = False


def source_of(entry: Import, needed: Mapping[str, Needed]) -> Source:
    """The image, or the stage of it, that an import takes its files from.

    Raises:
        BuildError: The image has no such stage.
    """
    if entry.is_external:
        name = f"{_EXTERNAL}{entry.source}"
        return Source(content_digest=name, stage_id=name, reference=entry.source)
    other = needed[entry.source]
    stage = _stage_of(entry, other)
    return Source(
        content_digest=stage.stage.content_digest,
        stage_id=str(stage.id),
        reference="" if stage.image is None else stage.image.pinned,
        has_variant=VARIANT_LABEL
        in (stage.image.config.labels if stage.image else stage.stage.labels),
    )


def _stage_of(entry: Import, other: Needed) -> PlannedStage:
    if not entry.stage:
        return other.plan.last
    for stage in other.plan.stages:
        if stage.stage.name == entry.stage:
            return stage
    names = ", ".join(stage.stage.name for stage in other.plan.stages)
    raise BuildError(
        f"the image {entry.source!r} has no stage {entry.stage!r} to import from; it has {names}",
        place=entry.place,
    )


def selection(entry: Import) -> str:
    """Stands for what is selected in the source, wherever it goes."""
    export = entry.export
    return h256(export.add, _LISTED.join(export.include_paths), _LISTED.join(export.exclude_paths))


def source_id(entry: Import, source: Source) -> str:
    """The id under which the repository keeps the checksum of an import's source."""
    return h256(
        "SourceImageContentDigest", source.content_digest,
        "Add", entry.export.add,
        "IncludePaths", _LISTED.join(entry.export.include_paths),
        "ExcludePaths", _LISTED.join(entry.export.exclude_paths),
    )  # fmt: skip


def record_tag(entry: Import, source: Source) -> str:
    """The tag of the record that keeps the checksum of an import's source."""
    return import_metadata_tag(source_id(entry, source))


def record_labels(entry: Import, source: Source, *, checksum: str, project: str) -> dict[str, str]:
    """What the record holds."""
    return {
        LABEL_PROJECT: project,
        "checksum": checksum,
        "import-source-id": source_id(entry, source),
        "source-stage-id": source.stage_id,
    }


def labels(entry: Import, *, checksum: str, stage_id: str) -> dict[str, str]:
    """The labels of a stage that holds the imported files."""
    number = _import_id(entry)
    return {
        f"werf-import-checksum-{number}": checksum,
        f"werf-import-source-stage-id-{number}": stage_id,
    }


def digest_parts(entry: Import, checksum: str) -> tuple[str, ...]:
    """What of an import enters the digest of its stage."""
    return (checksum, entry.export.to, entry.export.group, entry.export.owner)


def title(entry: Import) -> str:
    """The import in words."""
    export = entry.export
    return f"{export.add} of {entry.source} to {export.to}"


def _import_id(entry: Import) -> str:
    word, _, stage = entry.moment.partition(" ")
    return h256(
        "ImageName", "" if entry.from_artifact else entry.source,
        "ArtifactName", entry.source if entry.from_artifact else "",
        "Stage", entry.stage,
        "After", stage if word == "after" else "",
        "Before", stage if word == "before" else "",
        "Add", entry.export.add,
        "To", entry.export.to,
        "Group", entry.export.group,
        "Owner", entry.export.owner,
        "IncludePaths", _LISTED.join(entry.export.include_paths),
        "ExcludePaths", _LISTED.join(entry.export.exclude_paths),
    )  # fmt: skip
