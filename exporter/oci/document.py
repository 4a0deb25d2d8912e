"""JSON documents as registries hold them: bytes to values and back, each error with its place."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


class MalformedError(ValueError):
    """A document is not what its type asks for; the message names the path (``layers[2].size``)."""


def read_object(raw: bytes) -> dict[str, Json]:
    """The JSON object in ``raw``, keys in their order.

    Raises:
        MalformedError: It is not UTF-8 JSON, or not an object.
    """
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise MalformedError("nested too deeply") from error
    except ValueError as error:
        raise MalformedError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedError(f"a JSON object was expected, found {_kind(value)}")
    return value


def write_object(value: Mapping[str, Json]) -> bytes:
    """The compact JSON of an object, keys in their order, UTF-8."""
    try:
        return _dump(value, ascii_only=False).encode()
    except UnicodeEncodeError:  # a lone surrogate, legal in JSON as an escape only
        return _dump(value, ascii_only=True).encode()


def _dump(value: Mapping[str, Json], *, ascii_only: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not JSON")


class View:
    """A JSON object together with its path, read key by key; each reading checks the type."""

    __slots__ = ("path", "values")

    def __init__(self, values: Mapping[str, Json], path: str = "") -> None:
        """Read ``values``, found at ``path`` (empty for the document itself)."""
        self.values = values
        self.path = path

    def text(self, key: str, default: str | None = None) -> str:
        """The string at ``key``; without a default it must be there. JSON null is absence."""
        value = self.values.get(key)
        if value is None:
            if default is None:
                raise MalformedError(f"{self._at(key)} is missing")
            return default
        if not isinstance(value, str):
            self._wrong(key, "a string", value)
        return value

    def size(self, key: str) -> int:
        """The non-negative whole number at ``key``."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self._wrong(key, "a size in bytes", value)
        return value

    def view(self, key: str) -> "View | None":
        """The object at ``key``; None when it is absent or null."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._wrong(key, "an object", value)
        return View(value, self._at(key))

    def views(self, key: str) -> Iterator["View"]:
        """The objects of the list at ``key``; nothing when it is absent or null."""
        for i, value in enumerate(self._list(key)):
            path = f"{self._at(key)}[{i}]"
            if not isinstance(value, Mapping):
                raise MalformedError(f"{path} must be an object, found {_kind(value)}")
            yield View(value, path)

    def texts(self, key: str) -> tuple[str, ...]:
        """The strings of the list at ``key``; empty when it is absent or null."""
        values = self._list(key)
        found = tuple(value for value in values if isinstance(value, str))
        if len(found) != len(values):
            self._wrong(key, "a list of strings", values)
        return found

    def text_map(self, key: str) -> dict[str, str]:
        """The map from strings to strings at ``key``; empty when it is absent or null."""
        value = self.values.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self._wrong(key, "an object", value)
        found = {name: text for name, text in value.items() if isinstance(text, str)}
        if len(found) != len(value):
            self._wrong(key, "an object of strings", value)
        return found

    def _list(self, key: str) -> Sequence[Json]:
        value = self.values.get(key)
        if value is None:
            return ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            self._wrong(key, "a list", value)
        return value

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _wrong(self, key: str, wanted: str, value: Json) -> NoReturn:
        found = "nothing" if value is None else _kind(value)
        raise MalformedError(f"{self._at(key)} must be {wanted}, found {found}")


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return f"the number {value}"
        case str():
            return "a string"
        case Mapping():
            return "an object"
        case _:
            return "a list"
