import pytest

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.values import Uint8, Value
from tests.unit.gotemplate.sprig.calls import call


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[1, 1e999]", [1.0, None], id="a number too large is nil"),
        pytest.param('"\\ud83d\\u0041"', "\N{REPLACEMENT CHARACTER}A", id="half a pair"),
        pytest.param('"\udcff"', "\N{REPLACEMENT CHARACTER}", id="stray byte"),
        pytest.param(' {"a" : [ ] } ', {"a": []}, id="spaces"),
        pytest.param("[" * 9_000 + "]" * 9_000 + "x", None, id="deep and wrong"),
    ],
)
def test_reading_json(text: str, expected: Value) -> None:
    assert call("fromJson", text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("é", "invalid character 'Ã' looking for beginning of value", id="byte"),
        pytest.param("-", "invalid character ' ' in numeric literal", id="end in a number"),
        pytest.param("1.x", "invalid character 'x' after decimal point in numeric literal", id="."),
        pytest.param("1e+", "invalid character ' ' in exponent of numeric literal", id="e"),
        pytest.param("trux", "invalid character 'x' in literal true (expecting 'e')", id="word"),
        pytest.param("[1 2]", "invalid character '2' after array element", id="no comma"),
        pytest.param('{"a":1 2}', "invalid character '2' after object key:value pair", id="pair"),
        pytest.param('"\\x"', "invalid character 'x' in string escape code", id="escape"),
        pytest.param("'a'", "invalid character '\\'' looking for beginning of value", id="quote"),
        pytest.param(
            "{1}", "invalid character '1' looking for beginning of object key string", id="key"
        ),
        pytest.param('"a', "unexpected end of JSON input", id="end in a string"),
        pytest.param('"\\u12', "invalid character ' ' in \\u hexadecimal character escape", id="u"),
        pytest.param('"\n"', "invalid character '\\n' in string literal", id="control character"),
        pytest.param("[" * 10_001, "invalid character '[' exceeded max depth", id="depth"),
        pytest.param('{"a" 1}', "invalid character '1' after object key", id="no colon"),
    ],
)
def test_wrong_json_is_an_error(text: str, message: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call("mustFromJson", text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("\udcff\b\f\x7f", '"\\ufffd\\b\\f\x7f"', id="odd characters"),
        pytest.param(b"abc", '"YWJj"', id="bytes"),
        pytest.param({"é": 1, "z": 2}, '{"z":2,"é":1}', id="keys by their bytes"),
        pytest.param(Uint8(7), "7", id="sized integer"),
        pytest.param(1e-7, "1e-7", id="exponent without a zero"),
    ],
)
def test_writing_json(value: Value, expected: str) -> None:
    assert call("toJson", value) == expected


def test_pretty_json_keeps_empty_containers_on_a_line() -> None:
    assert call("toPrettyJson", {"a": [], "b": [1]}) == '{\n  "a": [],\n  "b": [\n    1\n  ]\n}'


def test_json_has_no_such_dates() -> None:
    moment = call("toDate", "2006", "9999")

    with pytest.raises(FunctionError, match=r"year outside of range \[0,9999\]$"):
        call("mustToJson", call("dateModify", "9000h", moment))


@pytest.mark.parametrize(
    ("name", "text", "position"),
    [
        pytest.param("b64dec", "YQ=", 3, id="one pad missing"),
        pytest.param("b64dec", "YQ=x", 2, id="wrong pad"),
        pytest.param("b64dec", "YQ==x", 4, id="text behind the end"),
        pytest.param("b64dec", "Y=", 1, id="half a byte"),
        pytest.param("b64dec", "YWI", 0, id="no padding"),
        pytest.param("b32dec", "ME======ME======", 2, id="base32, text behind the end"),
        pytest.param("b32dec", "ME===A==", 4, id="base32, text in the padding"),
        pytest.param("b32dec", "MFRGG", 0, id="base32, no padding"),
        pytest.param("b32dec", "ME=====", 7, id="base32, one pad missing"),
        pytest.param("b32dec", "MEE=====", 3, id="base32, no whole byte"),
    ],
)
def test_wrong_text_gives_the_error_as_a_result(name: str, text: str, position: int) -> None:
    base = name[1:3]

    assert call(name, text) == f"illegal base{base} data at input byte {position}"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("b64dec", "YQ=\n=\n", "a", id="line ends in the padding"),
        pytest.param("b64dec", "YWI=", "ab", id="one pad"),
        pytest.param("b32dec", "ME==\n====", "a", id="base32"),
    ],
)
def test_decoding(name: str, text: str, expected: str) -> None:
    assert call(name, text) == expected


def test_pairs_of_surrogates_are_one_character() -> None:
    assert call("fromJson", '"\\ud83d\\ude00\\n"') == "\N{GRINNING FACE}\n"
