import re
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.naming.patterns import PatternError, matches


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("", "", True),
        ("*", "", True),
        ("*", "a/b", False),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("?", "/", False),
        ("?", "é", True),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[^a-c]x", "dx", True),
        ("[c-a]", "b", False),
        ("[\\]a]", "]", True),
        ("\\*", "*", True),
        ("\\*", "x", False),
        ("a*b*c", "abbbc", True),
        ("a*b*c", "abbbd", False),
        ("*a*b", "xaab", True),
        ("{a,b}", "a", False),
        ("a.b", "axb", False),
        ("a\nb*", "a\nbc", True),
    ],
)
def test_pattern_matches_the_whole_name(pattern: str, name: str, *, expected: bool) -> None:
    assert matches(pattern, name) is expected


@pytest.mark.parametrize(
    "pattern", ["[", "[]", "[^", "[a", "[a-", "[a-]", "[-a]", "x\\", "a[", "[\\"]
)
def test_malformed_pattern_is_refused_whatever_the_name_is(pattern: str) -> None:
    with pytest.raises(PatternError, match="syntax error in pattern"):
        matches(pattern, "zzz")


def test_many_stars_take_no_time() -> None:
    start = perf_counter()
    assert not matches("*a" * 49 + "b", "a" * 128)
    assert perf_counter() - start < 1


@settings(deadline=None)
@given(st.text(max_size=20))
def test_every_name_matches_itself_when_it_is_escaped(name: str) -> None:
    assert matches(re.sub(r"([\\*?\[])", r"\\\1", name), name)


@settings(deadline=None)
@given(st.text(alphabet="ab*?[]^-\\/", max_size=12), st.text(alphabet="ab/-", max_size=8))
def test_any_pattern_matches_or_is_refused(pattern: str, name: str) -> None:
    try:
        matches(pattern, name)
    except PatternError:
        return
