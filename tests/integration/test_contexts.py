"""Build contexts as BuildKit takes them: only what it lacks, and always what the commit holds."""

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest

from exporter.build import solve as solves
from exporter.build.direct import Direct
from exporter.build.dockerfile import solve as images
from exporter.build.dockerfile.tree import ContextListing
from exporter.build.progress import Failure
from tests.images import pull
from tests.integration.runs import ONE_IMAGE, REGISTRY, Ran, Workplace
from tests.repositories import Builder, Content
from tests.unit.build.dockerfile.test_tree import stats

pytestmark = [pytest.mark.engine, pytest.mark.registry]

FILES: Mapping[str, str] = {
    "werf.yaml": ONE_IMAGE,
    "Dockerfile": "FROM scratch\nCOPY . /\n",
    ".dockerignore": "werf*.yaml\n**/*.log\n.gitmodules\nDockerfile\n",
    "a/one": "1\n",
    "a/b/two": "2\n",
    "a/b/two.log": "ignored\n",
    "c/d/three": "3\n",
}
ADDED = f"{ONE_IMAGE}contextAddFiles: [made, a/one]\n"
PERMITTED = (
    "giterminismConfigVersion: 1\nconfig:\n  dockerfile:\n    allowContextAddFiles: [made, a/one]\n"
)


@dataclass
class Asked:
    """The paths whose contents BuildKit asked for, since it was last looked at."""

    paths: list[str] = field(default_factory=list)

    def take(self) -> set[str]:
        found = set(self.paths)
        assert len(found) == len(self.paths), "something was asked for twice"
        self.paths.clear()
        return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()
    plain = ContextListing.contents

    def contents(
        listing: ContextListing, numbers: Sequence[int]
    ) -> Iterator[tuple[int, Iterable[bytes]]]:
        names = stats(listing.packets)
        found.paths += [names[number].path for number in numbers]
        return plain(listing, numbers)

    monkeypatch.setattr(ContextListing, "contents", contents)
    return found


def unique(workplace: Workplace) -> dict[str, Content]:
    """The files, with contents that no BuildKit has seen under any name."""
    texts = {
        path: f"{FILES[path]}{workplace.unique}\n" for path in ("a/one", "a/b/two", "c/d/three")
    }
    return {**FILES, **texts}


def shown(files: Mapping[str, Content]) -> dict[str, str]:
    """The files that the image has, by path, with the hash of their content."""
    hidden = ("werf.yaml", "werf-giterminism.yaml", "a/b/two.log")
    return {
        path: sha256(str(text).encode()).hexdigest()
        for path, text in files.items()
        if path not in hidden
    }


def check_image(workplace: Workplace, ran: Ran, files: Mapping[str, Content]) -> None:
    """The exported image holds the files, and nothing else."""
    assert ran.code == 0, ran.text
    found = {
        each["path"].lstrip("/"): each["sha256"]
        for each in pull(workplace.tag).tree()
        if each["type"] == "f"
    }
    assert found == shown(files)


