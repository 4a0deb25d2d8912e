"""From YAML nodes to typed values, by the rules and in the words of yaml.v2's strict decoder.

A ``Decoder`` goes on after a value that does not fit and keeps the problem, so that a user sees
everything that is wrong at once; ``finish`` raises the problems together::

    decoder = Decoder(name="werf.yaml")
    fields = decoder.fields(node, {"image", "from", "final"})
    base = decoder.string(fields.get("from"))
    final = decoder.optional_boolean(fields.get("final"))
    decoder.finish()

An absent value (None) and a YAML null give the type's zero value, as in Go: ``""``, False, None.
What breaks a document as a whole (a ``<<`` that is no mapping, aliases without end) raises at once.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final, NoReturn, TypeVar

from exporter.gotemplate.values import AnyMap, from_bytes, to_bytes
from exporter.project.yaml_hints import type_hint
from exporter.project.yaml_nodes import (
    AliasNode,
    MappingNode,
    Node,
    Problem,
    RealNode,
    ScalarNode,
    SequenceNode,
    YamlError,
)
from exporter.project.yaml_scalars import (
    MAP,
    MERGE,
    NULL,
    SEQ,
    STR,
    TIMESTAMP,
    Resolved,
    ScalarError,
    resolve,
    short_tag,
)
from exporter.project.yaml_targets import (
    WRONG,
    Wrong,
    pick_boolean,
    pick_duration,
    pick_integer,
    pick_string,
    pick_unsigned,
)
from exporter.value import dataclass

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

# yaml.v2 2.4.0, decode.go: how much of the decoding may come from aliases.
_ALIASES_UNCHECKED: Final = 100
_DECODES_UNCHECKED: Final = 1_000
_RATIO_LOW: Final = 400_000
_RATIO_HIGH: Final = 4_000_000
_SHOWN_VALUE: Final = 10
_PLAIN: Final = "config.plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The entries of a mapping that stands for a struct.

    ``known`` and ``unknown`` map each key to its key node and its value, in order of appearance.
    Of entries that ``<<`` brings in and the mapping repeats, the last one counts.
    """

    known: Mapping[str, tuple[Node, Node]]
    unknown: Mapping[str, tuple[Node, Node]]

    def get(self, key: str) -> Node | None:
        """Give the value of a known key, None when it is absent."""
        entry = self.known.get(key)
        return entry[1] if entry else None

    def __contains__(self, key: str) -> bool:
        return key in self.known


def target(node: Node) -> RealNode:
    """Give the node itself, or what it is an alias of."""
    return node.target if isinstance(node, AliasNode) else node


def is_null(node: Node | None) -> bool:
    """Whether yaml.v2 leaves a pointer nil for this node (``Null`` and ``NULL`` are not enough)."""
    if node is None:
        return True
    node = target(node)
    if not isinstance(node, ScalarNode):
        return False
    if node.tag:
        return node.tag == NULL
    return node.value in ("null", "~") or (node.value == "" and node.plain)


