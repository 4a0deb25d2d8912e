"""What werf itself allowed and refused to build from uncommitted files; real builds."""

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.vectors.project_case import Case, build, cases, template_git

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = "127.0.0.1:5000"
NOT_YET = "stapel images cannot be built yet"

pytestmark = [pytest.mark.engine, pytest.mark.registry]

_CAUSE = re.compile(
    r"the (?:untracked )?file \"[^\"]+\" must be committed"
    r"|the following (?:untracked )?files must be committed:\n\n(?: - [^\n]+\n?)+"
    r"|the submodule \"[^\"]+\" (?:has|is not)"
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template_git(tmp_path_factory.mktemp("template"))


@pytest.mark.parametrize("case", cases("giterminism", "build"))
def test_build(case: Case, tmp_path: Path, template: Path) -> None:
    project = build(case, tmp_path, template)
    repository = f"{REGISTRY}/giterminism/{uuid.uuid4().hex[:12]}"
    words = [word.replace("{REGISTRY}/g", repository) for word in case["args"]]
    done = subprocess.run(
        [sys.executable, "-m", "exporter", case["command"], *words],
        cwd=project,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
    )
    said = done.stdout + done.stderr
    if NOT_YET in said:
        pytest.skip(NOT_YET)
    assert (done.returncode == 0) == (case["expect"]["check"] == "passed"), said
    cause = _CAUSE.search(case["expect"].get("error", ""))
    assert cause is None or cause[0].rstrip() in said
