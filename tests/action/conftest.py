"""The image is built once; each test gets a job of its own and names that nobody else uses."""

import subprocess
import uuid
from pathlib import Path

import pytest

from tests.action.runner import ROOT, Runner


@pytest.fixture(scope="session")
def image() -> str:
    """The action's image, built from the Dockerfile as it is now."""
    built = subprocess.run(
        [ROOT / "scripts" / "image", "exporter:test"], capture_output=True, check=False, text=True
    )
    assert built.returncode == 0, built.stderr
    return "exporter:test"


@pytest.fixture
def runner(image: str, tmp_path: Path) -> Runner:
    """A job whose workspace holds no checkout yet."""
    return Runner(tmp_path / "runner", image)


@pytest.fixture
def space() -> str:
    """A part of the first registry for this test alone."""
    return f"127.0.0.1:5000/action-{uuid.uuid4().hex[:10]}"
