"""Azure Pipelines: logging commands on standard output (``ci-runtimes.md``, section 6)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from exporter.ci.console import Level
from exporter.errors import Place

_SUMMARY = "exporter-summary.md"


class Azure:
    """The dialect of Azure's agent, which looks for commands anywhere in a line."""

    name = "azure"
    most_annotations = 0

    def __init__(self, env: Mapping[str, str]) -> None:
        self._folder = env.get("AGENT_TEMPDIRECTORY", "")

    def open_group(self, title: str) -> Sequence[str]:
        """The start of a fold; nothing stops commands inside, so titles are made harmless too."""
        return [f"##[group]{self.harmless(title)}"]

    def close_group(self) -> Sequence[str]:
        """The end of the fold."""
        return ["##[endgroup]"]

    def aside(self, commands: Sequence[str]) -> Sequence[str]:
        """Commands count everywhere."""
        return commands

    def annotate(self, level: Level, text: str, place: Place | None) -> Sequence[str]:
        """An issue of the step; the agent knows warnings and errors only."""
        if level == "notice":
            return [self.harmless(f"notice: {line}") for line in text.splitlines()]
        properties = f"type={level}"
        if place is not None:
            properties += f";sourcepath={_property(place.path)}"
            if place.line:
                properties += f";linenumber={place.line}"
            if place.column:
                properties += f";columnnumber={place.column}"
        return [f"##vso[task.logissue {properties}]{_data(text)}"]

    def mask(self, secret: str) -> Sequence[str]:
        """A secret without a name."""
        return [
            f"##vso[task.setsecret]{_data(line)}" for line in secret.splitlines() if line.strip()
        ]

    def harmless(self, line: str) -> str:
        """Break up what the agent looks for with a character of no width."""
        return line.replace("##vso[", "##\u200bvso[").replace("##[", "##\u200b[")

    def write_outputs(self, outputs: Mapping[str, str]) -> Sequence[str]:
        """One output variable each; names hold underscores instead of hyphens."""
        return [
            f"##vso[task.setvariable variable={name.replace('-', '_')};isOutput=true]{_data(value)}"
            for name, value in outputs.items()
        ]

    def write_summary(self, markdown: str) -> Sequence[str]:
        """Upload a file from the agent's folder for temporary files."""
        if not self._folder or not Path(self._folder).is_dir():
            return []
        path = Path(self._folder, _SUMMARY)
        path.write_text(markdown, "utf-8")
        return [f"##vso[task.uploadsummary]{path}"]


def _data(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
