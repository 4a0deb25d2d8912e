"""Archived content is what a real checkout writes, for many attributes and contents."""

import os
from pathlib import Path

import pytest

from exporter.git.archive import archive
from exporter.git.repository import Repository
from tests.repositories import Builder

_CONTENTS = {
    "lf": b"a\nb\n",
    "crlf": b"a\r\nb\r\n",
    "mixed": b"a\nb\r\nc\n",
    "bare-cr": b"a\rb\nc\n",
    "nul": b"a\0b\nc\n",
    "control": b"\x01\x02\x03\na\n",
    "mostly-text": b"t" * 400 + b"\x01\n",
    "end-of-file": b"text\n\x1a",
    "no-end": b"a\nb",
    "empty": b"",
    "ident": b"x $Id$ y\n$Id: old $\n$Id: for eign $ $Id:$ $Id\n$Idx$ $Id:a$ $Id: b c$\n",
    "umlaut": "größe\n".encode(),
    "not-utf8": b"\xff\xfe\n",
}
_ATTRIBUTES = [
    "* text",
    "* text=auto",
    "* text eol=crlf",
    "* text=auto eol=crlf",
    "* text=auto eol=lf",
    "* text=input eol=crlf",
    "* text=wrong eol=crlf",
    "* eol=crlf",
    "* -text eol=crlf",
    "* binary\n*.txt eol=crlf text",
    "* text eol=crlf\n*.txt binary",
    "* text eol=crlf\n*.txt !text !eol",
    "* crlf eol=crlf",
    "* -crlf eol=crlf",
    "* crlf=input",
    "* ident",
    "* ident text eol=crlf",
    "*.txt working-tree-encoding=UTF-16LE",
    "*.txt working-tree-encoding=UTF-16LE-BOM text eol=crlf",
    "* working-tree-encoding=ISO-8859-1",
    "* working-tree-encoding=UTF-8",
    "[attr]dos text eol=crlf\n* dos",
    "[attr]dos text eol=crlf\n* dos -text",
    "* filter=lfs diff=lfs merge=lfs -text",
    "* export-ignore export-subst",
    "!* text eol=crlf",
    "# * text eol=crlf\n\n \t\n*.none eol=crlf",
]


@pytest.mark.parametrize("attributes", _ATTRIBUTES)
def test_content_is_that_of_a_checkout(attributes: str, tmp_path: Path) -> None:
    origin = Builder(path=tmp_path / "origin").init()
    files = {f"{name}.txt": content for name, content in _CONTENTS.items()}
    # committed without attributes, so that every content gets into the repository as it is
    origin.write({**files, "d/e/deep.txt": _CONTENTS["lf"], "d/e/deep.bin": _CONTENTS["lf"]})
    origin.git("add", "-A")
    origin.write({".gitattributes": attributes + "\n"}).git("add", ".gitattributes")
    _compare(origin, tmp_path)


@pytest.mark.parametrize(
    "pattern",
    [
        "*.txt", "deep.txt", "d", "d/", "d/*", "d/**", "/deep.txt", "d/*.txt", "/d/e/deep.txt",
        "**/deep.txt", "d/**/deep.txt", "**/e/*", "*/deep.txt", "e/deep.txt", "d**", "**p.txt",
        "dee[a-q].txt", "dee[!p].txt", "dee[[:alpha:]].txt", "d[!x]e/deep.txt", "d?e/deep.txt",
        "*e*", "\\*.txt", '"deep.txt"', "dee\\p.txt", "dee[p.txt", "[]p]*", "{deep}.txt",
        '"with space.txt"', "with[[:space:]]space.txt", "*/*/*", "***", "d/e/**",
    ],
)  # fmt: skip
def test_patterns_are_those_of_a_checkout(pattern: str, tmp_path: Path) -> None:
    origin = Builder(path=tmp_path / "origin").init()
    names = ["deep.txt", "d/deep.txt", "d/e/deep.txt", "x/e/y", "*.txt", "d/with space.txt", "]p"]
    origin.write(dict.fromkeys(names, "line\n") | {".gitattributes": f"{pattern} eol=crlf\n"}).git(
        "add", "-A"
    )
    _compare(origin, tmp_path)


def test_deeper_files_decide_and_submodules_have_their_own(tmp_path: Path) -> None:
    inner = Builder(path=tmp_path / "inner").init()
    inner.write({".gitattributes": "*.i eol=crlf\n", "a.i": "a\n", "a.o": "a\n"}).commit()
    origin = Builder(path=tmp_path / "origin").init().submodule(inner.path, "sub")
    origin.write(
        {
            ".gitattributes": "*.o eol=crlf\n[attr]m eol=crlf\n",
            "a.o": "a\n",
            "d/.gitattributes": "*.o eol=lf\nx.* m\n[attr]n eol=crlf\nz.* n\n/e/w eol=crlf\n",
            "d/a.o": "a\n",
            "d/e/w": "a\n",
            "d/x.y": "a\n",
            "d/z.y": "a\n",
            "d/e/.gitattributes": "*.o !eol\n",
            "d/e/a.o": "a\n",
        }
    ).git("add", "-A")
    _compare(origin, tmp_path)


def _compare(origin: Builder, tmp_path: Path) -> None:
    """Commit what is staged, and compare the archive with a fresh clone."""
    origin.git("commit", "-q", "-m", "all")
    clone = tmp_path / "clone"
    origin.git("clone", "-q", "--recurse-submodules", str(origin.path), str(clone))
    with Repository.open(clone, env=dict(os.environ)) as repository:
        archived = {file.path: file.read() for file in archive(repository.tree())}
    on_disk = {
        path: (clone / path).read_bytes() for path in archived if not path.endswith(".gitmodules")
    }
    assert {path: archived[path] for path in on_disk} == on_disk
