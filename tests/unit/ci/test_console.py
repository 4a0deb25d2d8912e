"""What the log looks like: order, groups, redaction, limits."""

import io
import logging

import pytest

from exporter import log
from exporter.ci.console import Console
from exporter.ci.github import GitHub
from exporter.ci.plain import Plain
from exporter.ci.style import Style
from exporter.errors import BuildError, ConfigError, InputError, Place


def plain(*, colors: bool = False) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    style = Style(colors=colors)
    return Console(Plain(style), out=out, style=style), out


def github() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(GitHub({}), out=out), out


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


def test_an_error_is_told_with_its_place_remedy_and_last_lines() -> None:
    console, out = plain()
    console.error(
        BuildError(
            "building app failed: exit code 1",
            place=Place(path="Dockerfile", line=3),
            remedy="Mend it.",
            output=["last line"],
        )
    )
    assert out.getvalue() == (
        "\nlast line\n\nerror: Dockerfile:3: building app failed: exit code 1. Mend it.\n"
    )


def test_an_error_in_a_file_shows_the_lines_around_it() -> None:
    console, out = plain()
    error = ConfigError("unknown key", place=Place(path="werf.yaml", line=2))
    error.excerpt = "  1 project: x\n> 2 z: 1"
    console.error(error)
    assert out.getvalue() == ("error: werf.yaml:2: unknown key\n\n  1 project: x\n> 2 z: 1\n\n")


def test_every_input_problem_is_its_own_annotation() -> None:
    console, out = github()
    console.error(InputError("one", "two", remedy="Do this"))
    assert out.getvalue() == "::error::one\n::error::two. Do this\n"


def test_after_nine_annotations_of_a_kind_the_tenth_says_how_many_more() -> None:
    console, out = github()
    for number in range(12):
        console.warning(f"w{number}")
    console.notice("n0")
    console.finish()
    assert out.getvalue().splitlines()[8:] == [
        "::warning::w8",
        "warning: w9",
        "warning: w10",
        "warning: w11",
        "::notice::n0",
        "::warning::+3 more of this kind, each a line of the log",
    ]


def test_exactly_ten_annotations_are_all_shown() -> None:
    console, out = github()
    for number in range(10):
        console.warning(f"w{number}")
    console.finish()
    assert out.getvalue().splitlines()[8:] == ["::warning::w8", "warning: w9", "::warning::w9"]


def test_where_nothing_is_limited_every_message_is_a_line() -> None:
    console, out = plain()
    for number in range(11):
        console.warning(f"w{number}")
    console.finish()
    assert out.getvalue().splitlines()[9:] == ["warning: w9", "warning: w10"]


def test_secrets_are_redacted_in_lines_titles_messages_and_summaries() -> None:
    console, out = plain()
    console.mask(["hunter-two"])
    console.say("a hunter-two b")
    with console.group("hunter-two") as group:
        group.say("hunter-two")
    console.warning("hunter-two")
    assert out.getvalue() == "a *** b\n***\n***\nwarning: ***\n"
    assert console.problems == [("warning", "***")]


def test_every_line_of_a_secret_is_redacted() -> None:
    console, out = plain()
    console.mask(["-----BEGIN-----\nbase64-line\n"])
    console.say("a base64-line b")
    assert out.getvalue() == "a *** b\n"


def test_a_masked_value_in_an_output_is_told_by_the_outputs_name() -> None:
    console, out = plain()
    console.mask(["team-name-secret"])
    console.write_outputs({"digest": "sha256:1", "references": "r.io/team-name-secret/app:v1"})
    assert out.getvalue() == (
        "warning: the outputs 'references' contain a masked value: a CI drops such outputs between"
        " jobs. Give the registry, repository or tag a name that is no secret.\n"
    )


def test_a_quiet_console_says_only_problems_and_results() -> None:
    out = io.StringIO()
    console = Console(Plain(), quiet=True, out=out)
    console.say("story")
    with console.group("g") as group:
        group.say("line")
    console.warning("careful")
    console.result("table")
    assert out.getvalue() == "warning: careful\ntable\n"


def test_the_programs_log_takes_its_place_among_the_lines() -> None:
    console, out = plain()
    log.set_up(debug=False, handler=console.handler())
    console.say("first")
    logging.getLogger("exporter.registry").info("second")
    logging.getLogger("exporter.registry").warning("third")
    logging.getLogger("exporter.registry").debug("not shown")
    console.say("fourth")
    assert out.getvalue() == "first\nsecond\nwarning: third\nfourth\n"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain ✓ text\twith a tab", "plain ✓ text\twith a tab"),
        ("50%\r100%", "50%\n100%"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("up\x1b[2A\x1b[0K and \x1b]0;title\x07on", "up and on"),
        ("bell\x07 null\x00 c1\x9b", "bell null c1"),
    ],
)
def test_foreign_lines_lose_what_a_terminal_would_act_on(line: str, shown: str) -> None:
    console, out = plain()
    with console.group("g") as group:
        group.say(line)
    assert out.getvalue() == f"g\n{shown}\n"


def test_colours_stay_where_colours_are_shown() -> None:
    console, out = plain(colors=True)
    with console.group("g") as group:
        group.say("\x1b[31mred\x1b[0m\x1b[2A")
    console.warning("careful")
    assert out.getvalue() == (
        "\x1b[1mg\x1b[0m\n\x1b[31mred\x1b[0m\n\x1b[33mwarning:\x1b[0m careful\n"
    )


def test_a_message_of_several_lines_stays_several_lines() -> None:
    console, out = plain()
    console.say("one\ntwo")
    console.warning("three\nfour")
    assert out.getvalue() == "one\ntwo\nwarning: three\nfour\n"
