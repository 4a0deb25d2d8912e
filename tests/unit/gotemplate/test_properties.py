# ruff: noqa: E501 - one case is one line, whatever its length
"""Whatever the text: an error of templates or a result, and always the same one."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import TemplateError
from exporter.gotemplate.lexer import Kind, lex
from exporter.gotemplate.limits import Limits
from exporter.gotemplate.parser import parse
from exporter.gotemplate.printf import sprintf
from exporter.gotemplate.quoting import quote, unquote
from exporter.gotemplate.values import NO_VALUE, AnyMap, Int64, Value
from tests.unit.gotemplate.engine import render

FUNCTIONS = frozenset(
    ("list", "repeat", "fail", "print", "printf", "index", "len", "eq", "or", "and")
)
LIMITS = Limits(nodes=2_000, size=20_000, tokens=5_000, template_depth=30, call_depth=10)
SNIPPETS = [
    *("{{", "}}", "{{-", "-}}", "{{ ", " }}", "(", ")", "|", ".", "$", "$x", ":=", "=", ",", " ", "\n"),
    *("if ", "else", "else if ", "with ", "range ", "end", "define ", "block ", "template ", "break", "continue"),
    *("nil", "true", '"a"', "`b`", "'c'", "1", "-1", "0x1p-2", "1i", "1e400", "/*", "*/", "é", "\udcff", "\\"),
    *(".list", ".map.a", ".nil", ".thing.Get", ".thing.Fail", "list", "repeat", "fail", "printf", "index", "or"),
]  # fmt: skip
texts = st.one_of(
    st.text(),
    st.lists(st.sampled_from(SNIPPETS), max_size=30).map("".join),
    st.lists(st.sampled_from(SNIPPETS), max_size=8).map(
        lambda parts: f"{{{{ {''.join(parts)} }}}}"
    ),
)


def _any_map(items: Mapping[Any, Value]) -> AnyMap:
    return AnyMap(items)


values: st.SearchStrategy[Value] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.complex_numbers(),
        st.text(),
        st.binary(),
        st.just(NO_VALUE),
        st.integers(0, 9).map(Int64),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(), inner, max_size=4),
        st.dictionaries(st.text() | st.integers() | st.booleans(), inner, max_size=4).map(_any_map),
    ),
    max_leaves=10,
)


def outcome(text: str) -> str:
    try:
        return render(text, limits=LIMITS)
    except TemplateError as error:
        return f"error: {error}"


@given(texts)
@settings(max_examples=300, deadline=None)
def test_the_lexer_always_ends_with_eof_or_an_error(text: str) -> None:
    tokens = lex(text)
    assert tokens[-1].kind in (Kind.EOF, Kind.ERROR)
    assert all(left.position <= right.position for left, right in pairwise(tokens))


@given(texts)
@settings(max_examples=300, deadline=None)
def test_the_parser_raises_template_errors_only(text: str) -> None:
    with suppress(TemplateError):
        assert "t" in parse("t", text, functions=FUNCTIONS)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_rendering_is_deterministic_and_raises_template_errors_only(text: str) -> None:
    assert outcome(text) == outcome(text)


@given(texts)
@settings(max_examples=200, deadline=None)
def test_the_spelling_of_a_tree_has_the_same_spelling(text: str) -> None:
    try:
        body = parse("t", text, functions=FUNCTIONS)["t"].body
        again = parse("t", str(body), functions=FUNCTIONS)["t"].body
    except TemplateError:
        return  # {{define}} is not part of the spelling, so what it defines may be missing
    assert str(again) == str(body)


@given(st.text(), st.lists(values, max_size=4))
@settings(max_examples=300, deadline=None)
def test_printf_takes_everything(text: str, args: list[Value]) -> None:
    assert sprintf(text, *args) == sprintf(text, *args)
    for verb in "vdsqxXtcUbeEfgGoOTw":
        assert sprintf(f"%{verb}|%+#{verb}|%-08.3{verb}", *args)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_text_reads_back(text: str) -> None:
    assert unquote(quote(text)) == text
