import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from exporter.gotemplate.sprig.durations import format_duration
from exporter.gotemplate.values import StringMap, StringSlice, Uint64
from exporter.project.documents import split_chunks, split_documents
from exporter.project.yaml_decode import Decoder
from exporter.project.yaml_emit import to_yaml
from exporter.project.yaml_nodes import Node, YamlError, compose
from tests.vectors.folder import VECTORS
from tests.vectors.go_values import from_json, sorted_maps, typed

CASES = [
    (f"{path.stem}/{case['name']}", case)
    for path in sorted((VECTORS / "yaml").glob("*.json"))
    for case in json.loads(path.read_text())["cases"]
]
Read = Callable[[Decoder, Node | None], dict[str, Any]]


def _duration(decoder: Decoder, node: Node | None) -> dict[str, Any]:
    nanoseconds = decoder.optional_duration(node)
    if nanoseconds is None:
        return {"t": "nil"}
    return {"t": "time.Duration", "v": format_duration(nanoseconds)}


def _unsigned(decoder: Decoder, node: Node | None) -> dict[str, Any]:
    number = decoder.optional_unsigned(node)
    return typed(None if number is None else Uint64(number))


READERS: dict[str, Read] = {
    "string": lambda decoder, node: typed(decoder.string(node)),
    "*string": lambda decoder, node: typed(decoder.optional_string(node)),
    "bool": lambda decoder, node: typed(decoder.boolean(node)),
    "*bool": lambda decoder, node: typed(decoder.optional_boolean(node)),
    "*int": lambda decoder, node: typed(decoder.optional_integer(node)),
    "*uint64": _unsigned,
    "[]string": lambda decoder, node: typed(StringSlice(decoder.strings(node))),
    "map[string]string": lambda decoder, node: typed(StringMap(decoder.string_map(node))),
    "map[string]interface {}": lambda decoder, node: typed(decoder.any_map(node)),
    "*time.Duration": _duration,
    "interface {}": lambda decoder, node: typed(decoder.any(node)),
}


def first_pass(root: Node | None, first_line: int = 0) -> dict[str, Any]:
    decoder = Decoder(first_line=first_line)
    found = decoder.any_map(root)
    decoder.finish()
    return typed(found)


def decoded(data: bytes, target: str) -> dict[str, Any]:
    try:
        root = compose(data)
        if target == "document":
            return first_pass(root)
        decoder = Decoder()
        fields = decoder.fields(root, {"v"})
        value = READERS[target](decoder, fields.get("v"))
        for _, unknown in fields.unknown.values():
            decoder.any(unknown)
        decoder.finish()
    except YamlError as error:
        return {"error": error.go_text}
    return value


@pytest.mark.parametrize(
    ("case", "target"),
    [
        pytest.param(case, target, id=f"{name}/{target}")
        for name, case in CASES
        if "targets" in case
        for target in case["targets"]
    ],
)
def test_scalar_decodes_as_in_go(case: dict[str, Any], target: str) -> None:
    data = case["input"].encode() if "input" in case else base64.b64decode(case["input_b64"])
    assert decoded(data, target) == sorted_maps(case["targets"][target])


DOCUMENT_CASES = [pytest.param(case, id=name) for name, case in CASES if "chunks" in case]


@pytest.mark.parametrize("case", DOCUMENT_CASES)
def test_rendered_config_is_cut_where_werf_cuts(case: dict[str, Any]) -> None:
    assert list(split_chunks(case["input"])) == (case["chunks"] or [])
    lines = [document.first_line for document in split_documents(case["input"])]
    assert lines == [document["line"] for document in case["documents"] or []]


@pytest.mark.parametrize("case", DOCUMENT_CASES)
def test_document_decodes_as_in_the_first_pass_of_werf(case: dict[str, Any]) -> None:
    found = []
    for document in split_documents(case["input"]):
        try:
            root = compose(document.text, first_line=document.first_line)
            result = first_pass(root, document.first_line)
        except YamlError as error:
            result = {"error": error.go_text}
        found.append(result)
    recorded = [
        {"error": document["error"]} if "error" in document else sorted_maps(document["value"])
        for document in case["documents"] or []
    ]
    # a document of nothing but null is nil there and an empty map here
    nil, empty = {"t": "nil"}, {"t": "map[string]interface {}", "v": []}
    assert found == [empty if result == nil else result for result in recorded]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES if "yaml" in case]
)
def test_value_is_written_as_in_go(case: dict[str, Any]) -> None:
    assert to_yaml(from_json(case["value"])) == case["yaml"]
