# ruff: noqa: E501 - one case is one line, whatever its length
import pytest

from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.function import Function
from exporter.gotemplate.values import AnyMap
from tests.unit.gotemplate.engine import render, template_set


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a{{ .s }}b", "atextb"),
        ("{{ .missing }}{{ .nil }}{{ .missing.at.any.depth }}", "<no value>" * 3),
        ("{{ print .missing .nil }}", "<nil> <nil>"),
        ("{{ .map.a.c }}{{ .any.k }}{{ .strings.k }}{{ .strings.x }}", "deepvv<no value>"),
        ("{{ .list }} {{ .map }}", "[1 two <nil>] map[a:map[c:deep] b:1]"),
        ("{{ $x := 1 }}{{ if 1 }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}", "32"),
        ("{{ if .nil }}a{{ else if .s }}b{{ else }}c{{ end }}", "b"),
        ("{{ with .map.a }}{{ .c }}{{ $.s }}{{ end }}", "deeptext"),
        ("{{ with .nil }}a{{ else with .s }}{{ . }}{{ end }}", "text"),
        ("{{ range $i, $v := .list }}{{ $i }}={{ $v }};{{ end }}", "0=1;1=two;2=<no value>;"),
        ("{{ range $k, $v := .map.a }}{{ $k }}{{ $v }}{{ end }}", "cdeep"),
        ("{{ range 3 }}{{ . }}{{ end }}{{ range .nil }}{{ else }}none{{ end }}", "012none"),
        ("{{ range .words }}{{ if eq . `y` }}{{ break }}{{ end }}{{ . }}{{ end }}", "x"),
        ("{{ range .words }}{{ if eq . `x` }}{{ continue }}{{ end }}{{ . }}{{ end }}", "y"),
        ("{{ range 2 }}{{ range $.nope }}{{ else }}{{ break }}{{ end }}x{{ end }}", "xx"),
        ("{{ $i := 9 }}{{ range $i = 2 }}{{ end }}{{ $i }}", "1"),
        ('{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" .s }}{{ template "t" }}', "[text][<no value>]"),
        ('{{ block "b" 1 }}{{ . }}{{ end }}', "1"),
        ("{{ .s | printf `%s-%s` `a` | print 1 }}", "1a-text"),
        ("{{ or .nil 0 .s }}{{ and 1 .missing }}{{ not .nil }}", "text<no value>true"),
        ("{{ or 1 (fail `x`) }}{{ 0 | or 2 }}", "12"),
        ("{{ int64 1 | printf `%T` }}{{ printf `%T` .i64 }}", "int64int64"),
        ("{{ index .list 1 }}{{ index .map `a` `c` }}{{ index .map `x` }}", "twodeep<no value>"),
        ("{{ len `é` }}{{ slice `abc` 1 2 }}{{ index `abc` 1 }}", "2b98"),
        ("{{ 1_000 }} {{ 0x1p4 }} {{ 'a' }} {{ 1i }} {{ 1e3 }} {{ 0b11 }}", "1000 16 97 (0+1i) 1000 3"),
        ("{{ html `<a'` nil }} {{ js `<'\t` }} {{ urlquery `a b&` }}", "&lt;a&#39;&lt;no value&gt; \\u003C\\'\\u0009 a+b%26"),
        ("{{ isNilMap nil }}{{ isNilMap .missing }}{{ isNilMap .map }}", "truetruefalse"),
        ("{{ .thing.Get `k` }}{{ `p` | .thing.Get }}{{ .thing.Name }}", "<k><p>thing"),
        ("{{ eq 1 2 1 }}{{ ne 1 2 }}{{ lt 1 2 }}{{ ge `b` `a` }}{{ eq .nil nil }}", "true" * 5),
        ("{{ eq 1 .nil }}{{ eq .i64 7 }}{{ println 1 `a` }}", "falsetrue1 a\n"),
        ("{{ $x := 1 }}{{ if or 1 ($x := 2) }}{{ $x }}{{ end }}{{ if and 1 ($x := 2) }}{{ $x }}{{ end }}", "12"),
        ("{{ range $i, $v := .none }}x{{ else }}{{ $i }}{{ $v }}{{ end }}", "<no value><no value>"),
        ("{{ range $k, $v := .any }}{{ $k }}={{ $v }}{{ end }}{{ range .i64 }}{{ . }}{{ end }}", "k=v0123456"),
        ("{{ .thing }} {{ print .thing }} {{ list .thing }}", "{thing} &{thing} [0xc000000000]"),
        ("{{ (list 1 2) }}{{ (index .list 1) | printf `%s` }}{{ list 1 | list | print 1 2 3 }}", "[1 2]two1 2 3 [[1]]"),
        ("{{ $m := .map }}{{ $m.a.c }}{{ (.thing.Get `a`) | len }}{{ 'k' | print | .thing.Get }}", "deep3<107>"),
        ("{{ list 1 2 3 4 5 }}{{ 3 | list 1 2 }}{{ true }}{{ 1.50 }}", "[1 2 3 4 5][1 2 3]true1.5"),
        ('{{ define "i" }}{{ . }}!{{ end }}{{ include "i" 1 }}{{ tpl "{{ .s }}" . }}', "1!text"),
    ],
)  # fmt: skip
def test_rendering(text: str, expected: str) -> None:
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("{{ .s.x }}", "exec", "1:5: executing \"main\" at <.s.x>: can't evaluate field x in type interface {}"),
        ("{{ $x := 1 }}{{ $x.y }}", "exec", "1:18: executing \"main\" at <$x.y>: can't evaluate field y in type int"),
        ("{{ .nil.x }}", "exec", '1:7: executing "main" at <.nil.x>: nil pointer evaluating interface {}.x'),
        ("{{ range .list }}{{ .x }}{{ end }}", "exec", "1:20: executing \"main\" at <.x>: can't evaluate field x in type interface {}"),
        ("{{ range .words }}{{ .x }}{{ end }}", "exec", "1:21: executing \"main\" at <.x>: can't evaluate field x in type string"),
        ("{{ with .s }}{{ .x }}{{ end }}", "exec", "1:16: executing \"main\" at <.x>: can't evaluate field x in type string"),
        ("{{ repeat `a` .i }}", "exec", '1:10: executing "main" at <`a`>: expected integer; found `a`'),
        ("{{ repeat .i .i }}", "exec", '1:13: executing "main" at <.i>: wrong type for value; expected string; got int'),
        ("{{ repeat 1 .nil }}", "exec", '1:12: executing "main" at <.nil>: wrong type for value; expected string; got interface {}'),
        ("{{ repeat 1 .missing }}", "exec", '1:12: executing "main" at <.missing>: invalid value; expected string'),
        ("{{ 1 | repeat 2 }}", "exec", '1:14: executing "main" at <2>: wrong type for value; expected string; got int'),
        ("{{ repeat nil `a` }}", "exec", '1:10: executing "main" at <nil>: cannot assign nil to int'),
        ("{{ repeat 1 }}", "exec", '1:3: executing "main" at <repeat>: wrong number of args for repeat: want 2 got 1'),
        ("{{ isNilMap `a` }}", "exec", "1:12: executing \"main\" at <`a`>: can't handle `a` for arg of type map[string]interface {}"),
        ("{{ nil }}", "exec", '1:3: executing "main" at <nil>: nil is not a command'),
        ("{{ 1 2 }}", "exec", "1:3: executing \"main\" at <1>: can't give argument to non-function 1"),
        ("{{ .s 1 }}", "exec", '1:3: executing "main" at <.s>: s is not a method but has arguments'),
        ("{{ $x := $x }}", "exec", '1:9: executing "main" at <$x>: undefined variable: $x'),
        ("{{ or 1 ($y := 2) }}{{ $y }}", "exec", '1:23: executing "main" at <$y>: undefined variable: $y'),
        ("{{ range 1.5 }}{{ end }}", "exec", "1:9: executing \"main\" at <1.5>: range can't iterate over 1.5"),
        ("{{ range $i, $v := 3 }}{{ end }}", "exec", "1:19: executing \"main\" at <3>: can't use 3 to iterate over more than one variable"),
        ('{{ template "nope" }}', "exec", '1:12: executing "main" at <{{template "nope"}}>: template "nope" not defined'),
        ("{{ 9223372036854775808 }}", "exec", '1:3: executing "main" at <9223372036854775808>: 9223372036854775808 overflows int'),
        ("{{ .thing.Get }}", "exec", '1:9: executing "main" at <.thing.Get>: wrong number of args for Get: want 1 got 0'),
        ("{{ .thing.Fail }}", "func", '1:9: executing "main" at <.thing.Fail>: error calling Fail: no luck'),
        ("{{ (or .nil (list 1)).x }}", "exec", "1:18: executing \"main\" at <1>: can't evaluate field x in type []interface {}"),
        ("{{ (or .s (list 1)).x }}", "exec", "1:7: executing \"main\" at <.s>: can't evaluate field x in type string"),
        ("é{{ fail `x` }}", "func", '1:5: executing "main" at <fail `x`>: error calling fail: x'),
        ("{{ eq 1 `a` }}", "func", '1:3: executing "main" at <eq 1 `a`>: error calling eq: incompatible types for comparison: int and string'),
        ("{{ lt nil 1 }}", "func", '1:3: executing "main" at <lt nil 1>: error calling lt: invalid type for comparison'),
        ("{{ index .list 5 }}", "func", '1:3: executing "main" at <index .list 5>: error calling index: index out of range: 5'),
        ("{{ len 3 }}", "func", '1:3: executing "main" at <len 3>: error calling len: len of type int'),
        ("{{ call `f` }}", "func", '1:3: executing "main" at <call `f`>: error calling call: non-function `f` of type string'),
        ("{{ `f` | call }}", "func", '1:9: executing "main" at <call>: error calling call: non-function f of type string'),
        ("{{ 1 | call }}", "func", '1:7: executing "main" at <call>: error calling call: non-function <int Value> of type int'),
        ("{{ $x := 1 }}{{ $x 1 }}", "exec", "1:16: executing \"main\" at <$x>: can't give argument to non-function $x"),
        ("{{ $x := 1 }}{{ 2 | $x }}", "exec", "1:20: executing \"main\" at <$x>: can't give argument to non-function $x"),
        ("{{ 1 | (list) }}", "exec", "1:3: executing \"main\" at <1>: can't give argument to non-function list"),
        ("{{ (nil).x }}", "exec", '1:4: executing "main" at <nil>: nil is not a command'),
        ("{{ .thing.Name 1 }}", "exec", '1:9: executing "main" at <.thing.Name>: Name has arguments but cannot be invoked as function'),
        ("{{ .thing.Nope }}", "exec", "1:9: executing \"main\" at <.thing.Nope>: can't evaluate field Nope in type interface {}"),
        ("{{ .thing.Get 1 }}", "exec", '1:14: executing "main" at <1>: expected string; found 1'),
        ("{{ .thing.Get .i }}", "exec", '1:14: executing "main" at <.i>: wrong type for value; expected string; got int'),
        ("{{ 1 | .thing.Get }}", "exec", '1:13: executing "main" at <.thing.Get>: wrong type for value; expected string; got int'),
        ("{{ $x = 1 }}", "exec", '1:8: executing "main" at <1>: undefined variable: $x'),
        ("{{ range $v := .list }}{{ $v.x }}{{ end }}", "exec", "1:28: executing \"main\" at <$v.x>: can't evaluate field x in type interface {}"),
        ("{{ range $v := .list }}{{ $v = 1 }}{{ $v.x }}{{ end }}", "exec", "1:40: executing \"main\" at <$v.x>: can't evaluate field x in type int"),
        ("{{ index .list 9223372036854775808 }}", "exec", '1:15: executing "main" at <9223372036854775808>: 9223372036854775808 overflows int'),
        ("{{ call .nil }}", "func", '1:3: executing "main" at <call .nil>: error calling call: call of nil'),
    ],
)  # fmt: skip
def test_an_error_has_the_words_of_go(text: str, kind: str, message: str) -> None:
    with pytest.raises(GoTemplateError) as raised:
        render(text)
    assert (raised.value.kind, str(raised.value)) == (kind, f"template: main:{message}")


