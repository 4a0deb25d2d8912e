"""The lines of a file around a place, numbered, for error messages."""

import re

from exporter.errors import Place

_AROUND = 3
# A secret or a password written in the config, perhaps by a template.
_SECRET = re.compile(r"(\bvalue:\s*)[^\s,}\]][^,}\]]*")


def excerpt(text: str, *, line: int, column: int = 0, around: int = _AROUND) -> str:
    """The lines around ``line`` with their numbers, and a caret below the column.

    What follows ``value:`` is hidden, for it is a secret.

    Args:
        text: The whole file.
        line: Counted from 1; 0 gives "", the line behind the last one the end of the file.
        column: Counted from 1; 0 for no caret.
        around: How many lines before and after are shown.
    """
    lines = text.splitlines()
    if not 1 <= line <= len(lines) + 1:
        return ""
    shown: list[str] = []
    for number in range(max(1, line - around), min(len(lines), line + around) + 1):
        content = _SECRET.sub(r"\1***", lines[number - 1])
        shown.append(f"{number:6d}  {content}".rstrip())
        if number == line and column:
            # Tabs are repeated so that the caret stands below its character in any terminal.
            before = "".join("\t" if char == "\t" else " " for char in content[: column - 1])
            shown.append(f"        {before}^")
    return "\n".join(shown)


def excerpt_at(text: str, place: Place | None) -> str:
    """The excerpt around a place; "" when there is no place or it has no line."""
    return excerpt(text, line=place.line, column=place.column) if place and place.line else ""
