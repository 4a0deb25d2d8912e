"""The container in odd surroundings: any user, no home, a foreign PATH, no engine."""

import subprocess
from collections.abc import Sequence

import pytest

from tests.action.runner import ROOT, Runner

pytestmark = [pytest.mark.engine, pytest.mark.registry, pytest.mark.xdist_group("action")]

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
