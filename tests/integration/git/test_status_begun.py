"""A status that git works out while something else is done is the same as one asked for later."""

import os
import subprocess
from pathlib import Path

import pytest

from exporter.git.repository import Repository
from exporter.git.status import read_status, status_begun
from tests.repositories import Builder

ENV = {"PATH": os.environ["PATH"]}


@pytest.fixture
def project(tmp_path: Path) -> Builder:
    """A repository with a change in a directory, and one outside of it."""
    found = Builder(path=tmp_path / "r")
    found.path.mkdir()
    found.init().write({"svc/a": "1", "b": "1"}).commit()
    found.write({"svc/a": "2", "svc/new": "1", "other": "1"})
    return found


@pytest.mark.parametrize("inside", ["", "svc"])
def test_it_is_the_same(project: Builder, inside: str) -> None:
    directory = project.path / inside
    with Repository.open(directory, env=ENV) as repository:
        later = read_status(repository)
        with status_begun(directory, env=ENV):
            assert read_status(repository) == later
        assert [each.path for each in later.files] == ["svc/a"]
        assert later.untracked == ("other", "svc/new")


def test_it_serves_once_and_only_for_its_directory(
    project: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    plain = subprocess.Popen.__init__

    def note(self: object, argv: list[str], *args: object, **kwargs: object) -> None:
        if "status" in argv:
            started.append(str(kwargs["cwd"]))
        plain(self, argv, *args, **kwargs)  # type: ignore[call-overload]  # as it came

    monkeypatch.setattr(subprocess.Popen, "__init__", note)
    with Repository.open(project.path, env=ENV) as repository:
        with status_begun(project.path, env=ENV):
            first = read_status(repository)
            assert len(started) == 1
            assert read_status(repository) == first
            assert len(started) == 2
        with status_begun(project.path / "svc", env=ENV):
            assert read_status(repository) == first
            assert len(started) == 4
        assert read_status(repository) == first
        assert len(started) == 5


def test_a_failure_is_left_to_the_one_who_asks(project: Builder, tmp_path: Path) -> None:
    with (
        status_begun(tmp_path, env=ENV),
        status_begun(tmp_path / "none", env=ENV),
        status_begun(project.path, env={"PATH": "/nowhere"}),
        Repository.open(project.path, env=ENV) as repository,
    ):
        assert [each.path for each in read_status(repository).files] == ["svc/a"]
