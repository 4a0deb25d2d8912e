"""What BuildKit is told of a context: the same as the tar stream, whatever is remembered."""

import io
import os
import random
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from glob import glob
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from exporter.build.dockerfile.added import list_added
from exporter.build.dockerfile.context import open_context
from exporter.build.dockerfile.dockerignore import parse_dockerignore
from exporter.build.dockerfile.parse import Dockerfile, parse_dockerfile
from exporter.build.dockerfile.request import BuildContext
from exporter.build.dockerfile.tree import ContextListing, ContextTree
from exporter.buildkit.files import Wanted
from exporter.errors import BuildError
from exporter.git.trees import CommitTree, Entry
from tests.fakes.commit_tree import COMMIT_TIME, Executable, Link, commit_tree
from tests.repositories import put

File = str | Executable | Link
Damage = Callable[[bytes], bytes]
DOCKERFILE = parse_dockerfile("FROM scratch\n")
FILES: Mapping[str, File] = {
    "a": "1",
    "d/run.sh": Executable("#!/bin/sh\n"),
    "d/deep/link": Link("../run.sh"),
    "Dockerfile": "FROM other\n",
}
CRLF = "text eol=crlf\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
GO_DIRECTORY, GO_LINK = 1 << 31, 1 << 27
SECOND = 1_000_000_000


class Stat(NamedTuple):
    """A name as BuildKit gets it."""

    path: str
    mode: int
    size: int
    time_ns: int
    target: str


class Seen(NamedTuple):
    """What becomes of a name: kind, permissions, whole seconds, link target, and content."""

    kind: str
    mode: int
    seconds: int
    target: str
    content: bytes


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in the wire format, and where it ends."""
    end = next(index for index in range(at, len(data)) if data[index] < 0x80) + 1
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data[at:end])), end


def fields(message: bytes) -> dict[int, int | bytes]:
    """The fields of a message that has numbers, and bytes with their length, each once."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        value, at = varint(message, at)
        assert key & 7 in (0, 2)
        assert key >> 3 not in found
        if key & 7 == 2:
            assert at + value <= len(message)
            found[key >> 3] = message[at : at + value]
            at += value
        else:
            found[key >> 3] = value
    return found


def stats(packets: bytes) -> list[Stat]:
    """The names in frames of gRPC: no compression, four bytes of length, a packet."""
    found = []
    at = 0
    while at < len(packets):
        assert packets[at] == 0
        end = at + 5 + int.from_bytes(packets[at + 1 : at + 5], "big")
        packet = fields(packets[at + 5 : end])
        assert set(packet) == {2}
        stat = fields(cast("bytes", packet[2]))
        assert set(stat) <= {1, 2, 5, 6, 7}  # neither owner nor device
        texts = [cast("bytes", stat.get(number, b"")) for number in (1, 7)]
        path, target = [os.fsdecode(text) for text in texts]
        mode, size, time_ns = [cast("int", stat.get(number, 0)) for number in (2, 5, 6)]
        found.append(Stat(path, mode, size, time_ns, target))
        at = end
    assert at == len(packets)
    return found


def seen(listing: ContextListing) -> dict[str, Seen]:
    """Everything that is told, with the content of each file by its number."""
    names = stats(listing.packets)
    kinds = {GO_DIRECTORY: "directory", GO_LINK: "link", 0: "file"}
    numbers = [
        number for number, each in enumerate(names) if not each.mode & (GO_DIRECTORY | GO_LINK)
    ]
    contents = {number: b"".join(chunks) for number, chunks in listing.contents(numbers)}
    assert sorted(contents) == numbers
    found = {}
    for number, each in enumerate(names):
        kind = kinds[each.mode & ~0o777]
        if kind == "file":
            assert each.size == len(contents[number]), each.path
        if kind == "link":
            assert each.size == len(os.fsencode(each.target)), each.path
        found[each.path] = Seen(
            kind=kind,
            mode=each.mode & 0o777,
            seconds=each.time_ns // SECOND,
            target=each.target,
            content=contents.get(number, b""),
        )
    assert len(found) == len(names)
    return found


