"""YAML text as a tree of nodes with their places, read the way yaml.v2 2.4.0 reads it.

PyYAML's C parser gives the events; the tree, anchors and errors are ours, because yaml.v2 keeps
aliases as nodes, allows an anchor to be set twice and stops after the first document.
Scalars stay text here: ``yaml_scalars`` resolves them and ``yaml_decode`` turns nodes into values.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from exporter.errors import ConfigError, Place
from exporter.project.yaml_hints import syntax_hint
from exporter.value import dataclass

if TYPE_CHECKING:
    from yaml import Mark, YAMLError

# A document nested deeper than this is refused, so that nothing that walks it can overflow.
MAX_DEPTH: Final = 200
# A private character, put in place of colons that the two parsers see differently.
_HIDDEN_COLON: Final = "\ue0f1"
_MAX_HIDDEN_COLONS: Final = 100


# Nodes are made by the ten thousand, hence tuples instead of dataclasses.
class ScalarNode(NamedTuple):
    """One scalar: its text, its explicit long tag (or ``""``) and whether it was written plain."""

    line: int
    column: int
    value: str
    tag: str
    plain: bool


class SequenceNode(NamedTuple):
    """A list of nodes, in order."""

    line: int
    column: int
    children: Sequence["Node"]


class MappingNode(NamedTuple):
    """Keys and values; ``children`` holds key, value, key, value in order of appearance."""

    line: int
    column: int
    children: Sequence["Node"]

    def pairs(self) -> Iterator[tuple["Node", "Node"]]:
        """Give each key with its value; duplicates and ``<<`` are still in."""
        return zip(
            islice(self.children, 0, None, 2), islice(self.children, 1, None, 2), strict=True
        )


class AliasNode(NamedTuple):
    """``*name``, standing for the node that the anchor ``&name`` marked last."""

    line: int
    column: int
    name: str
    target: "RealNode"


RealNode = ScalarNode | SequenceNode | MappingNode
Node = RealNode | AliasNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that does not fit, in yaml.v2's words; line and column count from 1.

    ``hint`` is a sentence about what to do, or empty.
    """

    line: int
    column: int
    text: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.text}. {self.hint}" if self.hint else self.text


class YamlError(ConfigError):
    """A text is not YAML, or not the YAML that its reader wants.

    ``problems`` holds every problem with its place.
    ``go_text`` is the whole message as yaml.v2 words it, with its own idea of line numbers:
    they count from the start of the text that was decoded, and syntax errors may have none.
    """

    def __init__(self, problems: Sequence[Problem], *, name: str, go_text: str) -> None:
        """Describe all problems; the first one gives the error its place."""
        first, *others = problems
        place = Place(path=name, line=first.line, column=first.column)
        if others:
            places = [f"{name}:{other.line}:{other.column}: {other}" for other in others]
            super().__init__("\n".join([str(first), *places]), place=place)
        else:
            super().__init__(first.text, place=place, remedy=first.hint)
        self.problems = tuple(problems)
        self.go_text = go_text


def compose(text: str | bytes, *, first_line: int = 0, name: str = "werf.yaml") -> Node | None:
    """Read the first YAML document of ``text``.

    Args:
        text: The document; a str may carry bytes that are not UTF-8 as surrogate escapes.
        first_line: How many lines of the whole file come before ``text``; added to every line.
        name: What errors call the file.

    Returns:
        The root node, or None when there is no document.

    Raises:
        YamlError: The text is not YAML as yaml.v2 understands it, or nested beyond MAX_DEPTH.
    """
    from yaml import YAMLError  # noqa: PLC0415 - 20 ms that a promotion does not need
    from yaml._yaml import CParser  # noqa: PLC0415 - the same

    try:
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    except UnicodeEncodeError:
        problem = Problem(line=first_line + 1, column=1, text="invalid Unicode character")
        raise YamlError([problem], name=name, go_text=f"yaml: {problem.text}") from None
    attempts = 0 if _HIDDEN_COLON.encode() in data else _MAX_HIDDEN_COLONS
    while True:
        composer = _Composer(data, first_line=first_line, name=name)
        try:
            # An empty text is an empty line to yaml.v2.
            parser = CParser(data or b"\n")
            return composer.document(iter(parser.get_event, None))
        except YAMLError as error:
            hidden = _hide_colon(error, data) if attempts else None
            if hidden is None:
                raise _syntax_error(error, data, first_line=first_line, name=name) from None
            data = hidden
            attempts -= 1


