"""The JSON schema of werf.yaml, made of the shapes that read it.

Editors check each document of a YAML file on its own, so the schema is one document's: the
project's, a Dockerfile image's or a stapel image's, told apart by their keys.
"""

import json
from typing import Any

from exporter.project.models.dockerfile import DOCKERFILE_IMAGE
from exporter.project.models.meta import META
from exporter.project.models.shape import Key, Kind, Later, Many, Shape
from exporter.project.models.stapel import STAPEL_IMAGE

_DIALECT = "http://json-schema.org/draft-07/schema#"
_NULL = {"type": "null"}
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_NAMES = {
    "oneOf": [
        {"type": ["string", "null"]},
        {"type": "array", "items": {"type": "string"}},
    ]
}


def json_schema() -> str:
    """The schema as indented JSON with a final line break."""
    definitions: dict[str, Any] = {}
    meta = _reference(META, definitions)
    dockerfile = _reference(DOCKERFILE_IMAGE, definitions, name="dockerfileImage")
    stapel = _reference(STAPEL_IMAGE, definitions, name="stapelImage")
    schema = {
        "$schema": _DIALECT,
        "title": "werf.yaml",
        "description": "One document of a werf.yaml",
        "if": {"required": ["configVersion"]},
        "then": {"allOf": [meta, {"required": ["configVersion", "project"]}]},
        "else": {
            "if": {"required": ["dockerfile"]},
            "then": dockerfile,
            "else": {
                "allOf": [stapel],
                "anyOf": [{"required": ["image"]}, {"required": ["artifact"]}],
            },
        },
        "definitions": dict(sorted(definitions.items())),
    }
    return json.dumps(schema, indent=2) + "\n"


def _reference(
    shape: Shape | Later, definitions: dict[str, Any], *, name: str = ""
) -> dict[str, str]:
    """A reference to a shape, which is defined on its first use."""
    shape = shape.shape() if isinstance(shape, Later) else shape
    name = name or shape.name
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = {
            "type": "object",
            "additionalProperties": shape.is_open,
            "properties": {key.name: _property(key, definitions, name) for key in shape.keys},
        }
    return {"$ref": f"#/definitions/{name}"}


def _property(key: Key, definitions: dict[str, Any], holder: str) -> dict[str, Any]:
    value = _value(key.kind, definitions, holder)
    if key.choices:
        value = {"enum": [*key.choices]}
    if key.name == "image" and key.kind == "any":
        value = _NAMES
    return {"description": key.about, **value}


def _value(kind: Kind, definitions: dict[str, Any], holder: str) -> dict[str, Any]:
    match kind:
        case "text":
            return _SCALAR
        case "flag":
            return {"type": ["boolean", "null"]}
        case "integer" | "unsigned":
            return {"type": ["integer", "null"]}
        case "duration":
            return {"type": ["string", "integer", "null"]}
        case "texts":
            return {"type": ["array", "null"], "items": _SCALAR}
        case "text or texts":
            return {"type": ["string", "array", "null"], "items": {"type": "string"}}
        case "text map":
            return {"type": ["object", "null"], "additionalProperties": _SCALAR}
        case "map":
            return {"type": ["object", "null"]}
        case "any":
            return {}
        case Many(None):
            return {"type": ["array", "null"], "items": {"$ref": f"#/definitions/{holder}"}}
        case Many(shape):
            assert shape is not None  # noqa: S101 - the case above
            return {"type": ["array", "null"], "items": _reference(shape, definitions)}
        case Later() | Shape():
            return {"oneOf": [_reference(kind, definitions), _NULL]}
