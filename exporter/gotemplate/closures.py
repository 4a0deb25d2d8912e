"""The small closures that expressions are put together from."""

from collections.abc import Sequence

from exporter.gotemplate.runtime import Arguments, Eval, Frame, Trace
from exporter.gotemplate.values import NO_VALUE, Value


def dot_itself(_frame: Frame, dot: Value) -> Value:
    """The cursor."""
    return dot


def constant(value: Value) -> Eval:
    """Always the same value."""
    return lambda _frame, _dot: value


def in_order(first: Eval, second: Eval) -> Eval:
    """The second value, after the first was computed."""

    def run(frame: Frame, dot: Value) -> Value:
        first(frame, dot)
        return second(frame, dot)

    return run


def settled(raw: Eval) -> Eval:
    """Nil becomes the missing value, as at the end of a command."""

    def run(frame: Frame, dot: Value) -> Value:
        value = raw(frame, dot)
        return NO_VALUE if value is None else value

    return run


def passed(raw: Eval) -> Eval:
    """The missing value becomes nil, as for an ``interface {}`` parameter."""

    def run(frame: Frame, dot: Value) -> Value:
        value = raw(frame, dot)
        return None if value is NO_VALUE else value

    return run


def settled_entry(name: str, raw: Eval) -> Eval:
    """``settled`` for ``.name``, quick when dot is a map."""

    def run(frame: Frame, dot: Value) -> Value:
        value = dot.get(name) if type(dot) is dict else raw(frame, dot)
        return NO_VALUE if value is None else value

    return run


def passed_entry(name: str, raw: Eval) -> Eval:
    """``passed`` for ``.name``, quick when dot is a map."""

    def run(frame: Frame, dot: Value) -> Value:
        if type(dot) is dict:
            return dot.get(name)
        value = raw(frame, dot)
        return None if value is NO_VALUE else value

    return run


def stored(slots: Sequence[int], value: Eval) -> Eval:
    """The value, which newly declared variables get as well."""
    if len(slots) == 1:
        slot = slots[0]

        def store(frame: Frame, dot: Value) -> Value:
            result = frame.slots[slot] = value(frame, dot)
            return result

        return store

    def store_all(frame: Frame, dot: Value) -> Value:
        result = value(frame, dot)
        for slot in slots:
            frame.slots[slot] = result
        return result

    return store_all


def collected(evals: Sequence[Eval]) -> Arguments:
    """The arguments of a call as a tuple."""
    match evals:
        case []:
            return lambda _frame, _dot: ()
        case [only]:
            return lambda frame, dot: (only(frame, dot),)
        case [first, second]:
            return lambda frame, dot: (first(frame, dot), second(frame, dot))
        case [first, second, third]:
            return lambda frame, dot: (first(frame, dot), second(frame, dot), third(frame, dot))
        case _:
            return lambda frame, dot: tuple([each(frame, dot) for each in evals])


def collected_piped(evals: Sequence[Eval], piped: Eval, check: Eval) -> Arguments:
    """The same with the value of the command before as the last argument, computed first.

    ``check`` gets that value as its dot.
    """
    match evals:
        case []:
            return lambda frame, dot: (check(frame, piped(frame, dot)),)
        case [only]:

            def run_two(frame: Frame, dot: Value) -> tuple[Value, ...]:
                value = piped(frame, dot)
                return only(frame, dot), check(frame, value)

            return run_two
        case _:

            def run(frame: Frame, dot: Value) -> tuple[Value, ...]:
                value = piped(frame, dot)
                return *[each(frame, dot) for each in evals], check(frame, value)

            return run


def deciding(operands: Sequence[Eval], piped: Eval | None, trace: Trace, *, decider: bool) -> Eval:
    """The first operand whose truth is ``decider``, else the last; what follows is left alone."""

    def run(frame: Frame, dot: Value) -> Value:
        final = None if piped is None else piped(frame, dot)
        value: Value = None
        for number, operand in enumerate(operands):
            value = operand(frame, dot)
            trace.reached = number
            if bool(value) is decider:
                return value
        return value if piped is None else final

    return run
