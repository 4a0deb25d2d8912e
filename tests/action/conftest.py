"""The image is built once; each test gets a job of its own and names that nobody else uses."""

import subprocess
import uuid
from pathlib import Path

import pytest

from tests.action.runner import ROOT, Runner


@pytest.fixture(scope="session")
def image(worker_id: str) -> str:
    """The action's image, built from the Dockerfile as it is now.

    Each worker has a name of its own: two builds that give an engine the same new name at the same
    moment may fail ("already exists").
    """
    name = f"exporter:test-{worker_id}"
    built = subprocess.run(
        [ROOT / "scripts" / "image", name], capture_output=True, check=False, text=True
    )
    assert built.returncode == 0, built.stderr
    return name


@pytest.fixture
def runner(image: str, tmp_path: Path) -> Runner:
    """A job whose workspace holds no checkout yet."""
    return Runner(tmp_path / "runner", image)


@pytest.fixture
def space() -> str:
    """A part of the first registry for this test alone."""
    return f"127.0.0.1:5000/action-{uuid.uuid4().hex[:10]}"