def by_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contexts are sent as tar streams from here on."""
    monkeypatch.setattr(Direct, "takes", lambda *_: False)


def test_only_what_changed_is_asked_for(workplace: Workplace, asked: Asked) -> None:
    files = unique(workplace)
    check_image(workplace, workplace.commit(files).export(), files)
    assert asked.take() == set(shown(files))
    for number in range(2):
        workplace.project.date += 60 * number
        files["a/b/two"] = f"{number}\n{workplace.unique}\n"
        check_image(workplace, workplace.commit(files).export(), files)
        assert asked.take() == {"a/b/two"}


def test_a_file_that_goes_and_one_that_comes(workplace: Workplace, asked: Asked) -> None:
    files = unique(workplace)
    workplace.commit(files).export()
    asked.take()
    workplace.project.delete("a/b")
    del files["a/b/two"], files["a/b/two.log"]
    files["a/b"] = f"a file now {workplace.unique}"
    check_image(workplace, workplace.commit(files).export(), files)
    assert asked.take() == {"a/b"}


def test_a_builder_that_lost_its_cache_gets_everything(
    workplace: Workplace, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = unique(workplace)
    workplace.commit(files).export()
    asked.take()

    def forgotten(**arguments: object) -> solves.Files:
        return replace(solves.Files(**arguments), key=uuid.uuid4().hex)  # type: ignore[arg-type]

    monkeypatch.setattr(images, "Files", forgotten)
    files["c/d/three"] = f"changed {workplace.unique}"
    check_image(workplace, workplace.commit(files).export(), files)
    assert asked.take() == set(shown(files))


def test_a_memory_that_was_lost_does_no_harm(workplace: Workplace, asked: Asked) -> None:
    files = unique(workplace)
    workplace.commit(files).export()
    for file in (workplace.folder / ".exporter/contexts").iterdir():
        file.unlink()
    asked.take()
    files["c/d/three"] = f"changed {workplace.unique}"
    check_image(workplace, workplace.commit(files).export(), files)
    assert asked.take() == {"c/d/three"}  # the commit's time is the same


def test_files_of_submodules_are_sent_and_change(
    workplace: Workplace, tmp_path: Path, asked: Asked
) -> None:
    files = unique(workplace)
    inner = Builder(path=tmp_path / "inner").init()
    inner.write({"three": f"3 {workplace.unique}", "deep/four": "4\n"}).commit()
    workplace.project.init().write(files).submodule(inner.path, "a/sub").commit()
    files |= {"a/sub/three": f"3 {workplace.unique}", "a/sub/deep/four": "4\n"}
    check_image(workplace, workplace.export(), files)
    asked.take()
    files["a/sub/three"] = f"5 {workplace.unique}"
    inner.write({"three": files["a/sub/three"]}).commit()
    checkout = workplace.project.path / "a/sub"
    workplace.project.git("pull", "-q", cwd=checkout)
    workplace.project.commit()
    check_image(workplace, workplace.export(), files)
    assert asked.take() == {"a/sub/three"}


def test_uncommitted_files_of_the_development_mode(workplace: Workplace, asked: Asked) -> None:
    files = unique(workplace)
    workplace.commit(files).export()
    asked.take()
    for text in ("5", "6"):
        files["a/one"] = f"{text} {workplace.unique}"
        workplace.project.write({"a/one": files["a/one"]})
        check_image(workplace, workplace.export("--dev"), files)
        assert asked.take() == {"a/one"}


def test_added_files_change_without_a_commit(workplace: Workplace, asked: Asked) -> None:
    files = {**unique(workplace), "werf.yaml": ADDED, "werf-giterminism.yaml": PERMITTED}
    workplace.commit(files)
    for text in ("one", "two", "of another size"):
        files |= {"made/deep/file": f"{text} {workplace.unique}", "a/one": "the work tree's"}
        workplace.project.write({path: files[path] for path in ("made/deep/file", "a/one")})
        check_image(workplace, workplace.export(), files)
        assert "made/deep/file" in asked.take()


def test_files_that_are_no_longer_added_are_gone(workplace: Workplace) -> None:
    files = {**unique(workplace), "werf.yaml": ADDED, "werf-giterminism.yaml": PERMITTED}
    workplace.commit(files).project.write({"made/file": "made", "a/one": "the work tree's"})
    check_image(
        workplace, workplace.export(), {**files, "made/file": "made", "a/one": "the work tree's"}
    )
    workplace.project.delete("made").write({"a/one": files["a/one"]})
    files["werf.yaml"] = ONE_IMAGE
    check_image(workplace, workplace.commit(files).export(), files)


def test_a_pointer_of_lfs_is_said_whenever_an_image_is_built(workplace: Workplace) -> None:
    oid = sha256(workplace.unique.encode()).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 1\n"
    files = {**unique(workplace), "a/big.bin": pointer}
    message = "'a/big.bin' enters the build context as a pointer of Git LFS"
    for number in range(3):
        files["c/d/three"] = f"{number} {workplace.unique}"
        ran = workplace.commit(files).export()
        assert ran.code == 0, ran.text
        assert ran.text.count(message) == 1


def test_names_may_be_any_that_git_has(workplace: Workplace) -> None:
    odd = ["new\nline", "tab\t/x", "*", "[a]?", "back\\slash", '"', "ä/ö", " ", "-", "a..b/..c"]
    files = {**FILES, **{f"odd/{name}": workplace.unique for name in odd}}
    for _ in range(2):
        files["a/one"] = f"{uuid.uuid4()}"
        check_image(workplace, workplace.commit(files).export(), files)


def test_names_may_be_no_text(workplace: Workplace) -> None:
    name = os.fsdecode(b"bytes \xff/\xfe")
    files = {**FILES, name: workplace.unique}
    check_image(workplace, workplace.commit(files).export(), files)


def test_names_that_buildkit_refuses_go_as_an_archive(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What BuildKit 0.33 said of such a name; older ones take it."""
    step = "[internal] load build context"
    said = "grpc: failed to unmarshal the received message: string field contains invalid UTF-8"
    failure = Failure(step=step, message=f"rpc error: code = Internal desc = {said}")
    monkeypatch.setattr(Direct, "once", lambda *_: failure)
    files = {**FILES, os.fsdecode(b"bytes \xff/\xfe"): workplace.unique}
    check_image(workplace, workplace.commit(files).export(), files)


