"""What a section of werf.yaml looks like, and how it is read.

A ``Shape`` lists the keys of a section with the kind of each value, once: reading, the errors about
unknown keys and the JSON schema come from it.
Reading gives ``Values``, which remember where each key stands.
Rules between keys that werf checks while it decodes are the shape's ``check``; all others are in
the function that turns the values into the section's dataclass (spec section 1.6, item 3).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from importlib import import_module
from typing import Literal, TypeAlias, Union

from exporter.errors import ConfigError, Place
from exporter.project.yaml_decode import Decoder, Fields, is_null
from exporter.project.yaml_nodes import Node
from exporter.value import dataclass

Plain = Literal[
    "text",  # a string, or any scalar taken as its text
    "flag",  # yes, no, true, false, on, off
    "integer",
    "unsigned",
    "duration",  # Go's notation, or nanoseconds
    "texts",  # a list of strings
    "text or texts",  # a string or a list of strings, nothing else
    "text map",
    "map",  # names to anything
    "any",
]


@dataclass(frozen=True, slots=True)
class Later:
    """A shape of another module of this package, imported when a config has such a section."""

    module: str
    name: str

    def shape(self) -> "Shape":
        """The shape itself."""
        found = getattr(import_module(f"exporter.project.models.{self.module}"), self.name)
        assert isinstance(found, Shape)  # noqa: S101 - the names are literals in this package
        return found


@dataclass(frozen=True, slots=True)
class Many:
    """A list of sections; without a shape they look like the section that holds them."""

    shape: Union["Shape", Later, None] = None


Kind: TypeAlias = Union[Plain, Many, Later, "Shape"]


@dataclass(frozen=True, slots=True)
class Key:
    """A key, the kind of its value, what it is for, and the values it may have, if few."""

    name: str
    kind: Kind
    about: str
    choices: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """A section: its name, its keys, and rules between them.

    ``check_first`` runs before unknown keys are refused, ``check`` after.
    An open section may have other keys, with any values.
    ``go_type`` is named in the error about an unknown key where the original says it that way.
    ``elsewhere`` are keys that would make it another section; they are suggested, not known.
    """

    name: str
    keys: tuple[Key, ...]
    check: Callable[["Values"], None] | None = None
    check_first: Callable[["Values"], None] | None = None
    is_open: bool = False
    go_type: str = ""
    elsewhere: tuple[str, ...] = ()
    by_name: Mapping[str, Key] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {key.name: key for key in self.keys})


class Values:
    """What a section says, by key."""

    __slots__ = ("_entries", "_found", "place")

    def __init__(
        self,
        place: Place,
        entries: Mapping[str, tuple[Node, Node]],
        found: Mapping[str, object],
    ) -> None:
        """Take the values and the nodes of the keys that the section has."""
        self.place = place
        self._entries = entries
        self._found = found

    @staticmethod
    def nothing(place: Place) -> "Values":
        """The values of a section that is not there."""
        return Values(place, {}, {})

    def keys(self) -> Iterable[str]:
        """The keys that the section has, in order."""
        return self._found.keys()

    def has(self, key: str) -> bool:
        """Whether the section has the key with a value other than null."""
        return key in self._found and not self._is_null(key)

    def place_of(self, key: str) -> Place:
        """Where the key stands; the section's own place when it does not have the key."""
        entry = self._entries.get(key)
        if entry is None:
            return self.place
        return Place(path=self.place.path, line=entry[0].line, column=entry[0].column)

    def error(self, what: str, *, key: str = "", remedy: str = "") -> ConfigError:
        """An error about a key, or about the section."""
        return ConfigError(what, place=self.place_of(key), remedy=remedy)

    def text(self, key: str, default: str = "") -> str:
        """A string; null is ""."""
        value = self._found.get(key, default)
        return value if isinstance(value, str) else ""

    def optional_text(self, key: str) -> str | None:
        """A string, None when absent or null."""
        return self.text(key) if self.has(key) else None

    def flag(self, key: str) -> bool:
        """A boolean, False when absent."""
        return bool(self._found.get(key))

    def optional_flag(self, key: str) -> bool | None:
        """A boolean, None when absent or null."""
        return self.flag(key) if self.has(key) else None

    def integer(self, key: str) -> int | None:
        """A number; None when absent or null."""
        value = self._found.get(key)
        return value if isinstance(value, int) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty when absent."""
        value = self._found.get(key)
        return tuple(value) if isinstance(value, list) else ()

    def text_map(self, key: str) -> Mapping[str, str]:
        """Strings by name, empty when absent."""
        value = self._found.get(key)
        return value if isinstance(value, dict) else {}

    def any_map(self, key: str) -> Mapping[str, object]:
        """Values by name, empty when absent."""
        value = self._found.get(key)
        return value if isinstance(value, dict) else {}

    def anything(self, key: str) -> object:
        """The value as Go's types have it (``exporter.gotemplate.values``); None when absent."""
        return self._found.get(key)

    def text_or_texts(self, key: str) -> tuple[str, ...]:
        """A string or a list of strings as a tuple.

        Raises:
            ConfigError: It is something else; numbers and booleans have to be quoted.
        """
        value = self._found.get(key)
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        if all(isinstance(item, str) for item in items):
            return tuple(items)
        from exporter.gotemplate.sprint import sprint_value  # noqa: PLC0415 - for rare values only

        raise self.error(
            f"single string or array of strings expected, got `{sprint_value(value)}`!",
            key=key,
            remedy="Quote what YAML takes for a number, a boolean or null",
        )

    def section(self, key: str) -> Union["Values", None]:
        """A section, None when absent or null."""
        value = self._found.get(key)
        return value if isinstance(value, Values) else None

    def sections(self, key: str) -> tuple["Values", ...]:
        """A list of sections, empty when absent or null."""
        value = self._found.get(key)
        return value if isinstance(value, tuple) else ()

    def _is_null(self, key: str) -> bool:
        entry = self._entries.get(key)
        return entry is None or is_null(entry[1])


