"""Files by which CIs without commands take outputs: dotenv files, ``$BASH_ENV``, Tekton's results.

A dotenv file is written as the strictest reader, GitLab's, takes it: one line each, no quotes.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from exporter.ci.plain import HandOver

MOST_DOTENV_BYTES = 5 * 1024
"""GitLab refuses a larger report."""
MOST_RESULT_BYTES = 3 * 1024
"""Tekton keeps all results of a task in 4 KiB."""


def variable(output: str) -> str:
    """The variable that stands for an output: ``EXPORTER_CONTENT_TAGS``."""
    return f"EXPORTER_{output.upper().replace('-', '_')}"


def dotenv(outputs: Mapping[str, str], *, most_bytes: int = 0) -> tuple[str, tuple[str, ...]]:
    """The text of a dotenv file, and the outputs that had to be left out, the largest first.

    Line breaks become spaces, empty outputs have no line. ``most_bytes`` 0 means no limit.
    """
    lines = {
        name: f"{variable(name)}={' '.join(value.split())}\n"
        for name, value in outputs.items()
        if value.strip()
    }
    dropped: list[str] = []
    while most_bytes and sum(len(line.encode()) for line in lines.values()) > most_bytes:
        largest = max(lines, key=lambda name: len(lines[name].encode()))
        del lines[largest]
        dropped.append(largest)
    return "".join(lines.values()), tuple(dropped)


def env_file(path: Path) -> HandOver:
    """Append dotenv lines to a file of the CI (Bitbucket, Drone)."""

    def hand_over(outputs: Mapping[str, str]) -> Sequence[str]:
        with path.open("a", encoding="utf-8") as file:
            file.write(dotenv(outputs)[0])
        return []

    return hand_over


def bash_env(path: Path) -> HandOver:
    """Append exports to the script that every later step of CircleCI sources."""

    def hand_over(outputs: Mapping[str, str]) -> Sequence[str]:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(
                f"export {variable(name)}={shlex.quote(value)}\n" for name, value in outputs.items()
            )
        return []

    return hand_over


def results(folder: Path) -> HandOver:
    """Write one file per output; those that are too large for Tekton are named instead."""

    def hand_over(outputs: Mapping[str, str]) -> Sequence[str]:
        lines = []
        for name, value in outputs.items():
            if len(value.encode()) > MOST_RESULT_BYTES:
                lines.append(f"warning: the result {name} is too large for Tekton: left out")
            else:
                (folder / name).write_text(value, "utf-8")
        return lines

    return hand_over
