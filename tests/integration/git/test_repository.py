import os
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.errors import GitError
from exporter.git.objects import MissingObjectError
from exporter.git.repository import Repository, is_lfs_pointer
from tests.repositories import Builder

_ENV = dict(os.environ)


@pytest.fixture
def project(tmp_path: Path) -> Builder:
    return Builder(path=tmp_path / "project").init()


def test_head_has_hash_tree_parents_and_zoned_times(project: Builder) -> None:
    first = project.write({"a": "1\n"}).commit()
    project.git("commit", "-q", "--allow-empty", "-m", "x", "--date", "1700000060 -0330")
    with Repository.open(project.path, env=_ENV) as repository:
        head = repository.head
    assert head.parents == (first,)
    assert head.tree == project.git("rev-parse", "HEAD^{tree}")
    assert head.author_time.timestamp() == 1_700_000_060
    assert head.author_time.utcoffset() == -timedelta(hours=3, minutes=30)
    assert head.committer_time.utcoffset() == timedelta()


def test_a_project_in_a_sub_directory_knows_where_it_is(project: Builder) -> None:
    project.write({"deep/er/a": "1\n"}).commit()
    with Repository.open(project.path / "deep" / "er", env=_ENV) as repository:
        assert repository.work_tree == project.path
        assert repository.location.project == "deep/er"
        assert repository.tree().read_file("deep/er/a") == b"1\n"


def test_a_linked_work_tree_is_a_repository_too(project: Builder, tmp_path: Path) -> None:
    project.write({"a": "1\n"}).commit()
    project.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    linked = Builder(path=tmp_path / "linked")
    linked.write({"a": "2\n"}).commit()
    with Repository.open(linked.path, env=_ENV) as repository:
        assert repository.work_tree == linked.path
        assert repository.location.common_dir == project.path / ".git"
        assert repository.tree().read_file("a") == b"2\n"


def test_the_environment_of_another_repository_is_left_out(
    project: Builder, tmp_path: Path
) -> None:
    project.write({"a": "1\n"}).commit()
    other = Builder(path=tmp_path / "other").init()
    env = _ENV | {
        "GIT_DIR": str(other.path / ".git"),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_TRACE": "2",
    }
    with Repository.open(project.path, env=env) as repository:
        assert repository.tree().read_file("a") == b"1\n"


def test_two_processes_read_the_head_and_a_file(
    project: Builder, caplog: pytest.LogCaptureFixture
) -> None:
    project.write({"werf.yaml": "x\n", "d/e/f": "y\n"}).commit()
    caplog.set_level("DEBUG", logger="exporter.process")
    with Repository.open(project.path, env=_ENV) as repository:
        repository.tree().read_file("werf.yaml")
        repository.tree().read_file("d/e/f")
        repository.tree().files()
    assert len(caplog.records) == 2


@pytest.mark.parametrize("is_owner", [True, False])
def test_another_owner_is_no_obstacle(project: Builder, is_owner: object) -> None:
    project.write({"a": "1\n"}).commit()
    if not is_owner:
        if os.geteuid() != 0:
            pytest.skip("only root can give files away")
        for path in [project.path, *project.path.rglob("*")]:
            os.chown(path, 12345, 12345)
    with Repository.open(project.path, env={"PATH": _ENV["PATH"]}) as repository:
        assert repository.tree().read_file("a") == b"1\n"


