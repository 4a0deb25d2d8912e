"""Where a report goes: its file, the outputs, the summary and the table in the log."""

import os
from collections.abc import Mapping
from pathlib import Path

from exporter import report as reports
from exporter.ci import Console
from exporter.ci.handover import MOST_DOTENV_BYTES, dotenv
from exporter.options import Options
from exporter.report import Report
from exporter.summary import summary
from exporter.table import table

_FOLDERS = {"github": "RUNNER_TEMP", "azure": "AGENT_TEMPDIRECTORY"}
"""Where these CIs keep files for the rest of a job."""
_RUNNER_TEMP = "/github/runner_temp"


def hand_out(
    report: Report, *, options: Options, env: Mapping[str, str], console: Console, cwd: Path
) -> None:
    """Write everything that the options and the CI ask for."""
    folder = env.get(_FOLDERS.get(console.dialect.name, ""), "")
    folder = folder if Path(folder or ".").is_dir() else ""

    def write(text: str, given: str, name: str) -> str:
        """Write a file, to the path that was given or for the job; the path for later steps."""
        path = given or (folder and str(Path(folder, f"exporter-{os.getpid()}-{name}")))
        if not path:
            return ""
        (cwd / path).parent.mkdir(parents=True, exist_ok=True)
        (cwd / path).write_text(text, "utf-8")
        return outside(path, env)

    subjects = reports.subject_checksums(report)
    outputs = reports.outputs(
        report,
        report_path=write(reports.text(report), options.report_path, "report.json"),
        subjects_path=write(subjects, "", "subjects.txt") if subjects else "",
    )
    console.write_outputs(outputs)
    if options.output_file:
        _write_outputs(outputs, cwd / options.output_file, console)
    if options.summary:
        console.write_summary(summary(report))
    console.result(table(report, console.style))


def outside(path: str, env: Mapping[str, str]) -> str:
    """The path as steps outside the container see it: the runner's own folder lies elsewhere."""
    workspace = env.get("RUNNER_WORKSPACE", "")
    if not workspace or not path.startswith(f"{_RUNNER_TEMP}/"):
        return path
    return f"{Path(workspace).parent}/_temp{path.removeprefix(_RUNNER_TEMP)}"


def _write_outputs(outputs: Mapping[str, str], path: Path, console: Console) -> None:
    """JSON when the name says so, else dotenv; GitLab takes no more than 5 KiB of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_text(reports.indented(outputs), "utf-8")
        return
    most = MOST_DOTENV_BYTES if console.dialect.name == "gitlab" else 0
    text, dropped = dotenv(outputs, most_bytes=most)
    path.write_text(text, "utf-8")
    if dropped:
        console.warning(
            f"the outputs {', '.join(dropped)} are not in {path.name}: GitLab refuses a dotenv"
            " report above 5 KiB. An --output-file that ends in .json, kept as an artifact, has"
            " them all."
        )
