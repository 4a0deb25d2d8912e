import pytest

from exporter.gotemplate.lexer import Kind, Token, lex


def kinds(text: str) -> list[Kind]:
    return [token.kind for token in lex(text)]


def test_text_and_action_are_cut_into_tokens() -> None:
    assert lex("a{{ .b }}") == [
        Token(Kind.TEXT, "a", 0, 1),
        Token(Kind.LEFT_DELIM, "{{", 1, 1),
        Token(Kind.SPACE, " ", 3, 1),
        Token(Kind.FIELD, ".b", 4, 1),
        Token(Kind.SPACE, " ", 6, 1),
        Token(Kind.RIGHT_DELIM, "}}", 7, 1),
        Token(Kind.EOF, "EOF", 9, 1),
    ]


def test_trim_markers_remove_space_on_their_side() -> None:
    texts = [token.text for token in lex("a \n{{- 1 -}}\n b") if token.kind is Kind.TEXT]
    assert texts == ["a", "b"]


def test_lines_are_counted_in_trimmed_text_and_comments() -> None:
    tokens = lex("a\n\n{{- /* b\n */ -}}\n\n{{ .c }}")
    assert [(token.text, token.line) for token in tokens if token.kind is Kind.FIELD] == [(".c", 6)]


def test_minus_without_space_is_a_number() -> None:
    assert kinds("{{-3}}") == [Kind.LEFT_DELIM, Kind.NUMBER, Kind.RIGHT_DELIM, Kind.EOF]


def test_break_is_a_keyword_unless_it_is_a_function() -> None:
    assert kinds("{{break}}")[1] is Kind.BREAK
    assert lex("{{break}}", functions=frozenset({"break"}))[1].kind is Kind.IDENTIFIER


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ 1", "unclosed action"),
        ("{{/* x", "unclosed comment"),
        ("{{/* x */ 1}}", "comment ends before closing delimiter"),
        ("{{ (1 }}", "unclosed left paren"),
        ("{{ 1) }}", "unexpected right paren"),
        ('{{ "a }}', "unterminated quoted string"),
        ("{{ `a }}", "unterminated raw quoted string"),
        ("{{ 'a }}", "unterminated character constant"),
        ("{{ a@ }}", "bad character U+0040 '@'"),
        ("{{ 1a }}", 'bad number syntax: "1a"'),
        ("{{ \x01 }}", "unrecognized character in action: U+0001"),
        ("{{ $a : 1 }}", "expected :="),
    ],
)
def test_a_mistake_becomes_the_last_token(text: str, message: str) -> None:
    last = lex(text)[-1]
    assert (last.kind, last.text) == (Kind.ERROR, message)


def test_too_many_tokens_are_refused() -> None:
    assert lex("{{ 1 }}" * 100, limit=10)[-1].text == "templates have too many tokens in all"


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (Token(Kind.EOF, "EOF", 0, 1), "EOF"),
        (Token(Kind.DEFINE, "define", 0, 1), "<define>"),
        (Token(Kind.DOT, ".", 0, 1), "<.>"),
        (Token(Kind.STRING, '"b"', 0, 1), '"\\"b\\""'),
        (Token(Kind.TEXT, "a long text indeed", 0, 1), '"a long tex"...'),
    ],
)
def test_messages_show_a_token(token: Token, shown: str) -> None:
    assert str(token) == shown
