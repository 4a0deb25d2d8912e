"""The project of a case in ``export/dockerfile``, rebuilt step by step (vectors/README.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.repositories import Builder, put
from tests.vectors.folder import VECTORS

_FIRST_DATE = 1_704_067_200
_SUBMODULE_SERVER = "http://127.0.0.1:47612/"


def case_files(group: str = "export/dockerfile") -> list[Path]:
    """Every case file of a group, by name."""
    return sorted((VECTORS / group).glob("*.json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerfileCase:
    """A case being replayed in a directory of its own.

    ``project`` is the work tree, ``outside`` what ``{tmp}`` stands for. Repositories of submodules
    are local; ``git_env`` lets other git commands find them under their recorded addresses.
    """

    data: Mapping[str, Any]
    project: Builder
    outside: Path
    remotes: Path

    @classmethod
    def start(cls, path: Path, directory: Path) -> "DockerfileCase":
        """Read a case and create its empty repository below ``directory``."""
        data = json.loads(path.read_text("utf-8"))
        remotes = directory / "remotes"
        outside = directory / "outside"
        remotes.mkdir()
        outside.mkdir()
        project = Builder(
            path=directory / "project",
            author=data["git"]["author"],
            date=_FIRST_DATE,
            branch=data["git"]["branch"],
            config={f"url.{remotes}/.insteadOf": _SUBMODULE_SERVER},
        )
        return cls(data=data, project=project.init(), outside=outside, remotes=remotes)

    @property
    def steps(self) -> list[Mapping[str, Any]]:
        """The steps in order; each has ``inputs``, ``head``, ``tree`` and ``runs``."""
        steps: list[Mapping[str, Any]] = self.data["steps"]
        return steps

    @property
    def git_env(self) -> dict[str, str]:
        """Variables under which git reaches the repositories of submodules."""
        return local_remotes(self.project.config)

    def apply(self, step: Mapping[str, Any]) -> None:
        """Bring the project to the state in which the runs of a step happen.

        ``http`` and ``base_push`` are left to the caller.
        """
        number, inputs = step["step"], step["inputs"]
        self.project.date = _FIRST_DATE + 3600 * number
        for path, content in inputs.get("outside", {}).items():
            put(self.outside, path, content)
        self.project.write(inputs.get("write", {}))
        for rule in _as_list(inputs.get("write_generated")):
            self.project.write(_generated(rule))
        self.project.delete(*inputs.get("delete", ()))
        for argv in inputs.get("git", ()):
            self.project.git(*argv)
        for repository in inputs.get("submodule_repo", ()):
            self._submodule(repository)
        if inputs.get("commit", True):
            self.project.commit(inputs.get("message", f"step {number}"))
        self.project.write(inputs.get("dirty", {}))

    def _submodule(self, repository: Mapping[str, Any]) -> None:
        name = repository["name"]
        bare = self.remotes / f"{name}.git"
        source = Builder(
            path=self.remotes / f"{name}.work",
            author=self.project.author,
            date=self.project.date,
            branch=self.project.branch,
        )
        is_new = not bare.exists()
        if is_new:
            source.init()
        source.write(repository.get("write", {})).commit(repository.get("message", "sub"))
        if is_new:
            source.git("clone", "-q", "--bare", str(source.path), str(bare))
        else:
            source.git("push", "-q", str(bare), source.branch)
        if "add_at" in repository:
            self.project.submodule(f"{_SUBMODULE_SERVER}{name}.git", repository["add_at"])
        if "update_at" in repository:
            cwd = self.project.path / repository["update_at"]
            self.project.git("pull", "-q", "--ff-only", cwd=cwd)


def local_remotes(config: Mapping[str, str]) -> dict[str, str]:
    """Variables that give other git commands the settings of a builder."""
    settings = {"protocol.file.allow": "always"} | dict(config)
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        variables[f"GIT_CONFIG_KEY_{index}"] = key
        variables[f"GIT_CONFIG_VALUE_{index}"] = value
    return variables


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _generated(rule: Mapping[str, Any]) -> dict[str, str]:
    """``count`` files; ``{i}`` and ``%d`` in path and text are the number, from 0."""

    def numbered(text: str, index: int) -> str:
        text = text.replace("{i}", str(index))
        return text % index if "%" in text else text

    return {
        numbered(rule["path"], index): numbered(rule.get("text", ""), index)
        for index in range(rule["count"])
    }
