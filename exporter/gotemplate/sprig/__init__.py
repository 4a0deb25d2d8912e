"""The functions of sprig 3.2.3 for text templates, as werf offers them, in pure Python.

Front door:

- ``functions``: what templates may call, by name; building it imports next to nothing.
- ``Runtime``: what they need from outside, such as the clock.

``catalogue`` lists all functions, one module per topic implements them.
Not here: ``env`` and what werf adds to sprig. ``expandenv`` does not exist in werf.
Unsupported: keys, certificates and bcrypt (see ``crypto``), which end with an error.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

from exporter.gotemplate.function import Function
from exporter.gotemplate.sprig.catalogue import SIGNATURES
from exporter.gotemplate.sprig.runtime import Runtime
from exporter.gotemplate.values import Value

__all__ = ["Runtime", "functions"]


def functions(runtime: Runtime) -> Mapping[str, Function]:
    """All functions by name; ``runtime`` is asked only when a function that needs it is called."""
    return {
        name: Function(name, signature, _Later(topic, name, runtime))
        for topic, signatures in SIGNATURES.items()
        for name, signature in signatures.items()
    }


class _Later:
    """Imports the implementation with the first call."""

    __slots__ = ("call", "name", "runtime", "topic")

    def __init__(self, topic: str, name: str, runtime: Runtime) -> None:
        self.topic = topic
        self.name = name
        self.runtime = runtime
        self.call: Callable[..., Value] | None = None

    def __call__(self, *arguments: Value) -> Value:
        call = self.call
        if call is None:
            call = self.call = _implementation(self.topic, self.name, self.runtime)
        return call(*arguments)


def _implementation(topic: str, name: str, runtime: Runtime) -> Callable[..., Value]:
    module = import_module(f"{__name__}.{topic}")
    pure: Mapping[str, Callable[..., Value]] = getattr(module, "FUNCTIONS", {})
    if name in pure:
        return pure[name]
    outside: Mapping[str, Callable[..., Value]] = module.RUNTIME_FUNCTIONS
    return partial(outside[name], runtime)
