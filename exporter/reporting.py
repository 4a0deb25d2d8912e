"""Where a report goes: its file, the outputs, the summary and the table in the log."""

import os
from collections.abc import Mapping
from pathlib import Path

from exporter import report as reports
from exporter.ci import Console
from exporter.ci.handover import MOST_DOTENV_BYTES, dotenv
from exporter.errors import InputError
from exporter.options import Options
from exporter.report import Report
from exporter.summary import summary
from exporter.table import table

_FOLDERS = {"github": "RUNNER_TEMP", "azure": "AGENT_TEMPDIRECTORY"}
"""Where these CIs keep files for the rest of a job."""
_RUNNER_TEMP = "/github/runner_temp"
_MOST_VARIABLE_BYTES = 128 * 1024
"""Linux gives no program a longer variable."""
_MOST_OUTPUT_BYTES = 1024 * 1024
"""GitHub refuses a job whose output is longer."""


def hand_out(
    report: Report, *, options: Options, env: Mapping[str, str], console: Console, cwd: Path
) -> None:
    """Write everything that the options and the CI ask for; one failure does not stop the others.

    Raises:
        InputError: A file that the options name cannot be written.
    """
    problems: list[str] = []
    folder = env.get(_FOLDERS.get(console.dialect.name, ""), "")
    folder = folder if Path(folder or "/nonexistent").is_dir() else ""

    def write(text: str, path: str, option: str) -> str:
        """Write a file; its path for later steps, empty when it could not be written."""
        try:
            (cwd / path).parent.mkdir(parents=True, exist_ok=True)
            (cwd / path).write_text(text, "utf-8")
        except OSError as error:
            if option:
                problems.append(f"--{option} {path} cannot be written: {_reason(error)}")
            return ""
        return outside(path, env)

    unique = os.urandom(4).hex()  # every step's container has the process 1, the folder is shared

    def for_the_job(name: str) -> str:
        return str(Path(folder, f"exporter-{unique}-{name}")) if folder else ""

    report_path, subjects_path = options.report_path or for_the_job("report.json"), ""
    if report_path:
        option = "report-path" if options.report_path else ""
        report_path = write(reports.text(report), report_path, option)
    subjects = reports.subject_checksums(report)
    if folder and subjects:
        subjects_path = write(subjects, for_the_job("subjects.txt"), "")
    outputs = reports.outputs(report, report_path=report_path, subjects_path=subjects_path)
    console.write_outputs(_taken(outputs, console))
    if options.output_file:
        write(_file_text(outputs, options, console), options.output_file, "output-file")
    if options.summary:
        console.write_summary(summary(report))
    console.result(table(report, console.style))
    if problems:
        raise InputError(*problems, remedy="Name a path in a folder that may be written to.")


def outside(path: str, env: Mapping[str, str]) -> str:
    """The path as steps outside the container see it: the runner's own folder lies elsewhere."""
    workspace = env.get("RUNNER_WORKSPACE", "")
    if not workspace or not path.startswith(f"{_RUNNER_TEMP}/"):
        return path
    return f"{Path(workspace).parent}/_temp{path.removeprefix(_RUNNER_TEMP)}"


def _taken(outputs: Mapping[str, str], console: Console) -> Mapping[str, str]:
    """The outputs without those that are too long; long ones are named."""
    sizes = {name: len(value.encode()) for name, value in outputs.items()}
    dropped = [name for name, size in sizes.items() if size > _MOST_OUTPUT_BYTES]
    long = [n for n, size in sizes.items() if size > _MOST_VARIABLE_BYTES and n not in dropped]
    if dropped:
        console.warning(
            f"the outputs {', '.join(dropped)} are longer than 1 MiB and stay empty: read the"
            " report instead"
        )
    if long:
        console.warning(
            f"the outputs {', '.join(long)} are longer than 128 KiB: no program can be given them"
            " as a variable. Use them in expressions only, or read the report"
        )
    return {name: "" if name in dropped else value for name, value in outputs.items()}


def _file_text(outputs: Mapping[str, str], options: Options, console: Console) -> str:
    """JSON when the file's name says so, else dotenv; GitLab takes no more than 5 KiB of it."""
    if options.output_file.endswith(".json"):
        return reports.indented(outputs)
    most = MOST_DOTENV_BYTES if console.dialect.name == "gitlab" else 0
    text, dropped = dotenv(outputs, most_bytes=most)
    if dropped:
        console.warning(
            f"the outputs {', '.join(dropped)} are not in {options.output_file}: GitLab refuses a"
            " dotenv report above 5 KiB. An --output-file that ends in .json, kept as an artifact,"
            " has them all."
        )
    return text


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
