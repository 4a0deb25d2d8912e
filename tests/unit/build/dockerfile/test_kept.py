"""Contexts kept as directories: written once, then only what differs; never used half-written."""

import fcntl
import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.build.dockerfile import kept
from exporter.build.dockerfile.added import list_added
from exporter.build.dockerfile.dockerignore import parse_dockerignore
from exporter.build.dockerfile.kept import KeptContext, NotKeptError, kept_context
from exporter.build.dockerfile.parse import parse_dockerfile
from exporter.build.dockerfile.request import BuildContext
from exporter.git.trees import CommitTree, Entry
from tests.fakes.commit_tree import COMMIT_TIME, Executable, Link, commit_tree

File = str | Executable | Link
DOCKERFILE = parse_dockerfile("FROM scratch\n")
FILES: Mapping[str, File] = {
    "a": "1",
    "d/run.sh": Executable("#!/bin/sh\n"),
    "d/deep/link": Link("../run.sh"),
    "Dockerfile": "FROM other\n",
}


@pytest.fixture(autouse=True)
def every_context_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LEAST_FILES", 0)


def keep(folder: Path, files: Mapping[str, File], directory: str = "") -> Path:
    """The directory after one use."""
    context = BuildContext(tree=commit_tree(files), directory=directory)
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=folder) as found:
        assert found is not None
        return opened(found).directory


def opened(context: KeptContext) -> KeptContext:
    """The context made ready, in as many calls as it takes."""
    assert context.open() or context.open()
    return context


def shown(directory: Path) -> dict[str, tuple[str, int]]:
    """Content or link target, and mode, by path."""
    found = {}
    for path in sorted(directory.rglob("*")):
        text = "dir"
        if path.is_symlink():
            text = str(path.readlink())
        elif path.is_file():
            text = path.read_text()
        mode = 0o777 if path.is_symlink() else path.stat().st_mode & 0o777
        found[str(path.relative_to(directory))] = (text, mode)
    return found


def test_the_directory_holds_what_the_tar_would(tmp_path: Path) -> None:
    assert shown(keep(tmp_path, FILES)) == {
        "Dockerfile": ("FROM scratch\n", 0o600),
        "a": ("1", 0o644),
        "d": ("dir", 0o775),
        "d/deep": ("dir", 0o775),
        "d/deep/link": ("../run.sh", 0o777),
        "d/run.sh": ("#!/bin/sh\n", 0o755),
    }


def test_times_are_the_commits_and_the_dockerfiles_is_zero(tmp_path: Path) -> None:
    directory = keep(tmp_path, FILES)
    times = {path.name: int(path.lstat().st_mtime) for path in directory.rglob("*")}
    assert times.pop("Dockerfile") == 0
    assert set(times.values()) == {COMMIT_TIME}


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    directory = keep(tmp_path, FILES)
    before = {path: path.lstat() for path in directory.rglob("*")}
    assert keep(tmp_path, {**FILES, "a": "2"}) == directory
    changed = [
        str(path.relative_to(directory))
        for path, stat in before.items()
        if path.lstat().st_mtime_ns != stat.st_mtime_ns
    ]
    assert changed == ["a"]
    assert (directory / "a").read_text() == "2"


def test_a_change_in_the_same_second_and_size_shows_in_the_time(tmp_path: Path) -> None:
    directory = keep(tmp_path, {"a": "1"})
    before = (directory / "a").stat()
    keep(tmp_path, {"a": "2"})
    after = (directory / "a").stat()
    assert (after.st_size, int(after.st_mtime)) == (before.st_size, int(before.st_mtime))
    assert after.st_mtime_ns != before.st_mtime_ns


