"""Bodies, actions and control structures, each turned once into a closure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat

from exporter.gotemplate import nodes
from exporter.gotemplate.expressions import Expressions
from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.fields import holds_interfaces
from exporter.gotemplate.function import Function
from exporter.gotemplate.quoting import quote
from exporter.gotemplate.runtime import (
    UNSET,
    Blame,
    BreakRange,
    ContinueRange,
    Eval,
    Frame,
    Last,
    Run,
    Step,
)
from exporter.gotemplate.sprint import TooLargeError, sprint_printable
from exporter.gotemplate.values import (
    INTEGERS,
    NO_VALUE,
    NoValue,
    Uint8,
    Value,
    sorted_items,
)


class Executable:
    """A template that is turned into closures when it is executed for the first time."""

    __slots__ = ("_body", "_escape", "_functions", "_slots", "_templates", "tree")

    def __init__(
        self,
        tree: nodes.Tree,
        functions: Mapping[str, Function],
        templates: Mapping[str, "Executable"],
        escape: Callable[[str], str] | None = None,
    ) -> None:
        self.tree = tree
        self._escape = escape
        self._functions = functions
        self._templates = templates
        self._body: Step | None = None
        self._slots: list[Value] = []

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but white space."""
        return self.tree.is_empty

    def prepare(self) -> Step:
        """The closure of the body."""
        if self._body is None:
            compiler = _Compiler(self.tree, self._functions, self._templates, self._escape)
            self._body = compiler.body(self.tree.body, nodes.Dot(self.tree.body.position))
            self._slots = [UNSET] * compiler.expressions.scope.count
        return self._body

    def frame(self, run: Run, write: Callable[[str], None], dot: Value, depth: int) -> Frame:
        """A frame for one execution of what ``prepare`` gives."""
        slots = self._slots.copy()
        slots[0] = dot
        return Frame(run, slots, write, depth)


class _Compiler:
    """Turns the tree of one template into closures."""

    def __init__(
        self,
        tree: nodes.Tree,
        functions: Mapping[str, Function],
        templates: Mapping[str, Executable],
        escape: Callable[[str], str] | None,
    ) -> None:
        self.templates = templates
        self.escape = escape
        self.blame = Blame(tree)
        self.expressions = Expressions(self.blame, functions)

    def body(self, body: nodes.Body, where: Last) -> Step:
        """Everything in a body; ``where`` is blamed when a limit is reached."""
        steps = tuple([self.step(node) for node in body.nodes])
        cost = max(1, len(steps))
        size = sum([len(node.text) for node in body.nodes if isinstance(node, nodes.Text)])
        blame = self.blame

        def run(frame: Frame, dot: Value) -> None:
            budget = frame.run
            budget.nodes -= cost
            budget.room -= size
            if budget.nodes < 0 or budget.room < 0:
                raise blame.limit(where, budget.problem())
            for step in steps:
                step(frame, dot)

        return run

    def step(self, node: nodes.Node) -> Step:
        match node:
            case nodes.Text():
                text = node.text
                return lambda frame, _dot: frame.write(text)
            case nodes.Action():
                return self.action(node)
            case nodes.Branch(word="if"):
                return self.condition(node)
            case nodes.Branch(word="with"):
                return self.with_value(node)
            case nodes.Branch():
                return self.iteration(node)
            case nodes.Break():
                return _break
            case nodes.Continue():
                return _continue
            case nodes.Template():
                return self.template(node)

    def action(self, node: nodes.Action) -> Step:
        value_of = self.expressions.pipeline(node.pipeline)
        blame, escape = self.blame, self.escape
        if node.pipeline.variables:

            def run_only(frame: Frame, dot: Value) -> None:
                value_of(frame, dot)

            return run_only

        def write(frame: Frame, dot: Value) -> None:
            value = value_of(frame, dot)
            if type(value) is str:
                text = value
            else:
                try:
                    text = sprint_printable(value)
                except TooLargeError as error:
                    raise blame.limit(node, str(error)) from error
            if escape is not None:
                text = escape(text)
            frame.run.room -= len(text)
            frame.write(text)

        return write

    def condition(self, node: nodes.Branch) -> Step:
        with self.expressions.scope.block():
            test = self.expressions.pipeline(node.pipeline)
            body = self.inner(node.body, node)
            otherwise = self.inner(node.otherwise, node)

        def run(frame: Frame, dot: Value) -> None:
            if test(frame, dot):
                body(frame, dot)
            else:
                otherwise(frame, dot)

        return run

    def with_value(self, node: nodes.Branch) -> Step:
        with self.expressions.scope.block():
            value_of = self.expressions.pipeline(node.pipeline)
            body = self.inner(node.body, node)
            otherwise = self.inner(node.otherwise, node)

        def run(frame: Frame, dot: Value) -> None:
            value = value_of(frame, dot)
            if value:
                before, frame.is_element = frame.is_element, False
                body(frame, value)
                frame.is_element = before
            else:
                otherwise(frame, dot)

        return run

    def inner(self, body: nodes.Body | None, node: nodes.Branch) -> Step:
        """A body with its own variables; none at all does nothing."""
        if body is None:
            return _nothing
        with self.expressions.scope.block():
            return self.body(body, node.pipeline)

    def iteration(self, node: nodes.Branch) -> Step:
        pipe = node.pipeline
        blame, last_of = self.blame, self.expressions.last
        with self.expressions.scope.block():
            value_of = self.expressions.pipeline(pipe, by_range=True)
            targets = [self.expressions.scope.slots_of(each.name) for each in pipe.variables]
            body = self.inner(node.body, node)
            otherwise = self.inner(node.otherwise, node)

        def run(frame: Frame, dot: Value) -> None:
            collection = value_of(frame, dot)
            pairs = _pairs(collection, with_index=len(targets) > 1)
            if isinstance(pairs, str):
                raise blame.error(last_of(pipe), pairs)
            before = frame.is_element
            boxed = holds_interfaces(collection)
            slots = [_set_slot(frame, choices, is_element=boxed) for choices in targets]
            try:
                frame.is_element = boxed
                found = _iterate(frame, pairs, slots, body)
                frame.is_element = before
                if not found:
                    otherwise(frame, dot)
            except BreakRange:  # the other body belongs to this range, too
                frame.is_element = before

        return run

    def template(self, node: nodes.Template) -> Step:
        value_of: Eval | None = None
        if node.pipeline is not None:
            value_of = self.expressions.pipeline(node.pipeline)
        templates, blame, name = self.templates, self.blame, node.name

        def run(frame: Frame, dot: Value) -> None:
            target = templates.get(name)
            if target is None:
                raise blame.error(node, f"template {quote(name)} not defined")
            depth = frame.run.limits.template_depth
            if frame.depth >= depth:
                raise blame.limit(node, f"exceeded maximum template depth ({depth})")
            value = NO_VALUE if value_of is None else value_of(frame, dot)
            body = target.prepare()
            try:
                body(target.frame(frame.run, frame.write, value, frame.depth + 1), value)
            except GoTemplateError as error:
                if error.wants_calls:
                    error.called_at(blame.spot(node))
                raise

        return run


