"""A shell for each example."""

import uuid
from pathlib import Path

import pytest

from tests.docs.runs import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A directory and names in the registries that no other test uses."""
    return Shell(folder=tmp_path, unique=f"docs/t{uuid.uuid4().hex[:10]}")