def test_what_is_gone_goes_with_its_directories(tmp_path: Path) -> None:
    directory = keep(tmp_path, FILES)
    keep(tmp_path, {"a": "1"})
    assert sorted(shown(directory)) == ["Dockerfile", "a"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"a": "1"}, {"a/b": "1"}, id="a-file-becomes-a-directory"),
        pytest.param({"a/b": "1"}, {"a": "1"}, id="a-directory-becomes-a-file"),
        pytest.param({"a": "1"}, {"a": Link("b"), "b": "1"}, id="a-file-becomes-a-link"),
        pytest.param(
            {"a": Link("b"), "b/c": "1"}, {"a/c": "2", "b/c": "1"}, id="a-link-a-directory"
        ),
        pytest.param({"a": "1"}, {"a": Executable("1")}, id="a-mode-changes"),
    ],
)
def test_kinds_change(
    tmp_path: Path, before: Mapping[str, File], after: Mapping[str, File]
) -> None:
    keep(tmp_path / "one", before)
    assert shown(keep(tmp_path / "one", after)) == shown(keep(tmp_path / "other", after))


def test_a_file_that_somebody_changed_is_written_again(tmp_path: Path) -> None:
    directory = keep(tmp_path, FILES)
    (directory / "a").write_text("meddled")
    (directory / "d/run.sh").unlink()
    keep(tmp_path, FILES)
    assert (directory / "a").read_text() == "1"
    assert (directory / "d/run.sh").read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize("path", ["d/new", "d/deep/new/file", "new"])
def test_a_file_that_somebody_added_is_removed(tmp_path: Path, path: str) -> None:
    directory = keep(tmp_path, FILES)
    (directory / path).parent.mkdir(exist_ok=True)
    (directory / path).write_text("meddled")
    assert path not in shown(keep(tmp_path, FILES))


def test_an_edit_that_hides_its_time_is_seen(tmp_path: Path) -> None:
    directory = keep(tmp_path, FILES)
    before = (directory / "a").stat()
    (directory / "a").write_text("2")
    os.utime(directory / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (keep(tmp_path, FILES) / "a").read_text() == "1"


@pytest.mark.parametrize("path", ["a", "d"])
def test_another_mode_is_seen(tmp_path: Path, path: str) -> None:
    directory = keep(tmp_path, FILES)
    (directory / path).chmod(0o700)
    assert shown(keep(tmp_path, FILES))[path][1] in (0o644, 0o775)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1, "files": {}}'])
def test_an_index_that_cannot_be_used_means_a_new_copy(tmp_path: Path, text: str) -> None:
    directory = keep(tmp_path, FILES)
    (directory / "left-over").write_text("of another version")
    (directory.parent / "index.json").write_text(text)
    assert "left-over" not in shown(keep(tmp_path, FILES))


def test_names_may_be_any_bytes(tmp_path: Path) -> None:
    files = {"\udcff/\udcfe": "1", "new\nline \t/a": "1", "-": "1"}
    directory = keep(tmp_path, files)
    before = (directory / "-").stat().st_ino
    keep(tmp_path, {**files, "\udcff/\udcfe": "2"})
    assert (directory / "\udcff/\udcfe").read_text() == "2"
    assert (directory / "-").stat().st_ino == before


def test_the_name_of_the_directory_is_its_own(tmp_path: Path) -> None:
    one = keep(tmp_path, FILES)
    other = keep(tmp_path, {**FILES, "svc/Dockerfile": ""}, directory="svc")
    assert one.name != other.name


def test_after_a_crash_everything_is_written_again(tmp_path: Path) -> None:
    directory = keep(tmp_path, FILES)
    (directory.parent / "index.json").unlink()
    (directory / "left-over").write_text("of a run that was killed")
    keep(tmp_path, FILES)
    assert "left-over" not in shown(directory)


def test_ignored_files_are_left_out_and_buildkit_is_told_to_ignore_nothing(tmp_path: Path) -> None:
    ignore = parse_dockerignore("d\n", path=".dockerignore")
    context = BuildContext(tree=commit_tree({**FILES, ".dockerignore": "d\n"}), ignore=ignore)
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is not None
        assert sorted(shown(opened(found).directory)) == [".dockerignore", "Dockerfile", "a"]
        beside = found.dockerfile.with_name("Dockerfile.dockerignore").read_text()
        assert beside.startswith("#")
        assert found.dockerfile.read_text() == "FROM scratch\n"


