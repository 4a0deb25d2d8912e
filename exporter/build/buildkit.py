"""BuildKit through the ``docker buildx`` command line: one solve, its progress, its result.

A solve gets its context as a tar stream on standard input; how its image leaves is a `Delivery`.
The user's own builders, contexts and credentials apply, since the program is the user's own.
"""

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from exporter import process
from exporter.build.archive import BrokenOffError, Readable
from exporter.build.delivery import Deliveries, Delivery
from exporter.build.gate import Gate, has_begun
from exporter.build.progress import Failure, Progress, Step
from exporter.build.secret import BuildSecret, secret_arguments
from exporter.errors import EngineError, RegistryError
from exporter.log import hide, redact
from exporter.oci.digest import Digest
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference

logger = logging.getLogger(__name__)

_PLUGINS = tuple(
    Path(folder, "docker", "cli-plugins")
    for folder in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
)
"""Where docker looks for its plugins, in its order."""
_SECRET_BYTES = 64 << 10
PUSH_ATTEMPTS = 5
"""How often a solve is repeated when only the push of its (then cached) result failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solve:
    """One image to build.

    ``name`` is for people. ``dockerfile`` is the path inside the context.
    ``reference`` is what the image is going to be called.
    ``open_context`` gives the tar stream anew for each attempt; with a ``directory`` the context
    is there, and ``dockerfile`` is a path on this machine. A ``gate`` has them ready.
    ``contexts`` are BuildKit's named contexts.
    ``variants`` of the platform are built beside it, each an image of its own.
    ``display_file`` replaces the Dockerfile's name in errors.
    """

    name: str
    reference: Reference
    platform: Platform
    open_context: Callable[[], Iterator[bytes]] = field(repr=False)
    dockerfile: str = "Dockerfile"
    directory: Path | None = None
    gate: Gate | None = None
    display_file: str = ""
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    add_hosts: Sequence[str] = ()
    ssh: Sequence[str] = ()
    secrets: Sequence[BuildSecret] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    variants: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What a solve made: the digest of the pushed manifest, and the steps it went through."""

    digest: Digest
    seconds: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildKit:
    """How builds are run: the child's environment, the builder, the caches, and the clock."""

    env: Mapping[str, str] = field(repr=False)
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    deliveries: Deliveries
    farewells: "Farewells"
    builder: str = ""
    context: str = ""
    cache_from: Sequence[str] = ()
    cache_to: Sequence[str] = ()

    def solve(self, solve: Solve, *, say: Callable[[str], None]) -> Solved:
        """Build and publish one image.

        A push that fails for a passing reason is tried again; the steps are cached by then.

        Raises:
            BuildError: A step failed; names the instruction's place and carries its last lines.
            EngineError: The program or the engine is missing or out of reach.
            RegistryError: The engine could not push, or could not read a base image's registry.
        """
        hide(_texts(solve.secrets))
        if (told := secret_arguments(solve.arguments)) and not self.context:
            hide(told.values())
            say(
                f"The values of {', '.join(told)} are hidden here, but stay in the history of the"
                " image: 'secrets' of werf.yaml leave no trace"
            )
        attempt = 0
        while True:
            delivery = self.deliveries.current
            outcome = self._once(solve, delivery, say)
            if isinstance(outcome, Solved):
                return outcome
            if outcome is None:
                continue
            from exporter.build import failures  # noqa: PLC0415 - few builds fail

            if other := failures.context_in(outcome):
                # The builder is a Docker context, which buildx takes by another option.
                there = replace(self, builder="", context=other)
                return there.solve(solve, say=say)
            message = failures.first_line(outcome.message)
            if failures.is_unreachable(outcome) and self.deliveries.fall_back(delivery, message):
                continue
            attempt += 1
            if attempt == PUSH_ATTEMPTS or not failures.is_passing(outcome):
                raise failures.error_of(solve, outcome)
            delay = float(2 ** (attempt - 1))
            say(f"{redact(message)}; trying again in {delay:.0f} s")
            self.sleep(delay)

    def _once(
        self, solve: Solve, delivery: Delivery, say: Callable[[str], None]
    ) -> Solved | Failure | None:
        """One attempt; None when it has to be repeated: another delivery, a late context."""
        started = self.monotonic()
        gate = solve.gate
        if gate is not None and not gate.is_quick:
            gate.open()
        is_early = gate is not None and not gate.is_open
        progress = Progress(lambda line: say(redact(line)))
        with ExitStack() as stack:
            directory = TemporaryDirectory(prefix="exporter-build-")
            metadata = Path(stack.enter_context(directory), "metadata.json")
            argv, env = self._command(solve, delivery.output(solve.reference), metadata)
            try:
                child = stack.enter_context(process.start(argv, env=env))
            except process.ProgramMissingError as error:
                raise EngineError(
                    f"cannot build {solve.name}: {error.what}",
                    remedy="Install docker with its buildx plugin, or use the container image.",
                ) from error
            assert child.stdin  # noqa: S101 - process.start opens all three
            assert child.stdout  # noqa: S101
            assert child.stderr  # noqa: S101
            feeder = _Feeder(child.stdin, solve.open_context)
            receiver = _Receiver(child.stdout, delivery, solve.reference)
            feeder.start()
            receiver.start()
            if gate is not None and (not gate.open() or (is_early and has_begun(child.stderr))):
                return None
            progress.read(child.stderr, until=lambda: self._is_out(delivery, progress))
            if self._is_out(delivery, progress):
                self.farewells.say(child, stack.pop_all())
                return Solved(
                    digest=Digest.parse(progress.pushed),
                    seconds=self.monotonic() - started,
                    steps=progress.steps,
                )
            returncode = child.wait()
            feeder.join()
            receiver.join()
            if feeder.error:
                raise feeder.error
            if isinstance(receiver.error, BrokenOffError):
                return Failure(step="pushing layers", message=f"{receiver.error}: connection reset")
            if isinstance(receiver.error, RegistryError):
                raise receiver.error
            if returncode:
                from exporter.build import failures  # noqa: PLC0415 - few builds fail

                failure = progress.failure()
                return None if is_early and failures.misses_dockerfile(failure) else failure
            if receiver.error:
                raise receiver.error
            if delivery.pushes and not progress.pushed and self.deliveries.fall_back(delivery):
                return None
            result = json.loads(metadata.read_bytes())
        digest = receiver.digest or delivery.finish(solve.reference)
        return Solved(
            digest=digest or Digest.parse(result["containerimage.digest"]),
            seconds=self.monotonic() - started,
            steps=progress.steps,
        )

    def _is_out(self, delivery: Delivery, progress: Progress) -> bool:
        """Whether the image is in the registry and nothing more comes of the build."""
        return delivery.pushes and bool(progress.pushed) and not self.cache_to

    @property
    def _program(self) -> list[str]:
        """Buildx itself, which starts in half the time that it takes through docker."""
        if self.context:
            return ["docker", "--context", self.context, "buildx"]
        if self.env.get("DOCKER_TLS_VERIFY") or self.env.get("DOCKER_TLS"):
            return ["docker", "buildx"]  # only docker itself reads these
        folders = (Path(self.env.get("DOCKER_CONFIG", ""), "cli-plugins"), *_PLUGINS)
        found = (folder / "docker-buildx" for folder in folders)
        plugin = next((path for path in found if os.access(path, os.X_OK)), None)
        return [str(plugin)] if plugin else ["docker", "buildx"]

    def _command(
        self, solve: Solve, output: str, metadata: Path
    ) -> tuple[list[str], dict[str, str]]:
        """Arguments and environment; values of build arguments and secrets go by environment."""
        env = dict(self.env)
        if solve.directory:  # what git says of that directory is not about the image
            env |= {"BUILDX_GIT_INFO": "false", "BUILDX_GIT_LABELS": "false"}
        argv = [*self._program, "build", "--progress=rawjson", "--provenance=false"]
        platforms = (str(solve.platform), *(f"{solve.platform}/{each}" for each in solve.variants))
        argv += ["--file", solve.dockerfile, "--platform", ",".join(platforms)]
        argv += ["--metadata-file", str(metadata)]
        argv += ["--output", output]
        if self.builder:
            argv += ["--builder", self.builder]
        if solve.target:
            argv += ["--target", solve.target]
        if solve.network:
            argv += ["--network", solve.network]
            if solve.network == "host":
                argv += ["--allow", "network.host"]
        for key, value in sorted(solve.arguments.items()):
            if re.match(_STEERS_PROGRAMS, key) and self.env.get(key) != value:
                argv += ["--build-arg", f"{key}={value}"]
            else:
                argv += ["--build-arg", key]
                env[key] = value
        for number, secret in enumerate(solve.secrets):
            if secret.value is None:
                argv += ["--secret", f"id={secret.id},src={secret.file}"]
            else:
                variable = f"EXPORTER_SECRET_{number}"
                argv += ["--secret", f"id={secret.id},env={variable}"]
                env[variable] = secret.value
        for flag, values in (
            ("--add-host", solve.add_hosts),
            ("--ssh", solve.ssh),
            ("--cache-from", self.cache_from),
            ("--cache-to", self.cache_to),
            ("--label", [f"{key}={value}" for key, value in sorted(solve.labels.items())]),
            ("--build-context", [f"{key}={value}" for key, value in solve.contexts.items()]),
        ):
            for value in values:
                argv += [flag, value]
        return [*argv, str(solve.directory or "-")], env


