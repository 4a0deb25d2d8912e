"""The commits of every recorded case can be rebuilt, and the exporter reads them as werf did."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.git.dev import open_dev
from exporter.git.path_match import path_matcher
from exporter.git.repository import Repository
from exporter.git.trees import CommitTree
from tests.vectors.dockerfile_case import DockerfileCase, case_files
from tests.vectors.folder import VECTORS
from tests.vectors.stapel_case import StapelCase

_DOCKERFILE = [pytest.param(path, id=path.stem) for path in case_files()]
_STAPEL = [pytest.param(path, id=path.stem) for path in case_files("export/stapel")]


def _digest_inputs(case: str) -> list[dict[str, Any]]:
    path = VECTORS / "export" / "dockerfile-digest-inputs.json"
    records: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    return [record for record in records if record["case"] == case]


@pytest.mark.parametrize("path", _DOCKERFILE)
def test_a_dockerfile_case_has_the_recorded_commits_and_trees(path: Path, tmp_path: Path) -> None:
    case = DockerfileCase.start(path, tmp_path)
    for step in case.steps:
        case.apply(step)
        with Repository.open(case.project.path, env=dict(os.environ)) as repository:
            assert (repository.head.object_id, repository.head.tree) == (step["head"], step["tree"])


@pytest.mark.parametrize("path", _STAPEL)
def test_a_stapel_case_has_the_recorded_commits(path: Path, tmp_path: Path) -> None:
    case = StapelCase.start(path, tmp_path)
    for index, step in enumerate(case.steps):
        remote_commits = case.apply(index)
        assert remote_commits == step["expect"].get("remote_commits", [])
        if "commit" in step["expect"]:
            with Repository.open(case.project.path, env=dict(os.environ)) as repository:
                assert repository.head.object_id == step["expect"]["commit"]


@pytest.mark.parametrize("path", _DOCKERFILE)
def test_sources_have_the_recorded_checksums(path: Path, tmp_path: Path) -> None:
    """A record is of the head commit or, for a run with --dev, of the work tree."""
    records = _digest_inputs(path.stem)
    case = DockerfileCase.start(path, tmp_path)
    for step in case.steps:
        case.apply(step)
        of_step = [record for record in records if record["step"] == step["step"]]
        with (
            Repository.open(case.project.path, env=dict(os.environ)) as repository,
            open_dev(repository) as dev,
        ):
            _compare(of_step, trees=(repository.tree(), dev.tree()))


def _compare(records: list[dict[str, Any]], *, trees: tuple[CommitTree, CommitTree]) -> None:
    """Projects with a .dockerignore are left to the tests of the package that reads it."""
    head, _ = trees
    if any(name.endswith(".dockerignore") for name, *_ in head.files()):
        return
    for record in records:
        base = _context(head, record.get("image", ""))
        for files in record.get("files", ()):
            globs = [wildcard.lstrip("/") for wildcard in files["wildcards"]]
            matcher = path_matcher(base=base, include=globs)
            assert files["lstree_sha256"] in [tree.checksum(base, matcher) for tree in trees]


def _context(tree: CommitTree, image: str) -> str:
    """The image's ``context``, as long as werf.yaml needs no template engine for it."""
    config = tree.read_file("werf.yaml").decode()
    for document in yaml.safe_load_all(config) if "{{" not in config else ():
        names = document.get("image", "")
        if image in (names if isinstance(names, list) else [names]):
            return str(document.get("context", "")).strip("/")
    return ""
