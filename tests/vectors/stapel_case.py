"""The project of a case in ``export/stapel``, rebuilt step by step (vectors/README.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.repositories import Builder
from tests.vectors.dockerfile_case import local_remotes

_FIRST_DATE = 1_700_000_000
_REMOTES = "/srv/git/"


@dataclass(frozen=True, slots=True, kw_only=True)
class StapelCase:
    """A case being replayed in a directory of its own.

    ``project`` is the work tree. Remote repositories are local; ``git_env`` lets other git
    commands find them under their recorded addresses (``/srv/git/…``, ``file:///srv/git/…``).
    """

    data: Mapping[str, Any]
    project: Builder
    remotes: Path

    @classmethod
    def start(cls, path: Path, directory: Path) -> "StapelCase":
        """Read a case and create its empty repository below ``directory``."""
        data = json.loads(path.read_text("utf-8"))
        remotes = directory / "remotes"
        remotes.mkdir()
        config = {
            f"url.{remotes}/.insteadOf": _REMOTES,
            f"url.file://{remotes}/.insteadOf": f"file://{_REMOTES}",
        }
        project = Builder(path=directory / "project", date=_FIRST_DATE, config=config)
        return cls(data=data, project=project.init(), remotes=remotes)

    @property
    def steps(self) -> list[Mapping[str, Any]]:
        """The steps in order; each has ``input`` and ``expect``."""
        steps: list[Mapping[str, Any]] = self.data["steps"]
        return steps

    @property
    def git_env(self) -> dict[str, str]:
        """Variables under which git reaches the remote repositories."""
        return local_remotes(self.project.config)

    def apply(self, index: int) -> list[list[str]]:
        """Bring the project to the state in which the run of step ``index`` (from 0) happens.

        ``push_base`` and ``host_files`` are left to the caller.

        Returns:
            The commits made in remote repositories, one list for each.
        """
        inputs = self.steps[index]["input"]
        self.project.date = _FIRST_DATE + 60 * (index + 1)
        remote_commits = [self._remote(remote) for remote in inputs.get("remote", ())]
        for argv in inputs.get("git", ()):
            self._git(argv)
        self.project.write(inputs.get("write", {}))
        self.project.delete(*inputs.get("delete", ()))
        if "commit" in inputs:
            self.project.commit(inputs["commit"])
        for argv in inputs.get("git_after", ()):
            self.project.git(*argv)
        return remote_commits

    def _git(self, argv: list[str]) -> None:
        """Run git; clone will not look elsewhere for a repository given by its path."""
        local = f"{self.remotes}/"
        self.project.git(*(each.replace(_REMOTES, local) for each in argv))
        modules = self.project.path / ".gitmodules"
        if modules.exists():
            modules.write_text(modules.read_text("utf-8").replace(local, _REMOTES), "utf-8")

    def _remote(self, remote: Mapping[str, Any]) -> list[str]:
        bare = self.remotes / Path(remote["dir"]).relative_to(_REMOTES)
        source = Builder(path=bare.with_suffix(".work"), date=self.project.date)
        if not bare.exists():
            source.init()
            source.git("init", "-q", "--bare", "-b", source.branch, str(bare))
        commits = []
        for operation in remote["ops"]:
            source.write(operation.get("write", {})).delete(*operation.get("delete", ()))
            if "commit" in operation:
                commits.append(source.commit(operation["commit"]))
            if "tag" in operation:
                source.git("tag", operation["tag"])
            source.git("push", "-q", "--tags", str(bare), source.branch)
        return commits