def test_an_error_of_an_inner_template_is_wrapped_by_include() -> None:
    with pytest.raises(GoTemplateError) as raised:
        render('{{ define "t" }}\n{{ .x.y }}{{ end }}\n{{ include "t" (index .list 0) }}')
    error = raised.value
    assert str(error) == (
        'template: main:3:3: executing "main" at <include "t" (index .list 0)>: error calling'
        ' include: template: main:2:5: executing "t" at <.x.y>: can\'t evaluate field x in type int'
    )
    assert (error.kind, error.line, error.column, error.node) == ("func", 2, 5, ".x.y")
    assert error.render() == (
        "main:2:6: can't evaluate field x in type int\n"
        "    {{ .x.y }}{{ end }}\n"
        "         ^\n"
        "  called from main:3:4\n"
        '    {{ include "t" (index .list 0) }}\n'
        "       ^"
    )


def test_an_error_below_template_tells_where_it_was_called() -> None:
    with pytest.raises(GoTemplateError) as raised:
        render('{{ define "t" }}{{ fail . }}{{ end }}{{ template "t" "bad" }}')
    assert [str(call) for call in raised.value.calls] == ["main:1:49"]
    assert raised.value.message == "error calling fail: bad"


def test_an_unknown_template_is_named_with_the_set() -> None:
    with pytest.raises(GoTemplateError) as raised:
        template_set().execute("nope", None)
    assert str(raised.value) == 'template: no template "nope" associated with template "main"'


