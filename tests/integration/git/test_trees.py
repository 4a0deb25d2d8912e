import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.errors import GitError
from exporter.git.archive import archive
from exporter.git.path_match import path_matcher
from exporter.git.repository import Repository
from exporter.git.trees import EXECUTABLE, FILE, LINK, SUBMODULE, NotInCommitError, tree_checksum
from tests.repositories import Builder

_ENV = dict(os.environ)


@pytest.fixture
def project(tmp_path: Path) -> Builder:
    return Builder(path=tmp_path / "project").init()


@pytest.fixture
def linked(project: Builder) -> Iterator[Repository]:
    """A tree full of links."""
    project.write(
        {
            "dir/file": "content\n",
            "dir/up": {"symlink": "../top"},
            "to-file": {"symlink": "dir/file"},
            "to-dir": {"symlink": "./dir/"},
            "to-link": {"symlink": "to-dir/../to-file"},
            "absolute": {"symlink": "/etc/passwd"},
            "outside": {"symlink": "../x"},
            "dangling": {"symlink": "nowhere"},
            "circle": {"symlink": "circle"},
            "top": "top\n",
        }
    ).commit()
    with Repository.open(project.path, env=_ENV) as repository:
        yield repository


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("dir/file", "dir/file"),
        ("/dir//file", "dir/file"),
        ("to-file", "dir/file"),
        ("to-dir/file", "dir/file"),
        ("to-dir/up", "top"),
        ("to-link", "dir/file"),
        ("absolute", None),
        ("outside", None),
        ("dangling", None),
        ("dir/file/x", None),
        ("", ""),
    ],
)
def test_links_are_followed_inside_the_commit(
    linked: Repository, path: str, resolved: str | None
) -> None:
    assert linked.tree().resolve(path) == resolved


def test_link_targets_can_be_checked(linked: Repository) -> None:
    seen: list[str] = []
    linked.tree().resolve("to-dir/up", on_link=seen.append)
    assert seen == ["dir", "top"]


def test_a_circle_of_links_is_an_error(linked: Repository) -> None:
    with pytest.raises(GitError, match="too many symbolic links"):
        linked.tree().read_file("circle")


def test_files_are_read_through_links(linked: Repository) -> None:
    tree = linked.tree()
    assert tree.read_file("to-dir/up") == b"top\n"
    assert tree.is_file("to-file")
    assert tree.is_directory("to-dir")
    assert not tree.is_file("dangling")
    with pytest.raises(NotInCommitError, match="'nope' is not found in the commit"):
        tree.read_file("nope")
    with pytest.raises(NotInCommitError, match="a directory in the commit, not a file"):
        tree.read_file("to-dir")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("dir/*", ["dir/file", "dir/up"]),
        ("dir", ["dir/file", "dir/up"]),
        ("to-dir/*", ["to-dir/file", "to-dir/up"]),
        ("t*", ["to-dir/file", "to-dir/up", "to-file", "to-link", "top"]),
        ("**/fil?", ["dir/file", "to-dir/file"]),
        ("/top", ["top"]),
        ("nope/*", []),
    ],
)
def test_a_glob_finds_files_through_linked_directories(
    linked: Repository, pattern: str, expected: list[str]
) -> None:
    assert linked.tree().glob("", pattern) == expected


def test_a_glob_is_relative_to_a_directory(linked: Repository) -> None:
    assert linked.tree().glob("dir", "f*") == ["dir/file"]


def test_entries_have_modes_and_files_come_by_path(project: Builder) -> None:
    project.write(
        {
            "a/b": "1\n",
            "a.txt": "2\n",
            "run": {"text": "#!/bin/sh\n", "mode": "0755"},
            "link": {"symlink": "a"},
            "ü": "3\n",
        }
    )
    os.close(os.open(os.fsencode(project.path) + b"/\xff", os.O_CREAT, 0o644))
    project.commit()
    with Repository.open(project.path, env=_ENV) as repository:
        tree = repository.tree()
        found = [(entry.path, entry.mode) for entry in tree.files()]
        children = [entry.path for entry in tree.children("")]
    assert found == [
        ("a.txt", FILE),
        ("a/b", FILE),
        ("link", LINK),
        ("run", EXECUTABLE),
        ("ü", FILE),
        ("\udcff", FILE),
    ]
    assert children == ["a.txt", "a", "link", "run", "ü", "\udcff"]


def test_archived_files_have_content_and_size(project: Builder) -> None:
    big = os.urandom(3 << 20)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    project.write(
        {"big": big, "empty": "", "l": {"symlink": "big"}, "p": pointer, "x/y": "y\n"}
    ).commit()
    with Repository.open(project.path, env=_ENV) as repository:
        tree = repository.tree()
        files = {file.path: (file.size, file.read()) for file in archive(tree)}
        again = archive(tree)
        sizes = [len(chunk) for chunk in next(again).chunks]
        skipped = [file.path for file in archive(tree)]  # nothing of the contents is consumed
        pointers = [file.path for file in archive(tree) if file.is_lfs_pointer]
        part = [(file.path, file.read()) for file in archive(tree, "x", path_matcher(base="x"))]
    assert files == {
        "big": (3 << 20, big),
        "empty": (0, b""),
        "l": (3, b"big"),
        "p": (len(pointer), pointer.encode()),
        "x/y": (2, b"y\n"),
    }
    assert sizes == [1 << 20] * 3
    assert skipped == ["big", "empty", "l", "p", "x/y"]
    assert pointers == ["p"]
    assert part == [("x/y", b"y\n")]