def test_changed_attributes_change_the_content(tmp_path: Path) -> None:
    directory = keep(tmp_path, {"a": "1\n"})
    keep(tmp_path, {"a": "1\n", ".gitattributes": "a text eol=crlf\n"})
    assert (directory / "a").read_bytes() == b"1\r\n"


def test_attributes_count_below_directories_that_did_not_change(tmp_path: Path) -> None:
    files = {"a/b/c": "1\n", "a/b/d": "1\n", "e/f": "1\n"}
    directory = keep(tmp_path, files)
    keep(tmp_path, {**files, "a/.gitattributes": "c text eol=crlf\n"})
    assert (directory / "a/b/c").read_bytes() == b"1\r\n"
    keep(tmp_path, files)
    assert (directory / "a/b/c").read_bytes() == b"1\n"


def test_attributes_above_the_context_count(tmp_path: Path) -> None:
    files = {"svc/a/b": "1\n"}
    keep(tmp_path, files, directory="svc")
    directory = keep(tmp_path, {**files, ".gitattributes": "b text eol=crlf\n"}, directory="svc")
    assert (directory / "a/b").read_bytes() == b"1\r\n"


def test_what_is_ignored_may_change_without_any_file(tmp_path: Path) -> None:
    found = []
    for rules in ("d/deep\n", "", "a\n!d/deep\n"):
        ignore = parse_dockerignore(rules, path=".dockerignore")
        context = BuildContext(tree=commit_tree(FILES), ignore=ignore)
        with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as kept_now:
            assert kept_now is not None
            directory = opened(kept_now).directory
            found.append(sorted(set(shown(directory)) - {"Dockerfile", "d", "d/run.sh"}))
    assert found == [["a"], ["a", "d/deep", "d/deep/link"], ["d/deep", "d/deep/link"]]


def test_only_directories_that_differ_are_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"big/sub/file": "1", "code/main": "1"}
    keep(tmp_path, files)
    listed: list[str] = []
    plain = CommitTree.children_of

    def children_of(tree: CommitTree, directory: Entry) -> tuple[Entry, ...]:
        listed.append(directory.path)
        return plain(tree, directory)

    monkeypatch.setattr(CommitTree, "children_of", children_of)
    directory = keep(tmp_path, {**files, "code/main": "2"})
    assert listed == ["", "code"]
    assert (directory / "code/main").read_text() == "2"
    assert (directory / "big/sub/file").read_text() == "1"


