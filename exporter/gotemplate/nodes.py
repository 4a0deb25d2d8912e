"""What a template is made of, and how error messages spell it.

``str(node)`` gives Go's normal form of the source: ``{{if .x | not}}…{{end}}``.
``position`` counts characters from 0 in the text that the tree was parsed from.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from exporter.gotemplate.quoting import quote

_WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Text:
    """Plain text between actions."""

    position: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dot:
    """The cursor."""

    position: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Nil:
    """The untyped nil constant."""

    position: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bool:
    """``true`` or ``false``."""

    position: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number:
    """A numeric constant; a value is None where the number does not fit that type."""

    position: int
    text: str
    int_value: int | None
    uint_value: int | None
    float_value: float | None
    complex_value: complex | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class String:
    """A string constant."""

    position: int
    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Field:
    """``.A.B``: field, map key or method names, in order."""

    position: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join([f".{name}" for name in self.names])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Variable:
    """``$x.A.B``: the name with its dollar, then fields."""

    position: int
    name: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Identifier:
    """The name of a function."""

    position: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Chain:
    """``(pipeline).A.B`` or ``function.A``."""

    position: int
    base: "Operand"
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((_bracketed(self.base), *self.fields))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Command:
    """Operands: a function with its arguments, or one value."""

    position: int
    operands: "tuple[Operand, ...]"

    def __str__(self) -> str:
        return " ".join([_bracketed(operand) for operand in self.operands])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pipeline:
    """Commands, each getting the value of the one before; the last value goes to ``variables``."""

    position: int
    commands: tuple[Command, ...]
    variables: tuple[Variable, ...] = ()
    is_assignment: bool = False

    def __str__(self) -> str:
        text = " | ".join(map(str, self.commands))
        if not self.variables:
            return text
        sign = "=" if self.is_assignment else ":="
        return f"{', '.join(map(str, self.variables))} {sign} {text}"


Operand: TypeAlias = (
    Dot | Nil | Bool | Number | String | Field | Variable | Identifier | Chain | Pipeline
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Action:
    """``{{pipeline}}``."""

    position: int
    pipeline: Pipeline

    def __str__(self) -> str:
        return f"{{{{{self.pipeline}}}}}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Body:
    """What is to be executed in order."""

    position: int
    nodes: "tuple[Node, ...]"

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Branch:
    """``if``, ``with`` or ``range`` (the ``word``) with its bodies."""

    position: int
    word: str
    pipeline: Pipeline
    body: Body
    otherwise: Body | None

    def __str__(self) -> str:
        otherwise = "" if self.otherwise is None else f"{{{{else}}}}{self.otherwise}"
        return f"{{{{{self.word} {self.pipeline}}}}}{self.body}{otherwise}{{{{end}}}}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Break:
    """Leave the innermost range."""

    position: int

    def __str__(self) -> str:
        return "{{break}}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Continue:
    """Go on with the next element of the innermost range."""

    position: int

    def __str__(self) -> str:
        return "{{continue}}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Template:
    """Execute another template, with the value of ``pipeline`` as its dot."""

    position: int
    name: str
    pipeline: Pipeline | None

    def __str__(self) -> str:
        argument = "" if self.pipeline is None else f" {self.pipeline}"
        return f"{{{{template {quote(self.name)}{argument}}}}}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class End:
    """Closes a body; never part of a tree."""

    position: int

    def __str__(self) -> str:
        return "{{end}}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Else:
    """Opens the other body; never part of a tree."""

    position: int

    def __str__(self) -> str:
        return "{{else}}"


Node: TypeAlias = Text | Action | Branch | Break | Continue | Template
Anything: TypeAlias = Node | Body | Command | Operand


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tree:
    """One template: ``name``, the text it was parsed from and that text's name, its body."""

    name: str
    source: str
    text: str
    body: Body

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but white space."""
        return all(
            isinstance(node, Text) and not node.text.strip(_WHITE_SPACE) for node in self.body.nodes
        )


def _bracketed(operand: Operand) -> str:
    return f"({operand})" if isinstance(operand, Pipeline) else str(operand)