class _Composer:
    """Builds the tree from events, without recursion."""

    def __init__(self, data: bytes, *, first_line: int, name: str) -> None:
        # What libyaml 0.2 and yaml.v2 see differently.
        suspect = any(text in data for text in (b"\\/", b"?", _HIDDEN_COLON.encode()))
        self.suspect = data.decode("utf-8-sig", "replace") if suspect else ""
        self.first = first_line + 1
        self.name = name
        self.anchors: dict[str, RealNode] = {}

    def document(self, events: Iterator[Any]) -> Node | None:
        import yaml  # noqa: PLC0415 - imported by compose

        scalar, alias = yaml.ScalarEvent, yaml.AliasEvent
        mapping, sequence = yaml.MappingStartEvent, yaml.SequenceStartEvent
        first, anchors, suspect = self.first, self.anchors, self.suspect
        root: list[Node] = []
        children = root
        closing = ""  # the bracket that ends the collection, nothing for those without
        stack: list[tuple[list[Node], str]] = []
        for event in events:
            kind = event.__class__
            mark = event.start_mark
            line, column = mark.line + first, mark.column + 1
            node: RealNode
            if kind is scalar:
                value = event.value
                if suspect and (event.style == '"' or "?" in value or _HIDDEN_COLON in value):
                    value = self.checked(event, closing)
                node = ScalarNode(line, column, value, event.tag or "", event.implicit[0])
            elif kind is mapping or kind is sequence:
                inner: list[Node] = []
                node = (MappingNode if kind is mapping else SequenceNode)(line, column, inner)
                children.append(node)
                if event.anchor is not None:
                    anchors[event.anchor] = node
                if len(stack) == MAX_DEPTH:
                    self.fail(f"exceeded max depth of {MAX_DEPTH}", line, column)
                stack.append((children, closing))
                children = inner
                closing = ("}" if kind is mapping else "]") if event.flow_style else ""
                continue
            elif kind is alias:
                if event.anchor not in anchors:
                    self.fail(f"unknown anchor '{event.anchor}' referenced", line, column)
                children.append(AliasNode(line, column, event.anchor, anchors[event.anchor]))
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                children, closing = stack.pop()
                continue
            elif kind is yaml.DocumentStartEvent:
                if event.version not in (None, (1, 1)):
                    self.fail("found incompatible YAML document", line, column)
                continue
            elif kind is yaml.DocumentEndEvent:
                break
            else:
                continue
            children.append(node)
            if event.anchor is not None:
                anchors[event.anchor] = node
        return root[0] if root else None

    def checked(self, event: Any, closing: str) -> str:  # noqa: ANN401 - PyYAML's events are untyped
        start: Mark = event.start_mark
        value: str = event.value
        if event.style == '"':
            self.check_escapes(start, self.suspect[start.index : event.end_mark.index])
        elif closing and not event.style and "?" in value:
            # A question mark between brackets starts a key in yaml.v2, wherever it stands.
            column = start.column + value.index("?") + 1
            where = f"line {start.line}: " if start.line else ""
            text = f"did not find expected ',' or '{closing}'"
            self.fail(text, self.first + start.line, column, where=where, found="?")
        return value.replace(_HIDDEN_COLON, ":")

    def check_escapes(self, start: "Mark", text: str) -> None:
        for escape in re.finditer(r"\\(.)", text, re.DOTALL):
            if escape[1] == "/":
                before = text[: escape.start()]
                line = start.line + before.count("\n")
                column = len(before) - before.rfind("\n")
                column += start.column if line == start.line else 0
                where = f"line {line + 1}: " if line else ""
                self.fail("found unknown escape character", self.first + line, column, where=where)

    def fail(
        self, text: str, line: int, column: int, *, where: str = "", found: str = ""
    ) -> NoReturn:
        hint = syntax_hint(text, found, "")
        problem = Problem(line=line, column=column, text=text, hint=hint)
        raise YamlError([problem], name=self.name, go_text=f"yaml: {where}{text}")


def _hide_colon(error: "YAMLError", data: bytes) -> bytes | None:
    """Disguise the colon that libyaml refuses and yaml.v2 takes for text, as in ``{a:}``."""
    from yaml.scanner import ScannerError  # noqa: PLC0415 - imported by compose

    if not isinstance(error, ScannerError) or error.problem != "found unexpected ':'":
        return None
    if error.problem_mark is None:
        return None
    text, index = data.decode("utf-8-sig"), error.problem_mark.index
    return f"{text[:index]}{_HIDDEN_COLON}{text[index + 1 :]}".encode()


def _syntax_error(error: "YAMLError", data: bytes, *, first_line: int, name: str) -> YamlError:
    from yaml import MarkedYAMLError  # noqa: PLC0415 - imported by compose
    from yaml.reader import ReaderError  # noqa: PLC0415 - the same
    from yaml.scanner import ScannerError  # noqa: PLC0415 - the same

    line, column, where, opened = 0, 0, "", ""
    if isinstance(error, MarkedYAMLError):
        text = error.problem or "unknown problem parsing YAML content"
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            line, column = mark.line, mark.column
        # yaml.v2 takes line 0 for "unknown" and counts from 1 after the scanner only.
        said = error.problem_mark.line if error.problem_mark else 0
        if said:
            said += isinstance(error, ScannerError)
        elif error.context_mark:
            said = error.context_mark.line
        where = f"line {said}: " if said else ""
        if error.context_mark:
            opened = f"{first_line + error.context_mark.line + 1}:{error.context_mark.column + 1}"
    elif isinstance(error, ReaderError):
        text = str(error.reason)
        before = data[: error.position]
        line = before.count(b"\n")
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace"))
    else:
        text = str(error)
    lines = data.decode("utf-8", "replace").split("\n")
    found = lines[line][column : column + 1] if line < len(lines) else ""
    hint = syntax_hint(text, found, opened)
    problem = Problem(line=first_line + line + 1, column=column + 1, text=text, hint=hint)
    return YamlError([problem], name=name, go_text=f"yaml: {where}{text}")