def test_several_streams_can_be_open_at_once(project: Builder) -> None:
    project.write({f"f{index}": f"{index}\n" * 100_000 for index in range(4)}).commit()
    with Repository.open(project.path, env=_ENV) as repository:
        tree = repository.tree()
        pairs = zip(archive(tree), archive(tree), strict=True)
        assert all(one.read() == two.read() and tree.entry(one.path) for one, two in pairs)


def test_a_checksum_is_over_hashes_of_the_largest_selected_entries(project: Builder) -> None:
    project.write({"d/a": "a\n", "d/b": "b\n", "e": "e\n"}).commit()
    ids = {path: project.git("rev-parse", f"HEAD:{path}") for path in ("", "d", "d/a", "d/b", "e")}

    def expected(*paths: str) -> str:
        return hashlib.sha256("".join(ids[path] for path in paths).encode()).hexdigest()

    with Repository.open(project.path, env=_ENV) as repository:
        tree = repository.tree()
        assert tree_checksum(tree, "", path_matcher()) == expected("")
        assert tree_checksum(tree, "", path_matcher(include=["d", "e"])) == expected("d", "e")
        assert tree_checksum(tree, "", path_matcher(exclude=["d/b"])) == expected("d/a", "e")
        assert tree_checksum(tree, "d", path_matcher(base="d")) == expected("d")
        assert tree_checksum(tree, "", path_matcher(base="d", include=["b"])) == expected("d/b")
        assert tree_checksum(tree, "e", path_matcher(base="e")) == expected("e")
        assert tree_checksum(tree, "nope", path_matcher(base="nope")) == ""
        assert tree_checksum(tree, "", path_matcher(include=["nope"])) == ""


@pytest.fixture
def nested(project: Builder, tmp_path: Path) -> Builder:
    """A project with a submodule that has a submodule."""
    innermost = Builder(path=tmp_path / "innermost").init()
    innermost.write({"deep": "deep\n"}).commit()
    inner = Builder(path=tmp_path / "inner").init().submodule(innermost.path, "more")
    inner.write({"s": "s\n", "t": "t\n"}).commit()
    project.write({"own": "own\n"}).submodule(inner.path, "mods/sub")
    project.git("submodule", "update", "--init", "--recursive", "-q")
    project.commit()
    return project


def test_submodules_are_entered_at_their_recorded_commits(nested: Builder) -> None:
    nested.write({"mods/sub/s": "dirty\n", "mods/sub/new": "new\n"})
    with Repository.open(nested.path, env=_ENV) as repository:
        tree = repository.tree()
        assert [entry.path for entry in tree.files()] == [
            ".gitmodules",
            "own",
            "mods/sub/.gitmodules",
            "mods/sub/s",
            "mods/sub/t",
            "mods/sub/more/deep",
        ]
        assert tree.read_file("mods/sub/s") == b"s\n"
        assert tree.read_file("mods/sub/more/deep") == b"deep\n"
        assert [(each.path, each.mode) for each in tree.submodules] == [("mods/sub", SUBMODULE)]
        contents = {file.path: file.read() for file in archive(tree, "mods/sub/more")}
        assert contents == {"mods/sub/more/deep": b"deep\n"}


def test_submodules_are_read_without_their_work_trees(nested: Builder) -> None:
    nested.git("submodule", "deinit", "-q", "-f", "--all")
    with Repository.open(nested.path, env=_ENV) as repository:
        assert repository.tree().read_file("mods/sub/more/deep") == b"deep\n"


def test_a_submodule_that_was_never_fetched_names_the_remedy(
    nested: Builder, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    nested.git("clone", "-q", str(nested.path), str(clone))
    with Repository.open(clone, env=_ENV) as repository:
        tree = repository.tree()
        entry = tree.entry("mods/sub")
        assert entry is not None
        assert len(tree.checksum("", path_matcher(include=["mods"]))) == 64
        with pytest.raises(GitError, match=r"'mods/sub' is not checked out.*submodule update"):
            tree.files()


def test_a_submodule_without_the_recorded_commit_names_the_remedy(nested: Builder) -> None:
    name = "1" * 40
    nested.git("update-index", "--cacheinfo", f"160000,{name},mods/sub")
    nested.git("commit", "-q", "-m", "unknown commit")
    with (
        Repository.open(nested.path, env=_ENV) as repository,
        pytest.raises(GitError, match=f"'mods/sub' lacks the commit {name}.*submodule update"),
    ):
        repository.tree().files()


def test_checksums_of_submodules(nested: Builder) -> None:
    """As a whole the recorded commit counts, in part the checksum of the part."""
    commit = nested.git("rev-parse", "HEAD:mods/sub")
    blob = nested.git("-C", "mods/sub", "rev-parse", "HEAD:s")
    part = hashlib.sha256(blob.encode()).hexdigest()
    with Repository.open(nested.path, env=_ENV) as repository:
        tree = repository.tree()
        whole = path_matcher(include=["mods/sub"])
        assert tree.checksum("", whole) == hashlib.sha256(commit.encode()).hexdigest()
        one = path_matcher(include=["mods/sub/s"])
        assert tree.checksum("", one) == hashlib.sha256(part.encode()).hexdigest()
        assert tree.checksum("mods/sub/s", one) == hashlib.sha256(part.encode()).hexdigest()