@pytest.mark.parametrize("name", ["ä/ö", "with space/+%41", "plus+/%2F", "ä ö/+"])
def test_a_name_that_is_asked_for_alone_may_have_any_letters(
    workplace: Workplace, asked: Asked, name: str
) -> None:
    dockerfile = f'FROM scratch\nCOPY ["{name}", "/x"]\n'
    text = f"found {workplace.unique}"
    ran = workplace.commit({**FILES, name: text, "Dockerfile": dockerfile}).export()
    assert ran.code == 0, ran.text
    assert asked.take() == {name}
    assert [each["sha256"] for each in pull(workplace.tag).tree() if each["path"] == "/x"] == [
        sha256(text.encode()).hexdigest()
    ]


def test_many_files_of_one_commit(workplace: Workplace, asked: Asked) -> None:
    files = unique(workplace)
    files |= {f"many/d{each % 40}/f{each}": f"{each} {workplace.unique}" for each in range(3000)}
    check_image(workplace, workplace.commit(files).export(), files)
    assert asked.take() == set(shown(files))
    files["many/d7/f7"] = workplace.unique
    check_image(workplace, workplace.commit(files).export(), files)
    assert asked.take() == {"many/d7/f7"}


def test_a_large_file_arrives_whole(workplace: Workplace) -> None:
    files = {**unique(workplace), "large": f"{workplace.unique}\n" * 400_000, "empty": ""}
    check_image(workplace, workplace.commit(files).export(), files)


LINKED: Mapping[str, Content] = {
    "werf.yaml": ONE_IMAGE,
    "data/deep/file": "found",
    "data/link": {"symlink": "deep/file"},
    "link": {"symlink": "data/deep/file"},
    "rooted": {"symlink": "/data/deep/file"},
    "out": {"symlink": "../../data/deep/file"},
    "twice": {"symlink": "folder/link"},
    "folder": {"symlink": "data"},
    "sub/folder": {"symlink": "../data/deep"},
    "ab/b": {"symlink": "../data/deep/file"},
    "unused": "not wanted",
}


@pytest.mark.parametrize("way", ["direct", "stream"])
@pytest.mark.parametrize(
    ("instruction", "path"),
    [
        ("COPY link /x", "x"),
        ("COPY rooted /x", "x"),
        ("COPY out /x", "x"),
        ("COPY twice /x", "x"),
        ("COPY folder/deep/file /x", "x"),
        ("COPY folder/deep /x", "x/file"),
        ("COPY folder/link /x", "x"),
        ("COPY folder/d*/f* /x/", "x/file"),
        ("COPY sub/folder /x", "x/file"),
        ("COPY sub/fol* /x/", "x/file"),
        ("COPY data/l* /x/", "x/link"),
        ("COPY a*/b /x", "x"),
        ("COPY ab/b* /x/", "x/b"),
        ("ADD link /x", "x"),
    ],
)
def test_what_links_lead_to_is_copied(
    workplace: Workplace, way: str, instruction: str, path: str
) -> None:
    if way == "stream":
        by_stream(workplace.patch)
    # the content differs, so that no result of another test is taken
    found = {"data/deep/file": f"found {workplace.unique}"}
    files = {**LINKED, **found, "Dockerfile": f"FROM scratch\n{instruction}\n"}
    ran = workplace.commit(files).export()
    assert ran.code == 0, ran.text
    copied = [each for each in pull(workplace.tag).tree() if each["type"] != "d"]
    content = sha256(found["data/deep/file"].encode()).hexdigest()
    assert [(each["path"], each["type"], each["sha256"]) for each in copied] == [
        (f"/{path}", "f", content)
    ]


