import pytest

from exporter.errors import InputError
from exporter.naming.labels import parse_labels


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
