"""The result as Markdown for a CI's page: errors first, then the table, then how time went.

What does not fit is left out from the end, and the summary says what was.
"""

import re
from collections.abc import Sequence

from exporter.report import ImageResult, Phase, ReferenceResult, Report
from exporter.table import NAMELESS, action, built

MOST_BYTES = 1000 * 1000
"""GitHub refuses a summary above 1 MiB as a whole."""
_MOST_PROBLEMS = 20
_MOST_BARS = 60
_MOST_STAGES = 3
_LONG_S = 1.0
_TITLES = {
    "success": "✅ Exported",
    "planned": "📋 Plan",
    "partial": "⚠️ Exported in part",
    "failure": "❌ Failed",
    "interrupted": "❌ Interrupted",
}
_KIBI = 1024


def summary(report: Report, *, most_bytes: int = MOST_BYTES) -> str:
    """The summary; never more than ``most_bytes``."""
    head = "\n".join([f"## {_title(report)}", "", *_problems(report)]) + "\n"
    tail = f"\n{_facts(report)}\n"
    rows = [_row(image, ref) for image in report.images for ref in image.references or (None,)]
    gantt = _gantt(report)
    room = most_bytes - len((head + tail).encode()) - 300  # for the lines about what was cut
    kept = _fitting(rows, room)
    table = "\n".join([_HEADER, *kept]) + "\n" if kept else ""
    room -= len(table.encode())
    cut = []
    if len(kept) < len(rows):
        cut.append(f"{len(rows) - len(kept)} of {len(rows)} rows of the table")
    if gantt and len(gantt.encode()) > room:
        cut.append("the diagram of the run")
        gantt = ""
    note = f"\nCut because a summary is limited: {', '.join(cut)}. The report has it all.\n"
    return head + table + gantt + (note if cut else "") + tail


_HEADER = (
    "| Image | Platforms | Reference | Digest | Status | Size | Time | Stages |\n"
    "|---|---|---|---|---|---:|---:|---|"
)


def _title(report: Report) -> str:
    references = len(report.references)
    title = _TITLES[report.result]
    if report.result == "success" and report.command == "build":
        title = "✅ Built"
    if not references:
        return title
    return f"{title}: {_count(references, 'reference')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _problems(report: Report) -> list[str]:
    """Errors, then warnings, each a quoted paragraph with its remedy."""
    shown = []
    for level, alert in (("error", "CAUTION"), ("warning", "WARNING"), ("notice", "NOTE")):
        texts = [text for each, text in report.problems if each == level]
        for text in texts[:_MOST_PROBLEMS]:
            lines = [f"> {_inline(line)}" for line in text.splitlines() or [""]]
            shown += [f"> [!{alert}]", *lines, ""]
        if len(texts) > _MOST_PROBLEMS:
            shown += [f"+{len(texts) - _MOST_PROBLEMS} more of this kind in the log.", ""]
    return shown


def _facts(report: Report) -> str:
    project = f"Project `{report.project}`, commit" if report.project else "Commit"
    commit = f"{project} `{report.commit[:12]}`, " if report.commit else ""
    return f"{commit}{report.seconds:.1f} s." if report.phases else ""


def _row(image: ImageResult, ref: ReferenceResult | None) -> str:
    reference = ref.reference if ref else image.stage
    digest = (ref.digest if ref else "") or image.digest
    status: str = ref.status if ref else ""
    if ref and ref.status == "planned":
        status = " ".join(action(ref))
    cells = (
        image.name or NAMELESS,
        "<br>".join(image.platforms),
        f"`{reference}`" if reference else "",
        f"`{digest}`" if digest else "",
        status,
        size(image.size) if image.size else "",
        f"{image.seconds:.1f} s",
        _stages(image),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _stages(image: ImageResult) -> str:
    """How many stages were built, and which of several took longest."""
    long = sorted(
        (stage for stage in image.stages if stage.seconds >= _LONG_S),
        key=lambda stage: stage.seconds,
        reverse=True,
    )
    shown = [f"{stage.name}: {stage.seconds:.1f} s" for stage in long[:_MOST_STAGES]]
    return "<br>".join([built(image), *(shown if len(image.stages) > 1 else [])])


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    room -= len(_HEADER.encode()) + 1
    kept = []
    for row in rows:
        room -= len(row.encode()) + 1
        if room < 0:
            break
        kept.append(row)
    return kept


def _gantt(report: Report) -> str:
    """When each phase ran, and when each image was built, in milliseconds from the start."""
    images = [
        Phase(name=image.name or NAMELESS, started=image.started, seconds=image.seconds)
        for image in report.images
        if any(stage.built for stage in image.stages) and image.seconds
    ]
    bars = [_bar(report, phase) for phase in report.phases]
    if not bars:
        return ""
    if images:
        bars += ["    section Builds", *(_bar(report, image) for image in images[:_MOST_BARS])]
    lines = ["gantt", "    dateFormat x", "    axisFormat %M:%S", "    section Run", *bars]
    return "\n```mermaid\n" + "\n".join(lines) + "\n```\n"


def _bar(report: Report, phase: Phase) -> str:
    start = max(0, round((phase.started - report.started) * 1000))
    end = start + max(1, round(phase.seconds * 1000))
    name = re.sub(r"[:;#,%\n]", " ", phase.name)
    return f"    {name} {phase.seconds:.1f} s : {start}, {end}"


def _inline(text: str) -> str:
    """Foreign text that Markdown takes for text."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", escaped)


def size(number: int) -> str:
    """A number of bytes in the unit that reads best."""
    value = float(number)
    for unit in ("B", "KiB", "MiB"):
        if value < _KIBI:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _KIBI
    return f"{value:.1f} GiB"
