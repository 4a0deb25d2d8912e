"""What an execution knows at run time: budgets, variables, where the output goes."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from exporter.gotemplate import nodes
from exporter.gotemplate.failure import GoTemplateError, Kind, LimitError, Spot
from exporter.gotemplate.limits import Limits
from exporter.gotemplate.values import Value


class Unset:
    """The type of ``UNSET``, the content of a variable slot before its declaration."""

    __slots__ = ()


UNSET: Final = Unset()


class BreakRange(Exception):  # noqa: N818 - a jump, not an error
    """Leaves the innermost range."""


class ContinueRange(Exception):  # noqa: N818 - a jump, not an error
    """Ends one iteration of the innermost range."""


class Run:
    """The budgets of one rendering, shared by everything that it executes."""

    __slots__ = ("calls", "limits", "nodes", "room")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.nodes = limits.nodes
        self.room = limits.size
        self.calls = 0

    def problem(self) -> str:
        """Which budget is used up."""
        if self.nodes < 0:
            return f"templates executed more than {self.limits.nodes} nodes"
        return f"templates made more than {self.limits.size} characters"


class Frame:
    """One execution of one template.

    ``slots`` holds the variables, the dollar first.
    ``is_element`` and ``elements`` tell whether dot, or a variable, holds an element of type
    ``interface {}``: Go's messages then name that type.
    """

    __slots__ = ("depth", "elements", "is_element", "run", "slots", "write")

    def __init__(
        self, run: Run, slots: list[Value], write: Callable[[str], None], depth: int
    ) -> None:
        self.run = run
        self.slots = slots
        self.write = write
        self.depth = depth
        self.is_element = False
        self.elements: set[int] = set()


Eval: TypeAlias = Callable[[Frame, Value], Value]
"""Computes a value from the variables and dot."""

Step: TypeAlias = Callable[[Frame, Value], None]
"""Does something, such as writing text, with the variables and dot."""


Arguments: TypeAlias = Callable[[Frame, Value], tuple[Value, ...]]
"""Computes the arguments of a call."""


class Trace:
    """The node that was evaluated last where only the execution tells: ``and``, ``or``, methods."""

    __slots__ = ("lasts", "reached")

    def __init__(self, lasts: "Sequence[Last]") -> None:
        self.lasts = lasts
        self.reached = -1

    @property
    def last(self) -> "Last":
        """Of the argument that was reached, if any; the call itself comes last in ``lasts``."""
        return self.lasts[self.reached]


Last: TypeAlias = nodes.Anything | Trace
"""The node that was evaluated last, which is the one that Go blames for an error."""


class Blame:
    """Makes the errors of one template."""

    __slots__ = ("tree",)

    def __init__(self, tree: nodes.Tree) -> None:
        self.tree = tree

    def spot(self, last: Last) -> Spot:
        """Where a node is."""
        while isinstance(last, Trace):
            last = last.last
        tree = self.tree
        return Spot.of(
            name=tree.source,
            text=tree.text,
            position=last.position,
            executing=tree.name,
            node=str(last),
        )

    def error(self, last: Last, message: str, *, kind: Kind = "exec") -> GoTemplateError:
        """An error at a node."""
        return GoTemplateError(message, kind=kind, spot=self.spot(last))

    def limit(self, last: Last, message: str) -> LimitError:
        """A limit was reached at a node."""
        return LimitError(message, kind="exec", spot=self.spot(last))

    def call_error(self, node: nodes.Anything, name: str, error: Exception) -> GoTemplateError:
        """A function or method refused its arguments, or what it executed failed."""
        spot = self.spot(node)
        inner = error if isinstance(error, GoTemplateError) else error.__cause__
        if isinstance(inner, LimitError):
            if inner.spot is None:  # it has no place of its own
                return LimitError(inner.message, kind=inner.kind, spot=spot)
            inner.called_at(spot)
            return inner
        failed = GoTemplateError(f"error calling {name}: {error}", kind="func", spot=spot)
        if isinstance(inner, GoTemplateError) and inner.spot is not None:
            failed.message, failed.spot, failed.place = inner.message, inner.spot, inner.place
            failed.calls = inner.calls
            failed.called_at(spot)
        return failed
