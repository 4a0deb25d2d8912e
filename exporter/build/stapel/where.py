"""Where a failing command stands in werf.yaml."""

from collections.abc import Sequence

from exporter.build.stapel.scripts import FAILED_LINE, FIRST_LINE
from exporter.errors import Place
from exporter.project.models.stapel import StapelImage
from exporter.project.yaml_nodes import (
    AliasNode,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    compose,
)


def failed_line(output: Sequence[str]) -> int | None:
    """The line of the stage's script that failed, as the script told; None when it did not."""
    for line in reversed(output):
        if line.startswith(FAILED_LINE):
            number = line.removeprefix(FAILED_LINE).partition(" ")[0]
            return int(number) if number.isdigit() else None
    return None


def without_trace(output: Sequence[str]) -> tuple[str, ...]:
    """The output without the lines that are for us only."""
    return tuple(line for line in output if not line.startswith(FAILED_LINE))


def command_at(commands: Sequence[str], line: int) -> tuple[int, str]:
    """Which command a line of the script belongs to, and the line's text."""
    at = line - FIRST_LINE
    for index, command in enumerate(commands):
        lines = command.split("\n")
        if at < len(lines):
            return index, lines[max(at, 0)]
        at -= len(lines)
    return len(commands) - 1, ""


def place_of(image: StapelImage, stage: str, index: int, text: str) -> Place:
    """The place of a command, as exactly as the YAML tells it.

    Args:
        image: The image.
        stage: The key below ``shell``.
        index: The number of the command.
        text: The line of it that failed.
    """
    root = compose(image.document)
    found = _value(_value(root, "shell"), stage)
    if isinstance(found, SequenceNode) and index < len(found.children):
        found = found.children[index]
    if root is None or found is None:
        return image.place
    lines = image.document.split("\n")
    line = found.line
    for number in range(found.line, len(lines) + 1):
        if text.strip() and text.strip() in lines[number - 1]:
            line = number
            break
    return Place(path=image.place.path, line=image.place.line - root.line + line)


def _value(node: Node | None, key: str) -> Node | None:
    while isinstance(node, AliasNode):
        node = node.target
    if isinstance(node, MappingNode):
        for name, value in node.pairs():
            if isinstance(name, ScalarNode) and name.value == key:
                return value.target if isinstance(value, AliasNode) else value
    return None
