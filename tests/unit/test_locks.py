"""The lock files hold every dependency, each with hashes, and say nothing of an index."""

import re
import tomllib

import pytest

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
DEVELOPMENT = PROJECT["dependency-groups"]["dev"]


def _locked(path: str) -> dict[str, int]:
    """Pinned packages with the number of their hashes."""
    entries = re.split(r"\n(?=[a-z])", (ROOT / path).read_text(encoding="utf-8"))
    return {entry.partition("==")[0]: entry.count("--hash=sha256:") for entry in entries}


def _name(requirement: str) -> str:
    return re.split(r"[<>=~!\[ ;]", requirement)[0].lower()


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        pytest.param("requirements.lock", RUNTIME, id="runtime"),
        pytest.param("requirements-dev.lock", [*RUNTIME, *DEVELOPMENT], id="development"),
    ],
)
def test_every_dependency_is_locked_with_hashes(path: str, wanted: list[str]) -> None:
    locked = _locked(path)
    assert {_name(requirement) for requirement in wanted} <= locked.keys()
    assert [name for name, hashes in locked.items() if not hashes] == []


@pytest.mark.parametrize("path", ["requirements.lock", "requirements-dev.lock"])
def test_no_index_is_named(path: str) -> None:
    assert "://" not in (ROOT / path).read_text(encoding="utf-8")
