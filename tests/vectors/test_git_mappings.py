"""Patches and stageDependencies checksums of local git mappings, as they entered real digests."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from exporter.git.diff import PATCH_CACHE_BYTES, patch_size, patch_text
from exporter.git.mappings import GitMapping, dependencies_checksum
from exporter.git.remote import Remote, find_commit, open_remote
from exporter.git.repository import Repository
from exporter.git.trees import CommitTree
from tests.vectors.folder import VECTORS
from tests.vectors.stapel_case import StapelCase

_GROUP = VECTORS / "export"
_RECORDS: list[dict[str, Any]] = json.loads((_GROUP / "stapel-digest-inputs.json").read_text())[
    "stages"
]
_PATCHES = [
    pytest.param(record, id=f"{record['case']}-{record['first_step']}-{record['stage']}")
    for record in _RECORDS
    if record["stage"] in ("gitLatestPatch", "gitCache")
]
_DEPENDENCIES = [
    pytest.param(record, id=f"{record['case']}-{record['first_step']}-{record['stage']}")
    for record in _RECORDS
    if any(record.get("mapping_checksums", ()))
]


def _items(config: str, image: str) -> list[dict[str, Any]]:
    for document in yaml.safe_load_all(config):
        if document.get("image") == image:
            # werf takes the local mappings before the remote ones
            return sorted(document["git"], key=lambda item: "url" in item)
    raise LookupError(image)


def _mappings(items: list[dict[str, Any]]) -> Iterator[GitMapping]:
    """The mappings of an image; a mapping leaves out the places of others inside of it."""
    for item in items:
        to = item["to"].rstrip("/")
        inner = [
            other["to"].rstrip("/").removeprefix(f"{to}/")
            for other in items
            if other is not item
            and other["to"].startswith(f"{to}/")
            and not item.get("includePaths")
        ]
        yield GitMapping(
            add=item.get("add", "/"),
            to=to,
            include=tuple(item.get("includePaths", ())),
            exclude=(*item.get("excludePaths", ()), *inner),
        )


def _replay(record: dict[str, Any], directory: Path) -> tuple[StapelCase, list[str]]:
    """The project as it was in the step of a record, and the commits so far."""
    path = _GROUP / "stapel" / f"{record['case']}.json"
    if not path.exists():
        pytest.skip(f"{path.name} is not in this set of vectors")
    case = StapelCase.start(path, directory)
    commits: list[str] = []
    for index in range(record["first_step"] + 1):
        case.apply(index)
        commits.append(case.project.git("rev-parse", "HEAD"))
    return case, commits


@contextmanager
def _tree_of(
    item: dict[str, Any], local: CommitTree, *, env: Mapping[str, str]
) -> Iterator[CommitTree]:
    """The tree that a mapping takes its files from."""
    if "url" not in item:
        yield local
        return
    with (
        TemporaryDirectory() as cache,
        open_remote(Remote.of(item["url"]), cache=Path(cache), env=env) as remote,
    ):
        wanted = {key: item[key] for key in ("branch", "tag", "commit") if key in item}
        yield remote.tree(find_commit(remote, **wanted).object_id)


@pytest.mark.parametrize("record", _PATCHES)
def test_the_patch_from_an_earlier_commit_is_the_recorded_one(
    record: dict[str, Any], tmp_path: Path
) -> None:
    """Which commit a patch starts from is the stapel package's question; one of them must fit."""
    case, commits = _replay(record, tmp_path)
    with Repository.open(case.project.path, env=dict(os.environ)) as repository:
        config = repository.tree().read_file("werf.yaml").decode()
        mappings = list(_mappings(_items(config, record["image"])))
        head = repository.head.object_id
        if record["stage"] == "gitCache":
            found = [
                [str(sum(patch_size(repository, commit, head, each) for each in mappings)
                 // PATCH_CACHE_BYTES)]
                for commit in commits[:-1]
            ]  # fmt: skip
        else:
            found = [
                [patch_text(repository, commit, head, each).decode() for each in mappings]
                for commit in commits[:-1]
            ]
        assert record["stage_dependencies_args"] in found


@pytest.mark.parametrize("record", _DEPENDENCIES)
def test_stage_dependencies_have_the_recorded_checksums(
    record: dict[str, Any], tmp_path: Path
) -> None:
    case, _ = _replay(record, tmp_path)
    with Repository.open(case.project.path, env=dict(os.environ)) as repository:
        tree = repository.tree()
        items = _items(tree.read_file("werf.yaml").decode(), record["image"])
        checksums = []
        for item, mapping in zip(items, _mappings(items), strict=True):
            globs = item.get("stageDependencies", {}).get(record["stage"], [])
            globs = [globs] if isinstance(globs, str) else globs
            with _tree_of(item, tree, env={**os.environ, **case.git_env}) as source:
                checksums.append(dependencies_checksum(source, mapping, globs)[0])
        assert checksums == record["mapping_checksums"]
