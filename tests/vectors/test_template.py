"""Templates as werf's own engine rendered or refused them."""

import base64
import re
from pathlib import Path

import pytest

from exporter.gotemplate.values import to_bytes
from exporter.project.rendering import RenderError
from tests.vectors.project_case import template_git
from tests.vectors.template_case import Case, cases, rendered

_PLACE = re.compile(r'template: .*?:\d+(?::\d+: executing ".*?" at <.*?>)?:', re.DOTALL)


@pytest.fixture(scope="module")
def empty_git(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template_git(tmp_path_factory.mktemp("template"))


@pytest.mark.parametrize("case", cases())
def test_template(case: Case, tmp_path: Path, empty_git: Path) -> None:
    if "error_kind" not in case:
        expected = case["output"].encode() if "output" in case else _decoded(case["output_b64"])
        assert to_bytes(rendered(case, tmp_path, empty_git)) == expected
        return
    with pytest.raises(RenderError) as raised:
        rendered(case, tmp_path, empty_git)
    text = to_bytes(raised.value.text)
    expected = case["error"].encode() if "error" in case else _decoded(case["error_b64"])
    assert raised.value.kind == case["error_kind"]
    assert _places(text) == _places(expected)
    assert _said(text, case) == _said(expected, case)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text)


def _places(text: bytes) -> list[str]:
    """Where it went wrong, outermost first: line, column and node of each template."""
    return _PLACE.findall(text.decode("utf-8", "surrogateescape"))


def _said(text: bytes, case: Case) -> bytes:
    """The error without the advice that giterminism gives below it: ours is in our words."""
    return text if case["debug"] else text.partition(b"\n\n")[0]
