import pytest

from exporter.errors import TemplateError
from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.lexer import lex
from exporter.gotemplate.parser import parse, parse_tokens

FUNCTIONS = frozenset(("list", "print", "printf"))


def spelling(text: str) -> str:
    return str(parse("t", text, functions=FUNCTIONS)["t"].body)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a{{- .b -}} c", "a{{.b}}c"),
        ("{{ .a.b | printf `x` 1 }}", "{{.a.b | printf `x` 1}}"),
        ("{{$x := (list 1)}}{{$x.y}}", "{{$x := (list 1)}}{{$x.y}}"),
        ("{{range $i, $v := .}}{{break}}{{end}}", "{{range $i, $v := .}}{{break}}{{end}}"),
        ("{{if 1}}a{{else if 2}}b{{end}}", "{{if 1}}a{{else}}{{if 2}}b{{end}}{{end}}"),
        ("{{with 1}}{{else with nil}}{{end}}", "{{with 1}}{{else}}{{with nil}}{{end}}{{end}}"),
        ('{{template "x" .}}', '{{template "x" .}}'),
        ("{{(list).a.b}}", "{{(list).a.b}}"),
        ("{{/* gone */}}", ""),
    ],
)
def test_a_tree_is_spelled_in_normal_form(text: str, shown: str) -> None:
    assert spelling(text) == shown


def test_definitions_and_blocks_are_templates_of_their_own() -> None:
    trees = parse("t", '{{define "a"}}A{{end}}x{{block "b" .}}B{{end}}', functions=FUNCTIONS)
    assert {name: str(tree.body) for name, tree in trees.items()} == {
        "a": "A",
        "b": "B",
        "t": 'x{{template "b" .}}',
    }


def test_a_later_definition_replaces_an_empty_one_only() -> None:
    text = '{{define "a"}} {{end}}{{define "a"}}A{{end}}'
    assert str(parse("t", text, functions=FUNCTIONS)["a"].body) == "A"
    with pytest.raises(GoTemplateError, match='multiple definition of template "a"'):
        parse("t", '{{define "a"}}A{{end}}{{define "a"}}B{{end}}', functions=FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ nofunc }}", 'template: t:1: function "nofunc" not defined'),
        ("\n{{ $x }}", 'template: t:2: undefined variable "$x"'),
        ("{{ if 1 }}", "template: t:1: unexpected EOF"),
        ("{{ end }}", "template: t:1: unexpected {{end}}"),
        ("{{ if }}{{end}}", "template: t:1: missing value for if"),
        ("{{ 1 | 2 }}", "template: t:1: non executable command in pipeline stage 2"),
        ("{{ break }}", "template: t:1: {{break}} outside {{range}}"),
        ("{{ 1.a }}", 'template: t:1: bad number syntax: "1.a"'),
        ('{{ "s".a }}', 'template: t:1: unexpected . after term "\\"s\\""'),
        ("{{\n\n", "template: t:3: unclosed action started at t:1"),
        ("{{ print\n1 @ }}", 'template: t:2: unexpected "@" in operand'),
        ('{{ "\\q" }}', "template: t:1: invalid syntax"),
        ("{{ $a, $b := 1 }}", "template: t:1: too many declarations in command"),
    ],
)
def test_a_parse_error_has_the_words_of_go(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as raised:
        parse("t", text, functions=FUNCTIONS)
    assert str(raised.value) == message


def test_a_parse_error_knows_its_place() -> None:
    with pytest.raises(GoTemplateError) as raised:
        parse("t", "a\n\té {{ nofunc }}", functions=FUNCTIONS)
    error = raised.value
    assert (error.kind, error.name, error.line, error.column) == ("parse", "t", 2, -1)
    assert str(error.place) == "t:2:7"
    assert error.render() == (
        't:2:7: function "nofunc" not defined\n        é {{ nofunc }}\n             ^'
    )


def test_nesting_is_bounded() -> None:
    text = "{{if 1}}" * 50 + "{{end}}" * 50
    with pytest.raises(GoTemplateError, match="bodies are nested more than 20 deep"):
        parse_tokens("t", text, lex(text), functions=FUNCTIONS, nesting=20)
    text = "{{" + "(" * 50 + "1" + ")" * 50 + "}}"
    with pytest.raises(GoTemplateError, match="max expression depth exceeded"):
        parse_tokens("t", text, lex(text), functions=FUNCTIONS, nesting=20)
