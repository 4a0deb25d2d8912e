"""The result for the log: one line per destination, and for a plan what would be done."""

from collections.abc import Mapping, Sequence

from exporter.ci import Style
from exporter.ci.style import Paint
from exporter.report import ImageResult, ReferenceResult, Report

NAMELESS = "(nameless)"
_SHORT_DIGEST = len("sha256:") + 12
_PAINTS: Mapping[str, Paint] = {
    "created": "good", "moved": "good", "create": "new", "move": "careful", "refused": "bad",
    "failed": "bad", "skipped": "careful", "unverified": "careful",
    "unchanged": "quiet", "kept": "quiet", "leave": "quiet",
}  # fmt: skip


def table(report: Report, style: Style) -> str:
    """The result in columns; empty when there is nothing to tell."""
    if report.result == "planned":
        return _plan(report, style)
    rows: list[tuple[str, ...]] = [
        (image.name or NAMELESS, ref.status, ref.reference, ref.digest)
        for image in report.images
        for ref in image.references
    ]
    if not rows:
        rows = [
            (image.name or NAMELESS, built(image), image.stage, image.digest)
            for image in report.images
        ]
    return _columns(("IMAGE", "STATUS", "REFERENCE", "DIGEST"), rows, style)


def built(image: ImageResult) -> str:
    """How many stages were, or would be, built and reused."""
    count = sum(stage.built for stage in image.stages)
    parts = [f"{count} built"] if count else []
    reused = len(image.stages) - count
    return ", ".join([*parts, *([f"{reused} reused"] if reused else [])]) or "not built"


def action(ref: ReferenceResult) -> tuple[str, str]:
    """What a plan does with a reference, and the change of its digest."""
    new = short(ref.digest) or "(to be built)"
    match ref.status:
        case "planned" if ref.previous_digest:
            return "move", f"{short(ref.previous_digest)} → {new}"
        case "planned":
            return "create", new
        case "unchanged" | "kept":
            return "leave", short(ref.digest)
        case other:
            return other, ref.error


def short(digest: str) -> str:
    """The first letters of a digest, enough to tell it from others."""
    return digest[:_SHORT_DIGEST]


def _plan(report: Report, style: Style) -> str:
    to_build = [
        (image.name or NAMELESS, stage.platform, stage.name)
        for image in report.images
        for stage in image.stages
        if stage.built
    ]
    reused = sum(len(image.stages) for image in report.images) - len(to_build)
    actions = [
        (image.name or NAMELESS, *action(ref), ref.reference)
        for image in report.images
        for ref in image.references
    ]
    rows = [(name, verb, reference, change) for name, verb, change, reference in actions]
    verbs = [verb for _, verb, _, _ in rows]
    counts = ", ".join(
        f"{verbs.count(verb)} to {verb}" for verb in ("create", "move", "leave") if verb in verbs
    )
    stages = "1 stage" if len(to_build) == 1 else f"{len(to_build)} stages"
    lines = [f"To build: {stages} ({reused} there already)."]
    if to_build:
        lines += [_columns(("IMAGE", "PLATFORM", "STAGE"), to_build, style)]
    lines += [f"References: {counts or 'none'}. Nothing was written."]
    lines += [_columns(("IMAGE", "ACTION", "REFERENCE", "DIGEST"), rows, style)] if rows else []
    return "\n".join(lines)


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]], style: Style) -> str:
    if not rows:
        return ""
    last = len(header) - 1
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(last)]
    lines = []
    for row in (header, *rows):
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        if row is header:
            lines.append(style.paint("  ".join([*cells, row[last]]), "title"))
            continue
        if row[1] in _PAINTS:
            cells[1] = style.paint(cells[1], _PAINTS[row[1]])
        lines.append("  ".join([*cells, row[last]]).rstrip())
    return "\n".join(lines)
