"""What a run did: the values, the JSON report, and the outputs of the step.

Built from whatever is known, also when a step before failed. The JSON shape is versioned and
published as ``docs/report.schema.json``. :mod:`exporter.summary` and :mod:`exporter.table` show it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from exporter import __version__
from exporter.log import redact
from exporter.value import dataclass

VERSION = 1

Status = Literal[
    "created", "moved", "unchanged", "kept", "unverified",
    "refused", "failed", "skipped", "planned",
]  # fmt: skip
IN_PLACE: frozenset[Status] = frozenset({"created", "moved", "unchanged", "kept", "unverified"})

Result = Literal["success", "partial", "failure", "interrupted", "planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceResult:
    """One destination: what became of it, what it showed before, and why it is not as asked.

    ``digest`` is what it shows when it is in place, also when that was kept; else what it should.
    """

    reference: str
    registry: str
    repository: str
    tag: str
    status: Status
    digest: str = ""
    previous_digest: str = ""
    error: str = ""

    @property
    def pinned(self) -> str:
        """``registry/repository@digest``."""
        return f"{self.registry}/{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """One stage of an image on one platform."""

    name: str
    platform: str
    reference: str
    built: bool
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """One image: ``platforms`` maps each platform to its exported digest, ``size`` is in bytes.

    ``started`` is on the clock of ``Report.started``; ``seconds`` is what building took.
    """

    name: str
    content_tag: str = ""
    stage: str = ""
    digest: str = ""
    platforms: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    seconds: float = 0.0
    started: float = 0.0
    stages: tuple[StageResult, ...] = ()
    references: tuple[ReferenceResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One step of the run; ``started`` is on the clock of ``Report.started``."""

    name: str
    started: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole run; ``started`` is in seconds since the epoch."""

    result: Result
    command: str
    project: str = ""
    commit: str = ""
    images: tuple[ImageResult, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    phases: tuple[Phase, ...] = ()
    exit_code: int = 0
    started: float = 0.0
    seconds: float = 0.0

    @property
    def references(self) -> tuple[ReferenceResult, ...]:
        """All destinations of all images."""
        return tuple(ref for image in self.images for ref in image.references)


def to_json(report: Report) -> dict[str, Any]:
    """The report as its published JSON shape."""
    return {
        "version": VERSION,
        "exporter": __version__,
        "result": report.result,
        "exit-code": report.exit_code,
        "command": report.command,
        "project": report.project,
        "commit": report.commit,
        "seconds": round(report.seconds, 3),
        "phases": [
            {
                "name": phase.name,
                "started": round(phase.started - report.started, 3),
                "seconds": round(phase.seconds, 3),
            }
            for phase in report.phases
        ],
        "problems": [{"level": level, "message": text} for level, text in report.problems],
        "images": {image.name: _image(image) for image in report.images},
    }


def text(report: Report) -> str:
    """The JSON report as the text of a file."""
    return indented(to_json(report))


def indented(value: object) -> str:
    """JSON for a file that people read too."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _image(image: ImageResult) -> dict[str, Any]:
    return {
        "digest": image.digest,
        "content-tag": image.content_tag,
        "stage": image.stage,
        "platforms": dict(image.platforms),
        "size": image.size,
        "seconds": round(image.seconds, 3),
        "stages": [
            {
                "name": stage.name,
                "platform": stage.platform,
                "reference": stage.reference,
                "built": stage.built,
                "seconds": round(stage.seconds, 3),
            }
            for stage in image.stages
        ],
        "references": {ref.reference: _reference(ref) for ref in image.references},
    }


def _reference(ref: ReferenceResult) -> dict[str, Any]:
    shown = {
        "registry": ref.registry,
        "repository": ref.repository,
        "tag": ref.tag,
        "digest": ref.digest,
        "status": ref.status,
        "previous-digest": ref.previous_digest,
    }
    return {**shown, "error": redact(ref.error)} if ref.error else shown


def outputs(report: Report, *, report_path: str = "", subjects_path: str = "") -> dict[str, str]:
    """The outputs of the step; every declared output is there, if only empty."""
    images = {
        image.name: {key: value for key, value in _image(image).items() if key in _IMAGE_OUTPUT}
        for image in report.images
    }
    in_place = [ref for ref in report.references if ref.status in IN_PLACE and ref.digest]
    digests = {image.digest for image in report.images if image.digest}
    return {
        "result": report.result,
        "images": _compact(images),
        "references": "\n".join(ref.reference for ref in in_place),
        "references-with-digests": "\n".join(f"{ref.reference}@{ref.digest}" for ref in in_place),
        "digest": digests.pop() if len(report.images) == 1 and len(digests) == 1 else "",
        "content-tags": _compact(
            {image.name: image.content_tag for image in report.images if image.content_tag}
        ),
        "attest-subjects": _compact(_attest_subjects(in_place)),
        "cosign-references": "\n".join(dict.fromkeys(ref.pinned for ref in in_place)),
        "subject-checksums": subjects_path,
        "report": report_path,
    }


_IMAGE_OUTPUT = ("digest", "content-tag", "stage", "platforms", "references")


def subject_checksums(report: Report) -> str:
    """What is in place as ``sha256sum`` prints it, for attestation steps; empty when nothing is."""
    in_place = [ref for ref in report.references if ref.status in IN_PLACE and ref.digest]
    return "".join(
        f"{subject['subject-digest'].removeprefix('sha256:')}  {subject['subject-name']}\n"
        for subject in _attest_subjects(in_place)
    )


def _attest_subjects(refs: Sequence[ReferenceResult]) -> list[dict[str, str]]:
    subjects = dict.fromkeys((f"{ref.registry}/{ref.repository}", ref.digest) for ref in refs)
    return [{"subject-name": name, "subject-digest": digest} for name, digest in subjects]


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
