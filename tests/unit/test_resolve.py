"""Where an option's value comes from, and what is said about wrong ones."""

from collections.abc import Mapping

import pytest

from exporter.errors import InputError
from exporter.options import Options
from exporter.resolve import FlagValue, mode_of, resolve


def options(flags: Mapping[str, FlagValue] | None = None, /, **env: str) -> Options:
    return resolve("export", flags=flags or {}, arguments=(), env=env)


def test_a_flag_wins_over_input_setting_and_variable() -> None:
    env = {"INPUT_REPO": "i/i", "PLUGIN_REPO": "p/p", "WERF_REPO": "w/w"}
    assert options({"repo": "f/f"}, **env).repo == "f/f"
    assert options(**env).repo == "i/i"
    assert options(PLUGIN_REPO="p/p", WERF_REPO="w/w").repo == "p/p"
    assert options(WERF_REPO="w/w").repo == "w/w"


def test_an_empty_input_is_not_given() -> None:
    assert options(INPUT_REPO="", WERF_REPO="w/w").repo == "w/w"


def test_labels_collect_variables_inputs_and_flags_in_this_order() -> None:
    env = {
        "WERF_EXPORT_ADD_LABEL_2": "b=2",
        "WERF_EXPORT_ADD_LABEL_1": "a=1",
        "WERF_EXPORT_ADD_LABEL_SEPARATOR": ";",
        "INPUT_ADD-LABELS": "c=3\n\nd=4\n",
    }
    chosen = options({"add-label": ["e=5"]}, **env)
    assert chosen.add_label == ("a=1", "b=2", "c=3", "d=4", "e=5")
    assert chosen.add_label_separator == ";"


def test_tags_of_flags_replace_those_of_the_input() -> None:
    assert options({"tag": ["f"]}, INPUT_TAGS="i\nj").tag == ("f",)
    assert options(INPUT_TAGS="i\n\n  j  \n").tag == ("i", "j")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("true", True), ("yes", True), ("on", False), ("TRUE", False), ("0", False)],
)
def test_a_boolean_variable_is_read_as_werf_reads_it(text: str, expected: bool) -> None:  # noqa: FBT001
    assert options(WERF_DEV=text).dev is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("0", False), ("no", False), ("false", False), ("off", True), ("", True)]
)
def test_a_boolean_that_is_on_by_default_goes_off_by_three_words(
    text: str,
    expected: bool,  # noqa: FBT001
) -> None:
    assert options(WERF_PARALLEL=text).parallel is expected


def test_every_problem_is_told_at_once() -> None:
    env = {
        "INPUT_DEV": "yes",
        "INPUT_IF-EXISTS": "mov",
        "INPUT_PARALLEL-TASKS-LIMIT": "many",
        "INPUT_TAG": "x",
    }
    with pytest.raises(InputError) as error:
        options(**env)
    assert error.value.problems == (
        "input 'tag' does not exist (did you mean 'tags'?)",
        "input 'if-exists': 'mov' is not one of move, keep, fail (did you mean 'move'?)",
        "input 'parallel-tasks-limit': 'many' is not a whole number",
        "input 'dev': 'yes' is neither true nor false",
    )


def test_lists_of_drone_and_woodpecker_are_understood() -> None:
    assert options(PLUGIN_TAGS="a,b").tag == ("a", "b")
    assert options(PLUGIN_TAGS='["a","b,c"]').tag == ("a", "b,c")


def test_no_secret_is_shown() -> None:
    chosen = options(**{"INPUT_REGISTRY-PASSWORD": "s3cret", "INPUT_REPO": "r/r"})
    assert chosen.registry_password == "s3cret"
    assert repr(chosen) == "Options(command='export', repo='r/r', registry_password='***')"


def test_the_mode_defaults_to_export_and_a_typo_names_the_nearest() -> None:
    assert mode_of({}) == "export"
    assert mode_of({"INPUT_MODE": "plan"}) == "plan"
    with pytest.raises(InputError, match=r"'plann' is no mode \(did you mean 'plan'\?\)"):
        mode_of({"INPUT_MODE": "plann"})


def test_a_near_miss_of_a_setting_is_an_error_too() -> None:
    with pytest.raises(InputError) as error:
        options(PLUGIN_TAG="x")
    assert error.value.problems == ("setting 'tag' does not exist (did you mean 'tags'?)",)


def test_accounts_in_a_setting_are_kept_whole() -> None:
    text = '[{"registry":"a","username":"b","password":"c,d"}]'
    assert options(PLUGIN_REGISTRIES=text).registry_login == (text,)


def test_debug_logging_of_the_runner_is_ours_too() -> None:
    assert options(RUNNER_DEBUG="1").log_debug
    assert not options(RUNNER_DEBUG="1", WERF_LOG_DEBUG="0").log_debug


def test_variables_come_sorted_as_text_and_before_flags() -> None:
    env = {
        "WERF_EXPORT_ADD_LABEL_2": "a=2",
        "WERF_EXPORT_ADD_LABEL_10": "a=10",
        "WERF_EXPORT_ADD_LABEL_SEPARATOR": ",",
        "WERF_EXPORT_ADD_LABEL_SEPARATOR_X": "no=label",
        "OTHER": "x=y",
    }
    assert options({"add-label": ["a=flag"]}, **env).add_label == ("a=10", "a=2", "a=flag")


@pytest.mark.parametrize(
    ("env", "flag", "separator"),
    [
        ({}, None, "\n"),
        ({"WERF_EXPORT_ADD_LABEL_SEPARATOR": ""}, None, "\n"),
        ({"WERF_EXPORT_ADD_LABEL_SEPARATOR": ","}, None, ","),
        ({"WERF_EXPORT_ADD_LABEL_SEPARATOR": ","}, ";", ";"),
        ({"WERF_EXPORT_ADD_LABEL_SEPARATOR": ","}, "", ""),
    ],
)
def test_separator_is_the_flag_or_the_variable_or_a_line_feed(
    env: dict[str, str], flag: str | None, separator: str
) -> None:
    flags = {} if flag is None else {"add-label-separator": flag}
    assert options(flags, **env).add_label_separator == separator
