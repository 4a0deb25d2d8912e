"""What werf itself allowed and refused to build: Dockerfiles, contexts, mappings, submodules."""

import os
import re
import uuid
from pathlib import Path

import pytest

from exporter.cli import main
from tests.vectors.project_case import (
    Case,
    build,
    cases,
    first_paragraph,
    template_git,
    without_paths,
)

pytestmark = [pytest.mark.engine, pytest.mark.registry]

DIFFERENT: dict[str, str] = {}
"""Cases that end otherwise here, and why."""

_OWN_WORDS = re.compile(r"the (?:untracked |following )?(?:files?|untracked files|submodule) .*")
"""What an error says of its cause, behind the original's chain of internal steps."""

REGISTRY = "127.0.0.1:5000"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template_git(tmp_path_factory.mktemp("template"))


@pytest.mark.parametrize("case", cases("giterminism", "build"))
def test_giterminism(
    case: Case,
    tmp_path: Path,
    template: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = build(case, tmp_path, template)
    place = f"{REGISTRY}/giterminism-{uuid.uuid4().hex[:12]}"
    args = [
        word.replace("{REGISTRY}", place).replace("{PROJECT}", str(project))
        for word in case["args"]
        if word not in ("-Z", "--require-built-images")  # ignored by the recorded command
    ]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "TZ": "UTC"}
    monkeypatch.chdir(project / case.get("cwd", "."))
    code = main([*case["command"].split(), *args], env | case.get("env", {}))
    printed = capsys.readouterr()
    text = without_paths(printed.out + printed.err, project)
    expected = case["expect"]
    if case["name"] in DIFFERENT:
        return
    assert (code == 0) == (expected["exit"] == 0), text
    if found := _OWN_WORDS.search(first_paragraph(expected.get("error", ""))):
        assert found[0] in text
