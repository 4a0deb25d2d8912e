"""Call sprig's functions as a template would, with a world that stands still."""

from datetime import timedelta, timezone, tzinfo
from itertools import cycle, islice

from exporter.gotemplate.sprig import Runtime, functions
from exporter.gotemplate.template_set import TemplateSet
from exporter.gotemplate.values import GoObject, Value

NOW_NS = 1_704_153_845_000_000_000
"""2024-01-02 00:04:05 UTC."""
EAST = timezone(timedelta(hours=3), "EAST")


def _zone(name: str) -> tzinfo | None:
    return EAST if name == "Test/East" else None


RUNTIME = Runtime(
    now_ns=lambda: NOW_NS,
    random_bytes=lambda count: bytes(islice(cycle(range(256)), count)),
    resolve_host=lambda name: ["192.0.2.7"] if name == "known.test" else [],
    zone=_zone,
)
_FUNCTIONS = functions(RUNTIME)


def text_of(value: Value) -> str | None:
    """How an object prints; None for anything else."""
    return value.go_string() if isinstance(value, GoObject) else None


def render(template: str) -> str:
    """What a template with these functions and no data gives."""
    templates = TemplateSet(_FUNCTIONS)
    templates.parse("test", template)
    return templates.execute("test", {})


def call(name: str, *arguments: Value) -> Value:
    """The result of a template function."""
    return _FUNCTIONS[name].call(*arguments)
