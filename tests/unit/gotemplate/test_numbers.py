import pytest

from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.function import Function
from exporter.gotemplate.values import Value
from tests.unit.gotemplate.engine import data, template_set


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "int 0"),
        ("-0", "int 0"),
        ("+7", "int 7"),
        ("0x_1F", "int 31"),
        ("0b101", "int 5"),
        ("0o17", "int 15"),
        ("017", "int 15"),
        ("1_000", "int 1000"),
        ("-9223372036854775808", "int -9223372036854775808"),
        ("'é'", "int 233"),
        ("'\\x41'", "int 65"),
        ("1.5", "float64 1.5"),
        (".5", "float64 0.5"),
        ("5.", "float64 5"),
        ("1e3", "float64 1000"),
        ("1_0.2_5", "float64 10.25"),
        ("0x1p-2", "float64 0.25"),
        ("0x_1.8p1", "float64 3"),
        ("-0x1e", "float64 -30"),
        ("1i", "complex128 (0+1i)"),
        ("0123i", "complex128 (0+123i)"),
        ("1+2i", "complex128 (1+2i)"),
        ("1e3-2e+1i", "complex128 (1000-20i)"),
        ("0x1p-2+0x1p+2i", "complex128 (0.25+4i)"),
        ("3+0i", "complex128 (3+0i)"),
    ],
)
def test_the_spelling_decides_on_the_type(text: str, shown: str) -> None:
    templates = template_set()
    templates.parse("main", f"{{{{ printf `%T %v` {text} {text} }}}}")
    assert templates.execute("main", None) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("08", 'integer overflow: "08"'),
        ("18446744073709551616", 'integer overflow: "18446744073709551616"'),
        ("1__0", 'illegal number syntax: "1__0"'),
        ("1_", 'illegal number syntax: "1_"'),
        ("0x", 'illegal number syntax: "0x"'),
        ("0x1.8", 'illegal number syntax: "0x1.8"'),
        ("1e999", 'illegal number syntax: "1e999"'),
        ("1e", 'illegal number syntax: "1e"'),
        ("+", 'illegal number syntax: "+"'),
        ("0x10i", 'illegal number syntax: "0x10i"'),
        ("'ab'", "malformed character constant: 'ab'"),
        ("''", "invalid syntax"),
        ("1+i", "syntax error scanning complex number"),
        ("1i+2i", "syntax error scanning complex number"),
        ("1+2ei", 'strconv.ParseFloat: parsing "+2e": invalid syntax'),
        ("1+2", 'bad number syntax: "1+2"'),
        ("0b2", 'bad number syntax: "0b2"'),
    ],
)
def test_what_is_no_number_is_refused(text: str, message: str) -> None:
    with pytest.raises(GoTemplateError) as raised:
        template_set().parse("main", f"{{{{ {text} }}}}")
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("go_type", "argument", "shown"),
    [
        ("float64", "3", "float64 3"),
        ("float64", "1.5", "float64 1.5"),
        ("int64", "1e3", "int64 1000"),
        ("int32", "2", "int32 2"),
        ("uint8", "300", "uint8 44"),
        ("uint64", "18446744073709551615", "uint64 18446744073709551615"),
        ("int", "3+0i", "int 3"),
        ("bool", "true", "bool true"),
        ("[]int", "nil", "<nil> <nil>"),
        ("int64", ".i64", "int64 7"),
    ],
)
def test_a_constant_takes_the_type_of_the_parameter(
    go_type: str, argument: str, shown: str
) -> None:
    assert call_with(go_type, argument) == shown


@pytest.mark.parametrize(
    ("go_type", "argument", "message"),
    [
        ("float64", "1i", "expected float; found 1i"),
        ("float64", ".i", "wrong type for value; expected float64; got int"),
        ("uint64", "-1", "expected unsigned integer; found -1"),
        ("int64", "1.5", "expected integer; found 1.5"),
        ("int64", "true", "expected integer; found true"),
        ("bool", "1", "expected bool; found 1"),
        ("bool", "nil", "cannot assign nil to bool"),
        ("time.Time", "1", "can't handle 1 for arg of type time.Time"),
    ],
)
def test_a_constant_that_does_not_fit_is_refused(go_type: str, argument: str, message: str) -> None:
    with pytest.raises(GoTemplateError) as raised:
        call_with(go_type, argument)
    assert raised.value.message == message


def call_with(go_type: str, argument: str) -> str:
    """What a function with one parameter of a Go type gets."""
    templates = template_set()

    def same(value: Value) -> Value:
        return value

    templates.functions["fail"] = Function("fail", f"func({go_type}) interface {{}}", same)
    templates.parse("main", f"{{{{ $x := fail {argument} }}}}{{{{ printf `%T %v` $x $x }}}}")
    return templates.execute("main", data())