def in_tar(context: BuildContext, dockerfile: Dockerfile = DOCKERFILE) -> dict[str, Seen]:
    """The same of the tar stream."""
    stream = b"".join(open_context(context, dockerfile, on_lfs_pointer=lambda _: None))
    found = {}
    with tarfile.open(fileobj=io.BytesIO(stream)) as archive:
        for each in archive:
            file = archive.extractfile(each) if each.isreg() else None
            found[each.name] = Seen(
                kind="directory" if each.isdir() else "link" if each.issym() else "file",
                mode=each.mode,
                seconds=int(each.mtime),
                target=each.linkname,
                content=file.read() if file else b"",
            )
    return found


def at_time(tree: CommitTree, seconds: int) -> CommitTree:
    """The same tree, committed at another time."""
    commit = replace(tree.commit, committer_time=datetime.fromtimestamp(seconds, tz=UTC))
    return CommitTree(commit, tree._module)


def context_of(
    files: Mapping[str, File], *, ignored: str = "", seconds: int = COMMIT_TIME, directory: str = ""
) -> BuildContext:
    ignore = parse_dockerignore(ignored, path=".dockerignore").with_exception("Dockerfile")
    tree = at_time(commit_tree(files), seconds)
    return BuildContext(tree=tree, directory=directory, ignore=ignore)


def tell(
    folder: Path, context: BuildContext, *wanted: str, text: str = DOCKERFILE.text
) -> ContextListing:
    """A listing, remembered for the next one of the same context."""
    tree = ContextTree(context, text.encode(), folder=folder, names=(context.directory,))
    listing = tree.listing(Wanted(wanted))
    tree.remember()
    return listing


def again(folder: Path, context: BuildContext) -> dict[str, Seen]:
    """What is told, times left out, after a check of the order."""
    listing = tell(folder, context)
    paths = [each.path for each in stats(listing.packets)]
    assert paths == sorted(paths, key=lambda path: os.fsencode(path).split(b"/"))
    return timeless(seen(listing))


def timeless(found: Mapping[str, Seen]) -> dict[str, Seen]:
    return {path: each._replace(seconds=0) for path, each in found.items()}


def times(listing: ContextListing) -> dict[str, int]:
    return {
        each.path: each.time_ns for each in stats(listing.packets) if not each.mode & GO_DIRECTORY
    }


