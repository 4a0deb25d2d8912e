"""Pipelines, commands and operands, each turned once into a closure.

A value is handled in one of three ways, because Go knows two kinds of nothing, the missing value
(``NO_VALUE``) and the nil in an interface (``None``):

- *raw*: as it comes;
- *settled*: what a pipeline makes of it, where nil becomes the missing value;
- *passed*: what an ``interface {}`` parameter makes of it, where the missing value becomes nil.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from exporter.gotemplate import closures, nodes
from exporter.gotemplate.arguments import ANY, LITERALS, RAW, convert, literal
from exporter.gotemplate.builtins import BUILTINS, non_function
from exporter.gotemplate.calls import (
    MethodArgument,
    MethodCall,
    count_problem,
    invoked,
    parameter_types,
)
from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.fields import FieldReader, find_method, holds_interfaces
from exporter.gotemplate.function import Function, parse_signature, result_type
from exporter.gotemplate.runtime import UNSET, Arguments, Blame, Eval, Frame, Last, Trace
from exporter.gotemplate.scope import Scope
from exporter.gotemplate.values import NO_VALUE, Value

_NEVER_NIL: Final = frozenset(
    ("string", "bool", "int", "int32", "int64", "uint32", "uint64", "float64", "[]string", "[]int")
)
_Row: TypeAlias = nodes.Field | nodes.Variable | nodes.Chain


class Expressions:
    """Turns the expressions of one template into closures."""

    def __init__(self, blame: Blame, functions: Mapping[str, Function]) -> None:
        self.blame = blame
        self.functions = functions
        self.scope = Scope()
        self.traces: dict[int, Trace] = {}  # of `and`, `or` and methods, by id of the first operand

    # Pipelines and variables

    def pipeline(self, pipe: nodes.Pipeline, *, by_range: bool = False) -> Eval:
        """The settled value of a pipeline; its variables are set by the way."""
        value = self.command(pipe.commands[0], None, before=pipe)
        for previous, command in pairwise(pipe.commands):
            value = self.command(command, value, before=self.last(previous))
        if not pipe.variables:
            return value
        if pipe.is_assignment:
            return self.assignment(pipe, value)
        slots = [self.scope.declare(each.name, by_range=by_range) for each in pipe.variables]
        return closures.stored(slots, value)

    def assignment(self, pipe: nodes.Pipeline, value: Eval) -> Eval:
        """``$x = …``: overwrite variables that are there already."""
        blame, last = self.blame, self.last(pipe)
        targets = [(each.name, self.scope.slots_of(each.name)) for each in pipe.variables]

        def run(frame: Frame, dot: Value) -> Value:
            result = value(frame, dot)
            for name, slots in targets:
                slot = next((slot for slot in slots if frame.slots[slot] is not UNSET), None)
                if slot is None:
                    raise blame.error(last, f"undefined variable: {name}")
                frame.slots[slot] = result
                frame.elements.discard(slot)
            return result

        return run

    def variable(self, node: nodes.Variable) -> Eval:
        """The raw content of a variable, without fields."""
        blame = self.blame
        slots = self.scope.slots_of(node.name)
        if len(slots) == 1 and slots[0] not in self.scope.maybe_unset:
            slot = slots[0]
            return lambda frame, _dot: frame.slots[slot]

        def search(frame: Frame, _dot: Value) -> Value:
            for slot in slots:
                if frame.slots[slot] is not UNSET:
                    return frame.slots[slot]
            raise blame.error(node, f"undefined variable: {node.name}")

        return search

    # Commands

    def command(self, command: nodes.Command, piped: Eval | None, *, before: Last) -> Eval:
        """The settled value of a command; ``piped`` computes the value of the one before.

        ``before`` is the node that was evaluated last when the command begins.
        """
        first, arguments = command.operands[0], command.operands[1:]
        if isinstance(first, nodes.Identifier):
            raw = self.call(first, command, arguments, piped)
            return raw if self.is_never_nil(first) else closures.settled(raw)
        if arguments or piped is not None:
            if isinstance(first, nodes.Field | nodes.Chain) or (
                isinstance(first, nodes.Variable) and first.fields
            ):
                return closures.settled(self.method(first, arguments, piped))
            message = f"can't give argument to non-function {first}"
            if isinstance(first, nodes.Variable):
                found = self.variable(first)
                after = found if piped is None else closures.in_order(piped, found)
                return self.refusal(first, message, after=after)
            last = before if isinstance(first, nodes.Pipeline) else first
            return self.refusal(last, message, after=piped)
        match first:
            case nodes.Field(names=(name,)):
                return closures.settled_entry(name, self.raw(first))
            case nodes.Pipeline():
                return self.pipeline(first)
            case nodes.Nil():
                return self.refusal(first, "nil is not a command")
            case nodes.Bool() | nodes.Number() | nodes.String():
                return self.argument(first, ANY)
            case _:
                return closures.settled(self.raw(first))

    def refusal(self, last: Last, message: str, *, after: Eval | None = None) -> Eval:
        """Fails when it is executed, and not before ``after`` was."""
        blame = self.blame

        def run(frame: Frame, dot: Value) -> Value:
            if after is not None:
                after(frame, dot)
            raise blame.error(last, message)

        return run

    def is_never_nil(self, node: nodes.Operand) -> bool:
        """Whether an operand certainly has a value other than nil."""
        match node:
            case nodes.Identifier():
                return parse_signature(self.find(node.name).signature).result in _NEVER_NIL
            case nodes.Pipeline():
                return self.is_never_nil(node.commands[-1].operands[0])
            case _:
                return isinstance(node, nodes.Bool | nodes.Number | nodes.String)

    # Operands

    def raw(self, node: nodes.Operand) -> Eval:
        """The raw value of an operand that is no literal."""
        match node:
            case nodes.Dot():
                return closures.dot_itself
            case nodes.Field():
                return self.walk(node, self.base(node), node.names)
            case nodes.Variable() | nodes.Chain():
                return self.walk(node, self.base(node), node.fields)
            case nodes.Identifier():
                return self.call(node, node, (), None)
            case nodes.Pipeline():
                return self.pipeline(node)
            case _:
                raise AssertionError(node)  # literals go through `argument`

    def walk(self, node: nodes.Operand, base: Eval, names: Sequence[str]) -> Eval:
        """The raw value at the end of a row of names; methods among them get no arguments."""
        if not names:
            return base
        reader = FieldReader(self.blame, self.last(node), has_arguments=False)
        call = MethodCall(self.blame, node, self.last(node), (), is_piped=False)
        is_element = self.element_test(node)

        def run(frame: Frame, dot: Value) -> Value:
            receiver = base(frame, dot)
            boxed: bool | None = None
            for name in names:
                if type(receiver) is dict:
                    receiver = receiver.get(name, NO_VALUE)
                    boxed = True
                elif (method := find_method(receiver, name)) is not None:
                    receiver = call.run(frame, dot, receiver, method, None)
                    boxed = False
                else:
                    if boxed is None:
                        boxed = is_element(frame)
                    container = receiver
                    receiver = reader.read(container, name, is_element=boxed)
                    boxed = holds_interfaces(container)
            return receiver

        return run

    def element_test(self, node: nodes.Operand) -> Callable[[Frame], bool]:
        """Whether Go has the first receiver of ``node`` in an ``interface {}``."""
        if isinstance(node, nodes.Field):
            return lambda frame: frame.is_element
        if isinstance(node, nodes.Variable):
            slots = self.scope.slots_of(node.name)
            return lambda frame: not frame.elements.isdisjoint(slots)
        return lambda _frame: False

    # Arguments

    def argument(self, node: nodes.Operand, wanted: str) -> Eval:
        """An operand as an argument of a Go type."""
        blame = self.blame
        if isinstance(node, LITERALS):
            return _computed(lambda: literal(node, wanted, blame))
        if wanted == ANY and isinstance(node, nodes.Field) and len(node.names) == 1:
            return closures.passed_entry(node.names[0], self.raw(node))
        raw = self.raw(node)
        if self.is_never_nil(node) and wanted == ANY:
            return raw
        return self.checked(raw, wanted, self.last(node))

    def checked(self, raw: Eval, wanted: str, last: Last) -> Eval:
        """A computed value as an argument of a Go type."""
        if wanted == RAW:
            return raw
        if wanted == ANY:
            return closures.passed(raw)
        blame = self.blame
        exact = str if wanted == "string" else bool if wanted == "bool" else result_type(wanted)

        def run(frame: Frame, dot: Value) -> Value:
            value = raw(frame, dot)
            if type(value) is exact:
                return value
            return convert(value, wanted, blame=blame, last=last)

        return run

    # Calls

    def find(self, name: str) -> Function:
        """The function of a name, which the parser knows to exist."""
        return self.functions.get(name) or BUILTINS[name]

    def call(
        self,
        name: nodes.Identifier,
        node: nodes.Anything,
        arguments: Sequence[nodes.Operand],
        piped: Eval | None,
    ) -> Eval:
        """The raw result of a function."""
        function = self.find(name.name)
        problem = count_problem(function, len(arguments), is_piped=piped is not None)
        if problem:
            return self.refusal(name, problem, after=piped)
        if name.name not in self.functions:
            if name.name in ("and", "or"):
                return self.shortcut(name, arguments, piped)
            if name.name == "call":
                function = non_function(str(arguments[0]) if arguments else None)
        return invoked(self.blame, node, function, self.arguments(function, name, arguments, piped))

    def shortcut(
        self, name: nodes.Identifier, arguments: Sequence[nodes.Operand], piped: Eval | None
    ) -> Eval:
        """``and`` and ``or``, which stop at the argument that decides."""
        with self.scope.shortcut():
            operands = [self.argument(each, RAW) for each in arguments]
        trace = self.traces[id(name)] = Trace([*map(self.last, arguments), name])
        return closures.deciding(operands, piped, trace, decider=name.name == "or")

    def arguments(
        self,
        function: Function,
        name: nodes.Identifier,
        arguments: Sequence[nodes.Operand],
        piped: Eval | None,
    ) -> Arguments:
        """All arguments of a call, each checked; the piped value is computed first."""
        count = len(arguments) + (piped is not None)
        types = parameter_types(parse_signature(function.signature), count)
        evals = [
            self.argument(each, wanted) for each, wanted in zip(arguments, types, strict=False)
        ]
        if piped is None:
            return closures.collected(evals)
        check = self.checked(closures.dot_itself, types[-1], self.last_of(name, arguments))
        return closures.collected_piped(evals, piped, check)

    def method(self, node: _Row, arguments: Sequence[nodes.Operand], piped: Eval | None) -> Eval:
        """``.A.B x``: only a method can have arguments."""
        *names, name = node.names if isinstance(node, nodes.Field) else node.fields
        base = self.base(node)
        receiver_of = self.walk(node, base, names) if names else base
        is_element = self.element_test(node)
        reader = FieldReader(self.blame, self.last(node), has_arguments=True)
        given = [
            MethodArgument(
                each, None if isinstance(each, LITERALS) else self.raw(each), self.last(each)
            )
            for each in arguments
        ]
        call = MethodCall(self.blame, node, self.last(node), given, is_piped=piped is not None)
        trace = Trace([self.last_of(node, arguments), self.last(node)])
        self.traces[id(node)] = trace

        def run(frame: Frame, dot: Value) -> Value:
            trace.reached = -1
            value = None if piped is None else piped(frame, dot)
            receiver = receiver_of(frame, dot)
            method = find_method(receiver, name)
            if method is None:
                boxed = bool(names) or is_element(frame)
                return reader.read(receiver, name, is_element=boxed)
            result = call.run(frame, dot, receiver, method, value)
            trace.reached = 0
            return result

        return run

    def base(self, node: _Row) -> Eval:
        """Where a row of names begins."""
        match node:
            case nodes.Field():
                return closures.dot_itself
            case nodes.Variable():
                return self.variable(node)
            case nodes.Chain(base=nodes.Nil()):
                return self.refusal(node, f"indirection through explicit nil in {node}")
            case nodes.Chain():
                return self.raw(node.base)

    # Blame

    def last(self, node: nodes.Operand | nodes.Command) -> Last:
        """The node that Go has evaluated last when it is done with ``node``."""
        match node:
            case nodes.Pipeline():
                return self.last(node.commands[-1])
            case nodes.Command():
                return self.last_of(node.operands[0], node.operands[1:])
            case nodes.Chain():
                return node if isinstance(node.base, nodes.Nil) else self.last(node.base)
            case nodes.Identifier():
                return self.traces.get(id(node), node)
            case _:
                return node

    def last_of(self, first: nodes.Operand, arguments: Sequence[nodes.Operand]) -> Last:
        """The same for a call, whose arguments are evaluated after it was looked up."""
        if id(first) in self.traces:
            return self.traces[id(first)]
        return self.last(arguments[-1] if arguments else first)


def _computed(compute: Callable[[], Value]) -> Eval:
    """A value known beforehand, or the error that it gives when it is needed."""
    try:
        return closures.constant(compute())
    except GoTemplateError as error:
        message, kind, spot = error.message, error.kind, error.spot

    def refuse(_frame: Frame, _dot: Value) -> Value:
        raise GoTemplateError(message, kind=kind, spot=spot)

    return refuse
