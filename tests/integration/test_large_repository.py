"""A repository of 100,000 files: a plan takes a handful of programs, not one per file."""

import logging
import subprocess
import time

import pytest

from exporter import process
from tests.integration.runs import ONE_IMAGE, Workplace

pytestmark = [pytest.mark.registry]

FILES = 100_000


def _commit_many(workplace: Workplace) -> None:
    """One commit by fast-import; a sparse checkout leaves the many files out of the work tree."""
    project = workplace.project.init()
    lines = ["blob\nmark :1\ndata 1\nx\n"]
    lines.append("commit refs/heads/main\ncommitter Dev <dev@example.test> 1700000000 +0000\n")
    lines.append("data 4\nmany\n")
    for path, text in (
        ("werf.yaml", ONE_IMAGE),
        ("Dockerfile", "FROM scratch\nCOPY data /data\n"),
        (".dockerignore", "data/d9*\n"),
    ):
        lines.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
    lines += [f"M 100644 :1 data/d{number % 1000}/f{number}\n" for number in range(FILES)]
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=project.path,
        input="".join(lines).encode(),
        check=True,
    )
    project.git("sparse-checkout", "set", "--no-cone", "/*", "!/data")
    project.git("checkout", "-q", "main")


def test_a_plan_takes_few_programs(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _commit_many(workplace)
    caplog.set_level(logging.DEBUG)
    started: list[str] = []

    def count(message: str, *arguments: object) -> None:
        started.append(message % arguments)

    monkeypatch.setattr(process.logger, "debug", count)
    before = time.monotonic()
    ran = workplace.run("plan", "--repo", workplace.repo, "--tag", workplace.tag)
    seconds = time.monotonic() - before
    assert ran.code == 0, ran.text
    assert len(started) <= 6, started
    assert seconds < 20