@pytest.mark.parametrize("way", ["direct", "stream"])
@pytest.mark.parametrize("source", ["folder/deep", "sub/folder", "folder/link"])
def test_what_links_lead_to_is_mounted(workplace: Workplace, way: str, source: str) -> None:
    if way == "stream":
        by_stream(workplace.patch)
    dockerfile = (
        f"FROM {REGISTRY}/base/busybox:1\n"
        f"RUN --network=none --mount=type=bind,source={source},target=/m cp -rL /m /x\n"
    )
    text = f"found {workplace.unique}"
    ran = workplace.commit({**LINKED, "data/deep/file": text, "Dockerfile": dockerfile}).export()
    assert ran.code == 0, ran.text
    copied = [each for each in pull(workplace.tag).tree() if each["path"].startswith("/x")]
    assert sha256(text.encode()).hexdigest() in [each.get("sha256") for each in copied]


def test_unused_files_are_not_asked_for(workplace: Workplace, asked: Asked) -> None:
    found = {"data/deep/file": f"found {workplace.unique}", "unused": workplace.unique}
    dockerfile = "FROM scratch\nCOPY folder/link /x\n"
    workplace.commit({**LINKED, **found, "Dockerfile": dockerfile}).export()
    assert asked.take() == {"data/deep/file"}


def test_both_ways_make_the_same_files(workplace: Workplace) -> None:
    files: dict[str, Content] = {
        **unique(workplace),
        "werf.yaml": ADDED,
        "werf-giterminism.yaml": PERMITTED,
        ".gitattributes": "*.txt text eol=crlf\n*.w working-tree-encoding=UTF-16LE\n*.id ident\n",
        "x/.gitattributes": "plain.txt -text\n",
        "x/windows.txt": "1\n2\n",
        "x/plain.txt": "1\n2\n",
        "x/text.w": "wide".encode("utf-16-le"),
        "x/version.id": "$Id$\n",
        "run.sh": {"text": "#!/bin/sh\n", "mode": "0755"},
        "private": {"text": "secret\n", "mode": "0600"},
        "links/file": {"symlink": "../run.sh"},
        "links/folder": {"symlink": "../x"},
        "links/gone": {"symlink": "/nowhere"},
        "logs/only.log": "ignored\n",
        "empty": "",
        "\u00e4/ \t'\"": "odd\n",
    }
    workplace.commit(files).project.write(
        {
            "made/tool": {"text": "made\n", "mode": "0711"},
            "made/link": {"symlink": "tool"},
            "made/ignored.log": "but added\n",
            "a/one": "the work tree's\n",
        }
    )
    trees = []
    for way in ("direct", "stream"):
        if way == "stream":
            by_stream(workplace.patch)
        ran = workplace.run("export", "--repo", f"{workplace.repo}/{way}", "--tag", workplace.tag)
        assert ran.built, ran.text
        trees.append(pull(workplace.tag).tree())
    direct, stream = trees
    assert direct == stream
    found = {each["path"]: each for each in direct}
    assert found["/x/windows.txt"]["size"] == len("1\r\n2\r\n")
    assert found["/x/text.w"]["size"] == len("wide".encode("utf-16-le"))
    assert found["/made/tool"]["mode"] == "0755"
    assert found["/made/link"]["link"] == "tool"
    assert "/logs" not in found
