import math

import pytest

from exporter.gotemplate.comparison import equal
from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.limits import deep_recursion
from exporter.gotemplate.printf import sprintf
from exporter.gotemplate.values import AnyMap, StringMap, StringSlice, Value
from tests.unit.gotemplate.sprig.calls import call


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(call("concat"), id="concat of nothing"),
        pytest.param(call("rest", []), id="rest of nothing"),
        pytest.param(call("regexFindAll", "x", "a", -1), id="no match"),
        pytest.param(call("merge", None, None), id="merge of nothing"),
    ],
)
def test_nothing_stays_empty_whoever_uses_it(value: Value) -> None:
    call("append", [], value)
    call("merge", {"a": value}, {"a": {"b": 1}})
    call("unset", value, "a") if isinstance(value, dict) else call("sortAlpha", value)

    assert not value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(call("concat"), "null", id="concat of nothing"),
        pytest.param([], "[]", id="empty list"),
        pytest.param(call("merge", None), "null", id="merge of nothing"),
        pytest.param({}, "{}", id="empty map"),
    ],
)
def test_json_tells_nil_from_empty(value: Value, expected: str) -> None:
    assert call("toJson", value) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param(call("rest", []), None, True, id="nil list and nil"),
        pytest.param(call("rest", []), call("concat"), True, id="nil lists"),
        pytest.param(call("rest", []), [], False, id="nil and empty"),
    ],
)
def test_eq_tells_nil_from_empty(left: Value, right: Value, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert equal(left, right) is expected


def test_a_nil_list_is_printed_as_go_source() -> None:
    assert sprintf("%#v %v", call("rest", []), call("rest", [])) == "[]interface {}(nil) []"


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param([1, {"a": [2]}], [1, {"a": [2]}], True, id="nested"),
        pytest.param(["a"], StringSlice(["a"]), False, id="lists of different types"),
        pytest.param([], call("concat"), False, id="empty and nil"),
        pytest.param(math.nan, math.nan, False, id="NaN"),
        pytest.param(1, 1.0, False, id="int and float"),
        pytest.param({"a": 1}, {"b": 1}, False, id="other keys"),
        pytest.param([1], [1, 2], False, id="other length"),
        pytest.param(b"a", b"a", True, id="bytes"),
    ],
)
def test_deep_equality_needs_equal_types(
    left: Value,
    right: Value,
    expected: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    assert call("deepEqual", left, right) is expected


def test_maps_that_contain_themselves_can_be_compared() -> None:
    left: dict[str, Value] = {}
    right: dict[str, Value] = {}
    left["self"], right["self"] = left, right

    assert call("deepEqual", left, right) is True


def test_a_map_that_contains_itself_is_no_json() -> None:
    values: dict[str, Value] = {}
    values["self"] = values

    with deep_recursion(), pytest.raises(FunctionError, match="encountered a cycle via map"):
        call("mustToJson", values)


def test_a_map_that_contains_itself_cannot_be_copied() -> None:
    values: dict[str, Value] = {}
    values["self"] = values

    with deep_recursion(), pytest.raises(FunctionError, match="contains itself"):
        call("deepCopy", values)


@pytest.mark.parametrize(
    ("size", "length", "expected"),
    [
        pytest.param(-1, 2, [], id="no piece"),
        pytest.param(-3, 1, [[0]], id="one piece"),
        pytest.param(2, 3, [[0, 1], [2]], id="two pieces"),
    ],
)
def test_chunks(size: int, length: int, expected: list[Value]) -> None:
    assert call("chunk", size, list(range(length))) == expected


@pytest.mark.parametrize("size", [0, -1])
def test_an_impossible_chunk_size_is_an_error(size: int) -> None:
    with pytest.raises(FunctionError, match=r"^runtime error: makeslice: len out of range$"):
        call("chunk", size, [1, 2, 3])


def test_set_refuses_a_nil_map() -> None:
    with pytest.raises(FunctionError, match=r"^assignment to entry in nil map$"):
        call("set", None, "a", 1)


def test_merge_fills_the_first_map_in_place() -> None:
    target = {"a": {"b": 1}, "empty": ""}
    source = {"a": {"c": 2}, "empty": "x", "new": [1]}

    assert call("merge", target, source) is target
    assert target == {"a": {"b": 1, "c": 2}, "empty": "x", "new": [1]}
    assert target["new"] is source["new"]


def test_merge_takes_string_keys_into_a_yaml_map() -> None:
    assert call("merge", {"a": AnyMap({"b": 1})}, {"a": {"c": 2}}) == {"a": {"b": 1, "c": 2}}


def test_merge_cannot_take_yaml_keys_into_a_map_of_strings() -> None:
    with pytest.raises(
        FunctionError, match=r"type interface \{\} is not assignable to type string"
    ):
        call("merge", {"a": {"c": 2}}, {"a": AnyMap({"b": 1})})


def test_merge_cannot_put_any_value_into_a_map_of_strings() -> None:
    with pytest.raises(FunctionError, match=r"^reflect\.Value\.SetMapIndex: value of type"):
        call("merge", {"a": StringMap(b="1")}, {"a": {"c": 2}})


def test_merge_of_a_version_with_a_map_gives_nothing() -> None:
    version = call("semver", "1.2.3")

    assert call("merge", {"a": version}, {"a": {"b": 1}}) == ""
    with pytest.raises(FunctionError, match=r"^src and dst must be of same type$"):
        call("mustMerge", {"a": version}, {"a": {"b": 1}})


def test_dig_through_something_else_than_a_map_is_an_error() -> None:
    with pytest.raises(FunctionError, match=r"interface \{\} is map\[string\]string, not map"):
        call("dig", "a", "b", 1, {"a": StringMap()})


def test_a_list_equals_itself_whatever_it_contains() -> None:
    items = [math.nan]

    assert call("deepEqual", items, items) is True


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"abcd", b"bc", id="bytes"),
        pytest.param(StringSlice(["a", "b", "c"]), StringSlice(["b", "c"]), id="strings"),
    ],
)
def test_a_slice_keeps_the_type_of_its_list(value: Value, expected: Value) -> None:
    part = call("slice", value, 1, 3)

    assert part == expected
    assert type(part) is type(expected)


def test_what_reads_maps_takes_nil_for_an_empty_one() -> None:
    assert call("unset", None, "a") == {}
    assert call("get", None, "a") == ""
    assert call("hasKey", None, "a") is False
    assert call("values", None) == []
    assert call("omit", None, "a") == {}


def test_dig_gives_the_default_where_the_path_ends() -> None:
    assert call("dig", "a", "b", "default", {}) == "default"


@pytest.mark.parametrize("value", [1j, AnyMap()])
def test_some_values_are_no_json(value: Value) -> None:
    with pytest.raises(FunctionError, match=r"^json: unsupported type: "):
        call("mustToJson", value)
    assert call("toPrettyJson", value) == ""


def test_kinds_of_numbers_with_names() -> None:
    assert call("kindIs", "struct", call("toDate", "2006", "2024")) is True


def test_merging_keeps_what_is_there_when_the_other_has_nil() -> None:
    assert call("merge", {"a": None}, {"a": {"b": 1}}) == {"a": {"b": 1}}


def test_merging_maps_that_contain_themselves_is_refused() -> None:
    left: dict[str, Value] = {}
    right: dict[str, Value] = {}
    left["self"], right["self"] = left, right

    with deep_recursion(), pytest.raises(FunctionError, match="contain themselves"):
        call("merge", left, right)
