import pytest

from exporter.errors import InputError
from exporter.naming.labels import add_label_inputs, exported_labels, label_separator, parse_labels


def test_variables_come_sorted_as_text_and_before_flags() -> None:
    env = {
        "WERF_EXPORT_ADD_LABEL_2": "a=2",
        "WERF_EXPORT_ADD_LABEL_10": "a=10",
        "WERF_EXPORT_ADD_LABEL_SEPARATOR": ",",
        "WERF_EXPORT_ADD_LABEL_SEPARATOR_X": "no=label",
        "OTHER": "x=y",
    }
    assert add_label_inputs(env, ["a=flag"]) == ("a=10", "a=2", "a=flag")


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
    assert label_separator(env, flag) == separator


def test_first_equals_sign_ends_the_name_and_nothing_is_trimmed() -> None:
    assert parse_labels([" a = b=c \nd="]) == {" a ": " b=c ", "d": ""}


def test_later_value_of_a_name_wins() -> None:
    assert parse_labels(["a=1,b=2", "a=3"], separator=",") == {"a": "3", "b": "2"}


def test_each_wrong_text_is_a_problem() -> None:
    with pytest.raises(InputError) as caught:
        parse_labels(["a=1\n", "b", "c=3"])
    assert str(caught.value) == (
        "unsupported --add-label value 'a=1\\n': an empty text is not NAME=VALUE; "
        "unsupported --add-label value 'b': 'b' is not NAME=VALUE. "
        "Write NAME=VALUE, several of them separated by line feeds, and nothing behind the last one"
    )


def test_empty_separator_cuts_between_all_characters() -> None:
    with pytest.raises(InputError, match="--add-label-separator is empty"):
        parse_labels(["a=b"], separator="")


def test_labels_of_werf_are_removed_before_others_are_added() -> None:
    labels = {"werf": "p", "werf.io/x": "y", "werfoo": "z", "Werf": "kept", "own": "1"}
    assert exported_labels(labels, {"own": "2", "werf": "back"}) == {
        "Werf": "kept",
        "own": "2",
        "werf": "back",
    }