@pytest.fixture
def looked_into(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories whose entries were read for a listing."""
    found: list[str] = []
    plain = CommitTree.children_of

    def children_of(tree: CommitTree, directory: Entry) -> tuple[Entry, ...]:
        found.append(directory.path)
        return plain(tree, directory)

    monkeypatch.setattr(CommitTree, "children_of", children_of)
    return found


# the same as the stream


def test_what_is_told_is_what_the_stream_holds(tmp_path: Path) -> None:
    context = context_of(FILES)
    found = seen(tell(tmp_path, context))
    assert found == in_tar(context)
    assert found["Dockerfile"] == Seen("file", 0o600, 0, "", b"FROM scratch\n")
    assert found["d"].mode == 0o775
    assert found["d/run.sh"].seconds == COMMIT_TIME


def test_names_come_by_path_with_the_slash_before_everything_else(tmp_path: Path) -> None:
    names = ["foo/x", "foo-bar", "foo.d/x", "foo", "foo!/x", "a/b/c", "a/b.c", "a-b", "ä", "\udcff"]
    context = context_of({f"{name}/end" if name == "foo" else name: "" for name in names})
    assert [each.path for each in stats(tell(tmp_path, context).packets)] == [
        "Dockerfile", "a", "a/b", "a/b/c", "a/b.c", "a-b", "foo", "foo/end", "foo/x", "foo!",
        "foo!/x", "foo-bar", "foo.d", "foo.d/x", "ä", "\udcff",
    ]  # fmt: skip


def test_names_and_targets_may_be_any_bytes(tmp_path: Path) -> None:
    files: dict[str, File] = {
        "\udcff/\udcfe": "1",
        "new\nline \t/a": "1",
        "-": "1",
        "back\\slash/*?[x]": "1",
        "link": Link("\udcff/\udcfe"),
        '"quoted"': Link("new\nline"),
    }
    for number in range(2):
        context = context_of({**files, "-": str(number)})
        assert again(tmp_path, context) == timeless(in_tar(context))


def test_large_files_and_long_names_are_told_whole(tmp_path: Path) -> None:
    context = context_of({"n" * 200 + "/" + "m" * 200: "x" * 3_000_000, "empty": ""})
    assert seen(tell(tmp_path, context)) == in_tar(context)


def test_ignored_files_are_left_out_and_so_are_directories_that_become_empty(
    tmp_path: Path,
) -> None:
    files = {
        **FILES,
        "logs/one.log": "1",
        "logs/two/three.log": "3",
        "mixed/x.log": "",
        "mixed/y": "",
    }
    context = context_of(files, ignored="**/*.log\nd/deep\n")
    found = seen(tell(tmp_path, context))
    assert found == in_tar(context)
    assert sorted(found) == ["Dockerfile", "a", "d", "d/run.sh", "mixed", "mixed/y"]


def test_an_empty_commit_has_the_dockerfile_alone(tmp_path: Path) -> None:
    assert list(seen(tell(tmp_path, context_of({})))) == ["Dockerfile"]
    assert list(seen(tell(tmp_path, context_of({"other": ""}, directory="gone")))) == ["Dockerfile"]


def test_modes_of_old_commits_are_those_of_today(tmp_path: Path) -> None:
    tree = commit_tree({"a": "1", "b": "2"})
    entries = tree._module.store.tree(tree.commit.tree)
    entries["a"] = (0o100664, entries["a"][1])
    context = BuildContext(tree=tree)
    assert seen(tell(tmp_path, context)) == in_tar(context)


def test_the_dockerfile_may_be_below_and_is_never_ignored(tmp_path: Path) -> None:
    files = {"svc/app/a": "1", "svc/b": "2", "c": "3"}
    for text in ("FROM one\n", "FROM other\n"):
        context = replace(
            context_of(files, ignored="*\n", directory="svc"), dockerfile="app/deep/Dockerfile"
        )
        found = seen(tell(tmp_path, context, text=text))
        assert sorted(found) == ["app", "app/deep", "app/deep/Dockerfile"]
        assert found["app/deep/Dockerfile"].content == text.encode()
        assert found == in_tar(context, parse_dockerfile(text))


def test_another_text_of_the_dockerfile_shows_in_its_time(tmp_path: Path) -> None:
    context = context_of(FILES)
    one, other = (times(tell(tmp_path, context, text=f"FROM {each}\n")) for each in "ab")
    assert one.pop("Dockerfile") != other.pop("Dockerfile")
    assert one == other


# attributes


@pytest.mark.parametrize(
    "attributes",
    [CRLF, "text=auto eol=crlf\n", "working-tree-encoding=UTF-16LE\n", "ident\n"],
)
def test_sizes_are_those_of_what_a_checkout_writes(tmp_path: Path, attributes: str) -> None:
    files: dict[str, File] = {
        ".gitattributes": f"* {attributes}",
        "d/a": "1\n$Id$\n",
        "d/b": Executable("1\n2\n"),
    }
    context = context_of(files)
    assert seen(tell(tmp_path, context)) == in_tar(context)
    assert again(tmp_path, context) == timeless(in_tar(context))


def test_changed_attributes_change_what_is_told(tmp_path: Path) -> None:
    again(tmp_path, context_of({"a": "1\n"}))
    found = again(tmp_path, context_of({"a": "1\n", ".gitattributes": f"a {CRLF}"}))
    assert found["a"].content == b"1\r\n"


def test_attributes_count_below_directories_that_did_not_change(tmp_path: Path) -> None:
    files = {"a/b/c": "1\n", "a/b/d": "1\n", "e/f": "1\n"}
    again(tmp_path, context_of(files))
    found = again(tmp_path, context_of({**files, "a/.gitattributes": f"c {CRLF}"}))
    assert [found[path].content for path in ("a/b/c", "a/b/d")] == [b"1\r\n", b"1\n"]
    assert again(tmp_path, context_of(files))["a/b/c"].content == b"1\n"


def test_attributes_above_the_context_count(tmp_path: Path) -> None:
    files = {"x/svc/a/b": "1\n"}
    for attributes in ({}, {".gitattributes": f"b {CRLF}"}, {"x/.gitattributes": f"b {CRLF}"}, {}):
        context = context_of({**files, **attributes}, directory="x/svc")
        found = again(tmp_path, context)
        assert found == timeless(in_tar(context))
        assert found["a/b"].content == (b"1\r\n" if attributes else b"1\n")


def test_an_encoding_of_the_same_size_shows_in_the_time(tmp_path: Path) -> None:
    told = []
    for order in ("LE", "BE"):
        text = f"a working-tree-encoding=UTF-16{order}\n"
        listing = tell(tmp_path, context_of({".gitattributes": text, "a": "1"}))
        told.append((times(listing)["a"], seen(listing)["a"]))
    (one_time, one), (other_time, other) = told
    assert one.content == other.content[::-1]
    assert (one.seconds, len(one.content)) == (other.seconds, len(other.content))
    assert one_time != other_time


# rows of commits


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"a": "1"}, {"a/b": "1"}, id="a-file-becomes-a-directory"),
        pytest.param({"a/b": "1"}, {"a": "1"}, id="a-directory-becomes-a-file"),
        pytest.param({"a": "1"}, {"a": Link("b"), "b": "1"}, id="a-file-becomes-a-link"),
        pytest.param({"a": Link("b"), "b": "1"}, {"a": "b", "b": "1"}, id="a-link-becomes-a-file"),
        pytest.param(
            {"a": Link("b"), "b/c": "1"}, {"a/c": "2", "b/c": "1"}, id="a-link-a-directory"
        ),
        pytest.param({"a": "1"}, {"a": Executable("1")}, id="a-mode-changes"),
        pytest.param({"a/b": "1", "c": ""}, {"c": ""}, id="a-directory-goes"),
        pytest.param({"a/b": "1"}, {"a/b": "1", "a.c/b": "1"}, id="a-directory-comes-after"),
        pytest.param({"a/b": "1", "a.c/b": "1"}, {"a.c/b": "1"}, id="a-directory-before-goes"),
    ],
)
def test_changes_are_told(
    tmp_path: Path, before: Mapping[str, File], after: Mapping[str, File]
) -> None:
    again(tmp_path, context_of(before))
    assert again(tmp_path, context_of(after)) == timeless(in_tar(context_of(after)))


def rows(seed: int) -> Iterator[dict[str, File]]:
    """A row of commits of few names, so that kinds, attributes and contents change often."""
    choose = random.Random(seed)  # noqa: S311 - no secrets
    names = ["a", "b", "c", ".gitattributes"]
    files: dict[str, File] = {}
    for _ in range(8):
        for _ in range(choose.randrange(4)):
            path = "/".join(choose.choice(names[:3]) for _ in range(choose.randrange(3)))
            path = f"{path}/{choose.choice(names)}".lstrip("/")
            for other in list(files):
                if f"{other}/".startswith(f"{path}/") or f"{path}/".startswith(f"{other}/"):
                    del files[other]
            made: list[File] = ["1\n", "2\n", Executable("1\n"), Link("a")]
            if path.endswith(".gitattributes"):
                made = [f"{choose.choice(names[:3])} {CRLF}"]
            if choose.randrange(4):
                files[path] = choose.choice(made)
        yield dict(files)


@pytest.mark.parametrize("seed", range(20))
def test_any_row_of_commits_ends_like_the_last_one_alone(tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - no secrets
    for number, files in enumerate(rows(seed)):
        ignored = choose.choice(["", "", "a\n", "**/b\n!a/b\n"])
        context = context_of(files, ignored=ignored, seconds=COMMIT_TIME + number)
        assert again(tmp_path / "row", context) == timeless(in_tar(context))


@pytest.mark.parametrize("seed", range(20))
def test_nothing_of_another_run_is_told_whatever_was_added_or_wanted(
    tmp_path: Path, seed: int
) -> None:
    choose = random.Random(seed)  # noqa: S311 - no secrets
    root = tmp_path / "work"
    for number, files in enumerate(rows(seed)):
        path = choose.choice(["a", "b", "a/b", "a/c", "c/a/new", "new/a"])
        put(root, path, choose.choice(["1", "2", "three"]))
        added = choose.choice([[], [path], [path]])
        context = context_of(files, ignored=choose.choice(["", "", "a\n"]))
        context = with_added(context, root, *added)
        wanted = choose.choice([[], [], ["a"], ["c", "new"], ["a/b*"]])
        listing = tell(tmp_path / "row", context, *wanted)
        alone = tell(tmp_path / f"alone{number}", context, *wanted)
        assert timeless(seen(listing)) == timeless(seen(alone))


@pytest.mark.parametrize("seed", range(20))
def test_equal_sizes_and_times_mean_equal_contents_in_any_row(tmp_path: Path, seed: int) -> None:
    """BuildKit keeps what it has when size, time, mode and target are the same."""
    told: dict[tuple[str, Stat], bytes] = {}
    for files in rows(seed):  # all in the same second
        listing = tell(tmp_path, context_of(files))
        found = seen(listing)
        for each in stats(listing.packets):
            content = found[each.path].content
            assert told.setdefault((each.path, each), content) == content


def test_what_is_ignored_may_change_without_any_file(tmp_path: Path) -> None:
    for ignored in ("d/deep\n", "", "a\n!d/deep\n", "d\n"):
        context = context_of(FILES, ignored=ignored)
        assert again(tmp_path, context) == timeless(in_tar(context))


def test_only_directories_that_differ_are_looked_into(
    tmp_path: Path, looked_into: list[str]
) -> None:
    files = {"big/sub/file": "1", "code/main": "1", "code/lib/file": "1"}
    tell(tmp_path, context_of(files))
    looked_into.clear()
    listing = tell(tmp_path, context_of({**files, "code/main": "2"}))
    assert looked_into == ["", "code"]
    found = seen(listing)
    assert found["code/main"].content == b"2"
    assert found["big/sub/file"].content == b"1"


def test_contents_of_directories_passed_over_are_found_by_their_numbers(
    tmp_path: Path, looked_into: list[str]
) -> None:
    files: dict[str, File] = {
        f"{top}/{sub}/{name}": f"{top}{sub}{name}" for top in "abc" for sub in "de" for name in "fg"
    }
    tell(tmp_path, context_of(files))
    looked_into.clear()
    # numbers move: one more name before, one less in between
    del files["b/d/f"]
    listing = tell(tmp_path, context_of({**files, "a/a": "new"}))
    assert looked_into == ["", "a", "b", "b/d"]
    for number, each in enumerate(stats(listing.packets)):
        if each.mode & GO_DIRECTORY or each.path == "Dockerfile":
            continue
        ((told, chunks),) = listing.contents([number])
        expected = {**files, "a/a": "new"}[each.path]
        assert (told, b"".join(chunks)) == (number, str(expected).encode())


def test_a_change_in_the_same_second_and_size_shows_in_the_nanoseconds(tmp_path: Path) -> None:
    before = times(tell(tmp_path, context_of({"a": "1", "b": "1"})))
    after = times(tell(tmp_path, context_of({"a": "2", "b": "1"})))
    assert before["a"] // SECOND == after["a"] // SECOND
    assert before["a"] != after["a"]
    assert before["b"] == after["b"]


def test_files_that_do_not_change_keep_their_times(tmp_path: Path) -> None:
    files: dict[str, File] = {"a": "1", "d/b": "1", "d/c": "1", "e/f/g": Link("h")}
    before = times(tell(tmp_path, context_of(files)))
    changed = {**files, "d/b": "2", "d/new": "1"}
    after = times(tell(tmp_path, context_of(changed, seconds=COMMIT_TIME + 60)))
    assert {path for path in after if after[path] != before.get(path)} == {"d/b", "d/new"}
    assert after["d/b"] // SECOND == after["d/new"] // SECOND == COMMIT_TIME + 60


def test_files_keep_their_times_when_other_rules_hold(tmp_path: Path) -> None:
    before = times(tell(tmp_path, context_of(FILES)))
    later = context_of(FILES, ignored="d/run.sh\n", seconds=COMMIT_TIME + 60)
    after = times(tell(tmp_path, later, "a", "d"))
    assert after == {path: before[path] for path in ("a", "d/deep/link")}


def test_contexts_of_other_names_are_remembered_apart(tmp_path: Path) -> None:
    context = context_of(FILES)
    trees = [ContextTree(context, b"", folder=tmp_path, names=names) for names in ("ab", "ac")]
    assert trees[0].key != trees[1].key
    assert trees[0].key == ContextTree(context, b"x", folder=tmp_path, names="ab").key
    for tree in trees:
        tree.listing(Wanted())
        tree.remember()
    assert {file.name for file in tmp_path.iterdir()} == {tree.key for tree in trees}


# pointers of Git LFS


def test_a_pointer_of_lfs_is_told_every_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    message = "'d/big.bin' enters the build context as a pointer of Git LFS"
    files: dict[str, File] = {"d/big.bin": POINTER, "a": "1"}
    changes: list[dict[str, File]] = [{}, {}, {"a": "2"}, {"d/x": "1"}]
    for others in changes:
        tree = ContextTree(context_of({**files, **others}), b"", folder=tmp_path, names=())
        caplog.clear()
        listing = tree.listing(Wanted())
        was_remembered = message in caplog.text
        assert was_remembered == (tmp_path / tree.key).exists()
        seen(listing)
        assert caplog.text.count(message) == 1
        tree.remember()
    caplog.clear()
    tell(tmp_path, context_of({**files, "d/big.bin": "the file itself"}))
    tell(tmp_path, context_of({"a": "1"}))
    assert caplog.text == ""


def test_a_pointer_that_is_ignored_or_replaced_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"d/big.bin": POINTER}
    (tmp_path / "d").mkdir()
    (tmp_path / "d/big.bin").write_text("the file itself")
    added = list_added(tmp_path, "", ["d/big.bin"])
    for context in (
        replace(context_of(files), added=added),
        context_of(files, ignored="d\n"),
        replace(context_of({"a": "1"}), added=added),
    ):
        tree = ContextTree(context_of(files), b"", folder=tmp_path / "known", names=("",))
        seen(tree.listing(Wanted()))
        tree.remember()
        caplog.clear()
        seen(tell(tmp_path / "known", context))
        assert caplog.text == ""


# files of the work tree


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    """Files that are not as committed: one new, one changed, one below a directory, and links."""
    root = tmp_path / "work"
    (root / "gen/deep").mkdir(parents=True)
    (root / "d").mkdir()
    (root / "gen/deep/b").write_text("work tree")
    (root / "gen/deep/b").chmod(0o700)
    (root / "gen/link").symlink_to("deep/b")
    (root / "d/run.sh").write_text("other")
    (root / "a").symlink_to("gen")
    return root


def with_added(context: BuildContext, root: Path, *paths: str) -> BuildContext:
    return replace(context, added=list_added(root, context.directory, paths), listed=paths)


def test_added_files_and_links_replace_committed_ones(tmp_path: Path, work_tree: Path) -> None:
    known = tmp_path / "known"
    for paths in (["gen", "d/run.sh", "a"], ["gen/link"], ["d/run.sh"], [], ["a", "gen/deep"]):
        context = with_added(context_of(FILES, ignored="gen\nd/run.sh\n"), work_tree, *paths)
        assert again(known, context) == timeless(in_tar(context)), paths


def test_an_added_directory_takes_the_place_of_a_file_and_a_file_of_a_directory(
    tmp_path: Path, work_tree: Path
) -> None:
    committed: dict[str, File] = {"gen": "a file", "d/run.sh/x": "in a directory", "d/y": ""}
    context = with_added(context_of(committed), work_tree, "gen", "d/run.sh")
    found = again(tmp_path / "known", context)
    assert found["gen"].kind == "directory"
    assert found["d/run.sh"].content == b"other"
    assert sorted(found) == [
        "Dockerfile", "d", "d/run.sh", "d/y", "gen", "gen/deep", "gen/deep/b", "gen/link",
    ]  # fmt: skip


@pytest.mark.parametrize("committed", [{}, {"gen/deep/c": "1"}, {"gen/deep/b": "1"}])
def test_an_added_file_that_changes_is_told_anew(
    tmp_path: Path, work_tree: Path, committed: Mapping[str, File]
) -> None:
    file = work_tree / "gen/deep/b"
    told = []
    for text in ("one", "two", "longer"):
        file.write_text(text)
        context = with_added(context_of(committed), work_tree, "gen/deep/b")
        listing = tell(tmp_path / "known", context)
        assert seen(listing)["gen/deep/b"].content == text.encode()
        told.append(times(listing)["gen/deep/b"])
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("committed", [{}, {"gen/deep/c": "1"}, {"gen/deep/b": "1"}])
def test_a_file_that_is_no_longer_added_is_gone(
    tmp_path: Path, work_tree: Path, committed: Mapping[str, File]
) -> None:
    context = context_of({**committed, "x": ""})
    again(tmp_path / "known", with_added(context, work_tree, "gen"))
    again(tmp_path / "known", with_added(context, work_tree, "gen"))
    assert again(tmp_path / "known", context) == timeless(in_tar(context))


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path, work_tree: Path) -> None:
    for text in ("longer than before", "short", ""):
        context = with_added(context_of({}), work_tree, "gen/deep/b")
        listing = tell(tmp_path / "known", context)
        (work_tree / "gen/deep/b").write_text(text)
        with pytest.raises(BuildError, match="changed while the build context was read"):
            seen(listing)
    (work_tree / "gen/deep/b").unlink()
    with pytest.raises(BuildError, match="cannot be read"):
        seen(listing)


# what is wanted


TREE: Mapping[str, File] = {
    "a": "",
    "ab/c/d": "",
    "b/c/d": "",
    "links/file": Link("../target/file"),
    "links/dir": Link("/target"),
    "links/out": Link("../../../target/file"),
    "links/twice": Link("dir/deep/../file"),
    "links/deep": Link("../target/deep/deeper/../../other"),
    "target/deep/deeper/x": "",
    "target/file": "",
    "target/other": "",
    "up": Link("."),
    "loop/a": Link("b"),
    "loop/b": Link("a"),
    "loop/c": Link("c/d"),
    "nowhere": Link("../gone/file"),
    "star*": Link("b/c"),
}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        pytest.param("a", {"a"}, id="a-name-and-no-longer-one"),
        pytest.param("/b/c", {"b/c/d"}, id="with-a-slash-first"),
        pytest.param("b/./x/../c/", {"b/c/d"}, id="with-dots"),
        pytest.param("../../b", {"b/c/d"}, id="not-out-of-the-context"),
        pytest.param("gone", set(), id="nothing-there"),
        pytest.param("a/b", {"a"}, id="below-a-file"),
        pytest.param("links/file", {"links/file", "target/file"}, id="a-link"),
        pytest.param(
            "links/dir/file", {"links/dir", "target/file"}, id="through-a-link-from-the-root"
        ),
        pytest.param("links/out", {"links/out", "target/file"}, id="a-link-out-of-the-context"),
        pytest.param(
            "links/twice", {"links/twice", "links/dir", "target/file"}, id="a-link-to-a-link"
        ),
        pytest.param("links/deep", {"links/deep", "target/other"}, id="a-link-with-dots"),
        pytest.param("loop/a", {"loop/a", "loop/b"}, id="a-circle"),
        pytest.param("loop/c", {"loop/c"}, id="a-circle-that-grows"),
        pytest.param("nowhere", {"nowhere"}, id="a-link-to-nothing"),
        pytest.param("links/dir/f*", {"links/dir", "target/file"}, id="a-wildcard-behind-a-link"),
    ],
)
def test_what_is_wanted_is_told_with_what_links_lead_to(
    tmp_path: Path, wanted: str, told: set[str]
) -> None:
    found = seen(tell(tmp_path, context_of(TREE), wanted))
    assert {path for path, each in found.items() if each.kind != "directory"} == told
    everything = in_tar(context_of(TREE))
    assert found == {path: everything[path] for path in found}


@pytest.mark.parametrize("wanted", ["", "/", ".", "*", "a*/c", "up", "..", "b/**/d"])
def test_everything_is_told_when_anything_may_be_wanted(tmp_path: Path, wanted: str) -> None:
    assert seen(tell(tmp_path, context_of(TREE), "a", wanted)) == in_tar(context_of(TREE))


@pytest.mark.parametrize(
    ("wanted", "needed"),
    [
        ("links/f*", {"links/file", "target/file"}),
        ("links/[de]*", {"links/dir", "links/deep", "target/file", "target/other"}),
        ("links/*/file", {"links/dir", "target/file"}),
        ("links/?ir/deep/*/x", {"links/dir", "target/deep/deeper/x"}),
        ("up/a*/*/d", {"up", "ab/c/d"}),
        ("star\\*/d", {"star*", "b/c/d"}),
    ],
)
def test_links_that_a_wildcard_may_match_are_followed(
    tmp_path: Path, wanted: str, needed: set[str]
) -> None:
    found = seen(tell(tmp_path, context_of(TREE), wanted))
    assert needed <= found.keys()


@pytest.mark.parametrize("seed", range(20))
def test_what_a_disk_finds_is_told(tmp_path: Path, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - no secrets
    root = tmp_path / "disk"
    files: dict[str, File] = {}
    for _ in range(30):
        path = "/".join(choose.choices("abc", k=choose.randint(1, 3)))
        target = "/".join(choose.choices(["a", "b", "c", "..", "."], k=choose.randint(1, 3)))
        if any(f"{path}/".startswith(f"{each}/") or each.startswith(f"{path}/") for each in files):
            continue
        is_link = choose.randrange(3) > 0
        files[path] = Link(target) if is_link else path
        put(root, path, {"symlink": target} if is_link else path)
    for _ in range(30):
        wanted = "/".join(
            choose.choices(["a", "b", "c", "*", "[ab]", "c*"], k=choose.randint(1, 3))
        )
        found = seen(tell(tmp_path / "known", context_of(files), wanted))
        for match in glob(wanted, root_dir=root):  # noqa: PTH207 - it follows links
            if not (root / match).exists():
                continue
            real = (root / match).resolve()
            if not real.is_relative_to(root):  # the builder would stay inside
                continue
            for each in [real, *real.rglob("*")]:
                assert each == root or str(each.relative_to(root)) in found, (files, wanted)


def test_links_of_the_work_tree_are_followed(tmp_path: Path, work_tree: Path) -> None:
    context = with_added(context_of({"x": "", "gen/committed": ""}), work_tree, "gen", "a")
    for wanted in ("a/link", "a/l*", "a/[l]ink"):
        found = seen(tell(tmp_path / "known", context, wanted))
        assert {"a", "gen/link", "gen/deep/b"} <= found.keys()
        assert "x" not in found
    found = seen(tell(tmp_path / "known", context, "a/committed"))
    assert {"a", "gen/committed"} <= found.keys()


def test_links_are_followed_inside_the_context(tmp_path: Path) -> None:
    files: dict[str, File] = {"svc/link": Link("/dir/x"), "svc/dir/x": "", "dir/x": "", "svc/y": ""}
    found = seen(tell(tmp_path, context_of(files, directory="svc"), "link"))
    assert sorted(found) == ["dir", "dir/x", "link"]


def test_a_link_that_leads_elsewhere_now_is_followed_there(tmp_path: Path) -> None:
    files: dict[str, File] = {"one/x": "", "two/y": ""}
    for name in ("one", "two", "one"):
        found = seen(tell(tmp_path, context_of({**files, "link": Link(name)}), "link"))
        assert sorted(path for path in found if "/" in path) == [f"{name}/{'xy'[name == 'two']}"]


# what is remembered


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"{", id="no-memory"),
        pytest.param(lambda text: text[:-20], id="cut-off"),
        pytest.param(lambda text: text[: len(text) // 2], id="half"),
        pytest.param(lambda text: text.replace(b"run.sh", b"gun.sh"), id="changed"),
        pytest.param(lambda text: b"9" + text[1:], id="another-version"),
        pytest.param(lambda text: text + text, id="twice"),
    ],
)
def test_a_memory_that_cannot_be_used_is_forgotten(
    tmp_path: Path, looked_into: list[str], damage: Damage
) -> None:
    context = context_of(FILES)
    tell(tmp_path, context)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    looked_into.clear()
    assert seen(tell(tmp_path, context)) == in_tar(context)
    assert looked_into == ["", "d", "d/deep"]
    looked_into.clear()
    tell(tmp_path, context)
    assert looked_into == [""]


def test_a_place_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert seen(tell(tmp_path / "file", context_of(FILES))) == in_tar(context_of(FILES))


def test_what_was_not_asked_for_is_not_remembered(tmp_path: Path) -> None:
    ContextTree(context_of(FILES), b"", folder=tmp_path / "known", names=()).remember()
    assert not (tmp_path / "known").exists()


def test_what_was_not_used_for_a_week_is_forgotten(tmp_path: Path) -> None:
    week = 7 * 24 * 3600
    tell(tmp_path, context_of(FILES))
    (old,) = tmp_path.iterdir()
    young = tmp_path / "young"
    young.write_text("")
    now = old.stat().st_mtime
    os.utime(old, (now - week - 60, now - week - 60))
    os.utime(young, (now - week + 60, now - week + 60))
    tell(tmp_path, context_of({"svc/a": ""}, directory="svc"))
    assert not old.exists()
    assert young.exists()


def test_nothing_is_left_beside_what_is_remembered(tmp_path: Path) -> None:
    for _ in range(2):
        tell(tmp_path, context_of(FILES))
    assert len(list(tmp_path.iterdir())) == 1
