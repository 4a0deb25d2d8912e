import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.gotemplate.values import AnyMap, StringSlice, Uint64
from exporter.project.yaml_decode import Decoder
from exporter.project.yaml_emit import YamlEmitError, to_yaml
from exporter.project.yaml_nodes import compose


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}\n"),
        ([], "[]\n"),
        (None, "null\n"),
        (1e20, "1e+20\n"),
        (123456789.0, "1.23456789e+08\n"),
        (float("-inf"), "-.inf\n"),
        (Uint64(2**64 - 1), "18446744073709551615\n"),
        ({"a": [1, {"b": [2]}]}, "a:\n- 1\n- b:\n  - 2\n"),
        ([[1, [2]], []], "- - 1\n  - - 2\n- []\n"),
        ({"v1.10": 1, "v1.9": 2}, "v1.9: 2\nv1.10: 1\n"),
        (AnyMap({"a": 1, 10: 2, 9: 3, None: 4}), "9: 3\n10: 2\nnull: 4\na: 1\n"),
        (StringSlice(["yes", "no way"]), '- "yes"\n- no way\n'),
        (b"ab", "- 97\n- 98\n"),
        ("a: b", "'a: b'\n"),
        ("1:20:30", '"1:20:30"\n'),
        ("x\ny", "|-\n  x\n  y\n"),
        ("\n", "|2+\n\n"),
        ("x \ny", '"x \\ny"\n'),
        ("\udcff", "!!binary /w==\n"),
        ({"k" * 129: 1}, f"? {'k' * 129}\n: 1\n"),
        ({"a\nb": 1}, "? |-\n  a\n  b\n: 1\n"),
        ({"k": "word " * 20 + "end"}, f"k: {'word ' * 15}word\n  {'word ' * 4}end\n"),
    ],
)
def test_value_is_written_as_yaml_v2_writes_it(value: object, text: str) -> None:
    assert to_yaml(value) == text


def test_value_that_contains_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(YamlEmitError):
        to_yaml(value)


def test_type_that_yaml_does_not_know_is_refused() -> None:
    with pytest.raises(YamlEmitError, match="complex128"):
        to_yaml(1j)


TEXTS = st.text(alphabet=st.sampled_from("ab1 :#-?'\"\\{[,&*!|>%@`~.=é日"), max_size=100)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None)
@given(VALUES)
def test_what_was_written_reads_back_the_same(value: object) -> None:
    assert Decoder().any(compose(to_yaml(value))) == value
