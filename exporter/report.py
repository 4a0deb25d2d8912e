"""What a run did: the JSON report, the outputs of the step, the summary and the table.

Built from whatever is known, also when a step before failed. The JSON shape is versioned and
published as ``docs/report.schema.json``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

VERSION = 1

Status = Literal[
    "created", "moved", "unchanged", "kept", "unverified",
    "refused", "failed", "skipped", "planned",
]  # fmt: skip
IN_PLACE: frozenset[Status] = frozenset({"created", "moved", "unchanged", "kept", "unverified"})

Result = Literal["success", "partial", "failure", "interrupted", "planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceResult:
    """One destination: what it shows now, what it showed before, and why it is not as asked."""

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
    """One image: ``platforms`` maps each platform to its exported digest, ``size`` is in bytes."""

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
class Report:
    """The whole run."""

    result: Result
    command: str
    project: str = ""
    commit: str = ""
    images: tuple[ImageResult, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    exit_code: int = 0
    seconds: float = 0.0

    @property
    def references(self) -> tuple[ReferenceResult, ...]:
        """All destinations of all images."""
        return tuple(ref for image in self.images for ref in image.references)


def to_json(report: Report) -> dict[str, Any]:
    """The report as its published JSON shape."""
    return {
        "version": VERSION,
        "result": report.result,
        "exit-code": report.exit_code,
        "command": report.command,
        "project": report.project,
        "commit": report.commit,
        "seconds": round(report.seconds, 3),
        "problems": [{"level": level, "message": text} for level, text in report.problems],
        "images": {image.name: _image(image) for image in report.images},
    }


def text(report: Report) -> str:
    """The JSON report as the text of a file."""
    return json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n"


def write_outputs(values: Mapping[str, str], path: Path) -> None:
    """Write the outputs to a file: JSON when its name says so, else one ``NAME=value`` per line.

    Dotenv files as GitLab reads them: no quotes, no line breaks, names in capitals.
    """
    if path.suffix == ".json":
        path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", "utf-8")
        return
    lines = [
        f"EXPORTER_{name.upper().replace('-', '_')}={' '.join(value.split())}"
        for name, value in values.items()
        if value
    ]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


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
    return {**shown, "error": ref.error} if ref.error else shown


def outputs(report: Report, *, report_path: str = "") -> dict[str, str]:
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
        "report": report_path,
    }


_IMAGE_OUTPUT = ("digest", "content-tag", "stage", "platforms", "references")


def _attest_subjects(refs: Sequence[ReferenceResult]) -> list[dict[str, str]]:
    subjects = dict.fromkeys((f"{ref.registry}/{ref.repository}", ref.digest) for ref in refs)
    return [{"subject-name": name, "subject-digest": digest} for name, digest in subjects]


def table(report: Report) -> str:
    """The result for a terminal: one line per destination."""
    rows = [("IMAGE", "STATUS", "REFERENCE", "DIGEST")]
    rows += [
        (image.name or "(nameless)", ref.status, ref.reference, ref.digest)
        for image in report.images
        for ref in image.references
    ]
    if len(rows) == 1:
        rows += [
            (image.name or "(nameless)", _built(image), image.stage, image.digest)
            for image in report.images
        ]
    if len(rows) == 1:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join(
            [*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]]
        ).rstrip()
        for row in rows
    )


def _built(image: ImageResult) -> str:
    built = sum(stage.built for stage in image.stages)
    return f"built {built}" if built else "reused"


def summary(report: Report) -> str:
    """The result as Markdown for a CI's page."""
    icon = {"success": "✅", "planned": "📋", "partial": "⚠️"}.get(report.result, "❌")
    lines = [f"## {icon} Exported images: {report.result}", ""]
    lines += [
        f"> **{level}** {_cell(text)}" for level, text in report.problems if level != "notice"
    ]
    lines += ["" if report.problems else None] if report.problems else []  # type: ignore[list-item]
    lines += [
        "| Image | Platforms | Reference | Digest | Status | Size | Time | Stages |",
        "|---|---|---|---|---|---:|---:|---|",
    ]
    for image in report.images:
        for ref in image.references or (None,):
            lines.append(_row(image, ref))
    lines += ["", f"Commit `{report.commit[:12]}`, {report.seconds:.1f} s."]
    return "\n".join(lines) + "\n"


def _row(image: ImageResult, ref: ReferenceResult | None) -> str:
    built = sum(stage.built for stage in image.stages)
    cells = (
        image.name or "(nameless)",
        "<br>".join(image.platforms),
        f"`{ref.reference}`" if ref else f"`{image.stage}`" if image.stage else "",
        f"`{ref.digest if ref else image.digest}`" if (ref and ref.digest) or image.digest else "",
        ref.status if ref else "",
        _size(image.size) if image.size else "",
        f"{image.seconds:.1f} s",
        f"{built} built, {len(image.stages) - built} reused",
    )
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _size(size: int) -> str:
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:  # noqa: PLR2004 - bytes in a KiB
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
