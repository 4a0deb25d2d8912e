"""A place to work in for tests of the main job."""

import uuid
from pathlib import Path

import pytest

from tests.integration.runs import Workplace
from tests.repositories import Builder


@pytest.fixture
def workplace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Workplace:
    """An empty directory as project; nothing is committed yet."""
    project = Builder(path=tmp_path / "project")
    project.path.mkdir()
    return Workplace(
        project=project,
        folder=tmp_path,
        unique=f"main/t{uuid.uuid4().hex[:10]}",
        capture=capsys,
        patch=monkeypatch,
    )