def test_an_empty_text_does_not_replace_a_template() -> None:
    templates = template_set()
    templates.parse("a", "A")
    templates.parse("b", '{{ define "a" }} {{ end }}B')
    assert (templates.execute("a", None), templates.execute("b", None)) == ("A", "B")
    found = (templates.names(), templates.lookup("c"), templates.source_of("a"))
    assert found == (
        ["a", "b"],
        False,
        "A",
    )


def test_a_later_text_replaces_a_template() -> None:
    templates = template_set()
    templates.parse("a", '{{ define "x" }}1{{ end }}{{ template "x" }}')
    assert templates.execute("a", None) == "1"
    templates.parse("b", '{{ define "x" }}2{{ end }}')
    assert templates.execute("a", None) == "2"


def test_a_failed_parse_leaves_the_set_alone() -> None:
    templates = template_set()
    templates.parse("a", "A")
    with pytest.raises(GoTemplateError):
        templates.parse("a", "{{ define `b` }}{{ end }}{{ nofunc }}")
    assert (templates.execute("a", None), templates.lookup("b")) == ("A", False)


def test_an_error_of_python_arithmetic_is_one_of_the_function() -> None:
    templates = template_set()

    def boom() -> int:
        return len(range(1 << 70))

    templates.functions["list"] = Function("list", "func() int", boom)
    templates.parse("main", "{{ list }}")
    with pytest.raises(GoTemplateError, match="error calling list: Python int too large"):
        templates.execute("main", None)


def test_bytes_that_are_no_text_survive() -> None:
    assert render('{{ "\\xff" }}\udcfe') == "\udcff\udcfe"


def test_keys_of_an_untyped_map_keep_their_types() -> None:
    assert render("{{ index . 1 }}{{ index . true }}", AnyMap({1: "one"})) == "one<no value>"
