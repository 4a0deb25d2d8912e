"""The command line's grammar, which is werf's."""

from typing import get_args

import pytest

from exporter.errors import InputError
from exporter.options import ACCEPTED_WITHOUT_EFFECT, OPTIONS, Command, Options
from exporter.usage import Asked, read


def test_names_and_flags_may_be_mixed() -> None:
    asked = read(["export", "app", "--repo", "r", "--dev=false", "-Z", "db", "!x", "--tag=t"])
    assert asked == Asked(
        command="export",
        flags={"repo": "r", "dev": False, "require-built-images": True, "tag": ["t"]},
        arguments=("app", "db", "!x"),
    )


def test_a_boolean_flag_takes_no_separate_value() -> None:
    asked = read(["export", "--dev", "app"])
    assert isinstance(asked, Asked)
    assert asked.flags == {"dev": True}
    assert asked.arguments == ("app",)


@pytest.mark.parametrize(
    "value", ["-x", "--dev", "-1", "-", "--", ""], ids=lambda value: value or "empty"
)
def test_the_word_after_a_flag_is_its_value_whatever_it_looks_like(value: str) -> None:
    assert read(["export", "app", "--repo", value]) == Asked(
        command="export", flags={"repo": value}, arguments=("app",)
    )


def test_nothing_is_a_flag_behind_two_hyphens() -> None:
    assert read(["export", "--dev", "app", "--", "--tag", "-x"]) == Asked(
        command="export", flags={"dev": True}, arguments=("app", "--tag", "-x")
    )


def test_letters_may_share_a_word() -> None:
    assert read(["export", "-Zp=0"]) == Asked(
        command="export", flags={"require-built-images": True, "parallel": False}, arguments=()
    )
    asked = read(["ci-env", "gitlab", "-oout"])
    assert asked == read(["ci-env", "gitlab", "-o", "out"]) == read(["ci-env", "gitlab", "-o=out"])


def test_flags_of_werf_without_meaning_here_are_accepted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = read(["export", "-S", ":local", "--log-time", "app"])
    assert isinstance(asked, Asked)
    assert asked.flags == {}
    assert "--log-time is accepted for compatibility" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["exprt"], "there is no command 'exprt' (did you mean 'export'?)"),
        (["export", "--tga", "x"], "unknown option --tga (did you mean '--tag'?)"),
        (["export", "--repo"], "option --repo: expected one argument"),
        (["export", "--dev=yes"], "option --dev: 'yes' is neither true nor false"),
        (["export", "-ZQ"], "unknown option -Q"),
        (["config", "rendr"], "there is no command 'config rendr' (did you mean 'config render'?)"),
    ],
)
def test_a_mistake_is_answered_with_the_nearest_name(words: list[str], message: str) -> None:
    with pytest.raises(InputError) as error:
        read(words)
    assert error.value.what == message


@pytest.mark.parametrize("command", get_args(Command))
def test_the_help_of_every_command_fits_a_screen(command: str) -> None:
    text = read([*command.split(), "--help"])
    assert isinstance(text, str)
    lines = text.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 110
    assert f"  exporter {command} " in text or f"$(exporter {command} " in text


@pytest.mark.parametrize("words", [["--help", "all"], ["--help=all"], ["app", "-h", "all"]])
def test_the_whole_help_names_every_option_and_variable(words: list[str]) -> None:
    text = read(["export", *words])
    assert isinstance(text, str)
    shown = [each for each in OPTIONS if "export" in each.commands and not each.hidden]
    assert [each.name for each in shown if f"--{each.name}" not in text] == []
    assert [name for each in shown for name in each.variables if f"${name}" not in text] == []


@pytest.mark.parametrize("words", [["help", "config", "list"], ["--help", "config", "list"]])
def test_help_may_come_first(words: list[str]) -> None:
    assert read(words) == read(["config", "list", "--help"])


def test_the_help_of_a_command_leaves_out_what_others_take() -> None:
    text = read(["promote", "--help"])
    assert isinstance(text, str)
    assert text.startswith(
        "usage: exporter promote [options]\n\n"
        "Export images of an earlier report, or one image by digest; no project, no engine.\n\n"
        "What and where to:\n"
        "  --tag TEXT                     Destination reference; may hold %image%, %image_slug%,"
    )
    assert "--from TEXT" in text
    assert "--builder" not in text


def test_the_table_and_the_options_agree() -> None:
    fields = set(Options._fields) - {"command", "arguments"}
    assert {option.field for option in OPTIONS} == fields
    assert len({option.name for option in (*OPTIONS, *ACCEPTED_WITHOUT_EFFECT)}) == len(
        OPTIONS
    ) + len(ACCEPTED_WITHOUT_EFFECT)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_default_of_the_table_is_that_of_the_options(option: object) -> None:
    assert option.default == getattr(Options(command="export"), option.field)  # type: ignore[attr-defined]  # ids need a plain object
