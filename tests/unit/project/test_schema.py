import json
from typing import Any

import pytest

from exporter.project.commands import config_schema

SCHEMA = json.loads(config_schema())
DEFINITIONS = SCHEMA["definitions"]


def test_every_key_has_a_description() -> None:
    missing = [
        f"{name}.{key}"
        for name, definition in DEFINITIONS.items()
        for key, value in definition["properties"].items()
        if not value.get("description")
    ]
    assert missing == []


def test_every_reference_is_defined() -> None:
    assert {ref.removeprefix("#/definitions/") for ref in _references(SCHEMA)} == set(DEFINITIONS)


def _references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*map(_references, value.values()))
    if isinstance(value, list):
        return set().union(*map(_references, value))
    return set()


@pytest.mark.parametrize(
    ("definition", "key", "expected"),
    [
        ("mount", "from", {"enum": ["tmp_dir", "build_dir"]}),
        ("dockerfileImage", "platform", {"type": ["array", "null"]}),
        ("stapelImage", "final", {"type": ["boolean", "null"]}),
        ("project", "configVersion", {"enum": [1]}),
    ],
)
def test_kinds_become_types(definition: str, key: str, expected: dict[str, Any]) -> None:
    found = DEFINITIONS[definition]["properties"][key]
    assert {name: found[name] for name in expected} == expected


def test_unknown_keys_are_refused_but_in_open_sections() -> None:
    opened = {name for name, found in DEFINITIONS.items() if found["additionalProperties"]}
    assert opened == {"ansible task", "cleanup.keepPolicies.imagesPerReference"}
