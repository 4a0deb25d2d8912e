"""The command line's grammar, which is werf's."""

import pytest

from exporter.errors import InputError
from exporter.options import ACCEPTED_WITHOUT_EFFECT, OPTIONS, Options
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
        (["config", "rendr"], "there is no command 'config rendr' (did you mean 'config render'?)"),
    ],
)
def test_a_mistake_is_answered_with_the_nearest_name(words: list[str], message: str) -> None:
    with pytest.raises(InputError) as error:
        read(words)
    assert error.value.what == message


def test_help_of_every_command_names_its_options() -> None:
    text = read(["promote", "--help"])
    assert isinstance(text, str)
    assert "--from" in text
    assert "--builder" not in text


def test_the_table_and_the_options_agree() -> None:
    fields = set(Options.__dataclass_fields__) - {"command", "arguments"}
    assert {option.field for option in OPTIONS} == fields
    assert len({option.name for option in (*OPTIONS, *ACCEPTED_WITHOUT_EFFECT)}) == len(
        OPTIONS
    ) + len(ACCEPTED_WITHOUT_EFFECT)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_default_of_the_table_is_that_of_the_options(option: object) -> None:
    assert option.default == getattr(Options(command="export"), option.field)  # type: ignore[attr-defined]  # ids need a plain object
