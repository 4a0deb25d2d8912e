import os
import subprocess
from pathlib import Path

import pytest

from exporter.errors import GitError
from exporter.git.diff import changed_paths, patch_size, patch_text
from exporter.git.mappings import GitMapping
from exporter.git.path_match import path_matcher
from exporter.git.repository import Repository
from tests.repositories import Builder

_ENV = dict(os.environ)


@pytest.fixture
def project(tmp_path: Path) -> Builder:
    return Builder(path=tmp_path / "project").init()


def _patch(builder: Builder, old: str, new: str, mapping: GitMapping) -> bytes:
    with Repository.open(builder.path, env=_ENV) as repository:
        return patch_text(repository, old, new, mapping)


def test_changed_paths_have_their_old_and_new_entries(project: Builder) -> None:
    project.write({"gone": "g\n", "kept": "k\n", "was-file": "f\n", "was-dir/x": "x\n"})
    project.write({"mode": "m\n", "out/side": "1\n"})
    old = project.commit()
    project.delete("gone")
    project.write({"was-file/y": "y\n", "was-dir": "d\n", "new/deep": "n\n", "out/side": "2\n"})
    project.write({"mode": {"text": "m\n", "mode": "0755"}})
    new = project.commit()
    with Repository.open(project.path, env=_ENV) as repository:
        changes = changed_paths(
            repository.tree(old), repository.tree(new), path_matcher(exclude=["out"])
        )
    assert [(each.path, each.old is not None, each.new is not None) for each in changes] == [
        ("gone", True, False),
        ("mode", True, True),
        ("new/deep", False, True),
        ("was-dir", False, True),
        ("was-dir/x", True, False),
        ("was-file", True, False),
        ("was-file/y", False, True),
    ]


def test_nothing_selected_costs_no_process(
    project: Builder, caplog: pytest.LogCaptureFixture
) -> None:
    old = project.write({"src/a": "1\n", "other": "1\n"}).commit()
    new = project.write({"other": "2\n"}).commit()
    caplog.set_level("DEBUG", logger="exporter.process")
    assert _patch(project, old, new, GitMapping(add="/src", to="/app")) == b""
    assert len(caplog.records) == 2


def test_the_users_configuration_and_attributes_do_not_change_the_text(project: Builder) -> None:
    old = project.write({"a.py": "def f():\n  1\n  2\n  3\n  4\n  5\n"}).commit()
    new = project.write({"a.py": "def f():\n  1\n  2\n  3\n  4\n  6\n"}).commit()
    expected = _patch(project, old, new, GitMapping())
    assert expected.startswith(b"diff --git a/a.py b/a.py\nindex ")
    for key, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.context": "1",
        "diff.algorithm": "patience",
        "diff.external": "false",
        "color.ui": "always",
        "core.quotePath": "true",
        "diff.renames": "copies",
        "core.abbrev": "4",
    }.items():
        project.git("config", key, value)
    project.write({".gitattributes": "*.py diff=python -text binary\n"})
    assert _patch(project, old, new, GitMapping()) == expected


def test_a_patch_applies_at_the_destination(project: Builder, tmp_path: Path) -> None:
    project.write({"src/a b": "1\n2\n", "src/ü/x": "x\n", "src/gone": "g\n", "src/l": "l\n"})
    old = project.commit()
    project.write({"src/a b": "1\n3\n", "src/ü/y": "y\n", "src/l": {"symlink": "a b"}})
    new = project.delete("src/gone").commit()
    patch = _patch(project, old, new, GitMapping(add="/src", to="/app"))
    target = tmp_path / "target"
    project.git("worktree", "add", "-q", "--detach", str(target), old)
    done = subprocess.run(
        ["git", "apply", "--directory=src", "-"], cwd=target, input=patch, check=False
    )
    assert done.returncode == 0
    assert (target / "src/a b").read_text() == "1\n3\n"
    assert (target / "src/l").is_symlink()
    assert (target / "src/ü/y").read_text() == "y\n"
    assert not (target / "src/gone").exists()


def test_a_single_file_gets_the_name_of_its_destination(project: Builder) -> None:
    old = project.write({"etc/my.conf": "1\n"}).commit()
    new = project.write({"etc/my.conf": "2\n"}).commit()
    mapping = GitMapping(add="/etc/my.conf", to="/etc/other.conf")
    assert b"--- a/other.conf\n+++ b/other.conf\n" in _patch(project, old, new, mapping)


