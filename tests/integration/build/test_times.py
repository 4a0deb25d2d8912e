"""Reports say what building each stage took."""

import json
import uuid

import pytest

from tests.integration.runs import Ran, Workplace

pytestmark = [pytest.mark.engine, pytest.mark.registry]

BASE = "127.0.0.1:5000/base/debian:trixie-slim"
CONFIG = f"""\
project: test
configVersion: 1
---
image: stapel
from: {BASE}
shell: {{beforeInstall: ["echo {{0}} > /first"], install: ["sleep 1; echo {{0}} > /second"]}}
docker: {{ENV: {{A: b}}}}
---
image: docker
dockerfile: Dockerfile
"""


def _seconds(ran: Ran, image: str) -> dict[str, float]:
    return {stage["name"]: stage["seconds"] for stage in ran.image(image)["stages"]}


def test_stages_have_the_seconds_of_their_own_steps(workplace: Workplace) -> None:
    unique = uuid.uuid4().hex  # no cache of an earlier run answers
    dockerfile = f"FROM {BASE}\nRUN sleep 1; echo {unique}\n"
    workplace.commit({"werf.yaml": CONFIG.replace("{0}", unique), "Dockerfile": dockerfile})
    path = workplace.folder / "build-report.json"
    saved = ("--save-build-report", "--build-report-path", str(path))
    first = workplace.run("build", "--repo", workplace.repo, *saved)
    assert first.code == 0, first.text
    stapel = _seconds(first, "stapel")
    assert stapel["from"] == stapel["dockerInstructions"] == 0
    assert 0 < stapel["beforeInstall"] < stapel["install"]
    assert 1 <= stapel["install"] < first.image("stapel")["seconds"]
    assert 1 <= _seconds(first, "docker")["dockerfile"] < first.image("docker")["seconds"]
    images = json.loads(path.read_text())["Images"]
    times = {stage["Name"]: float(stage["BuildTime"]) for stage in images["stapel"]["Stages"]}
    assert times == pytest.approx(stapel, abs=0.01)

    reused = workplace.run("build", "--repo", workplace.repo)
    assert set(_seconds(reused, "stapel").values()) == {0}
    assert set(_seconds(reused, "docker").values()) == {0}

    cached = workplace.run("build", "--repo", f"{workplace.repo}-other")
    assert cached.built == [
        "stapel/from",
        "stapel/beforeInstall",
        "stapel/install",
        "stapel/dockerInstructions",
        "docker/dockerfile",
    ]
    assert set(_seconds(cached, "stapel").values()) == {0}
    assert _seconds(cached, "docker")["dockerfile"] < 1
