"""Runs of the same project at the same time: one stage each, one export, and no error."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.build.stages import StageId
from tests.images import pull, tags
from tests.integration.runs import Workplace
from tests.integration.services import second_engine, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.registry]

BASE = "127.0.0.1:5000/base/debian:trixie-slim"
WAITS = "Another run builds the same stage; waiting for it"
BEGUN = {"dockerfile": "RUN sleep", "stapel": "stage install"}
"""What the log of the run that executes the command has."""

DOCKERFILE = """\
image: [one, two]
dockerfile: Dockerfile
imageSpec: {author: Somebody}
"""
STAPEL = "image: [one, two]\nfrom: %s\nshell: {install: ['%s'], setup: ['echo set >/set']}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run in a process of its own."""

    child: subprocess.Popen[bytes]
    log: Path
    path: Path

    def finish(self) -> str:
        """Wait for its end; what it said."""
        self.child.wait(timeout=120)
        text = self.log.read_text()
        assert self.child.returncode == 0, text
        return text

    @property
    def report(self) -> Mapping[str, Any]:
        """The images of its report."""
        images: Mapping[str, Any] = json.loads(self.path.read_text())["images"]
        return images


def begin(workplace: Workplace, name: str, *args: str, home: str = "home", host: str = "") -> Run:
    """Start an export."""
    log, report = workplace.folder / f"{name}.log", workplace.folder / f"{name}.json"
    engine = {"DOCKER_HOST": host} if host else {}
    with log.open("wb") as sink:
        child = subprocess.Popen(
            [sys.executable, "-m", "exporter", "export", *args, "--report-path", str(report)],
            cwd=workplace.project.path,
            env={"PATH": os.environ["PATH"], "HOME": str(workplace.folder / home), **engine},
            stdout=sink,
            stderr=sink,
        )
    return Run(child=child, log=log, path=report)


def commit(workplace: Workplace, kind: str, command: str) -> None:
    """A project whose images take a while, and never come out the same twice."""
    command = f"{command}; cat /proc/sys/kernel/random/uuid >/unique # {workplace.unique}"
    images = DOCKERFILE if kind == "dockerfile" else STAPEL % (BASE, command)
    project = workplace.unique.replace("/", "-")
    workplace.commit(
        {
            "werf.yaml": f"project: {project}\nconfigVersion: 1\n---\n{images}",
            "Dockerfile": f"FROM {BASE}\nRUN {command}\n",
        }
    )


def stages(repository: str) -> list[str]:
    """The digests of all published stages, one for each tag."""
    return sorted(found.digest for tag in tags(repository) if (found := StageId.parse(tag)))


@pytest.fixture(params=["dockerfile", "stapel"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of images."""
    return str(request.param)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``DOCKER_HOST`` of another engine."""
    with second_engine(tmp_path_factory.mktemp("engine")) as host:
        yield host


def test_runs_on_one_machine_build_each_stage_once(workplace: Workplace, kind: str) -> None:
    commit(workplace, kind, "sleep 3")
    tag = workplace.tag.replace(":v1", ":%image%")
    args = ("--repo", workplace.repo, "--tag", tag)
    runs = [begin(workplace, f"run{number}", *args) for number in range(3)]
    texts = [run.finish() for run in runs]
    found = stages(workplace.repo)
    assert len(found) == len(set(found)), found
    assert sum(BEGUN[kind] in text for text in texts) == 1, texts
    assert any(WAITS in text for text in texts), texts
    for name in ("one", "two"):
        exported = pull(tag.replace("%image%", name)).digest
        assert {run.report[name]["digest"] for run in runs} == {exported}
    assert not list((workplace.folder / "home" / ".exporter" / "locks").iterdir())


def test_without_a_repository_the_engine_gets_each_stage_once(
    workplace: Workplace, kind: str
) -> None:
    commit(workplace, kind, "sleep 1")
    tag = workplace.tag.replace(":v1", ":%image%")
    runs = [begin(workplace, f"run{number}", "--tag", tag) for number in range(2)]
    for run in runs:
        run.finish()
    project = workplace.unique.replace("/", "-")
    argv = ["docker", "images", "--format", "{{.Tag}}", "--filter", f"reference={project}"]
    names = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["docker", "rmi", "-f", *(f"{project}:{n}" for n in names)], check=True)
    digests = [name.partition("-")[0] for name in names]
    assert len(digests) == len(set(digests)), names
    for name in ("one", "two"):
        exported = pull(tag.replace("%image%", name)).digest
        assert {run.report[name]["digest"] for run in runs} == {exported}


def test_a_slower_machine_takes_up_what_another_one_has_published(
    workplace: Workplace, kind: str, other: str
) -> None:
    commit(workplace, kind, "sleep 5")
    tag = workplace.tag.replace(":v1", ":%image%")
    begin(workplace, "warm", "--repo", f"{workplace.repo}/other", "--tag", f"{tag}-warm").finish()
    args = ("--repo", workplace.repo, "--tag", tag)
    slow = begin(workplace, "slow", *args, home="elsewhere", host=other)
    wait_for(lambda: BEGUN[kind] in slow.log.read_text(), slow.log)
    fast = begin(workplace, "fast", *args)
    fast.finish()
    assert slow.child.poll() is None, "the other one was to be still at work"
    slow.finish()
    found = stages(workplace.repo)
    assert len(found) == len(set(found)), found
    for name in ("one", "two"):
        assert slow.report[name]["digest"] == fast.report[name]["digest"]
        assert slow.report[name]["stage"] == fast.report[name]["stage"]