def test_quoted_names_are_written_as_werf_writes_them(project: Builder) -> None:
    """Its own reading of quoted lines is part of its digest."""
    old = project.write({'src/q"x': "1\n"}).commit()
    new = project.write({'src/q"x': "2\n"}).commit()
    patch = _patch(project, old, new, GitMapping(add="/src", to="/app")).decode()
    lines = patch.split("\n")
    assert lines[0] == r'diff --git "a/q\"x" "b/q\"x"'
    assert lines[2:4] == [r'--- a/../--- "a/src/q\"x"', r'+++ b/../+++ "b/src/q\"x"']


def test_a_name_with_a_slash_b_in_it_is_not_lost(project: Builder) -> None:
    old = project.write({"src/x b/y": "1\n"}).commit()
    new = project.write({"src/x b/y": "2\n"}).commit()
    patch = _patch(project, old, new, GitMapping(add="/src", to="/app"))
    assert patch.startswith(b"diff --git a/x b/y b/x b/y\n")


def test_the_size_counts_whole_files_and_binary_content(project: Builder) -> None:
    text = "".join(f"{index}\n" for index in range(100_000))
    binary = os.urandom(1 << 20)
    old = project.write({"big": text, "bin": b"\0"}).commit()
    new = project.write({"big": text + "more\n", "bin": b"\0" + binary}).commit()
    with Repository.open(project.path, env=_ENV) as repository:
        big = patch_size(repository, old, new, GitMapping(include=("big",)))
        both = patch_size(repository, old, new, GitMapping())
        text_only = len(patch_text(repository, old, new, GitMapping()))
    assert len(text) < big < len(text) + 101_000
    assert both > big + (1 << 20)
    assert text_only < 1000


def test_an_unknown_commit_is_an_error(project: Builder) -> None:
    project.write({"a": "1\n"}).commit()
    with pytest.raises(GitError, match="is not in the repository"):
        _patch(project, "1" * 40, "HEAD", GitMapping())


@pytest.fixture
def inner(tmp_path: Path) -> Builder:
    builder = Builder(path=tmp_path / "inner").init()
    builder.write({"s": "1\n", "t": "1\n"}).commit()
    return builder


def test_submodules_are_compared_at_their_recorded_commits(
    project: Builder, inner: Builder
) -> None:
    old = project.write({"a": "1\n", "z": "1\n"}).commit()
    added = project.submodule(inner.path, "m").write({"a": "2\n", "z": "2\n"}).commit()
    inside = Builder(path=project.path / "m")
    inside.write({"s": "2\n"}).commit()
    moved = project.commit()
    removed_from = project.git("rev-parse", "HEAD")
    project.git("rm", "-q", "-f", "m")
    removed = project.commit()
    with Repository.open(project.path, env=_ENV) as repository:
        heads = [
            [
                line.split()[2].decode()
                for line in patch_text(repository, before, after, GitMapping()).splitlines()
                if line.startswith(b"diff --git")
            ]
            for before, after in [(old, added), (added, moved), (removed_from, removed)]
        ]
        only = patch_text(repository, added, moved, GitMapping(add="/m", to="/x"))
        changes = changed_paths(repository.tree(added), repository.tree(moved), path_matcher())
    assert heads == [
        ["a/.gitmodules", "a/a", "a/m/s", "a/m/t", "a/z"],
        ["a/m/s"],
        ["a/.gitmodules", "a/m/s", "a/m/t"],
    ]
    assert only.startswith(b"diff --git a/s b/s\nindex ")
    assert [each.path for each in changes] == ["m/s"]


def test_a_removed_submodule_that_is_not_there_is_one_change(
    project: Builder, inner: Builder, tmp_path: Path
) -> None:
    old = project.submodule(inner.path, "m").commit()
    project.git("rm", "-q", "-f", "m")
    new = project.commit()
    clone = tmp_path / "clone"
    project.git("clone", "-q", str(project.path), str(clone))
    with Repository.open(clone, env=_ENV) as repository:
        changes = changed_paths(repository.tree(old), repository.tree(new), path_matcher())
        patch = patch_text(repository, old, new, GitMapping())
    assert [each.path for each in changes] == [".gitmodules", "m"]
    assert changes[1].new is None
    assert b"diff --git a/m b/m\ndeleted file mode 160000\n" in patch
