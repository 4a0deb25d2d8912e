"""GitHub Actions: workflow commands, output and summary files (``ci-runtimes.md``, section 1)."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from exporter.ci.console import Level
from exporter.errors import Place

MOST_ANNOTATIONS = 10
"""The runner shows no more of one kind and step."""
MOST_SUMMARY_BYTES = 1024 * 1024 - 1024
_MOST_ANNOTATION_LETTERS = 4000


class GitHub:
    """The dialect of GitHub's runner; foreign text inside groups cannot give commands."""

    name = "github"
    most_annotations = MOST_ANNOTATIONS

    def __init__(self, env: Mapping[str, str]) -> None:
        self._output = env.get("GITHUB_OUTPUT", "")
        self._summary = env.get("GITHUB_STEP_SUMMARY", "")
        self._token = ""

    def open_group(self, title: str) -> Sequence[str]:
        """Open a group and stop commands until it is closed."""
        self._token = secrets.token_hex(16)
        return [f"::group::{_data(title)}", f"::stop-commands::{self._token}"]

    def close_group(self) -> Sequence[str]:
        """Let commands through again and close the group."""
        token, self._token = self._token, ""
        return [f"::{token}::", "::endgroup::"]

    def aside(self, commands: Sequence[str]) -> Sequence[str]:
        """Let these commands through, then stop commands again."""
        return [f"::{self._token}::", *commands, f"::stop-commands::{self._token}"]

    def annotate(self, level: Level, text: str, place: Place | None) -> Sequence[str]:
        """An annotation, on the line of the file when there is one."""
        properties = []
        if place is not None:
            properties.append(f"file={_property(place.path)}")
            if place.line:
                properties.append(f"line={place.line}")
            if place.column:
                properties.append(f"col={place.column}")
        joined = ",".join(properties)
        shown = _data(text[:_MOST_ANNOTATION_LETTERS])
        return [f"::{level}{' ' if joined else ''}{joined}::{shown}"]

    def mask(self, secret: str) -> Sequence[str]:
        """One mask per line of the secret: the runner masks line by line."""
        return [f"::add-mask::{_data(line)}" for line in secret.splitlines() if line.strip()]

    def harmless(self, line: str) -> str:
        """Break up ``::`` at the start and the old ``##[`` anywhere by a character of no width.

        Inside groups commands are stopped, and a line stays as it is.
        """
        if self._token:
            return line
        stripped = line.lstrip()
        if stripped.startswith("::"):
            line = f"{line[: len(line) - len(stripped)]}:\u200b{stripped[1:]}"
        return line.replace("##[", "#\u200b#[")

    def write_outputs(self, outputs: Mapping[str, str]) -> Sequence[str]:
        """Append to the output file with a random delimiter."""
        if self._output:
            from actions_toolkit.file_command import (  # noqa: PLC0415 - only on a runner
                prepare_key_value_message,
            )

            with Path(self._output).open("a", encoding="utf-8") as file:
                file.writelines(
                    f"{prepare_key_value_message(name, value)}\n" for name, value in outputs.items()
                )
        return []

    def write_summary(self, markdown: str) -> Sequence[str]:
        """Append to the step's summary; never more than the runner takes."""
        if self._summary:
            data = markdown.encode()
            if len(data) > MOST_SUMMARY_BYTES:
                data = data[:MOST_SUMMARY_BYTES].rsplit(b"\n", 1)[0] + b"\n\n(cut: too long)\n"
            with Path(self._summary).open("ab") as file:
                file.write(data)
        return []


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
