"""GitHub's runner: commands, masks, files, and foreign text that must stay text."""

import io
import re
from pathlib import Path

import pytest

from exporter.ci.console import Console
from exporter.ci.github import GitHub
from exporter.errors import BuildError, Place


def github(**env: str) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(GitHub(env), out=out), out


def test_foreign_text_in_a_group_cannot_give_commands() -> None:
    console, out = github()
    with console.group("Build 100%\napp") as group:
        group.say("::set-output name=x::y")
    lines = out.getvalue().splitlines()
    token = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[1])
    assert token
    assert lines[0] == "::group::Build 100%25app"
    assert lines[2:] == ["::set-output name=x::y", f"::{token[1]}::", "::endgroup::"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error::forged", ":\u200b:error::forged"),
        ("  ::add-mask::a", "  :\u200b:add-mask::a"),
        ("x ##[set-env name=A]b", "x #\u200b#[set-env name=A]b"),
        ("a::b", "a::b"),
    ],
)
def test_foreign_text_outside_groups_cannot_give_commands(line: str, shown: str) -> None:
    console, out = github()
    console.say(f"a registry said:\n{line}")
    assert out.getvalue() == f"a registry said:\n{shown}\n"


def test_the_last_lines_of_a_failed_build_cannot_give_commands() -> None:
    console, out = github()
    console.error(BuildError("failed", output=["::error::forged"]))
    assert out.getvalue() == "\n:\u200b:error::forged\n\n::error::failed\n"


def test_an_annotation_while_a_group_is_open_counts_all_the_same() -> None:
    console, out = github()
    with console.group("g") as group:
        group.say("before")
        console.warning("careful")
        group.say("::error::forged")
    lines = out.getvalue().splitlines()
    token = lines[1].removeprefix("::stop-commands::")
    assert lines[2:] == [
        "before",
        f"::{token}::",
        "::warning::careful",
        f"::stop-commands::{token}",
        "::error::forged",
        f"::{token}::",
        "::endgroup::",
    ]


def test_an_error_is_an_annotation_at_its_place_with_the_remedy() -> None:
    console, out = github()
    console.error(
        BuildError(
            "failed: 1\n2", place=Place(path="a,b/Dockerfile", line=3, column=7), remedy="Go"
        )
    )
    assert out.getvalue() == (
        "::error file=a%2Cb/Dockerfile,line=3,col=7::a,b/Dockerfile:3:7: failed: 1%0A2. Go\n"
    )


def test_secrets_are_masked_line_by_line_and_redacted_afterwards() -> None:
    console, out = github()
    console.mask(["first-line\nsecond-line"])
    console.say("it was first-line\nsecond-line")
    assert out.getvalue().splitlines()[:2] == [
        "::add-mask::first-line",
        "::add-mask::second-line",
    ]


def test_a_multi_line_output_cannot_end_its_own_block(tmp_path: Path) -> None:
    path = tmp_path / "output"
    console, _ = github(GITHUB_OUTPUT=str(path))
    console.write_outputs({"references": "a\nb", "digest": ""})
    text = path.read_text()
    assert re.match(r"references<<(\S+)\na\nb\n\1\n", text)
    assert "digest" in text


def test_a_summary_that_is_too_long_is_cut_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    console, _ = github(GITHUB_STEP_SUMMARY=str(path))
    console.write_summary("line\n" * 300_000)
    text = path.read_text()
    assert len(text) < 1024 * 1024
    assert text.endswith("line\n\n(cut: too long)\n")
