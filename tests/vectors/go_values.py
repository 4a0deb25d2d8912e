"""Go values as the vectors write them, from and to the Python types of ``gotemplate.values``."""

import json
from typing import Any

from exporter.gotemplate.floats import format_float
from exporter.gotemplate.values import (
    AnyMap,
    Int32,
    Int64,
    IntSlice,
    StringMap,
    StringSlice,
    Uint64,
    go_type,
)

_MAKERS: dict[str, Any] = {
    "float64": float,
    "int64": Int64,
    "int32": Int32,
    "uint64": Uint64,
    "[]string": StringSlice,
    "[]int": IntSlice,
    "[]uint8": str.encode,
    "map[string]string": StringMap,
}


def from_json(value: Any) -> Any:  # noqa: ANN401 - JSON holds anything
    """Give the Go value of a ``data`` or ``value`` entry: ``{"$go": …}`` names unusual types."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$go" not in value:
        return {key: from_json(item) for key, item in value.items()}
    if value["$go"] == "map[interface {}]interface {}":
        return AnyMap((from_json(key), from_json(item)) for key, item in value["value"])
    return _MAKERS[value["$go"]](value["value"])


def typed(value: object) -> dict[str, Any]:
    """Write a value as results are written: ``{"t": type, "v": value}``, maps sorted."""
    if value is None:
        return {"t": "nil"}
    shown: Any = value
    if isinstance(value, dict):
        shown = [[typed(key), typed(item)] for key, item in value.items()]
        shown.sort(key=json.dumps)
    elif isinstance(value, list):
        shown = [typed(item) for item in value]
    elif isinstance(value, float):
        shown = format_float(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        shown = str(int(value))
    return {"t": go_type(value), "v": shown}


def sorted_maps(result: dict[str, Any]) -> dict[str, Any]:
    """Give a recorded result with its maps in the order of ``typed``."""
    shown = result.get("v")
    if not isinstance(shown, list):
        return result
    if not result["t"].startswith("map["):
        return {"t": result["t"], "v": [sorted_maps(item) for item in shown]}
    entries = [[sorted_maps(key), sorted_maps(item)] for key, item in shown]
    return {"t": result["t"], "v": sorted(entries, key=json.dumps)}
