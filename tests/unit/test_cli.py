"""The command line's outermost layer: how wrong options are told, what inputs of an action do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.cli import main
from tests.repositories import Builder

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "werf.yaml": "project: test\nconfigVersion: 1\n---\nimage: app\ndockerfile: Dockerfile\n",
    "Dockerfile": "FROM scratch\n",
}


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A step of GitHub's runner, in an empty workspace."""
    monkeypatch.chdir(tmp_path)
    return {
        "PATH": os.environ["PATH"],
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "RUNNER_TEMP": str(tmp_path),
    }


def test_wrong_inputs_are_annotations_and_later_steps_are_told(
    env: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], {**env, "INPUT_TAG": "x", "INPUT_DEV": "yes"}) == 2
    assert capsys.readouterr().err == (
        "::error::input 'tag' does not exist (did you mean 'tags'?)\n"
        "::error::input 'dev': 'yes' is neither true nor false\n"
    )
    assert "result<<" in (tmp_path / "output").read_text()
    assert "\nfailure\n" in (tmp_path / "output").read_text()
    assert (tmp_path / "summary").read_text().startswith("## ❌ Failed\n\n> [!CAUTION]\n")
    (report,) = tmp_path.glob("exporter-*-report.json")
    assert json.loads(report.read_text())["exit-code"] == 2


def test_wrong_flags_are_lines_where_no_ci_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--tga", "x"], {}) == 2
    assert capsys.readouterr().err == "error: unknown option --tga (did you mean '--tag'?)\n"
    assert list(tmp_path.iterdir()) == []


def test_further_arguments_are_split_as_a_shell_splits_them(
    env: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = {**env, "INPUT_MODE": "plan", "INPUT_ARGS": "--help  # of a command\n all"}
    assert main([], given) == 0
    assert capsys.readouterr().out.startswith("usage: exporter plan ")


@pytest.mark.parametrize(
    ("argv", "args", "usage"),
    [
        (["--dir", "x", "--help"], "--dir x --help", "plan"),
        (["app", "--help"], "app --help", "plan"),
        (["build", "--help"], "build --help", "build"),
        (["export", "--help"], "", "export"),
    ],
    ids=["options", "image", "command", "without-the-input"],
)
def test_a_runner_that_passes_args_on_changes_nothing(
    env: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    args: str,
    usage: str,
) -> None:
    assert main(argv, {**env, "INPUT_MODE": "plan", "INPUT_ARGS": args}) == 0
    assert capsys.readouterr().out.startswith(f"usage: exporter {usage} ")


def test_a_quote_that_is_not_closed_is_an_input_error(
    env: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], {**env, "INPUT_ARGS": '--env "x'}) == 2
    assert capsys.readouterr().err == (
        "::error::input 'args': no closing quotation. Quote as in a shell, or use the inputs.\n"
    )


def test_capitals_in_a_destination_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Builder(path=tmp_path).init().write(SMALL).commit()
    words = ["plan", "--repo", "127.0.0.1:1/x/stages", "--tag", "ghcr.io/Octo-Org/App:v1"]
    assert main(words, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}) == 2
    assert (
        "could not parse reference: ghcr.io/Octo-Org/App:v1. Registries take names of repositories"
        " in lower case only, the owner's name of a GitHub repository included"
    ) in capsys.readouterr().out


def test_the_output_is_utf_8_whatever_the_locale() -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii"}
    argv = [sys.executable, "-m", "exporter", "export", "--help"]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[IMAGE…]".encode() in done.stdout
