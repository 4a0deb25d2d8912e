import pytest

from exporter.gotemplate.builtins import BUILTINS
from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.values import (
    NO_VALUE,
    AnyMap,
    Int64,
    StringMap,
    StringSlice,
    Uint8,
    Uint64,
    Value,
)
from tests.unit.gotemplate.engine import Thing


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("index", ([1, [2, 3]], 1, Int64(0)), 2),
        ("index", ("aé", 1), Uint8(0xC3)),
        ("index", (b"ab", 0), Uint8(97)),
        ("index", (AnyMap({1: "int", "s": "text", None: "nil"}), 1), "int"),
        ("index", (AnyMap({1: "int"}), True), None),
        ("index", (AnyMap({None: "nil"}), NO_VALUE), "nil"),
        ("index", (AnyMap({"s": "text"}), "s"), "text"),
        ("index", (StringMap(), "x"), ""),
        ("index", ({"a": 1},), {"a": 1}),
        ("len", ("aé",), 3),
        ("len", (b"ab",), 2),
        ("len", ({"a": 1},), 1),
        ("slice", ("aéb", 1, 3), "é"),
        ("slice", (b"abc", 1), b"bc"),
        ("slice", (StringSlice(["a", "b"]), 0, 1, 2), StringSlice(["a"])),
        ("slice", ([1, 2],), [1, 2]),
        ("eq", (1, 2, 1), True),
        ("eq", (Int64(3), Uint64(3)), True),
        ("eq", (None, NO_VALUE), True),
        ("eq", ([], None), False),
        ("eq", (1, None), False),
        ("eq", (1 + 0j, 1 + 0j), True),
        ("eq", (True, True), True),
        ("lt", (Int64(-1), Uint64(0)), True),
        ("lt", ("a\udcff", "a\U0001f600"), False),
        ("le", (1.5, 1.5), True),
        ("gt", ("b", "a"), True),
        ("ge", (1, 2), False),
        ("not", (0.0,), True),
        ("html", ("<", None, 1, 2), "&lt;&lt;no value&gt;1 2"),
        ("html", (Thing(), "\0"), "{thing}\ufffd"),
        ("js", ("a=\\\n\u2028\udcffé",), "a\\u003D\\\\\\u000A\\u2028\udcffé"),
        ("urlquery", ("a b/é~",), "a+b%2F%C3%A9~"),
    ],
)
def test_results(name: str, args: tuple[Value, ...], expected: Value) -> None:
    result = BUILTINS[name].call(*args)
    assert (type(result), result) == (type(expected), expected)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("index", (None,), "index of untyped nil"),
        ("index", ([None], 0, 0), "index of nil pointer"),
        ("index", ("ab", 2), "reflect: string index out of range"),
        ("index", (b"ab", 2), "reflect: slice index out of range"),
        ("index", ([1], 1), "reflect: slice index out of range"),
        ("index", ([1], -1), "index out of range: -1"),
        ("index", ([1], None), "cannot index slice/array with nil"),
        ("index", ([1], "0"), "cannot index slice/array with type string"),
        ("index", ({}, None), "value is nil; should be of type string"),
        ("index", ({}, 1), "value has type int; should be string"),
        ("index", (AnyMap(), [1]), "runtime error: hash of unhashable type []interface {}"),
        ("index", (1, 0), "can't index item of type int"),
        ("index", (Thing(), 0), "can't index item of type test.Thing"),
        ("len", (None,), "len of nil pointer"),
        ("len", (NO_VALUE,), "reflect: call of reflect.Value.Type on zero Value"),
        ("len", (1,), "len of type int"),
        ("slice", (NO_VALUE,), "slice of untyped nil"),
        ("slice", ([], 0, 0, 0, 0), "too many slice indexes: 4"),
        ("slice", ("a", 0, 0, 0), "cannot 3-index slice a string"),
        ("slice", (1,), "can't slice item of type int"),
        ("slice", ([1, 2], 2, 1), "invalid slice index: 2 > 1"),
        ("slice", ([1, 2], 0, 2, 1), "invalid slice index: 2 > 1"),
        ("eq", (1,), "missing argument for comparison"),
        ("eq", (1, "1"), "incompatible types for comparison: int and string"),
        (
            "eq",
            ([1], {}),
            "non-comparable types [%!s(int=1)]: []interface {}, map[string]interface {}: map[]",
        ),
        ("eq", ([1], [1]), "non-comparable type [%!s(int=1)]: []interface {}"),
        ("lt", (1, 1.5), "incompatible types for comparison: int and float64"),
        ("lt", (True, False), "invalid type for comparison"),
        ("lt", (1j, 2j), "invalid type for comparison"),
        ("gt", (None, 1), "invalid type for comparison"),
    ],
)
def test_refusals(name: str, args: tuple[Value, ...], message: str) -> None:
    with pytest.raises(FunctionError) as raised:
        BUILTINS[name].call(*args)
    assert str(raised.value) == message