def _nothing(_frame: Frame, _dot: Value) -> None:
    """An absent else."""


def _break(_frame: Frame, _dot: Value) -> None:
    raise BreakRange


def _continue(_frame: Frame, _dot: Value) -> None:
    raise ContinueRange


def _pairs(collection: Value, *, with_index: bool) -> Iterable[tuple[Value, Value]] | str:
    """Index or key, and element, of everything in a collection; or what is wrong with it."""
    match collection:
        case list():
            return enumerate(collection)
        case None | NoValue():
            return ()
        case dict():
            return sorted_items(collection)
        case bytes():
            return enumerate(map(Uint8, collection))
        case int() if type(collection) in INTEGERS:
            if with_index:
                return f"can't use {int(collection)} to iterate over more than one variable"
            kind = type(collection)
            numbers: Iterable[Value] = range(collection)
            return zip(repeat(NO_VALUE), numbers if kind is int else map(kind, numbers))
        case _:
            return f"range can't iterate over {sprint_printable(collection)}"


def _set_slot(frame: Frame, choices: Sequence[int], *, is_element: bool) -> int:
    """The slot of a range variable, of which we note whether it gets elements of interfaces."""
    slot = next(slot for slot in choices if frame.slots[slot] is not UNSET)
    if is_element:
        frame.elements.add(slot)
    else:
        frame.elements.discard(slot)
    return slot


def _iterate(
    frame: Frame, pairs: Iterable[tuple[Value, Value]], slots: Sequence[int], body: Step
) -> bool:
    """Execute the body for each pair; whether there was one."""
    values, boxed = frame.slots, frame.is_element
    item_slot = slots[-1] if slots else -1
    index_slot = slots[0] if len(slots) > 1 else -1
    found = False
    for index, item in pairs:
        found = True
        if item_slot >= 0:
            values[item_slot] = item
            if index_slot >= 0:
                values[index_slot] = index
        try:
            body(frame, item)
        except ContinueRange:
            frame.is_element = boxed
    return found
