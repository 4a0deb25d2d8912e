"""When a shallow clone does harm."""

import os
import subprocess
from pathlib import Path

import pytest

from exporter.errors import GitError
from exporter.history import missing_history
from exporter.project.loader import ProjectOptions, load_project
from tests.repositories import Builder

STAPEL = (
    "project: test\nconfigVersion: 1\n---\nimage: app\nfrom: scratch\ngit:\n- add: /\n  to: /app\n"
)
DOCKERFILE = "project: test\nconfigVersion: 1\n---\nimage: app\ndockerfile: Dockerfile\n"
FORCED = STAPEL.replace("1\n---", "1\ngitWorktree: {forceShallowClone: true}\n---", 1)


def harm(folder: Path, config: str, *, depth: int, monotonic: bool = False) -> str:
    origin = Builder(path=folder / "origin")
    origin.path.mkdir()
    origin.init()
    origin.write({"werf.yaml": "", "Dockerfile": "FROM scratch\n"}).commit()
    origin.write({"werf.yaml": config}).commit()
    subprocess.run(
        ["git", "clone", "-q", f"--depth={depth}", f"file://{origin.path}", folder / "clone"],
        check=True,
        capture_output=True,
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with load_project(ProjectOptions(cwd=folder / "clone", env=env)) as project:
        return missing_history(project, project.config.images, monotonic=monotonic)


def test_stages_of_git_files_are_built_again(tmp_path: Path) -> None:
    assert harm(tmp_path, STAPEL, depth=1) == (
        "the clone is shallow, its history is cut off: stages of app that were built at other"
        " commits are built again. Fetch it: actions/checkout with 'fetch-depth: 0', GitLab with"
        " the variable GIT_DEPTH: 0, elsewhere git fetch --unshallow."
    )


def test_history_that_must_not_be_fetched_is_an_error(tmp_path: Path) -> None:
    forbidden = STAPEL.replace("1\n---", "1\ngitWorktree: {allowUnshallow: false}\n---", 1)
    with pytest.raises(GitError) as raised:
        harm(tmp_path, forbidden, depth=1)
    assert raised.value.what == (
        "the clone is shallow, its history is cut off: app need it, and"
        " gitWorktree.allowUnshallow is false"
    )
    assert "gitWorktree.forceShallowClone: true accepts" in raised.value.remedy


def test_monotonic_tags_need_history_for_every_image(tmp_path: Path) -> None:
    text = harm(tmp_path, DOCKERFILE, depth=1, monotonic=True)
    assert "--monotonic cannot tell older commits from newer ones" in text


@pytest.mark.parametrize(
    ("config", "depth"),
    [(DOCKERFILE, 1), (STAPEL, 10), (FORCED, 1)],
    ids=["dockerfile", "whole", "accepted-in-werf-yaml"],
)
def test_otherwise_nothing_is_said(tmp_path: Path, config: str, depth: int) -> None:
    assert harm(tmp_path, config, depth=depth) == ""
