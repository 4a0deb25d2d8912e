"""How the topics of this package say which names their functions have in templates."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from exporter.gotemplate.values import Value

Implementations: TypeAlias = dict[str, Callable[..., Value]]
"""Callables by the name that templates call them by; ``catalogue`` has their Go signatures."""

_Call = TypeVar("_Call", bound=Callable[..., Value])


def register(functions: Implementations) -> Callable[..., Callable[[_Call], _Call]]:
    """A decorator ``named(*names)`` that adds the decorated callable to ``functions``."""

    def named(*names: str) -> Callable[[_Call], _Call]:
        def add(call: _Call) -> _Call:
            functions.update(dict.fromkeys(names, call))
            return call

        return add

    return named
