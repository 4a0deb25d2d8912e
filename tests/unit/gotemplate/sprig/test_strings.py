import pytest

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.values import IntSlice, StringSlice, Value
from tests.unit.gotemplate.sprig.calls import call


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        pytest.param("trunc", (1, "é"), "\udcc3", id="trunc cuts a letter in two"),
        pytest.param("contains", ("\udcc3", "é"), True, id="a byte of a letter is part of it"),
        pytest.param("upper", ("a\udcff",), "A\N{REPLACEMENT CHARACTER}", id="a stray byte"),
        pytest.param("upper", ("ᾳ",), "ᾼ", id="one rune stays one rune"),
        pytest.param(
            "lower",
            ("\N{GREEK CAPITAL LETTER SIGMA}",),
            "\N{GREEK SMALL LETTER SIGMA}",
            id="no final sigma",
        ),
        pytest.param("title", ("a\N{NO-BREAK SPACE}b—c",), "A\N{NO-BREAK SPACE}B—c", id="title"),
        pytest.param("trim", ("\x1ca\x1c",), "\x1ca\x1c", id="control characters are no space"),
        pytest.param("initials", ("été",), "Ã", id="initials takes bytes"),
        pytest.param("nospace", ("à b",), "Ãb", id="nospace takes bytes when there is space"),
        pytest.param("camelcase", ("_",), "__", id="camelcase doubles a lone connector"),
        pytest.param("kebabcase", ("a\udcff",), "a\udcff", id="kebabcase keeps stray bytes"),
        pytest.param("snakecase", ("中A",), "中_a", id="snakecase"),
        pytest.param("splitn", ("", 2, "abc"), {"_0": "a", "_1": "bc"}, id="splitn of letters"),
        pytest.param("splitList", (",", "a,b"), ["a", "b"], id="splitList"),
        pytest.param("join", (",", b"ab"), "97,98", id="join of bytes"),
        pytest.param("join", (",", IntSlice([1, 2])), "1,2", id="join of ints"),
        pytest.param("toString", (b"a",), "a", id="toString of bytes"),
        pytest.param("abbrevboth", (-3, 8, "abcdefghijkl"), "abcde...", id="negative offset"),
        pytest.param("wrapWith", (2, "", "abc"), "ab\nc", id="no separator is a new line"),
    ],
)
def test_strings(name: str, arguments: tuple[Value, ...], expected: Value) -> None:
    assert call(name, *arguments) == expected


def test_sorting_changes_a_list_of_strings_itself() -> None:
    items = StringSlice(["b", "a"])

    assert call("sortAlpha", items) is items
    assert items == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("repeat", (1 << 40, "a"), id="repeat"),
        pytest.param("indent", (1 << 40, "a"), id="indent"),
        pytest.param("replace", ("", "x" * (1 << 20), "a" * 100), id="replace"),
        pytest.param("until", (1 << 40,), id="until"),
    ],
)
def test_a_bomb_is_refused_before_it_is_made(name: str, arguments: tuple[Value, ...]) -> None:
    with pytest.raises(FunctionError, match="elements, more than"):
        call(name, *arguments)


def test_a_negative_repetition_is_an_error() -> None:
    with pytest.raises(FunctionError, match=r"^strings: negative Repeat count$"):
        call("repeat", -1, "a")
