"""The container in odd surroundings: any user, no home, a foreign PATH, no engine."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.action.runner import ROOT, Runner

pytestmark = [pytest.mark.engine, pytest.mark.registry]

TWO_IMAGES = ROOT / "examples" / "two-images"


def run(runner: Runner, command: Sequence[str], *more: str) -> "subprocess.CompletedProcess[str]":
    argv = ["docker", "run", "--rm", "--network", "host", "-w", "/work"]
    argv += ["-v", f"{runner.workspace}:/work", *more, runner.image, *command]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(["-u", "4711:4712"], id="unknown-user"),
        pytest.param(["-e", "HOME="], id="empty-home"),
        pytest.param(["-e", "HOME=/proc/1", "-u", "4711", "--read-only"], id="read-only-home"),
        pytest.param(["-e", "PATH=/nonexistent"], id="foreign-path"),
        pytest.param(["-e", "PATH="], id="empty-path"),
        pytest.param(["-e", "LANG=C", "-e", "LC_ALL=POSIX"], id="ascii-locale"),
    ],
)
def test_a_plan_needs_neither_home_nor_path_nor_engine(
    runner: Runner, space: str, more: list[str]
) -> None:
    runner.checkout(TWO_IMAGES)
    words = ["plan", "--repo", f"{space}/stages", "--tag", f"{space}/%image%:v1"]
    done = run(runner, words, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "References: 2 to create. Nothing was written." in done.stdout


@pytest.mark.parametrize("shell", [["sh", "-c"], ["sh", "-lc"], ["bash", "-lc"]])
@pytest.mark.parametrize("path", ["/usr/bin:/bin:/usr/local/bin", ""], ids=["ordinary", "image"])
def test_every_shell_finds_the_program(runner: Runner, shell: list[str], path: str) -> None:
    more = ["-e", f"PATH={path}"] if path else []
    done = run(runner, [*shell, "exporter --version && git --version"], *more)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("exporter ")


def test_doctor_says_what_the_container_lacks(runner: Runner, space: str) -> None:
    runner.checkout(TWO_IMAGES)
    done = run(runner, ["doctor", "--repo", f"{space}/stages"])
    assert done.returncode == 4, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line[9:19].strip() for line in lines if line.startswith("problem")] == ["engine"]
    assert any("mount /var/run/docker.sock" in line for line in lines)


def test_files_for_later_steps_are_named_as_the_host_knows_them(runner: Runner, space: str) -> None:
    runner.checkout(TWO_IMAGES)
    inputs = {"repo": f"{space}/stages", "tags": f"{space}/%image%:v1"}
    step = runner.run(inputs)
    assert step.exit_code == 0, step.log
    temp = runner.home.parent / "temp"
    named = [Path(step.outputs["report"]), Path(step.outputs["subject-checksums"])]
    assert [path.parent for path in named] == [Path("/home/runner/work/_temp")] * 2
    report, subjects = (temp / path.name for path in named)
    assert json.loads(report.read_text("utf-8"))["result"] == "success"
    digests = {line.split()[1]: line.split()[0] for line in subjects.read_text().splitlines()}
    assert digests == {
        subject["subject-name"]: subject["subject-digest"].removeprefix("sha256:")
        for subject in json.loads(step.outputs["attest-subjects"])
    }


def test_a_forks_pull_request_is_planned_in_the_action_too(runner: Runner, space: str) -> None:
    runner.checkout(TWO_IMAGES)
    event = runner.home.parent / "workflow" / "event.json"
    event.write_text('{"pull_request": {"head": {"repo": {"full_name": "mallory/two-images"}}}}')
    step = runner.run(
        {"repo": f"{space}/stages", "tags": f"{space}/%image%:v1"},
        env={"GITHUB_EVENT_NAME": "pull_request"},
    )
    assert step.exit_code == 0, step.log
    assert step.outputs["result"] == "planned"
    assert "::notice::this run is of a fork" in step.log
    assert "📋 Plan: 2 references" in step.summary


def test_the_default_repository_of_the_action_is_the_one_of_ci_env(
    runner: Runner, space: str
) -> None:
    runner.checkout(TWO_IMAGES)
    step = runner.run({"mode": "plan", "tags": f"{space}/%image%:v1", "retry-timeout": "1"})
    assert "ghcr.io/octocat/two-images/two-images" in step.log


def test_args_that_the_runner_passes_on_are_options_and_images_never_programs(
    runner: Runner, space: str
) -> None:
    runner.checkout(TWO_IMAGES)
    inputs = {"mode": "plan", "repo": f"{space}/stages", "tags": f"{space}/%image%:v1"}
    step = runner.run({**inputs, "args": "app --log-quiet"}, args=["app", "--log-quiet"])
    assert step.exit_code == 0, step.log
    assert list(json.loads(step.outputs["images"])) == ["app"]
    named_like_a_program = runner.run({**inputs, "args": "cat"}, args=["cat"])
    assert 'no image matches pattern "cat"' in named_like_a_program.log
