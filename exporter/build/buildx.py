"""A solve by the ``docker buildx`` command line, which knows every builder, output and cache.

It gets its context as a tar stream on standard input.
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from exporter import process
from exporter.build.archive import BrokenOffError, Readable
from exporter.build.delivery import Delivery
from exporter.build.farewells import Farewells
from exporter.build.progress import NOT_PUSHED, Failure, Progress
from exporter.build.rawjson import RawJson
from exporter.build.solve import Solve, Solved
from exporter.errors import RegistryError
from exporter.log import redact
from exporter.oci.digest import Digest
from exporter.oci.reference import Reference

logger = logging.getLogger(__name__)

_PLUGINS = tuple(
    Path(folder, "docker", "cli-plugins")
    for folder in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
)
"""Where docker looks for its plugins, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildx:
    """How the program is run: its environment, the builder, the caches."""

    env: Mapping[str, str] = field(repr=False)
    monotonic: Callable[[], float]
    farewells: Farewells
    builder: str = ""
    context: str = ""
    cache_from: Sequence[str] = ()
    cache_to: Sequence[str] = ()

    @property
    def has_caches(self) -> bool:
        """Whether caches are brought or taken, whose options only the program knows."""
        return bool(self.cache_from or self.cache_to)

    def once(
        self, solve: Solve, delivery: Delivery, say: Callable[[str], None]
    ) -> Solved | Failure:
        """One attempt.

        Raises:
            EngineError: The program is missing.
            RegistryError: Our client could not push what was built.
        """
        started = self.monotonic()
        progress = Progress(lambda line: say(redact(line)))
        reader = RawJson(progress)
        with ExitStack() as stack:
            argv, env = self._command(solve, delivery.output(solve.reference))
            try:
                child = stack.enter_context(process.start(argv, env=env))
            except process.ProgramMissingError as error:
                from exporter.build import failures  # noqa: PLC0415 - few builds fail

                raise failures.missing_program(solve, error) from error
            assert child.stdin  # noqa: S101 - process.start opens all three
            assert child.stdout  # noqa: S101
            assert child.stderr  # noqa: S101
            feeder = _Feeder(child.stdin, solve.open_context)
            receiver = _Receiver(child.stdout, delivery, solve.reference)
            feeder.start()
            receiver.start()
            reader.read(child.stderr, until=lambda: self._is_out(delivery, progress))
            if self._is_out(delivery, progress):
                self.farewells.add(partial(_see_off, child, stack.pop_all()))
                return Solved(
                    reference=solve.reference,
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
                return reader.failure()
            if receiver.error:
                raise receiver.error
            if delivery.pushes and not progress.pushed:
                return NOT_PUSHED
        digest = receiver.digest or delivery.finish(solve.reference)
        return Solved(
            reference=solve.reference.repository.at(digest) if digest else solve.reference,
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

    def _command(self, solve: Solve, output: str) -> tuple[list[str], dict[str, str]]:
        """Arguments and environment; values of build arguments and secrets go by environment."""
        env = dict(self.env)
        if solve.directory:  # what git says of that directory is not about the image
            env |= {"BUILDX_GIT_INFO": "false", "BUILDX_GIT_LABELS": "false"}
        argv = [*self._program, "build", "--progress=rawjson", "--provenance=false"]
        argv += ["--file", solve.dockerfile, "--platform", solve.platforms]
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
