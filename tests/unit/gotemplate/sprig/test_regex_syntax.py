"""Which patterns are well formed, and what they match, as Go 1.26 answers."""

import pytest

from exporter.gotemplate.function import FunctionError
from tests.unit.gotemplate.sprig.calls import call


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a{,2}", "a{,2}"),
        ("a{1,x}", "a{1,x}"),
        ("a{1,2", "a{1,2"),
        ("a{01}", "a{01}"),
        (r"[\pL\n]", "a"),
        ("a{2,}", "aaa"),
        ("a{1,2}", "a"),
        ("a{", "a{"),
        ("(?i-s)A", "a"),
        ("(?-i:a)", "a"),
        ("[[:alpha:]]", "a"),
        ("[[:x]", "x"),
        ("[]]", "]"),
        ("[a-]", "-"),
        (r"[\]]", "]"),
        (r"[\d-x]", "-"),
        (r"\07", "\x07"),
        (r"\x{41}", "A"),
        (r"\x41", "A"),
        (r"\_", "_"),
        (r"\P{^Lu}", "A"),
        ("a||b", "c"),
        ("(a)(?P<n>b)", "ab"),
        ("\\Qa\\", "a\\"),
        ("(?<n>a)(?<n>b)", "ab"),
        ("(?<1>a)", "a"),
    ],
)
def test_patterns_that_match(pattern: str, text: str) -> None:
    assert call("mustRegexMatch", pattern, text) is True


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("[[:^alpha:]]", "a"),
        ("[^]]", "]"),
        (r"\p{^L}", "a"),
    ],
)
def test_patterns_that_do_not_match(pattern: str, text: str) -> None:
    assert call("mustRegexMatch", pattern, text) is False


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(?--i)", "invalid or unsupported Perl syntax: `(?--`"),
        ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
        ("(?", "invalid or unsupported Perl syntax: `(?`"),
        ("(?é)", "invalid or unsupported Perl syntax: `(?é`"),
        ("[[:x:]]", "invalid character class range: `[:x:]`"),
        (r"\x4", r"invalid escape sequence: `\x4`"),
        (r"\x{}", r"invalid escape sequence: `\x{}`"),
        (r"\x", r"invalid escape sequence: `\x`"),
        (r"\x{41", r"invalid escape sequence: `\x{41`"),
        (r"\q", r"invalid escape sequence: `\q`"),
        (r"[b-\x41]", r"invalid character class range: `b-\x41`"),
        (r"\p", r"invalid character class range: `\p`"),
        (r"\p{L", r"invalid character class range: `\p{L`"),
        (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("a{99999999999}", "invalid repeat count: `{99999999999}`"),
        ("x**", "invalid nested repetition operator: `**`"),
        ("x+?+", "invalid nested repetition operator: `+?+`"),
        ("(?<>a)", "invalid named capture: `(?<>`"),
        ("(?P<n>", "missing closing ): `(?P<n>`"),
    ],
)
def test_patterns_that_are_wrong(pattern: str, problem: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call("mustRegexMatch", pattern, "")

    assert str(caught.value) == f"error parsing regexp: {problem}"
