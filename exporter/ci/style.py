"""Colours where they are wanted, and lines without anything that a terminal would act on."""

import re
from collections.abc import Mapping
from typing import Literal

from exporter.value import dataclass

Paint = Literal["good", "new", "careful", "bad", "quiet", "title"]

_CODES: Mapping[Paint, str] = {
    "good": "32", "new": "36", "careful": "33", "bad": "1;31", "quiet": "2", "title": "1",
}  # fmt: skip
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_OTHER_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Whether text is coloured."""

    colors: bool

    def paint(self, text: str, paint: Paint) -> str:
        """The text in the colour of what it means."""
        return f"\x1b[{_CODES[paint]}m{text}\x1b[0m" if self.colors else text


def style_for(mode: str, env: Mapping[str, str], *, is_terminal: bool) -> Style:
    """The style for ``--log-color-mode``; ``auto`` asks NO_COLOR, FORCE_COLOR and the terminal."""
    if mode != "auto":
        return Style(colors=mode == "on")
    if env.get("NO_COLOR"):
        return Style(colors=False)
    if env.get("FORCE_COLOR", "0") not in ("", "0", "false"):
        return Style(colors=True)
    return Style(colors=is_terminal and env.get("TERM") != "dumb")


def clean(line: str, style: Style) -> str:
    """A line without control characters; colours stay where colours are shown."""
    if line.isprintable():
        return line
    parts = []
    start = 0
    for color in _COLOR.finditer(line):
        parts.append(_without_controls(line[start : color.start()]))
        parts.append(color.group() if style.colors else "")
        start = color.end()
    return "".join([*parts, _without_controls(line[start:])])


def _without_controls(text: str) -> str:
    return _CONTROL.sub("", _OTHER_ESCAPE.sub("", text))
