"""Merge maps into the first one, by the rules of imdario/mergo 0.3.16.

The first map is changed and shares what it takes over with the others, as in Go.
"""

from collections.abc import Mapping
from typing import Final, cast

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.nils import NIL_MAP
from exporter.gotemplate.sprig.flow import empty
from exporter.gotemplate.sprig.kinds import kind_of
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import MAPS, SLICES, AnyMap, StringMap, Value, go_type

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

Map = dict[str, Value]
_AnyDict = dict[Value, Value]
_MAX_DEPTH: Final = 10_000
_MISSING: Final = object()


class _DifferentTypesError(Exception):
    """Mergo's own error, which the functions without ``must`` swallow."""


@named("mustMerge")
def must_merge(target: Map | None, *sources: Map | None) -> Value:
    """The first map, with what it lacks or has empty taken from the others."""
    return _merged(target, sources, overwrite=False, strict=True)


@named("merge")
def merge(target: Map | None, *sources: Map | None) -> Value:
    """As ``mustMerge``; an empty string when a pointer meets something else."""
    return _merged(target, sources, overwrite=False, strict=False)


@named("mustMergeOverwrite")
def must_merge_overwrite(target: Map | None, *sources: Map | None) -> Value:
    """The first map, with everything that the others have."""
    return _merged(target, sources, overwrite=True, strict=True)


@named("mergeOverwrite")
def merge_overwrite(target: Map | None, *sources: Map | None) -> Value:
    """As ``mustMergeOverwrite``; an empty string when a pointer meets something else."""
    return _merged(target, sources, overwrite=True, strict=False)


def _merged(
    target: Map | None, sources: tuple[Map | None, ...], *, overwrite: bool, strict: bool
) -> Value:
    if target is None or target is NIL_MAP:
        target = {} if any(source is not None for source in sources) else NIL_MAP
    try:
        for source in sources:
            _merge_maps(cast("_AnyDict", target), source or {}, overwrite=overwrite, depth=0)
    except _DifferentTypesError as error:
        if strict:
            raise FunctionError(str(error)) from None
        return ""
    return target


def _merge_maps(
    target: _AnyDict, source: Mapping[Value, Value] | Map, *, overwrite: bool, depth: int
) -> None:
    if depth > _MAX_DEPTH:
        raise FunctionError("the maps contain themselves, or are nested too deeply")
    if source and isinstance(source, AnyMap) and not isinstance(target, AnyMap):
        raise FunctionError(
            "reflect.Value.MapIndex: value of type interface {} is not assignable to type string"
        )
    for key, value in list(source.items()):
        present = target.get(key, _MISSING)
        if value is None:
            if overwrite:
                _put(target, key, value, source)
            continue
        if kind_of(value) in ("map", "ptr", "struct"):
            _merge_values(present, value, overwrite=overwrite, depth=depth)
        is_empty = present is _MISSING or empty(present)
        both_maps = type(value) in MAPS and type(present) in MAPS
        # Maps that could be merged were merged already.
        if is_empty or (overwrite and not both_maps):
            _put(target, key, value, source)


def _merge_values(present: Value, value: Value, *, overwrite: bool, depth: int) -> None:
    """Merge into a value that is there, if it is a map."""
    if present is _MISSING or present is None or present is NIL_MAP:
        return
    if type(present) in MAPS and type(value) in MAPS:
        _merge_maps(
            cast("_AnyDict", present), cast("_AnyDict", value), overwrite=overwrite, depth=depth + 1
        )
    elif kind_of(present) == "ptr" and kind_of(value) != "ptr" and not overwrite:
        raise _DifferentTypesError("src and dst must be of same type")


def _put(target: _AnyDict, key: Value, value: Value, source: object) -> None:
    if isinstance(target, StringMap) and not isinstance(source, StringMap):
        name = go_type(value) if type(value) in SLICES else "interface {}"
        raise FunctionError(
            f"reflect.Value.SetMapIndex: value of type {name} is not assignable to type string"
        )
    target[key] = value
