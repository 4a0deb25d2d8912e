"""Calls of functions and methods: how many arguments, of what types, and what comes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exporter.gotemplate import nodes
from exporter.gotemplate.arguments import accept, literal
from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.function import (
    Function,
    FunctionError,
    Signature,
    parse_signature,
    result_type,
)
from exporter.gotemplate.runtime import Arguments, Blame, Eval, Frame, Last
from exporter.gotemplate.sprint import TooLargeError
from exporter.gotemplate.values import Value
from exporter.gotemplate.weight import MAX_PARTS, WALKERS, is_too_heavy

# Go panics where Python has no room for a number, and that is an error of the function there, too.
_FAILURES: Final = (FunctionError, GoTemplateError, TooLargeError, OverflowError, MemoryError)


def count_problem(function: Function, given: int, *, is_piped: bool) -> str:
    """Go's words for a wrong number of arguments; "" when it is right."""
    signature = parse_signature(function.signature)
    wanted, total = len(signature.params), given + is_piped
    if signature.variadic is not None:
        if total >= wanted:
            return ""
        return f"wrong number of args for {function.name}: want at least {wanted} got {given}"
    if total == wanted:
        return ""
    return f"wrong number of args for {function.name}: want {wanted} got {total}"


def parameter_types(signature: Signature, count: int) -> list[str]:
    """The Go type of each of ``count`` arguments."""
    extra = count - len(signature.params)
    return [*signature.params, *([signature.variadic or ""] * extra)]


def invoked(blame: Blame, node: nodes.Anything, function: Function, arguments: Arguments) -> Eval:
    """The raw result of a function; ``node`` is blamed when it fails."""
    call, name = function.call, function.name
    if name in WALKERS:
        arguments = _weighed(blame, node, arguments)
    wanted = result_type(parse_signature(function.signature).result)

    def run(frame: Frame, dot: Value) -> Value:
        given = arguments(frame, dot)
        try:
            result = call(*given)
        except _FAILURES as error:
            raise blame.call_error(node, name, error) from error
        kind = type(result)
        if kind is str:
            budget = frame.run
            budget.room -= len(result)  # type: ignore[arg-type]  # the exact type was tested
            if budget.room < 0:
                raise blame.limit(node, budget.problem())
        elif wanted is not None and kind is not wanted:
            return wanted() if result is None else wanted(result)
        return result

    return run


def _weighed(blame: Blame, node: nodes.Anything, arguments: Arguments) -> Arguments:
    """The arguments of a function that would never come to an end with some of them."""

    def run(frame: Frame, dot: Value) -> tuple[Value, ...]:
        given = arguments(frame, dot)
        if any(is_too_heavy(value) for value in given):
            raise blame.limit(node, f"a value has more than {MAX_PARTS} parts")
        return given

    return run


@dataclass(frozen=True, slots=True)
class MethodArgument:
    """An argument whose type is known once the method is found; literals have no ``raw``."""

    node: nodes.Operand
    raw: Eval | None
    last: Last


@dataclass(frozen=True, slots=True)
class MethodCall:
    """Calls of whatever method a receiver has by the name that ``node`` ends in."""

    blame: Blame
    node: nodes.Operand
    last: Last
    arguments: Sequence[MethodArgument]
    is_piped: bool

    def run(
        self, frame: Frame, dot: Value, receiver: Value, method: Function, piped: Value
    ) -> Value:
        """The raw result of the method.

        Raises:
            GoTemplateError: The arguments do not fit, or the method fails.
        """
        problem = count_problem(method, len(self.arguments), is_piped=self.is_piped)
        if problem:
            raise self.blame.error(self.last, problem)
        signature = parse_signature(method.signature)
        types = parameter_types(signature, len(self.arguments) + self.is_piped)
        given: list[Value] = [receiver]
        last = self.last
        for argument, wanted in zip(self.arguments, types, strict=False):
            given.append(self.evaluate(argument, wanted, frame, dot))
            last = argument.last
        if self.is_piped:
            given.append(accept(piped, types[-1], blame=self.blame, last=last))
        return invoked(self.blame, self.node, method, lambda _frame, _dot: tuple(given))(frame, dot)

    def evaluate(self, argument: MethodArgument, wanted: str, frame: Frame, dot: Value) -> Value:
        """One argument, as the type that the method wants."""
        if argument.raw is None:
            return literal(argument.node, wanted, self.blame)  # type: ignore[arg-type]  # raw is None for literals only
        value = argument.raw(frame, dot)
        return accept(value, wanted, blame=self.blame, last=argument.last)