def test_another_dockerfile_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    keep(tmp_path, FILES)
    context = BuildContext(tree=commit_tree(FILES))
    other = parse_dockerfile("FROM scratch\nLABEL a=b\n")
    with kept_context(context, other, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is not None
        assert (opened(found).directory / "Dockerfile").read_text() == other.text
    assert (keep(tmp_path, FILES) / "Dockerfile").read_text() == DOCKERFILE.text


@pytest.mark.parametrize("seed", range(20))
def test_any_row_of_commits_ends_like_the_last_one_alone(tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - no secrets
    names = ["a", "b", "c", ".gitattributes"]
    files: dict[str, File] = {}
    for _ in range(6):
        for _ in range(choose.randrange(4)):
            path = "/".join(choose.choice(names[:3]) for _ in range(choose.randrange(3)))
            path = f"{path}/{choose.choice(names)}".lstrip("/")
            for other in list(files):
                if f"{other}/".startswith(f"{path}/") or f"{path}/".startswith(f"{other}/"):
                    del files[other]
            made: list[File] = ["1\n", "2\n", Executable("1\n"), Link("a")]
            if path.endswith(".gitattributes"):
                made = [f"{choose.choice(names[:3])} text eol=crlf\n"]
            if choose.randrange(4):
                files[path] = choose.choice(made)
        kept_now = shown(keep(tmp_path / "row", files))
    assert kept_now == shown(keep(tmp_path / "alone", files))


def test_a_pointer_of_lfs_is_told_every_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
    for _ in range(2):
        keep(tmp_path, {"big.bin": pointer})
    keep(tmp_path, {"big.bin": pointer, "other": "1"})
    message = "'big.bin' enters the build context as a pointer of Git LFS"
    assert caplog.text.count(message) == 3
    keep(tmp_path, {"big.bin": "the file itself", "other": "1"})
    assert caplog.text.count(message) == 3


def test_another_run_with_the_same_content_shares_the_directory(tmp_path: Path) -> None:
    context = BuildContext(tree=commit_tree(FILES))
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as one:
        assert one is not None
        opened(one)
        with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as other:
            assert other is not None
            assert other.is_quick
            assert opened(other).directory == one.directory
            assert other.dockerfile != one.dockerfile
        assert one.dockerfile.is_file()
        assert not other.dockerfile.exists()


def test_another_run_with_other_content_sends_a_stream(tmp_path: Path) -> None:
    context = BuildContext(tree=commit_tree(FILES))
    changed = BuildContext(tree=commit_tree({**FILES, "a": "2"}))
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as one:
        assert one is not None
        opened(one)
        with kept_context(changed, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as other:
            assert other is None
        assert (one.directory / "a").read_text() == "1"


def test_the_dockerfile_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = keep(tmp_path, FILES)
    context = BuildContext(tree=commit_tree({**FILES, "a": "2"}))
    written = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target.name == "Dockerfile":
            assert (directory / "a").read_text() == "2"
            assert target.with_name("Dockerfile.dockerignore").is_file()
        return written(self, target)

    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is not None
        assert not found.dockerfile.exists()
        monkeypatch.setattr(Path, "replace", replace)
        assert [found.is_open, found.open(), found.is_open] == [False, True, True]
        assert found.dockerfile.read_text() == DOCKERFILE.text


def test_what_takes_long_is_not_quick(tmp_path: Path) -> None:
    context = BuildContext(tree=commit_tree(FILES))
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is not None
        # the first time everything is written
        assert [found.is_quick, found.open()] == [False, True]
        (found.directory / "a").write_text("meddled")
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is not None
        assert [found.is_quick, found.open()] == [True, False]
        assert not found.dockerfile.exists()
        assert [found.is_quick, found.open()] == [False, True]
        assert (found.directory / "a").read_text() == "1"


def test_a_run_that_came_in_between_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = keep(tmp_path, FILES)
    index = directory.parent / "index.json"
    flock = fcntl.flock

    def lose(lock: int, operation: int) -> None:
        flock(lock, operation)
        if operation == fcntl.LOCK_SH:
            index.write_text("{}")

    monkeypatch.setattr(fcntl, "flock", lose)
    context = BuildContext(tree=commit_tree(FILES))
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is not None
        with pytest.raises(NotKeptError):
            found.open()
        assert not found.dockerfile.exists()


def test_a_full_disk_means_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_FREE_BYTES", 1 << 60)
    context = BuildContext(tree=commit_tree(FILES))
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is not None
        with pytest.raises(NotKeptError, match="MiB are free"):
            found.open()


def test_while_a_directory_is_written_nobody_uses_it(tmp_path: Path) -> None:
    directory = keep(tmp_path, FILES)
    with (directory.parent / "lock").open("wb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        context = BuildContext(tree=commit_tree(FILES))
        with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
            assert found is None


def test_small_contexts_and_files_of_the_work_tree_are_sent_as_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made").write_text("x")
    added = list_added(tmp_path, "", ["made"])
    context = BuildContext(tree=commit_tree(FILES), added=added)
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is None
    monkeypatch.setattr(kept, "LEAST_FILES", 1000)
    context = BuildContext(tree=commit_tree(FILES))
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path) as found:
        assert found is None


def test_what_was_not_used_for_a_week_is_forgotten(tmp_path: Path) -> None:
    old = keep(tmp_path, FILES)
    os.utime(old.parent / "index.json", (0, 0))
    keep(tmp_path, {**FILES, "svc/Dockerfile": ""}, directory="svc")
    assert not old.parent.exists()


def test_a_place_that_cannot_be_written_means_a_stream(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    context = BuildContext(tree=commit_tree(FILES))
    with kept_context(context, DOCKERFILE, work_tree=Path("/w"), folder=tmp_path / "file") as found:
        assert found is None