class Farewells:
    """Builds whose image is out already, while the engine still writes their history."""

    def __init__(self) -> None:
        """Nothing to wait for."""
        self._threads: list[threading.Thread] = []

    def say(self, child: process.Child, stack: ExitStack) -> None:
        """Let the program end by itself, then undo what the stack holds."""
        thread = threading.Thread(target=_see_off, args=(child, stack), name="farewell")
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join()


def _see_off(child: process.Child, stack: ExitStack) -> None:
    with stack:
        assert child.stderr  # noqa: S101 - process.start opens it
        last = child.stderr.read()
        if child.wait():
            logger.debug("the build ended with %d: %r", child.returncode, last[-1000:])


class _Feeder(threading.Thread):
    """Writes the context into the program's standard input while its progress is read."""

    def __init__(self, sink: IO[bytes], open_context: Callable[[], Iterator[bytes]]) -> None:
        super().__init__(name="context", daemon=True)
        self._sink = sink
        self._open = open_context
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            for chunk in self._open():
                self._sink.write(chunk)
        except (BrokenPipeError, ValueError):
            logger.debug("the build ended before it read its whole context")
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            self.error = error
        finally:
            try:
                self._sink.close()
            except BrokenPipeError:
                logger.debug("the build closed its input first")


class _Receiver(threading.Thread):
    """Takes the program's standard output while it runs."""

    def __init__(self, source: IO[bytes], delivery: Delivery, reference: Reference) -> None:
        super().__init__(name="delivery", daemon=True)
        self._source: Readable = source
        self._close = source.close
        self._delivery = delivery
        self._reference = reference
        self.digest: Digest | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.digest = self._delivery.receive(self._source, self._reference)
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            self.error = error
            self._close()  # else the program would wait for us forever


_STEERS_PROGRAMS = (
    r"(?i)(?:PATH|HOME|TMPDIR|LANG|SHELL|(?:HTTPS?|NO|ALL|FTP)_PROXY"
    r"|(?:DOCKER|BUILDX|BUILDKIT|SSH|SSL|LC|LD|XDG|GODEBUG|GO|OTEL|EXPORTER_SECRET)_?.*)$"
)
"""Build arguments that go by argument, since docker itself would obey the variable."""


def _texts(secrets: Sequence[BuildSecret]) -> Iterator[str]:
    """What must not be shown: the values, and the contents of small files."""
    for secret in secrets:
        if secret.value is not None:
            yield secret.value.strip()
        elif secret.file is not None and secret.file.stat().st_size <= _SECRET_BYTES:
            yield secret.file.read_bytes().decode("utf-8", "replace").strip()
