# ruff: noqa: E501 - one case is one line, whatever its length
import pytest

from exporter.gotemplate.floats import format_float, format_json_like
from exporter.gotemplate.function import (
    FunctionError,
    Signature,
    check_size,
    parse_signature,
    wrap_int,
)
from exporter.gotemplate.quoting import LiteralError, quote, quote_rune, unquote, unquote_rune
from exporter.gotemplate.sprint import TooLargeError, sprint_value
from exporter.gotemplate.values import (
    NO_VALUE,
    AnyMap,
    Int64,
    StringSlice,
    Uint8,
    Value,
    from_bytes,
    go_kind,
    go_type,
    sorted_items,
    to_bytes,
)
from tests.unit.gotemplate.engine import Thing


@pytest.mark.parametrize(
    ("value", "type_name", "kind"),
    [
        ("a", "string", "string"),
        (True, "bool", "bool"),
        (1, "int", "int"),
        (Int64(1), "int64", "int64"),
        (1.5, "float64", "float64"),
        (None, "<nil>", "invalid"),
        (NO_VALUE, "<nil>", "invalid"),
        ([], "[]interface {}", "slice"),
        (StringSlice(), "[]string", "slice"),
        (b"", "[]uint8", "slice"),
        ({}, "map[string]interface {}", "map"),
        (AnyMap(), "map[interface {}]interface {}", "map"),
        (Thing(), "*test.Thing", "ptr"),
    ],
)
def test_types_and_kinds(value: Value, type_name: str, kind: str) -> None:
    assert (go_type(value), go_kind(value)) == (type_name, kind)


def test_maps_are_sorted_by_type_and_value() -> None:
    keys = AnyMap({"b": 1, "a": 1, 10: 1, 9: 1, 1.5: 1, False: 1, None: 1})
    assert [key for key, _ in sorted_items(keys)] == [None, False, 9, 10, 1.5, "a", "b"]


def test_a_value_that_contains_itself_is_not_printed() -> None:
    loop: dict[str, Value] = {}
    loop["loop"] = loop
    with pytest.raises(TooLargeError):
        sprint_value(loop)


def test_strings_are_bytes_underneath() -> None:
    assert from_bytes(b"a\xffb") == "a\udcffb"
    assert to_bytes("a\udcffb") == b"a\xffb"


@pytest.mark.parametrize(
    ("number", "verb", "precision", "text"),
    [
        (0.1, "g", -1, "0.1"),
        (100000.0, "g", -1, "100000"),
        (1e6, "g", -1, "1e+06"),
        (0.00001, "g", -1, "1e-05"),
        (-0.0, "g", -1, "-0"),
        (1234.5678, "g", 3, "1.23e+03"),
        (1e21, "f", -1, "1000000000000000000000"),
        (1.5, "e", -1, "1.5e+00"),
        (255.9, "x", 1, "0x1.0p+08"),
        (0.1, "x", -1, "0x1.999999999999ap-04"),
        (1.0, "b", -1, "4503599627370496p-52"),
        (float("nan"), "f", 2, "NaN"),
        (float("-inf"), "g", -1, "-Inf"),
    ],
)
def test_floats(number: float, verb: str, precision: int, text: str) -> None:
    assert format_float(number, verb, precision) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(1e20, "100000000000000000000"), (1e21, "1e+21"), (1e-7, "1e-7"), (1e-10, "1e-10")],
)
def test_floats_as_json_has_them(number: float, text: str) -> None:
    assert format_json_like(number) == text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('a"b\\', '"a\\"b\\\\"'),
        ("\n\t\x01\x7f", '"\\n\\t\\x01\\x7f"'),
        ("é\u200b\U0001f600", '"é\\u200b\U0001f600"'),
        ("\udcff", '"\\xff"'),
    ],
)
def test_quoting_and_back(text: str, quoted: str) -> None:
    assert quote(text) == quoted
    assert unquote(quoted) == text


@pytest.mark.parametrize(
    "literal", ['"\\q"', '"\\x4"', '"\\400"', '"\\ud800"', '"\\U00110000"', '"\\\'"']
)
def test_wrong_escapes_are_refused(literal: str) -> None:
    with pytest.raises(LiteralError):
        unquote(literal)


def test_escaped_bytes_join_to_characters() -> None:
    assert unquote('"\\xc3\\xa9\\351"') == "é\udce9"


def test_characters() -> None:
    assert (unquote_rune("'a'"), unquote_rune("'\\n'"), unquote_rune("'\\''")) == (97, 10, 39)
    assert (quote_rune(39), quote_rune(-1)) == ("'\\''", "'\ufffd'")
    with pytest.raises(LiteralError, match="malformed character constant: 'ab'"):
        unquote_rune("'ab'")


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("func() string", Signature(params=(), variadic=None, result="string")),
        ("func(int, ...interface {}) (string, error)", Signature(params=("int",), variadic="interface {}", result="string")),
        ("func(map[string]interface {}, []int) *semver.Version", Signature(params=("map[string]interface {}", "[]int"), variadic=None, result="*semver.Version")),
    ],
)  # fmt: skip
def test_signatures(text: str, signature: Signature) -> None:
    assert parse_signature(text) == signature


@pytest.mark.parametrize(
    "text", ["string", "func(", "func() (int, int)", "func() (int, error, int)"]
)
def test_what_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_signature(text)


def test_integers_are_cut_to_their_width() -> None:
    assert (wrap_int(200, "int8"), wrap_int(-1, "uint16"), wrap_int(2**63, "int")) == (
        -56,
        65535,
        -(2**63),
    )
    assert sprint_value([Uint8(7)]) == "[7]"


def test_too_large_results_are_refused() -> None:
    check_size(1_000)
    with pytest.raises(FunctionError):
        check_size(1 << 40)
