"""Checks a value against the part of JSON Schema that our own schemas use."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}
_KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "type", "required", "properties", "items",
    "additionalProperties", "enum", "const", "pattern", "minimum", "maximum",
}  # fmt: skip


def problems(value: object, schema: Mapping[str, Any]) -> list[str]:
    """Everything in the value that the schema does not allow, each with its path."""
    return list(_check(value, schema, schema, "$"))


def _check(
    value: Any,  # noqa: ANN401 - JSON may be anything, that is what is checked
    schema: Mapping[str, Any],
    root: Mapping[str, Any],
    path: str,
) -> Iterator[str]:
    if unknown := set(schema) - _KNOWN:
        raise NotImplementedError(f"the schema uses {unknown}")
    if "$ref" in schema:
        yield from _check(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
        return
    if "type" in schema and not _TYPES[schema["type"]](value):
        yield f"{path} is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {value!r}"
    if "const" in schema and value != schema["const"]:
        yield f"{path} is {value!r}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path} is {value!r}"
    if "minimum" in schema and not schema["minimum"] <= value <= schema.get("maximum", value):
        yield f"{path} is {value!r}"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _check(item, schema.get("items", {}), root, f"{path}[{number}]")
    if isinstance(value, dict):
        yield from (
            f"{path} has no {key}" for key in schema.get("required", ()) if key not in value
        )
        properties = schema.get("properties", {})
        for key, item in value.items():
            allowed = properties.get(key, schema.get("additionalProperties", {}))
            if allowed is False:
                yield f"{path} has {key}"
            else:
                yield from _check(item, allowed, root, f"{path}.{key}")
