import pytest

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.regex import compile_regex
from tests.unit.gotemplate.sprig.calls import call


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        pytest.param(r"(?P<n", "invalid named capture: `(?P<n`", id="open name"),
        pytest.param(r"(?P=n)", "invalid or unsupported Perl syntax: `(?P`", id="back reference"),
        pytest.param("(?i", "invalid or unsupported Perl syntax: `(?i`", id="open flags"),
        pytest.param(r"[a", "missing closing ]: `[a`", id="open class"),
        pytest.param(r"a{2}{3}", "invalid nested repetition operator: `{2}{3}`", id="nested"),
        pytest.param(r"(a{500}){3}", "invalid repeat count: `{3}`", id="repeats of repeats"),
        pytest.param(r"\x{110000}", r"invalid escape sequence: `\x{110000`", id="no such rune"),
        pytest.param(r"\pX(", r"invalid character class range: `\pX`", id="first error first"),
        pytest.param("a\udcff", "invalid UTF-8: `\udcff`", id="stray byte"),
        pytest.param("(" * 1001, None, id="nesting"),
    ],
)
def test_errors_are_those_of_go(pattern: str, message: str | None) -> None:
    expected = message or f"expression nests too deeply: `{pattern}`"

    with pytest.raises(FunctionError) as caught:
        compile_regex(pattern)

    assert str(caught.value) == f"error parsing regexp: {expected}"


def test_a_panic_quotes_what_backquotes_cannot_hold() -> None:
    with pytest.raises(FunctionError, match=r'^regexp: Compile\("`\("\): error parsing'):
        call("regexFind", "`(", "")


@pytest.mark.parametrize(
    ("pattern", "text", "template", "expected"),
    [
        pytest.param("(?P<n>a)|(?P<n>b)", "ab", "<$n>", "<a><b>", id="a name twice"),
        pytest.param("a", "a", "$$1", "$1", id="two dollars"),
        pytest.param("(a)", "a", "$01", "", id="leading zero is a name"),
        pytest.param("(a)", "a", "${1", "${1", id="open brace"),
        pytest.param("a*", "baac", "-", "-b-c-", id="empty matches"),
        pytest.param("", "é", "-", "-é-", id="between letters only"),
        pytest.param(".", "\udcc3x", "-", "--", id="a stray byte is a character"),
        pytest.param("(.)", "\udcc3", "<$1>", "<\udcc3>", id="and stays itself"),
        pytest.param(
            r"\p{greek}", "a\N{GREEK SMALL LETTER BETA}", "-", "a-", id="letter case of class names"
        ),
        pytest.param(r"\p{Uppercase_Letter}", "aA", "-", "a-", id="long class names"),
        pytest.param(r"\Qa.b\E+", "a.bb", "-", "-", id="quoted text"),
        pytest.param(r"[\-a[]", "-a[b", "", "b", id="class of odd characters"),
    ],
)
def test_replacing(pattern: str, text: str, template: str, expected: str) -> None:
    assert call("regexReplaceAll", pattern, text, template) == expected


def test_matching_takes_time_in_proportion_to_the_text() -> None:
    assert call("regexMatch", "^(a+)+$", "a" * 10_000 + "b") is False
