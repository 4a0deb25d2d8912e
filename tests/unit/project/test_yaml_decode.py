import pytest

from exporter.gotemplate.values import AnyMap
from exporter.project.yaml_decode import Decoder, is_null
from exporter.project.yaml_nodes import Node, YamlError, compose


def value_node(text: str) -> Node | None:
    return Decoder().fields(compose(text), {"v"}).get("v")


def problems(decoder: Decoder) -> list[tuple[int, int, str]]:
    return [(found.line, found.column, found.text) for found in decoder.problems]


@pytest.mark.parametrize("scalar", ["123", "1.10", "0x10", "yes", "2024-01-01"])
def test_string_field_keeps_the_text_as_it_was_written(scalar: str) -> None:
    assert Decoder().string(value_node(f"v: {scalar}")) == scalar


def test_zero_values_stand_for_null_and_for_nothing() -> None:
    decoder = Decoder()
    for node in (None, value_node("v: ~")):
        assert decoder.string(node) == ""
        assert decoder.boolean(node) is False
        assert decoder.integer(node) == 0
        assert decoder.strings(node) == []
        assert decoder.string_map(node) == {}
        assert decoder.any(node) is None
        assert decoder.optional_string(node) is None
        assert decoder.optional_boolean(node) is None
    assert decoder.problems == []


def test_pointer_fields_tell_the_ways_of_writing_null_apart() -> None:
    decoder = Decoder()
    assert decoder.optional_string(value_node("v: NULL")) == ""
    assert decoder.optional_string(value_node("v: 'null'")) == "null"
    assert decoder.optional_boolean(value_node("v: 'null'")) is None
    assert problems(decoder) == [(1, 4, "cannot unmarshal !!str `null` into *bool")]
    assert is_null(value_node("v: null"))
    assert not is_null(value_node("v: Null"))


def test_all_problems_are_told_at_once_with_their_places() -> None:
    root = compose("a: 'true'\nb: [x]\nc: abcdefghijklm\n", first_line=3)
    decoder = Decoder(first_line=3)
    fields = decoder.fields(root, {"a", "b", "c"})
    decoder.boolean(fields.get("a"))
    decoder.string(fields.get("b"))
    decoder.strings(fields.get("c"))
    with pytest.raises(YamlError) as caught:
        decoder.finish()
    assert caught.value.go_text == (
        "yaml: unmarshal errors:\n"
        "  line 1: cannot unmarshal !!str `true` into bool\n"
        "  line 2: cannot unmarshal !!seq into string\n"
        "  line 3: cannot unmarshal !!str `abcdefg...` into []string"
    )
    assert str(caught.value) == (
        "werf.yaml:4:4: cannot unmarshal !!str `true` into bool. "
        "Write true or false, without quotes\n"
        "werf.yaml:5:4: cannot unmarshal !!seq into string. Write a text\n"
        "werf.yaml:6:4: cannot unmarshal !!str `abcdefg...` into []string. "
        "Write a list of texts, such as [a, b]"
    )


def test_unknown_keys_are_given_with_their_nodes() -> None:
    fields = Decoder().fields(compose("image: a\nfoo: 1\n"), {"image"})
    assert "image" in fields
    key, _ = fields.unknown["foo"]
    assert (key.line, key.column) == (2, 1)


def test_closed_struct_refuses_unknown_keys() -> None:
    decoder = Decoder()
    decoder.fields(compose("user: x"), {"username"}, go="git_repo.BasicAuth", closed=True)
    assert problems(decoder) == [(1, 1, "field user not found in type git_repo.BasicAuth")]


def test_struct_refuses_what_is_no_mapping() -> None:
    decoder = Decoder()
    decoder.fields(compose("[a]"), {"image"})
    assert problems(decoder) == [(1, 1, "cannot unmarshal !!seq into config.plain")]


def test_merge_brings_keys_in_and_the_mapping_wins() -> None:
    fields = Decoder().fields(compose("<<: {a: 1, b: 2}\nb: 3\n"), {"a", "b"})
    decoder = Decoder()
    assert [decoder.string(fields.get(key)) for key in "ab"] == ["1", "3"]


def test_merge_into_a_map_must_not_repeat_a_key() -> None:
    decoder = Decoder()
    decoder.any(compose("<<: {a: 1}\na: 2\n"))
    assert problems(decoder) == [(2, 4, 'key "a" already set in map')]


def test_one_and_true_are_two_keys() -> None:
    decoder = Decoder()
    decoder.any(compose("{y: a, 1: b, 0: c, n: d}\n"))
    assert problems(decoder) == []


def test_later_key_wins_where_decoding_is_not_strict() -> None:
    decoder = Decoder(strict=False)
    assert decoder.any(compose("a: 1\na: 2\n")) == {"a": 2}
    assert decoder.problems == []


def test_mappings_below_the_top_are_maps_of_anything() -> None:
    found = Decoder().any_map(compose("a: {1: x}\n"))
    assert found == {"a": {1: "x"}}
    assert type(found) is dict
    assert type(found["a"]) is AnyMap


def test_items_of_a_list_of_structs_are_nodes() -> None:
    decoder = Decoder()
    nodes = decoder.items(value_node("v: [{a: 1}, ~]"), "[]*config.rawGit")
    assert [is_null(node) for node in nodes] == [False, True]
    decoder.items(value_node("v: {a: 1}"), "[]*config.rawGit")
    assert problems(decoder) == [(1, 4, "cannot unmarshal !!map into []*config.rawGit")]


@pytest.mark.parametrize(
    ("text", "nanoseconds"), [("1h30m", 5_400_000_000_000), ("'-1s'", -1_000_000_000), ("7", 7)]
)
def test_duration_is_in_nanoseconds(text: str, nanoseconds: int) -> None:
    assert Decoder().optional_duration(value_node(f"v: {text}")) == nanoseconds


@pytest.mark.parametrize(("text", "number"), [("1.9", 1), ("0b11", 3), ("-1.5", 2**64 - 1)])
def test_number_that_is_not_whole_is_cut_as_in_go(text: str, number: int) -> None:
    assert Decoder().optional_unsigned(value_node(f"v: {text}")) == number


@pytest.mark.parametrize(
    ("text", "go_text"),
    [
        ("a: &a [*a]", "yaml: anchor 'a' value contains itself"),
        ("a: &a {<<: *a}", "yaml: anchor 'a' value contains itself"),
        ("<<: x", "yaml: map merge requires map or sequence of maps as the value"),
        ("? [x]\n: 1", 'yaml: invalid map key: []interface {}{"x"}'),
        ("a: !!int x", "yaml: cannot decode !!str `x` as a !!int"),
    ],
)
def test_broken_document_is_refused_at_once(text: str, go_text: str) -> None:
    with pytest.raises(YamlError) as caught:
        Decoder().any(compose(text))
    assert caught.value.go_text == go_text


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlError, match="excessive aliasing"):
        Decoder().any(compose("\n".join(lines)))


def test_keys_that_only_go_tells_apart_are_refused_not_lost() -> None:
    decoder = Decoder(strict=False)
    decoder.any(compose("1: a\nyes: b\n"))
    with pytest.raises(YamlError, match="cannot be told from one before it"):
        decoder.finish()
