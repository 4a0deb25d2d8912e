# ruff: noqa: E501 - one case is one line, whatever its length
import sys

import pytest

from exporter.gotemplate.failure import GoTemplateError, LimitError
from exporter.gotemplate.function import registrar
from exporter.gotemplate.limits import Limits, deep_recursion
from exporter.gotemplate.template_set import TemplateSet
from exporter.gotemplate.values import Value
from exporter.gotemplate.weight import is_too_heavy
from tests.unit.gotemplate.engine import render, template_set

SMALL = Limits(nodes=1_000, size=10_000, tokens=2_000, template_depth=50, call_depth=20)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ range 1000000000 }}{{ end }}", "templates executed more than 1000 nodes"),
        ("{{ range 900 }}0123456789abcdef{{ end }}", "templates made more than 10000 characters"),
        ("{{ repeat 20000 `a` | len }}", "templates made more than 10000 characters"),
        ("{{ range 99 }}{{ repeat 300 `a` }}{{ end }}", "templates made more than 10000 characters"),
        ('{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}', "exceeded maximum template depth (50)"),
        ('{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}', 'template "a" is nested in more than 20 calls of include or tpl'),
        ("{{ $x := list 1 }}{{ range 99 }}{{ $x = list $x $x }}{{ end }}{{ $x }}", "a value prints too much text"),
    ],
)  # fmt: skip
def test_a_bomb_ends_with_an_error(text: str, problem: str) -> None:
    with pytest.raises(LimitError) as raised:
        render(text, limits=SMALL)
    assert raised.value.message == problem
    assert raised.value.kind == "exec"
    assert len(str(raised.value)) < 200


def test_growing_text_is_stopped_before_it_is_parsed() -> None:
    with pytest.raises(GoTemplateError, match="templates have too many tokens in all"):
        render("{{ 1 }}" * 1_000, limits=SMALL)


def test_printing_a_bomb_inside_a_function_is_an_error_of_the_function() -> None:
    bomb = "{{ $x := list 1 }}{{ range 99 }}{{ $x = list $x $x }}{{ end }}{{ print $x }}"
    with pytest.raises(GoTemplateError, match="error calling print: a value prints too much text"):
        render(bomb, limits=SMALL)


def test_deep_templates_are_no_problem_for_python() -> None:
    text = '{{ define "a" }}{{ if true }}{{ template "a" . }}{{ end }}{{ end }}{{ template "a" . }}'
    with pytest.raises(LimitError, match=r"exceeded maximum template depth \(20000\)"):
        render(text, limits=Limits(template_depth=20_000))


def test_the_recursion_limit_is_put_back() -> None:
    before = sys.getrecursionlimit()
    with deep_recursion():
        assert sys.getrecursionlimit() > before
    assert sys.getrecursionlimit() == before


def test_limits_are_those_of_one_rendering() -> None:
    for _ in range(5):
        assert render("{{ range 300 }}x{{ end }}", limits=SMALL) == "x" * 300


def test_a_value_too_heavy_to_be_written_out_is_not_handed_to_functions_that_do() -> None:
    templates = template_set()
    registrar(templates.functions)("func(interface {}) string", "toJson")(str)
    templates = TemplateSet(templates.functions)
    bomb = "{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ toJson $x }}"
    templates.parse("main", bomb)
    with pytest.raises(LimitError, match="a value has more than 2000000 parts"):
        templates.execute("main", None)


def test_a_value_inside_itself_is_not_heavy() -> None:
    loop: dict[str, Value] = {"a": [1, 2]}
    loop["loop"] = loop
    assert not is_too_heavy(loop)
