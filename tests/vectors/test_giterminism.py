"""What werf itself allowed and refused to read, strictly, loosely and in development mode."""

from pathlib import Path

import pytest

from exporter.errors import ExporterError
from tests.vectors.folder import VECTORS
from tests.vectors.project_case import (
    Case,
    build,
    cases,
    first_paragraph,
    run,
    template_git,
    without_paths,
)

ELSEWHERE = {"build": "needs real builds: test_giterminism_build"}
"""Files of the group that are not run here."""

DIFFERENT = {
    "werf.yaml is a directory": "the original names an object that it cannot find",
    "single slash pattern": "the original crashes inside its function",
}
"""Cases whose error text is not compared, and why."""

FILES = sorted(
    path.stem for path in (VECTORS / "giterminism").glob("*.json") if path.stem not in ELSEWHERE
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template_git(tmp_path_factory.mktemp("template"))


@pytest.mark.parametrize("case", cases("giterminism", *FILES))
def test_giterminism(case: Case, tmp_path: Path, template: Path) -> None:
    project = build(case, tmp_path, template)
    expected = case["expect"]
    if expected["exit"] == 0:
        assert run(case, project).text == expected["stdout"]
        return
    with pytest.raises(ExporterError) as raised:
        run(case, project)
    text = without_paths(str(raised.value), project)
    if "panic" not in expected and case["name"] not in DIFFERENT:
        assert first_paragraph(expected["error"]) in text
