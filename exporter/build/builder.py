"""The builder of buildx that is going to build, as ``docker buildx inspect`` shows it."""

from collections.abc import Mapping

from exporter import process
from exporter.errors import EngineError
from exporter.value import dataclass

_TIMEOUT_S = 30
_FACTS = ("Driver", "Status", "BuildKit", "BuildKit version", "Platforms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """What is known of it.

    ``driver`` is ``docker`` for the BuildKit inside an engine; then ``endpoint`` is its context.
    ``error`` is why buildx cannot reach it. ``facts`` are for people.
    """

    name: str
    driver: str
    endpoint: str
    error: str
    facts: tuple[str, ...]


def find_builder(name: str, env: Mapping[str, str]) -> Builder:
    """The builder of this name, or without a name the one in use.

    Raises:
        EngineError: There is none, or no buildx.
    """
    argv = ["docker", "buildx", "inspect", *([name] if name else [])]
    try:
        done = process.run(argv, env=env, timeout_s=_TIMEOUT_S)
    except (process.ProgramMissingError, TimeoutError) as error:
        raise EngineError(
            str(error), remedy="Install docker-cli and docker-buildx 0.13 or newer."
        ) from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
        raise EngineError(
            f"docker buildx inspect: {reason.removeprefix('ERROR: ')}",
            remedy="docker buildx ls shows the builders; docker buildx create makes one.",
        )
    found: dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    return Builder(
        name=found.get("Name", ""),
        driver=found.get("Driver", ""),
        endpoint=found.get("Endpoint", ""),
        error=found.get("Error", ""),
        facts=tuple(f"{key} {found[key]}" for key in _FACTS if found.get(key)),
    )
