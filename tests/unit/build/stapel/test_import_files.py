"""Rules of imports as rsync's filters have them."""

import re
from types import SimpleNamespace
from typing import cast

import pytest

from exporter.build.stapel.import_files import rules_of
from exporter.project.models.imports import Import


def _import(*, add: str, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Import:
    export = SimpleNamespace(add=add, include_paths=include, exclude_paths=exclude)
    return cast("Import", SimpleNamespace(export=export))


def _takes(entry: Import, path: str, *, directory: bool = False) -> bool:
    kept = False
    rules = rules_of(entry)
    for kind, expression in rules:
        matches = re.search(expression, path) is not None
        if kind == "x" and matches:
            return False
        kept |= matches and (kind == "+" or (kind == "d" and directory))
    return kept or all(kind == "x" for kind, _ in rules)


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        pytest.param("out/bin", True, id="the included directory"),
        pytest.param("out/bin/app", True, id="what is in it"),
        pytest.param("out/bin/app.dbg", False, id="excluded at any depth"),
        pytest.param("out/top.so", True, id="two stars stand for no directory, too"),
        pytest.param("out/a/b/c.so", True, id="two stars stand for several"),
        pytest.param("out/doc/d.md", False, id="not included"),
        pytest.param("out/topxso", False, id="a dot is a dot"),
    ],
)
def test_includes_and_excludes(path: str, taken: bool) -> None:  # noqa: FBT001 - an expectation
    entry = _import(add="/out", include=("bin", "**/*.so"), exclude=("**/*.dbg",))
    assert _takes(entry, path) is taken


def test_directories_on_the_way_are_taken_only_as_directories() -> None:
    entry = _import(add="/", include=("usr/lib/x",))
    assert _takes(entry, "usr/lib", directory=True)
    assert not _takes(entry, "usr/lib")


def test_without_includes_everything_else_is_taken() -> None:
    entry = _import(add="/out", exclude=("doc",))
    assert _takes(entry, "out/bin/app")
    assert not _takes(entry, "out/doc")


def test_globs_of_an_import_of_the_root_match_at_any_depth() -> None:
    entry = _import(add="/", include=("app", "*/f"), exclude=("*.pyc",))
    assert _takes(entry, "app/main.py")
    assert not _takes(entry, "app/a/b.pyc")
    assert _takes(entry, "srv/a/f")
    assert not _takes(entry, "srv/a/g")


@pytest.mark.parametrize(
    ("glob", "path", "taken"),
    [
        pytest.param("a?c", "out/abc", True, id="one character"),
        pytest.param("a?c", "out/a/c", False, id="but no slash"),
        pytest.param("[!a]b", "out/ab", False, id="a negated set"),
        pytest.param("[ab]c", "out/bc", True, id="a set"),
        pytest.param("a+b", "out/a+b", True, id="no expression of its own"),
        pytest.param(r"a\*b", "out/a*b", True, id="an escaped star"),
    ],
)
def test_globs(glob: str, path: str, taken: bool) -> None:  # noqa: FBT001 - an expectation
    assert _takes(_import(add="/out", include=(glob,)), path) is taken
