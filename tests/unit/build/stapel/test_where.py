"""From a line of a stage's script to its place in werf.yaml."""

from types import SimpleNamespace
from typing import cast

import pytest

from exporter.build.stapel.where import command_at, failed_line, place_of, without_trace
from exporter.errors import Place
from exporter.project.models.stapel import StapelImage

DOCUMENT = (
    "image: app\nshell:\n  install:\n  - echo one\n  - |\n    two\n    three\n  setup: four\n"
)
COMMANDS = ("echo one", "two\nthree\n")


def _image() -> StapelImage:
    place = Place(path="werf.yaml", line=21)
    return cast("StapelImage", SimpleNamespace(document=DOCUMENT, place=place))


def test_the_script_tells_its_line() -> None:
    output = ("before", "exporter: the command in line 5 failed")
    assert failed_line(output) == 5
    assert without_trace(output) == ("before",)
    assert failed_line(("before",)) is None


@pytest.mark.parametrize(
    ("line", "found"),
    [(3, (0, "echo one")), (4, (1, "two")), (5, (1, "three"))],
)
def test_lines_belong_to_commands(line: int, found: tuple[int, str]) -> None:
    assert command_at(COMMANDS, line) == found


@pytest.mark.parametrize(
    ("stage", "index", "text", "line"),
    [
        ("install", 0, "echo one", 24),
        ("install", 1, "three", 27),
        ("setup", 0, "four", 28),
        ("beforeSetup", 0, "none", 21),
    ],
)
def test_commands_have_places(stage: str, index: int, text: str, line: int) -> None:
    assert place_of(_image(), stage, index, text) == Place(path="werf.yaml", line=line)
