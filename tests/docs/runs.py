"""Runs the shell of the documentation as a reader would, in a directory of its own."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT

REGISTRIES = {
    "127.0.0.1:5000/": "127.0.0.1:5000/{unique}/",
    "ghcr.io/": "127.0.0.1:5000/{unique}/ghcr.io/",
    "registry.example.com/": "127.0.0.1:5000/{unique}/com/",
    "registry.example.org/": "127.0.0.1:5001/{unique}/org/",
    "example.azurecr.io/": "127.0.0.1:5000/{unique}/azure/",
    "from: debian:": "from: 127.0.0.1:5000/base/debian:",
}
"""The real registry, and a name that no other test uses, for each registry that a page names.

The base of a stapel image is read at its registry, which must be one of the machine.
"""

_DOCKER = """#!/bin/sh
# A container of the exporter is the exporter here, and nothing listens to builders.
case "$1 $2" in
  "buildx create") exit 0 ;;
  run*) while [ $# -gt 0 ]; do
          image=$1; shift
          case $image in */exporter:v*) exec exporter "$@" ;; esac
        done
        exit 1 ;;
esac
exec {docker} "$@"
"""

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Reader"), ("EMAIL", "reader@example.com"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A directory, an environment, and a namespace of registries for one page or example."""

    folder: Path
    unique: str

    def moved(self, text: str) -> str:
        """The text with its registries replaced by real ones."""
        names = "|".join(re.escape(name) for name in REGISTRIES)
        return re.sub(
            rf"(?:{names})(?!{self.unique})",
            lambda found: REGISTRIES[found[0]].format(unique=self.unique),
            text,
        )

    def moved_back(self, text: str) -> str:
        """What was printed, with the registries that the page names."""
        for name, place in reversed(REGISTRIES.items()):
            text = text.replace(place.format(unique=self.unique), name)
        return text

    def checkout(self, project: str) -> Path:
        """A committed copy of a project of the examples."""
        path = self.folder / Path(project).name
        shutil.copytree(ROOT / project, path)
        self.run(
            "git init --quiet --initial-branch main && git add --all && git commit --quiet -m x",
            cwd=path,
        )
        return path

    def run(
        self,
        script: str,
        *,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        program: str = "bash",
    ) -> subprocess.CompletedProcess[str]:
        """Run a script with the exporter of this environment; nothing of the user's is seen."""
        tools = self.folder / "tools"
        if not tools.exists():
            tools.mkdir()
            docker = tools / "docker"
            docker.write_text(_DOCKER.replace("{docker}", shutil.which("docker") or "docker"))
            docker.chmod(0o755)
        return subprocess.run(
            [program],
            input=self.moved(script),
            cwd=cwd or self.folder,
            env={
                "PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "GIT_CONFIG_NOSYSTEM": "1",
                **IDENTITY,
                **{key: self.moved(value) for key, value in (env or {}).items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
