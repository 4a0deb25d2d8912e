"""The messages that the documentation explains are messages of the program."""

import ast
import re

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "how-to" / "troubleshooting.md").read_text("utf-8")
MESSAGES = re.findall(r"^### .*", PAGE, re.MULTILINE)
QUOTED = [text for line in MESSAGES for text in re.findall(r"`([^`]+)`", line)]


@pytest.fixture(scope="module")
def program() -> str:
    """Every text of the program; ``…`` stands where a value is filled in."""
    return "\n".join(
        _text(node)
        for path in sorted((ROOT / "exporter").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    )


def _text(node: ast.AST) -> str:
    match node:
        case ast.JoinedStr(values=values):
            return "".join(_text(each) or "…" for each in values)
        case ast.Constant(value=str(value)):
            return value
        case _:
            return ""


@pytest.mark.parametrize("message", QUOTED)
def test_an_explained_message_is_one_of_the_program(message: str, program: str) -> None:
    parts = [part.strip() for part in message.split("…") if part.strip()]
    assert [part for part in parts if part not in program] == []