class Decoder:
    """Decodes the nodes of one document and collects the problems."""

    def __init__(
        self, *, name: str = "werf.yaml", first_line: int = 0, strict: bool = True
    ) -> None:
        """Take what ``compose`` took; without ``strict`` a repeated key replaces the first."""
        self.name = name
        self.first_line = first_line
        self.strict = strict
        self.problems: list[Problem] = []
        self._decodes = 0
        self._alias_decodes = 0
        self._open_aliases: list[AliasNode] = []

    # The types of fields; each method is one Go type.

    def any(self, node: Node | None) -> object:
        """``interface {}``: the value in Go's types as ``gotemplate.values`` has them."""
        return None if node is None else self._through_alias(node, self._any)

    def string(self, node: Node | None) -> str:
        """``string``: the scalar's own text, whatever it would resolve to."""
        return self._value(node, partial(self._scalar, go="string", pick=pick_string, zero=""), "")

    def optional_string(self, node: Node | None) -> str | None:
        """``*string``: None for null, else as ``string``."""
        return self._optional(node, go="string", pick=pick_string, zero="")

    def boolean(self, node: Node | None) -> bool:
        """``bool``: true, yes, on, y and their opposites, not quoted."""
        return self._value(
            node, partial(self._scalar, go="bool", pick=pick_boolean, zero=False), default=False
        )

    def optional_boolean(self, node: Node | None) -> bool | None:
        """``*bool``: None for null, else as ``boolean``."""
        return self._optional(node, go="bool", pick=pick_boolean, zero=False)

    def integer(self, node: Node | None) -> int:
        """``int``: a float loses its fraction."""
        return self._value(node, partial(self._scalar, go="int", pick=pick_integer, zero=0), 0)

    def optional_integer(self, node: Node | None) -> int | None:
        """``*int``: None for null, else as ``integer``."""
        return self._optional(node, go="int", pick=pick_integer, zero=0)

    def optional_unsigned(self, node: Node | None) -> int | None:
        """``*uint64``: as ``optional_integer`` from 0 to 2**64 - 1."""
        return self._optional(node, go="uint64", pick=pick_unsigned, zero=0)

    def optional_duration(self, node: Node | None) -> int | None:
        """``*time.Duration``: nanoseconds, from Go's notation or from a number of them."""
        return self._optional(node, go="time.Duration", pick=pick_duration, zero=0)

    def strings(self, node: Node | None) -> list[str]:
        """``[]string``: empty for null; elements that do not fit are left out."""
        element = partial(self._scalar, go="string", pick=pick_string, zero="")
        return self._value(node, partial(self._list, element=element, go="[]string"), [])

    def string_map(self, node: Node | None) -> dict[str, str]:
        """``map[string]string``: empty for null, values as ``string``."""
        value = partial(self._scalar, go="string", pick=pick_string, zero="")
        return self._value(node, partial(self._map, value=value, go="map[string]string"), {})

    def any_map(self, node: Node | None) -> dict[str, object]:
        """``map[string]interface {}``: empty for null, values as ``any``."""
        read = partial(self._map, value=self._any, go="map[string]interface {}")
        return self._value(node, read, {})

    def items(self, node: Node | None, go: str) -> list[RealNode]:
        """A slice of structs: the nodes of its elements; ``go`` is how Go spells its type."""
        return self._value(node, partial(self._nodes, go=go), [])

    def fields(
        self, node: Node | None, known: Collection[str], *, go: str = _PLAIN, closed: bool = False
    ) -> Fields:
        """A struct with fields ``known``, empty for null and for what is no mapping.

        With ``closed`` an unknown key is a problem here, as for Go structs without an inline map;
        else the caller judges ``unknown``.
        """
        found: dict[str, tuple[Node, Node]] = {}
        if node is not None:
            self._through_alias(node, partial(self._fields, found, go=go))
        unknown = {name: entry for name, entry in found.items() if name not in known}
        if closed:
            for name, (key, _) in unknown.items():
                self.problem(key, f"field {name} not found in type {go}")
        known_entries = {name: entry for name, entry in found.items() if name in known}
        return Fields(known=known_entries, unknown=unknown)

    # Problems.

    def problem(self, node: Node, text: str, *, hint: str = "") -> None:
        """Note that something is wrong with ``node``; ``hint`` says what to do."""
        self.problems.append(Problem(line=node.line, column=node.column, text=text, hint=hint))

    def fail(self, node: Node, text: str) -> NoReturn:
        """Raise a problem after which decoding makes no sense."""
        found = Problem(line=node.line, column=node.column, text=text)
        raise YamlError([found], name=self.name, go_text=f"yaml: {text}")

    def finish(self) -> None:
        """Raise YamlError when there are problems."""
        if not self.problems:
            return
        lines = [
            f"\n  line {found.line - self.first_line}: {found.text}" for found in self.problems
        ]
        go_text = f"yaml: unmarshal errors:{''.join(lines)}"
        raise YamlError(self.problems, name=self.name, go_text=go_text)

    # Readers: what a node below any aliases gives, or WRONG.

    def _value(self, node: Node | None, read: Callable[[RealNode], T | Wrong], default: T) -> T:
        if node is None:
            return default
        value = self._through_alias(node, read)
        return default if isinstance(value, Wrong) else value

    def _through_alias(self, node: Node, read: Callable[[RealNode], T]) -> T:
        self._count(node)
        if not isinstance(node, AliasNode):
            return read(node)
        if any(node is opened for opened in self._open_aliases):
            self.fail(node, f"anchor '{node.name}' value contains itself")
        self._open_aliases.append(node)
        try:
            return self._through_alias(node.target, read)
        finally:
            self._open_aliases.pop()

    def _count(self, node: Node) -> None:
        self._decodes += 1
        if not self._open_aliases:
            return
        self._alias_decodes += 1
        if self._alias_decodes <= _ALIASES_UNCHECKED or self._decodes <= _DECODES_UNCHECKED:
            return
        scale = (self._decodes - _RATIO_LOW) / (_RATIO_HIGH - _RATIO_LOW)
        allowed = 0.99 - 0.89 * min(max(scale, 0.0), 1.0)
        if self._alias_decodes / self._decodes > allowed:
            self.fail(node, "document contains excessive aliasing")

    def _any(self, node: RealNode) -> object:
        if isinstance(node, ScalarNode):
            tag, value = self._resolve(node)
            return node.value if tag == TIMESTAMP else value
        if isinstance(node, MappingNode):
            found = AnyMap()
            self._fill(found, node, key=self._any, value=self._any)
            return found
        return [self._through_alias(child, self._any) for child in node.children]

    def _resolve(self, node: ScalarNode) -> tuple[str, Resolved]:
        if not node.plain and not node.tag:
            return STR, node.value
        try:
            return resolve(node.value, node.tag)
        except ScalarError as error:
            self.fail(node, str(error))

    def _scalar(
        self, node: RealNode, *, go: str, pick: Callable[[str, Resolved, str], T | Wrong], zero: T
    ) -> T | Wrong:
        if not isinstance(node, ScalarNode):
            return self._wrong(node, SEQ if isinstance(node, SequenceNode) else MAP, go)
        tag, value = self._resolve(node)
        if value is None:
            return zero
        picked = pick(tag, value, node.value)
        return self._wrong(node, tag, go) if isinstance(picked, Wrong) else picked

    def _optional(
        self,
        node: Node | None,
        *,
        go: str,
        pick: Callable[[str, Resolved, str], T | Wrong],
        zero: T,
    ) -> T | None:
        if node is None or not is_null(node):
            return self._value(node, partial(self._scalar, go=go, pick=pick, zero=zero), None)
        real = target(node)
        if not isinstance(real, ScalarNode) or self._resolve(real)[1] is None:
            return None
        # A quoted "null" or "~": Go has not looked behind the pointer and fits strings only.
        pointed = f"*{go}"
        picked = pick(STR, real.value, real.value) if go == "string" else WRONG
        if isinstance(picked, Wrong):
            self._wrong(real, STR, pointed)
            return None
        return picked

    def _list(
        self, node: RealNode, *, element: Callable[[RealNode], T | Wrong], go: str
    ) -> list[T] | Wrong:
        if isinstance(node, SequenceNode):
            found = (self._through_alias(child, element) for child in node.children)
            return [value for value in found if not isinstance(value, Wrong)]
        return [] if self._is_nothing(node, MAP, go) else WRONG

    def _nodes(self, node: RealNode, *, go: str) -> list[RealNode] | Wrong:
        return self._list(node, element=_itself, go=go)

    def _map(
        self, node: RealNode, *, value: Callable[[RealNode], T | Wrong], go: str
    ) -> dict[str, T] | Wrong:
        if isinstance(node, MappingNode):
            found: dict[str, T] = {}
            self._fill(found, node, key=self._key, value=value)
            return found
        return {} if self._is_nothing(node, SEQ, go) else WRONG

    def _is_nothing(self, node: RealNode, tag: str, go: str) -> bool:
        if isinstance(node, ScalarNode):
            tag, value = self._resolve(node)
            if value is None:
                return True
        self._wrong(node, tag, go)
        return False

    def _key(self, node: RealNode) -> str | Wrong:
        return self._scalar(node, go="string", pick=pick_string, zero="")

    def _fill(
        self,
        found: dict[K, V],
        node: RealNode,
        *,
        key: Callable[[RealNode], K | Wrong],
        value: Callable[[RealNode], V | Wrong],
    ) -> None:
        if not isinstance(node, MappingNode):
            return
        for key_node, value_node in node.pairs():
            if _is_merge(key_node):
                self._merge(value_node, partial(self._fill, found, key=key, value=value))
                continue
            name = self._through_alias(key_node, key)
            if isinstance(name, Wrong):
                continue
            if isinstance(name, list | dict):
                self.fail(key_node, f"invalid map key: {_in_go_syntax(name)}")
            item = self._through_alias(value_node, value)
            if isinstance(item, Wrong):
                continue
            if self.strict and _has(found, name):
                text = f"key {_in_go_syntax(name)} already set in map"
                hint = "Keep one of them; what << brings in cannot be replaced"
                self.problem(value_node, text, hint=hint)
            elif not self.strict and name in found and not _has(found, name):
                # 1, 1.0 and true are one key here: better no map than one that lost an entry
                text = f"key {_in_go_syntax(name)} cannot be told from one before it"
                self.problem(key_node, text, hint="Put one of them into quotes")
            else:
                found[name] = item

    def _fields(self, found: dict[str, tuple[Node, Node]], node: RealNode, *, go: str) -> None:
        if not isinstance(node, MappingNode):
            self._is_nothing(node, SEQ, go)
            return
        seen: set[str] = set()
        for key, value in node.pairs():
            if _is_merge(key):
                self._merge(value, partial(self._fields, found, go=go))
                continue
            name = self._through_alias(key, self._key)
            if isinstance(name, Wrong):
                continue
            if name in seen:
                self.problem(key, f"field {name} already set in type {go}")
                continue
            seen.add(name)
            found[name] = key, value

    def _merge(self, node: Node, read: Callable[[RealNode], object]) -> None:
        # Backwards, because for yaml.v2 the earlier of several mappings wins.
        several = node.children[::-1] if isinstance(node, SequenceNode) else (node,)
        for merged in several:
            if not isinstance(target(merged), MappingNode):
                self.fail(merged, "map merge requires map or sequence of maps as the value")
            self._through_alias(merged, read)

    def _wrong(self, node: RealNode, tag: str, go: str) -> Wrong:
        shown = ""
        if isinstance(node, ScalarNode):
            tag = node.tag or tag
            data = to_bytes(node.value)
            short = data if len(data) <= _SHOWN_VALUE else data[: _SHOWN_VALUE - 3] + b"..."
            # yaml.v2 takes a scalar tagged !!map or !!seq for a collection here.
            shown = node.value if tag in (MAP, SEQ) else f" `{from_bytes(short)}`"
        text = f"cannot unmarshal {short_tag(tag)}{shown} into {go}"
        self.problem(node, text, hint=type_hint(go))
        return WRONG


def _itself(node: RealNode) -> RealNode:
    return node


def _in_go_syntax(value: object) -> str:
    from exporter.gotemplate.printf import sprintf  # noqa: PLC0415 - for problems only

    return sprintf("%#v", value)


def _has(found: Mapping[K, object], name: K) -> bool:
    """Whether a map has the key; unlike here, 1, 1.0 and true are three keys in Go."""
    return name in found and any(each == name and type(each) is type(name) for each in found)


def _is_merge(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == "<<" and (node.tag == MERGE or node.plain)
