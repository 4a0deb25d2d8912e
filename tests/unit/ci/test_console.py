"""What the log looks like, for a terminal and for GitHub's runner."""

import io
import re
from pathlib import Path

from exporter import log
from exporter.ci.console import Console
from exporter.ci.github import GitHub
from exporter.ci.plain import Plain
from exporter.errors import BuildError, InputError, Place


def plain() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(Plain(), out=out), out


def github(**env: str) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(GitHub(env), out=out), out


def test_groups_of_parallel_work_are_shown_one_after_the_other() -> None:
    console, out = plain()
    with console.group("app") as app, console.group("db") as db:
        app.say("a1")
        db.say("d1")
        app.say("a2")
    console.say("after")
    assert out.getvalue() == "app\na1\na2\ndb\nd1\nafter\n"


def test_a_group_that_waited_becomes_live_when_the_first_ends() -> None:
    console, out = plain()
    first, second = console.group("app"), console.group("db")
    app, db = first.__enter__(), second.__enter__()
    db.say("d1")
    app.say("a1")
    first.__exit__(None, None, None)
    db.say("d2")
    second.__exit__(None, None, None)
    assert out.getvalue() == "app\na1\ndb\nd1\nd2\n"


def test_foreign_text_in_a_group_cannot_give_commands() -> None:
    console, out = github()
    with console.group("Build app") as group:
        group.say("::set-output name=x::y")
    lines = out.getvalue().splitlines()
    token = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[1])
    assert token
    assert lines[0] == "::group::Build app"
    assert lines[2:] == ["::set-output name=x::y", f"::{token[1]}::", "::endgroup::"]


def test_an_error_is_an_annotation_at_its_place_with_the_remedy() -> None:
    console, out = github()
    console.error(
        BuildError(
            "building app failed: exit code 1",
            place=Place(path="a,b/Dockerfile", line=3),
            remedy="Mend it",
            output=["last line"],
        )
    )
    assert out.getvalue() == (
        "\nlast line\n\n"
        "::error file=a%2Cb/Dockerfile,line=3::"
        "a,b/Dockerfile:3: building app failed: exit code 1. Mend it\n"
    )


def test_every_input_problem_is_its_own_annotation() -> None:
    console, out = github()
    console.error(InputError("one", "two", remedy="Do this"))
    assert out.getvalue() == "::error::one\n::error::two. Do this\n"


def test_more_than_ten_annotations_of_a_kind_become_plain_lines() -> None:
    console, out = github()
    for number in range(12):
        console.warning(f"w{number}")
    lines = out.getvalue().splitlines()
    assert lines[9:] == ["::warning::w9", "warning: w10", "warning: w11"]


def test_secrets_are_masked_line_by_line_and_redacted_afterwards() -> None:
    console, out = github()
    console.mask(["first-line\nsecond-line"])
    console.mask(["hunter2-token"])
    console.say("the token is hunter2-token")
    assert out.getvalue() == (
        "::add-mask::first-line\n::add-mask::second-line\n::add-mask::hunter2-token\n"
        "the token is ***\n"
    )
    log._secrets.clear()


def test_a_multi_line_output_cannot_end_its_own_block(tmp_path: Path) -> None:
    path = tmp_path / "output"
    console, _ = github(GITHUB_OUTPUT=str(path))
    console.dialect.write_outputs({"references": "a\nb", "digest": ""})
    text = path.read_text()
    found = re.match(r"references<<(\S+)\na\nb\n\1\n", text)
    assert found
    assert "digest" in text


def test_a_summary_that_is_too_long_is_cut_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    console, _ = github(GITHUB_STEP_SUMMARY=str(path))
    console.dialect.write_summary("line\n" * 300_000)
    text = path.read_text()
    assert len(text) < 1024 * 1024
    assert text.endswith("line\n\n(cut: too long)\n")


def test_a_quiet_console_says_only_problems_and_results() -> None:
    out = io.StringIO()
    console = Console(Plain(), quiet=True, out=out)
    console.say("story")
    with console.group("g") as group:
        group.say("line")
    console.warning("careful")
    console.result("table")
    assert out.getvalue() == "warning: careful\ntable\n"
