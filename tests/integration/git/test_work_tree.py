"""Status and --dev on real work trees."""

import os
from pathlib import Path

import pytest

from exporter.errors import GitError
from exporter.git.dev import open_dev
from exporter.git.repository import Repository
from exporter.git.status import Change, Status, read_status
from tests.repositories import Builder

_ENV = dict(os.environ)


@pytest.fixture
def project(tmp_path: Path) -> Builder:
    builder = Builder(path=tmp_path / "project").init()
    builder.write({"a": "a\n", "b": "b\n", "d/c": "c\n", "x": "x\n", ".gitignore": "*.log\n"})
    builder.commit()
    return builder


def _snapshot(builder: Builder) -> dict[str, bytes]:
    """Every file of the .git directory, by path."""
    git = builder.path / ".git"
    return {
        str(path.relative_to(git)): path.read_bytes() for path in git.rglob("*") if path.is_file()
    }


def _status(builder: Builder) -> Status:
    with Repository.open(builder.path, env=_ENV) as repository:
        return read_status(repository)


def test_changes_of_all_kinds_are_seen(project: Builder) -> None:
    project.write({"new": "n\n", "a": "a\r\n", "x": {"text": "x\n", "mode": "0755"}})
    project.write({"b": {"symlink": "a"}, "ignored.log": "", "u/v": "v\n"}).delete("d/c")
    project.git("add", "new")
    before = _snapshot(project)
    status = _status(project)
    assert _snapshot(project) == before
    assert status.untracked == ("u/v",)
    assert [(each.path, each.staged, each.unstaged) for each in status.files] == [
        ("a", None, Change.MODIFIED),
        ("b", None, Change.TYPE_CHANGED),
        ("d/c", None, Change.DELETED),
        ("new", Change.ADDED, None),
        ("x", None, Change.MODIFIED),
    ]


def test_a_rename_is_a_deletion_and_an_addition(project: Builder) -> None:
    project.git("mv", "a", "renamed")
    assert [(each.path, each.staged) for each in _status(project).files] == [
        ("a", Change.DELETED),
        ("renamed", Change.ADDED),
    ]


def test_a_clean_tree_is_clean_from_a_sub_directory_too(project: Builder) -> None:
    with Repository.open(project.path / "d", env=_ENV) as repository:
        assert not read_status(repository)
        project.write({"a": "2\n"})
        assert [each.path for each in read_status(repository).files] == ["a"]


def test_states_of_submodules(project: Builder, tmp_path: Path) -> None:
    inner = Builder(path=tmp_path / "inner").init()
    inner.write({"s": "s\n"}).commit()
    project.submodule(inner.path, "sub")
    [added] = _status(project).submodules
    assert (added.path, added.staged) == ("sub", Change.ADDED)
    project.commit()
    assert not _status(project)
    project.write({"sub/s": "dirty\n", "sub/u": "u\n"})
    Builder(path=project.path / "sub").git("commit", "-q", "--allow-empty", "-m", "moved")
    [dirty] = _status(project).submodules
    assert (dirty.staged, dirty.unstaged) == (None, Change.MODIFIED)
    assert (dirty.commit_changed, dirty.modified, dirty.untracked) == (True, True, True)


def test_the_work_tree_becomes_a_commit_without_a_trace(project: Builder) -> None:
    project.write({"a": "staged\n"}).git("add", "a")
    project.write({"b": "modified\n", "new/file": "n\n", "ignored.log": "l\n"}).delete("d/c")
    project.write({"x": {"text": "x\n", "mode": "0755"}})
    before = _snapshot(project)
    with (
        Repository.open(project.path, env=_ENV) as repository,
        open_dev(repository) as dev,
        open_dev(repository) as again,
    ):
        tree = dev.tree()
        assert [entry.path for entry in tree.files()] == [".gitignore", "a", "b", "new/file", "x"]
        assert tree.read_file("a") == b"staged\n"
        assert tree.read_file("b") == b"modified\n"
        entry = tree.entry("x")
        assert entry is not None
        assert entry.is_executable
        assert dev.head.parents == (repository.head.object_id,)
        assert dev.is_ancestor(repository.head.object_id, dev.head.object_id)
        assert again.head == dev.head
        assert repository.tree().read_file("b") == b"b\n"
    assert _snapshot(project) == before
    assert "modified" in project.git("diff")


def test_a_clean_work_tree_is_the_head_itself(project: Builder) -> None:
    with Repository.open(project.path, env=_ENV) as repository, open_dev(repository) as dev:
        assert dev.head == repository.head


def test_ignored_globs_keep_what_is_committed(project: Builder) -> None:
    project.write({"a": "2\n", "d/c": "2\n", "d/new": "n\n", "u.tmp": "", "v/u.tmp": ""})
    project.git("add", "d/c")
    with (
        Repository.open(project.path, env=_ENV) as repository,
        open_dev(repository, ignore=["d", "*.tmp"]) as dev,
    ):
        tree = dev.tree()
        assert tree.read_file("a") == b"2\n"
        assert tree.read_file("d/c") == b"c\n"
        assert [entry.path for entry in tree.files("d")] == ["d/c"]
        assert tree.glob("", "**/*.tmp") == []


def test_submodules_stay_at_their_recorded_commits(project: Builder, tmp_path: Path) -> None:
    inner = Builder(path=tmp_path / "inner").init()
    inner.write({"s": "s\n"}).commit()
    project.submodule(inner.path, "sub").commit()
    Builder(path=project.path / "sub").write({"s": "2\n"}).commit()
    project.write({"sub/s": "dirty\n", "a": "2\n"})
    with Repository.open(project.path, env=_ENV) as repository, open_dev(repository) as dev:
        assert dev.tree().read_file("sub/s") == b"s\n"
        assert dev.tree().read_file("a") == b"2\n"


def test_dev_works_in_a_linked_work_tree_and_with_hooks(project: Builder, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    hook = project.path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    linked = Builder(path=tmp_path / "linked").write({"a": "2\n"})
    with (
        Repository.open(linked.path / "d", env=_ENV) as repository,
        open_dev(repository) as dev,
    ):
        assert dev.tree().read_file("a") == b"2\n"


def test_what_git_cannot_add_is_said(project: Builder) -> None:
    Builder(path=project.path / "nested").init()
    with (
        Repository.open(project.path, env=_ENV) as repository,
        pytest.raises(GitError, match=r"cannot add the work tree for --dev: .*nested"),
    ):
        open_dev(repository)
