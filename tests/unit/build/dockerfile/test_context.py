"""The context as a tar stream: what is in it, in which order, with which owners and modes."""

import io
import tarfile
from pathlib import Path

import pytest

from exporter.build.dockerfile.added import AddedFile, list_added
from exporter.build.dockerfile.context import _short_header, open_context
from exporter.build.dockerfile.dockerignore import parse_dockerignore
from exporter.build.dockerfile.parse import parse_dockerfile
from exporter.build.dockerfile.request import BuildContext
from exporter.errors import BuildError
from tests.fakes.commit_tree import COMMIT_TIME, Executable, Link, commit_tree
from tests.repositories import put

DOCKERFILE = parse_dockerfile("FROM scratch\n")
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"


def members(archive: bytes) -> list[tuple[str, str, int]]:
    """Name, kind or link target, and mode of each member."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return [
            (each.name, "dir" if each.isdir() else each.linkname or "file", each.mode)
            for each in opened
        ]


def content(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        file = opened.extractfile(name)
        assert file
        return file.read()


def test_files_come_in_order_and_the_dockerfile_last() -> None:
    tree = commit_tree(
        {
            "Dockerfile": "FROM other\n",
            "d/run.sh": Executable("#!/bin/sh\n"),
            "d/deep/link": Link("../run.sh"),
            "a": "1",
        }
    )
    archive = b"".join(open_context(BuildContext(tree=tree), DOCKERFILE))
    assert members(archive) == [
        ("a", "file", 0o644),
        ("d", "dir", 0o775),
        ("d/deep", "dir", 0o775),
        ("d/deep/link", "../run.sh", 0o777),
        ("d/run.sh", "file", 0o755),
        ("Dockerfile", "file", 0o600),
    ]
    assert content(archive, "Dockerfile") == b"FROM scratch\n"
    assert content(archive, "d/run.sh") == b"#!/bin/sh\n"


def test_owner_and_time_do_not_depend_on_the_machine() -> None:
    archive = b"".join(open_context(BuildContext(tree=commit_tree({"d/a": "1"})), DOCKERFILE))
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        facts = [(each.uid, each.gid, each.uname, each.mtime) for each in opened]
    assert facts == [(0, 0, "", COMMIT_TIME), (0, 0, "", COMMIT_TIME), (0, 0, "", 0)]
    assert len(archive) % tarfile.RECORDSIZE == 0


def test_only_the_context_is_in_it_with_paths_relative_to_it() -> None:
    tree = commit_tree({"root": "", "svc/a": "", "svc/build/App.dockerfile": "x"})
    context = BuildContext(tree=tree, directory="svc", dockerfile="build/App.dockerfile")
    assert [name for name, *_ in members(b"".join(open_context(context, DOCKERFILE)))] == [
        "a",
        "build",
        "build/App.dockerfile",
    ]


def test_ignored_files_are_left_out() -> None:
    ignore = parse_dockerignore("*\n!keep\n", path=".dockerignore").with_exception("Dockerfile")
    tree = commit_tree({"keep": "", "drop": "", "d/x": "", "Dockerfile": ""})
    context = BuildContext(tree=tree, ignore=ignore)
    assert [name for name, *_ in members(b"".join(open_context(context, DOCKERFILE)))] == [
        "keep",
        "Dockerfile",
    ]


def test_added_files_replace_committed_ones_even_when_ignored(tmp_path: Path) -> None:
    (tmp_path / "gen/deep").mkdir(parents=True)
    (tmp_path / "gen/deep/b").write_text("work tree")
    (tmp_path / "gen/deep/b").chmod(0o700)
    (tmp_path / "gen/link").symlink_to("deep/b")
    tree = commit_tree({"gen/deep/b": "commit", "gen/c": "c", "z": ""})
    context = BuildContext(
        tree=tree,
        added=list_added(tmp_path, "", ["gen"]),
        ignore=parse_dockerignore("z", path=".dockerignore"),
    )
    archive = b"".join(open_context(context, DOCKERFILE))
    assert members(archive) == [
        ("gen", "dir", 0o775),
        ("gen/c", "file", 0o644),
        ("gen/deep", "dir", 0o775),
        ("gen/deep/b", "file", 0o755),
        ("gen/link", "deep/b", 0o777),
        ("Dockerfile", "file", 0o600),
    ]
    assert content(archive, "gen/deep/b") == b"work tree"


def test_directories_without_an_entry_in_werfs_archive_have_another_mode(tmp_path: Path) -> None:
    """Those that only ``contextAddFiles`` has anything in, and those that it names."""
    added = ["both/new", "named", "new"]
    for path in ("both/new", "named/file", "new/deep/file"):
        put(tmp_path, path, "work tree")
    context = BuildContext(
        tree=commit_tree({"both/file": "", "named/file": "", "named/deep/file": ""}),
        added=list_added(tmp_path, "", added),
        listed=added,
    )
    archive = b"".join(open_context(context, DOCKERFILE))
    assert {name: mode for name, kind, mode in members(archive) if kind == "dir"} == {
        "both": 0o775,
        "named": 0o755,
        "named/deep": 0o775,
        "new": 0o755,
        "new/deep": 0o755,
    }


def test_long_names_and_names_that_are_no_text_survive() -> None:
    name = "d" * 120 + "/" + "ü" * 80 + "\udcff"
    archive = b"".join(open_context(BuildContext(tree=commit_tree({name: "x"})), DOCKERFILE))
    assert members(archive)[1][0] == name


@pytest.mark.parametrize(
    ("name", "kind", "link", "size"),
    [
        pytest.param("a", tarfile.REGTYPE, "", 5, id="file"),
        pytest.param("d" * 99, tarfile.DIRTYPE, "", 0, id="directory"),
        pytest.param("l", tarfile.SYMTYPE, "x/ü", 0, id="link"),
        pytest.param("ü" * 50, tarfile.REGTYPE, "", 8**11 - 1, id="the largest that fits"),
    ],
)
def test_headers_are_those_of_tarfile(name: str, kind: bytes, link: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mtime = kind, link, size, COMMIT_TIME
    header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    assert len(header) == tarfile.BLOCKSIZE
    assert _short_header(info) == header


@pytest.mark.parametrize(("name", "size"), [("x" * 101, 1), ("x", 8**11)])
def test_what_does_not_fit_has_no_short_header(name: str, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    assert _short_header(info) == b""


def test_a_pointer_of_lfs_is_said() -> None:
    said: list[str] = []
    tree = commit_tree({"svc/big.bin": POINTER, "svc/small": "x"})
    context = BuildContext(tree=tree, directory="svc")
    list(open_context(context, DOCKERFILE, on_lfs_pointer=said.append))
    assert said == ["big.bin"]


def test_a_file_that_changes_under_the_build_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "gen"
    file.write_text("four")

    class Growing(AddedFile):
        def chunks(self):  # type: ignore[no-untyped-def] # noqa: ANN202 - a stand-in
            yield b"more than four"

    growing = Growing(file=file, path="gen", project_path="gen")
    context = BuildContext(tree=commit_tree({"a": ""}), added=[growing])
    with pytest.raises(BuildError, match="'gen' changed while the build context was read"):
        list(open_context(context, DOCKERFILE))
