import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import Place
from exporter.project.yaml_decode import Decoder
from exporter.project.yaml_nodes import (
    MAX_DEPTH,
    AliasNode,
    MappingNode,
    ScalarNode,
    SequenceNode,
    YamlError,
    compose,
)


def error_of(text: str | bytes, first_line: int = 0) -> YamlError:
    with pytest.raises(YamlError) as caught:
        compose(text, first_line=first_line)
    return caught.value


def test_every_node_knows_its_place() -> None:
    root = compose("image: app\nshell:\n  install: [a, 'b']\n")
    assert root == MappingNode(
        1,
        1,
        [
            ScalarNode(1, 1, "image", "", plain=True),
            ScalarNode(1, 8, "app", "", plain=True),
            ScalarNode(2, 1, "shell", "", plain=True),
            MappingNode(
                3,
                3,
                [
                    ScalarNode(3, 3, "install", "", plain=True),
                    SequenceNode(
                        3,
                        12,
                        [
                            ScalarNode(3, 13, "a", "", plain=True),
                            ScalarNode(3, 16, "b", "", plain=False),
                        ],
                    ),
                ],
            ),
        ],
    )


def test_lines_are_counted_in_the_whole_file() -> None:
    root = compose("a: 1\n", first_line=40)
    assert root is not None
    assert (root.line, root.column) == (41, 1)


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "\ufeff"])
def test_text_without_a_document_has_no_root(text: str) -> None:
    assert compose(text) is None


def test_only_the_first_document_counts() -> None:
    root = compose("a: 1\n...\nb: [\n")
    assert isinstance(root, MappingNode)
    assert len(root.children) == 2


def test_alias_stands_for_the_anchor_that_was_set_last() -> None:
    root = compose("[&x 1, *x, &x 2, *x]")
    assert isinstance(root, SequenceNode)
    targets = [node.target.value for node in root.children if isinstance(node, AliasNode)]  # type: ignore[union-attr] # they are scalars
    assert targets == ["1", "2"]


def test_explicit_tag_is_kept_in_its_long_form() -> None:
    assert compose("!!int '1'") == ScalarNode(1, 1, "1", "tag:yaml.org,2002:int", plain=False)


@pytest.mark.parametrize(
    ("text", "go_text", "message"),
    [
        pytest.param(
            "a: [b\nc: d\n",
            "yaml: line 1: did not find expected ',' or ']'",
            "werf.yaml:42:2: did not find expected ',' or ']'. A bracket is not closed, or an "
            "element needs quotes; it was opened at 41:4",
            id="bracket",
        ),
        pytest.param(
            "a:\n\tb: 1\n",
            "yaml: line 2: found character that cannot start any token",
            "werf.yaml:42:1: found character that cannot start any token. YAML is indented with "
            "blanks, tabs are not allowed there",
            id="tab",
        ),
        pytest.param(
            "a: %x",
            "yaml: found character that cannot start any token",
            "werf.yaml:41:4: found character that cannot start any token. Put the value in quotes: "
            "YAML reserves %",
            id="reserved",
        ),
        pytest.param(
            "a: *nope",
            "yaml: unknown anchor 'nope' referenced",
            "werf.yaml:41:4: unknown anchor 'nope' referenced. An anchor is known only behind its "
            "place and up to the next ---",
            id="anchor",
        ),
        pytest.param(
            "%YAML 1.2\n---\na: 1\n",
            "yaml: found incompatible YAML document",
            "werf.yaml:41:1: found incompatible YAML document. Leave out the %YAML directive",
            id="directive",
        ),
        pytest.param(
            'a: "\\/"',
            "yaml: found unknown escape character",
            "werf.yaml:41:5: found unknown escape character. A backslash in double quotes starts "
            "an escape: write it twice, or use single quotes",
            id="escape that libyaml knows and yaml.v2 does not",
        ),
        pytest.param(
            "a:\n  b: [http://c?d]",
            "yaml: line 1: did not find expected ',' or ']'",
            "werf.yaml:42:15: did not find expected ',' or ']'. Put text that holds a question "
            "mark in quotes where it is between brackets",
            id="question mark between brackets",
        ),
    ],
)
def test_syntax_error_has_place_and_remedy(text: str, go_text: str, message: str) -> None:
    error = error_of(text, first_line=40)
    assert error.go_text == go_text
    assert str(error) == message


@pytest.mark.parametrize(
    ("data", "go_text"),
    [
        (b"a: \xff", "yaml: invalid leading UTF-8 octet"),
        (b"a: 1\nb: \x07", "yaml: control characters are not allowed"),
        ("a: \udcff", "yaml: invalid leading UTF-8 octet"),
        ("a: \ud800", "yaml: invalid Unicode character"),
    ],
)
def test_what_is_no_text_is_refused(data: str | bytes, go_text: str) -> None:
    assert error_of(data).go_text == go_text


def test_place_of_a_wrong_byte_is_known() -> None:
    assert error_of(b"a: 1\nb: \x07").place == Place(path="werf.yaml", line=2, column=4)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param("{a:}", ["a:"], id="colon before a bracket is text for yaml.v2"),
        pytest.param("{a:, b: 1}", ["a:", "b"], id="colon before a comma"),
    ],
)
def test_colon_that_libyaml_refuses_is_text(text: str, keys: list[str]) -> None:
    root = compose(text)
    assert isinstance(root, MappingNode)
    assert [key.value for key, _ in root.pairs() if isinstance(key, ScalarNode)] == keys


def test_too_deep_a_document_is_refused() -> None:
    assert "max depth" in error_of("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).go_text


YAMLISH = " \t\n\r-?:,[]{}#&*!|>'\"%@`ab1.~<\\é\x85\u2028"


def problems_of(data: str | bytes) -> list[tuple[int, int]]:
    """Decode and give the places of all problems; anything but a YamlError passes through."""
    decoder = Decoder()
    try:
        decoder.any_map(compose(data))
        decoder.finish()
    except YamlError as error:
        return [(problem.line, problem.column) for problem in error.problems]
    return []


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(YAMLISH), max_size=40))
def test_any_text_is_yaml_or_has_problems_with_places(text: str) -> None:
    assert all(line >= 1 and column >= 1 for line, column in problems_of(text))


@settings(deadline=None)
@given(st.binary(max_size=30))
def test_any_bytes_are_yaml_or_have_problems_with_places(data: bytes) -> None:
    assert all(line >= 1 and column >= 1 for line, column in problems_of(data))
