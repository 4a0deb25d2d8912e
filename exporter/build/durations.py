"""How long the steps of a build ran, for reports."""

from collections.abc import Iterable

from exporter.build.progress import Step

_INTERNAL = "[internal]"


def busy(steps: Iterable[Step]) -> float:
    """Seconds in which any of the steps ran; those at the same time count once.

    Steps whose results the builder had count nothing, nor do those by which BuildKit reads the
    Dockerfile and the context.
    """
    spans = sorted(
        (step.started, step.started + step.seconds)
        for step in steps
        if step.started is not None
        and step.seconds is not None
        and not step.cached
        and not step.name.startswith(_INTERNAL)
    )
    total, until = 0.0, 0.0
    for start, end in spans:
        total += max(end - max(start, until), 0.0)
        until = max(until, end)
    return total
