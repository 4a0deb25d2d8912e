"""Cases of ``template/``: a template each, rendered in memory or in a repository of its own."""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporter.git.repository import Repository
from exporter.gotemplate.sprig import Runtime
from exporter.project.giterminism import Giterminism
from exporter.project.project_files import ConfigFile, ProjectFiles
from exporter.project.rendering import CommitFacts, RenderOptions, render
from exporter.project.template_source import Source
from exporter.project.work_tree import WorkTree
from tests.vectors.folder import VECTORS
from tests.vectors.go_values import from_json
from tests.vectors.project_case import git, write

Case = dict[str, Any]

_OUTSIDE = ("files", "env", "giterminism", "loose")
_NO_COMMIT = {"Hash": "0" * 40, "Human": "", "Unix": ""}


def cases() -> list[Any]:
    """Parameters of a test: every case of every group, with the group's defaults filled in."""
    found = []
    for path in sorted((VECTORS / "template").glob("*.json")):
        group = json.loads(path.read_text("utf-8"))
        if "cases" not in group:  # the list of functions
            continue
        for case in group["cases"]:
            whole = group["defaults"] | {"group": path.stem, "hint": group["error_hint"]} | case
            looks_outside = "env " in case["template"] or ".Files" in case["template"]
            whole["in_memory"] = not looks_outside and not any(key in case for key in _OUTSIDE)
            found.append(pytest.param(whole, id=f"{path.stem}: {case['name']}"))
    return found


class InMemory:
    """A project of nothing but its config and its templates."""

    loose = False

    def __init__(self, case: Case) -> None:
        self.case = case

    def read_werf_config(self, path: str = "") -> ConfigFile:
        return ConfigFile(path or "werf.yaml", self.case["template"].encode())

    def read_templates(self, directory: str = "") -> list[ConfigFile]:
        assert not directory
        return [
            ConfigFile(name, text.encode())
            for name, text in sorted(self.case["templates"].items())
            if name.endswith(".tmpl")
        ]

    def read_template_file(self, path: str) -> bytes:
        raise AssertionError(path)

    def glob_template_files(self, pattern: str) -> list[ConfigFile]:
        raise AssertionError(pattern)

    def template_file_exists(self, path: str) -> bool:
        raise AssertionError(path)

    def template_file_is_dir(self, path: str) -> bool:
        raise AssertionError(path)

    def check_env(self, name: str) -> None:
        raise AssertionError(name)


def rendered(case: Case, parent: Path, empty_git: Path) -> str:
    """Render the case.

    Args:
        case: One of ``cases``.
        parent: An empty directory.
        empty_git: A ``.git`` directory of an empty repository.

    Raises:
        RenderError: The template does not parse or execute.
    """
    if case["in_memory"]:
        return _render(InMemory(case), case)
    project = parent / "project"
    project.mkdir()
    shutil.copytree(empty_git, project / ".git")
    files = {"werf.yaml": case["template"], **case["files"]}
    files |= {f".werf/{name}": text for name, text in case["templates"].items()}
    if case["giterminism"] is not None:
        files["werf-giterminism.yaml"] = case["giterminism"]
    write(project, files)
    git(project, "add", "--all", "--force")
    git(project, "commit", "--quiet", "--message", "init")
    with Repository.open(project, env={}) as repository:
        tree = WorkTree(project, top=project)
        project_files = ProjectFiles(repository, tree, loose=case["loose"], dev=False)
        return _render(Giterminism(project_files, home=parent, cwd=project), case)


def _render(source: Source, case: Case) -> str:
    facts: Mapping[str, str] = case.get("commit", _NO_COMMIT)
    options = RenderOptions(
        env=case["env"],
        werf_env=case["werf_env"],
        commit=CommitFacts(hash=facts["Hash"], human=facts["Human"], unix=facts["Unix"]),
        debug=case["debug"],
        data=from_json(case["data"]),
        runtime=Runtime(
            now_ns=lambda: 0, random_bytes=bytes, resolve_host=lambda _: (), zone=_zone
        ),
    )
    return render(source, options=options).text


def _zone(name: str) -> tzinfo | None:
    if name == "Local":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        return None
