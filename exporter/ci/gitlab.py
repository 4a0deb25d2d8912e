"""GitLab CI: sections that fold; outputs go through a dotenv report (``ci-runtimes.md``, 6)."""

import re
from collections.abc import Callable, Mapping, Sequence

from exporter.ci.console import Level
from exporter.ci.plain import Plain
from exporter.ci.style import Style
from exporter.errors import Place

_ERASE = "\x1b[0K"


class GitLab:
    """The dialect of GitLab's job log; it has no annotations and no summary."""

    name = "gitlab"
    most_annotations = 0

    def __init__(self, style: Style, clock: Callable[[], float]) -> None:
        self._plain = Plain(style, name=self.name)
        self._clock = clock
        self._style = style
        self._section = ""

    def open_group(self, title: str) -> Sequence[str]:
        """A folded section; its name holds only what GitLab's pattern accepts."""
        self._section = re.sub(r"[^a-z0-9_.-]+", "_", title.lower()).strip("_") or "section"
        start = f"section_start:{int(self._clock())}:{self._section}[collapsed=true]"
        return [f"{_ERASE}{start}\r{_ERASE}{self._style.paint(title, 'title')}"]

    def close_group(self) -> Sequence[str]:
        """The end of the section."""
        return [f"{_ERASE}section_end:{int(self._clock())}:{self._section}\r{_ERASE}"]

    def aside(self, commands: Sequence[str]) -> Sequence[str]:
        """There are no commands that could be stopped."""
        return commands

    def annotate(self, level: Level, text: str, place: Place | None) -> Sequence[str]:
        """A line; GitLab reads no annotations from text."""
        return self._plain.annotate(level, text, place)

    def mask(self, secret: str) -> Sequence[str]:
        """GitLab masks only variables that are declared so."""
        del secret
        return []

    def harmless(self, line: str) -> str:
        """A section marker needs control characters, and no line has any."""
        return line

    def write_outputs(self, outputs: Mapping[str, str]) -> Sequence[str]:
        """``--output-file`` writes the file of ``artifacts: reports: dotenv:``."""
        del outputs
        return []

    def write_summary(self, markdown: str) -> Sequence[str]:
        """There is no page for it."""
        del markdown
        return []