def test_what_is_no_usable_repository_is_said_with_a_remedy(
    project: Builder, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(GitError, match=r"is not in a git repository.*actions/checkout"):
        Repository.open(plain, env=_ENV)
    with pytest.raises(GitError, match="does not exist"):
        Repository.open(tmp_path / "nowhere", env=_ENV)
    with pytest.raises(GitError, match=r"is inside a \.git directory"):
        Repository.open(project.path / ".git", env=_ENV)
    bare = tmp_path / "bare"
    project.git("init", "-q", "--bare", str(bare))
    with pytest.raises(GitError, match="is a bare git repository"):
        Repository.open(bare, env=_ENV)
    with pytest.raises(GitError, match="git was not found on PATH"):
        Repository.open(project.path, env={"PATH": str(plain)})
    with (
        Repository.open(project.path, env=_ENV) as repository,
        pytest.raises(GitError, match="has no commits yet"),
    ):
        _ = repository.head


def test_a_missing_commit_is_told_apart(project: Builder) -> None:
    project.write({"a": "1\n"}).commit()
    with Repository.open(project.path, env=_ENV) as repository:
        assert not repository.has_commit("1" * 40)
        assert not repository.has_commit(repository.head.tree)
        with pytest.raises(MissingObjectError):
            repository.commit("1" * 40)
        with pytest.raises(GitError, match="is a tree, not a commit"):
            repository.commit(repository.head.tree)
        assert repository.head.parents == ()


def test_ancestry(project: Builder) -> None:
    one = project.commit("one")
    two = project.commit("two")
    project.git("checkout", "-q", "--orphan", "other")
    other = project.commit("other")
    with Repository.open(project.path, env=_ENV) as repository:
        assert repository.is_ancestor(one, two)
        assert repository.is_ancestor(two, two)
        assert not repository.is_ancestor(two, one)
        assert not repository.is_ancestor(one, other)
        assert not repository.is_ancestor("1" * 40, two)


def test_a_shallow_clone_is_seen_and_completed(project: Builder, tmp_path: Path) -> None:
    one = project.write({"a": "1\n"}).commit("one")
    two = project.write({"a": "2\n"}).commit("two")
    clone = tmp_path / "clone"
    project.git("clone", "-q", "--depth", "1", f"file://{project.path}", str(clone))
    with Repository.open(clone, env=_ENV) as repository:
        before = (repository.is_shallow, repository.is_ancestor(one, two))
        repository.unshallow()
        after = (repository.is_shallow, repository.is_ancestor(one, two))
        assert (before, after) == ((True, False), (False, True))
        assert repository.origin_url == f"file://{project.path}"


def test_a_shallow_clone_that_cannot_be_completed_names_the_remedy(
    project: Builder, tmp_path: Path
) -> None:
    project.commit("one")
    project.commit("two")
    clone = tmp_path / "clone"
    project.git("clone", "-q", "--depth", "1", f"file://{project.path}", str(clone))
    project.path.rename(tmp_path / "gone")
    with (
        Repository.open(clone, env=_ENV) as repository,
        pytest.raises(GitError, match=r"cannot be fetched from 'origin'.*fetch-depth: 0"),
    ):
        repository.unshallow()
    Builder(path=clone).git("remote", "remove", "origin")
    with (
        Repository.open(clone, env=_ENV) as repository,
        pytest.raises(GitError, match=r"no remote 'origin'.*fetch-depth: 0"),
    ):
        repository.unshallow()


def test_replaced_objects_are_not_looked_at(project: Builder) -> None:
    one = project.write({"a": "1\n"}).commit("one")
    two = project.write({"a": "2\n"}).commit("two")
    project.git("replace", two, one)
    with Repository.open(project.path, env=_ENV) as repository:
        assert repository.tree().read_file("a") == b"2\n"


def test_lfs_pointers_are_recognised() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    assert is_lfs_pointer(pointer)
    assert not is_lfs_pointer(b"version 2\n")
    assert not is_lfs_pointer(pointer + b"x" * 1024)


def test_sizes_come_without_contents(project: Builder) -> None:
    project.write({"a": "12345", "b": ""}).commit()
    with Repository.open(project.path, env=_ENV) as repository:
        ids = [entry.object_id for entry in repository.tree().files()]
        assert repository.module.store.sizes([*ids, *ids]) == [5, 0, 5, 0]
        with pytest.raises(MissingObjectError):
            repository.module.store.sizes(["1" * 40])


def test_a_closed_store_starts_again(project: Builder) -> None:
    project.write({"a": "1\n"}).commit()
    with Repository.open(project.path, env=_ENV) as repository:
        tree = repository.tree()
        repository.close()
        assert tree.read_file("a") == b"1\n"


def test_a_reader_that_dies_is_an_error(project: Builder) -> None:
    project.write({"a": "1\n", "b": "2\n"}).commit()
    blob = project.git("rev-parse", "HEAD:a")
    with Repository.open(project.path, env=_ENV) as repository:
        tree = repository.tree()
        tree.files()
        path = project.path / ".git" / "objects" / blob[:2] / blob[2:]
        path.chmod(0o644)
        path.write_bytes(b"broken")
        with pytest.raises(GitError):
            tree.read_file("a")
        assert tree.read_file("b") == b"2\n"
