"""Projects and whole runs of the program, for tests of the main job."""

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from tests.repositories import Builder, Content

REGISTRY = "127.0.0.1:5000"
OTHER_REGISTRY = "127.0.0.1:5001"

ONE_IMAGE = "project: test\nconfigVersion: 1\n---\nimage: app\ndockerfile: Dockerfile\n"
SMALL = {"werf.yaml": ONE_IMAGE, "Dockerfile": "FROM scratch\nCOPY file /\n", "file": "content\n"}
"""One image that needs nothing from anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A finished run: its exit code, all that it printed, and its report."""

    code: int
    text: str
    report: Mapping[str, Any]

    def image(self, name: str) -> Mapping[str, Any]:
        """An image of the report."""
        found: Mapping[str, Any] = self.report["images"][name]
        return found

    @property
    def built(self) -> list[str]:
        """``image/stage`` of everything that was built."""
        return [
            f"{name}/{stage['name']}"
            for name, image in self.report["images"].items()
            for stage in image["stages"]
            if stage["built"]
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A project, names that no other test uses, and a way to run the program there."""

    project: Builder
    folder: Path
    unique: str
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    @property
    def repo(self) -> str:
        """A repository for stages."""
        return f"{REGISTRY}/{self.unique}/stages"

    @property
    def tag(self) -> str:
        """A destination."""
        return f"{REGISTRY}/{self.unique}/out:v1"

    def commit(self, files: Mapping[str, Content]) -> "Workplace":
        """Write files and commit them."""
        if not (self.project.path / ".git").exists():
            self.project.init()
        self.project.write(files).commit()
        return self

    def run(self, *args: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run the program in the project, in this process."""
        report = self.folder / f"report-{uuid.uuid4().hex}.json"
        self.patch.chdir(self.project.path)
        self.capture.readouterr()
        given = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **(env or {})}
        code = main([*args, "--report-path", str(report)], given)
        printed = self.capture.readouterr()
        return Ran(
            code=code,
            text=printed.out + printed.err,
            report=json.loads(report.read_text()) if report.exists() else {},
        )

    def export(self, *args: str, env: Mapping[str, str] | None = None) -> Ran:
        """Export with the workplace's repository and destination."""
        return self.run("export", "--repo", self.repo, "--tag", self.tag, *args, env=env)
