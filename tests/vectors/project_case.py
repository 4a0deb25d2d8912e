"""Cases of ``config/`` and ``giterminism/``: a real repository each, and the commands run on it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter import usage
from exporter.project.commands import config_graph, config_list, config_render
from exporter.project.loader import Project, ProjectOptions, load_project, warnings_of
from exporter.resolve import resolve
from tests.vectors.folder import VECTORS

Case = dict[str, Any]
Files = Mapping[str, Any]

_WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (
        ("NAME", "Vec"),
        ("EMAIL", "vec@example.org"),
        ("DATE", "2024-01-02T03:04:05+03:00"),
    )
}
_GIT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **_WHO,
}
_SWITCHES = frozenset({"--images-only", "--log-pretty=false", "--log-terminal-width=1000"})
"""Flags of the original that do not matter to what a command prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command printed, and what it warned of."""

    text: str
    warnings: tuple[str, ...]


def cases(group: str, *files: str) -> list[Any]:
    """Parameters of a test: every case of some files of a group, or of all."""
    folder = VECTORS / group
    found = [folder / f"{name}.json" for name in files] or sorted(folder.glob("*.json"))
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in found
        if path.exists()
        for case in json.loads(path.read_text("utf-8"))["cases"]
    ]


def template_git(parent: Path) -> Path:
    """A ``.git`` directory of an empty repository to copy from, without example hooks."""
    git(parent, "init", "--quiet", "--initial-branch", "main")
    shutil.rmtree(parent / ".git" / "hooks", ignore_errors=True)
    return parent / ".git"


def build(case: Case, parent: Path, template: Path) -> Path:
    """Make the repository of a case below ``parent``, as ``setup`` in the vectors says.

    Args:
        case: The case.
        parent: An empty directory.
        template: A ``.git`` directory of an empty repository.
    """
    project = parent / "demo-dir"
    project.mkdir(parents=True)
    if case.get("no_git"):
        write(project, case["files"])
        return project
    shutil.copytree(template, project / ".git")
    write(project, case["files"])
    if "submodule" in case:
        add_submodule(project, case["submodule"], template)
    if not case.get("no_commit"):
        git(project, "add", "--all", "--force")
        git(project, "commit", "--quiet", "--allow-empty", "--message", "init")
    if "origin" in case:
        git(project, "remote", "add", "origin", case["origin"])
    write(project, case.get("uncommitted", {}))
    if "staged" in case:
        git(project, "add", *case["staged"])
    for step in case.get("git_after", ()):
        git(project / step.get("cwd", "."), *step["git"])
    return project


def add_submodule(project: Path, submodule: Mapping[str, Any], template: Path) -> None:
    """Make a repository beside the project and add it as submodule."""
    origin = project.parent / "submodule-origin"
    origin.mkdir()
    shutil.copytree(template, origin / ".git")
    write(origin, submodule["files"])
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "init")
    allow = ("-c", "protocol.file.allow=always")
    git(project, *allow, "submodule", "--quiet", "add", str(origin), submodule["path"])


def write(top: Path, files: Files) -> None:
    """Write, link or delete files."""
    for path, content in files.items():
        target = top / path
        if content is None:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            target.write_bytes(content.encode())
        elif "symlink" in content:
            target.unlink(missing_ok=True)
            target.symlink_to(content["symlink"])
        else:
            target.write_bytes(content["text"].encode())
            target.chmod(int(content["mode"], 8))


def git(cwd: Path, *arguments: str) -> None:
    """Run git as the vectors' author."""
    subprocess.run(["git", *arguments], cwd=cwd, env=_GIT, check=True, capture_output=True)


def run(case: Case, project: Path) -> Outcome:
    """Run the case's command.

    Raises:
        ExporterError: The command refuses.
    """
    command = case.get("command", "config render")
    env = {"PATH": os.environ["PATH"], "HOME": str(project.parent), "LANG": "C.UTF-8", "TZ": "UTC"}
    env |= case.get("env", {})
    words = [word.replace("{PROJECT}", str(project)) for word in case.get("args", ())]
    final_only = "--final-images-only" in words or "--images-only" in words
    words = [word for word in words if word not in _SWITCHES and word != "--final-images-only"]
    asked = usage.read([*command.split(), *words])
    assert isinstance(asked, usage.Asked)
    options = resolve(asked.command, flags=asked.flags, arguments=asked.arguments, env=env)
    project_options = ProjectOptions.of(options, cwd=project / case.get("cwd", "."), env=env)
    final_only = final_only or (
        command == "config graph" and env.get("WERF_FINAL_IMAGES_ONLY") in ("1", "true", "yes")
    )
    with load_project(project_options) as loaded:
        return Outcome(
            text=printed(loaded, command, asked.arguments, final_only=final_only),
            warnings=warnings_of(loaded, project_options),
        )


def printed(project: Project, command: str, names: Sequence[str], *, final_only: bool) -> str:
    """What the command prints."""
    match command:
        case "config render":
            return config_render(project, names)
        case "config list":
            return config_list(project.config, final_only=final_only)
        case "config graph":
            return config_graph(project.config, names, final_only=final_only)
        case _:
            raise AssertionError(command)


def first_paragraph(text: str) -> str:
    """The part before the first blank line, which is the original's own wording."""
    return text.partition("\n\n")[0].rstrip()


def without_paths(text: str, project: Path) -> str:
    """A text with the places of this run as the vectors write them."""
    return text.replace(str(project), "{PROJECT}").replace(str(project.parent), "{PARENT}")