def read(shape: Shape, node: Node, decoder: Decoder) -> Values:
    """Read a section.

    Values of a wrong type are kept as problems of the decoder, to be reported together.

    Raises:
        ConfigError: A key is unknown, a list has an empty item, or a rule between keys is broken.
    """
    problems = len(decoder.problems)
    fields = decoder.fields(node, shape.by_name)
    found: dict[str, object] = {
        name: _value(shape.by_name[name].kind, value, decoder, shape)
        for name, (_, value) in fields.known.items()
    }
    if shape.is_open:
        found |= {name: decoder.any(value) for name, (_, value) in fields.unknown.items()}
    place = Place(path=decoder.name, line=node.line, column=node.column)
    values = Values(place, {**fields.known, **fields.unknown}, found)
    if len(decoder.problems) > problems:
        return values
    if shape.check_first:
        shape.check_first(values)
    if fields.unknown and not shape.is_open:
        raise _unknown_keys(shape, fields, decoder.name)
    if shape.check:
        shape.check(values)
    return values


def _value(kind: Kind, node: Node, decoder: Decoder, holder: Shape) -> object:
    match kind:
        case "text":
            return decoder.string(node)
        case "flag":
            return decoder.boolean(node)
        case "integer":
            return decoder.optional_integer(node)
        case "unsigned":
            return decoder.optional_unsigned(node)
        case "duration":
            return decoder.optional_duration(node)
        case "texts":
            return decoder.strings(node)
        case "text map":
            return decoder.string_map(node)
        case "map":
            return decoder.any_map(node)
        case "text or texts" | "any":
            return decoder.any(node)
        case Many():
            return _sections(kind.shape or holder, node, decoder)
        case Later() | Shape():
            return None if is_null(node) else read(_real(kind), node, decoder)


def _real(shape: Shape | Later) -> Shape:
    return shape.shape() if isinstance(shape, Later) else shape


def _sections(shape: Shape | Later, node: Node, decoder: Decoder) -> tuple[Values, ...]:
    sections: list[Values] = []
    shape = _real(shape)
    for item in decoder.items(node, "[]*config.plain"):
        if is_null(item):
            place = Place(path=decoder.name, line=item.line, column=item.column)
            raise ConfigError(
                f"an item of `{shape.name}` is empty", place=place, remedy="Fill or remove it"
            )
        sections.append(read(shape, item, decoder))
    return tuple(sections)


def _unknown_keys(shape: Shape, fields: Fields, path: str) -> ConfigError:
    unknown = list(fields.unknown)
    first = fields.unknown[unknown[0]][0]
    what = f"unknown fields: {', '.join(f'`{name}`' for name in unknown)}!"
    if shape.go_type:
        lines = [
            f"\n  line {key.line}: field {name} not found in type {shape.go_type}"
            for name, (key, _) in fields.unknown.items()
        ]
        what = f"yaml: unmarshal errors:{''.join(lines)}"
    return ConfigError(
        what,
        place=Place(path=path, line=first.line, column=first.column),
        remedy=_suggestion(unknown, (*shape.by_name, *shape.elsewhere)),
    )


def _suggestion(unknown: Iterable[str], known: Sequence[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for errors only

    by_lower = {name.lower(): name for name in known}
    nearest = {
        name: by_lower[matches[0]]
        for name in unknown
        if (matches := get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7))
    }
    if nearest:
        pairs = (f"`{right}` instead of `{wrong}`" for wrong, right in nearest.items())
        return f"Did you mean {', '.join(pairs)}?"
    return f"Known here: {', '.join(sorted(known))}" if known else ""
