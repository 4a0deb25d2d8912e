"""Checks before a build for what would otherwise fail only after it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from threading import Lock, Thread
from typing import TYPE_CHECKING

from exporter.errors import EngineError, ExporterError
from exporter.naming.tag_template import compile_tags
from exporter.oci.reference import Repository, parse_repository
from exporter.options import Options
from exporter.plan import Plan
from exporter.registry.client import RegistryClient

if TYPE_CHECKING:
    from exporter.build.engine import EngineFacts

logger = logging.getLogger(__name__)

_LITTLE_BYTES = 1 << 30
_AT_ONCE = 8
_PLACEHOLDER_TAG = "x" * 56


class Checks:
    """Checks that go on beside other work, from the moment they are made."""

    def __init__(self, checks: Sequence[Callable[[], None]]) -> None:
        """Begin all of them."""
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only before builds

        pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
        self._lock = Lock()
        self._answers = [pool.submit(check) for check in checks]
        pool.shutdown(wait=False)

    @cached_property
    def _problem(self) -> BaseException | None:
        problems = [each for answer in self._answers if (each := answer.exception()) is not None]
        others = [each.what for each in problems[1:] if isinstance(each, ExporterError)]
        if others and isinstance(problems[0], ExporterError):
            problems[0].what += "; also: " + "; ".join(others)
        return problems[0] if problems else None

    def wait(self) -> None:
        """Wait for the last one.

        Raises:
            ExporterError: The first problem; it names the others.
        """
        with self._lock:
            if self._problem is not None:
                raise self._problem


def begin_checks(
    plan: Plan,
    *,
    client: RegistryClient,
    options: Options,
    env: Mapping[str, str],
    stages: Repository | None,
) -> Checks:
    """Check the engine, and the permission to push to every repository."""
    checks: list[Callable[[], None]] = [
        partial(client.can_push, each) for each in _written(plan, options, stages)
    ]
    built = [image for image in plan.missing if image.needs_engine]
    if built and not options.builder:
        names = ", ".join(dict.fromkeys(image.name or "(nameless)" for image in built))
        from exporter.build.docker_config import with_docker_folder  # noqa: PLC0415 - see above

        seen = with_docker_folder(options.docker_config, env)
        checks.insert(0, partial(_check_engine_for, names, seen))
    begun = Checks(checks)
    if built:  # while the registry thinks
        import exporter.build.buildkit  # noqa: F401, PLC0415 - see above
    return begun


def _check_engine_for(names: str, env: Mapping[str, str]) -> None:
    from exporter.build.engine import connect, socket_of  # noqa: PLC0415 - only before builds

    try:
        if path := socket_of(env):  # the engine takes longer to answer than a build to start
            Thread(target=_look_at_engine, args=(path,), daemon=True).start()
            return
        with connect(env) as engine:
            _check_room(engine.facts())
    except EngineError as error:
        error.what = f"{names} must be built, but {error.what[0].lower()}{error.what[1:]}"
        raise


def _look_at_engine(path: str) -> None:
    """Say, while the build runs already, what may keep it from ending well."""
    from exporter.build.engine import facts_from  # noqa: PLC0415 - only before builds

    try:
        _check_room(facts_from(path))
    except EngineError as error:
        logger.warning("%s", error)


def _check_room(facts: "EngineFacts") -> None:
    if facts.free_bytes is not None and facts.free_bytes < _LITTLE_BYTES:
        logger.warning(
            "The disk of the engine at %s has only %d MiB left; docker system prune makes room",
            facts.host,
            facts.free_bytes >> 20,
        )


def _written(plan: Plan, options: Options, stages: Repository | None) -> list[Repository]:
    """Every repository that the run is going to write to, each once."""
    found = [stages] if stages is not None else []
    if options.final_repo:
        found.append(parse_repository(options.final_repo))
    found += [
        template.reference(name, content_tag=_PLACEHOLDER_TAG).repository
        for template in compile_tags(options.tag)
        for name in plan.selection.exported
    ]
    return list(dict.fromkeys(found))
