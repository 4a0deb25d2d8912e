"""The one door to other programs (git, docker).

Argument lists only, never a shell. The child's environment is given, not inherited.
"""

import logging
import socket
import subprocess  # noqa: TID251 - this module is the door
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from exporter.errors import ExporterError
from exporter.value import dataclass

logger = logging.getLogger(__name__)

Child = subprocess.Popen[bytes]
"""A program that runs, with pipes to it."""

_running: set[Child] = set()
_stops: list[Callable[[], None]] = []


def stop_all() -> None:
    """Ask every program that still runs to end; called when a signal stops the exporter."""
    for child in tuple(_running):
        child.terminate()
    for stop in tuple(_stops):
        stop()


def on_stop(stop: Callable[[], None]) -> Callable[[], None]:
    """Have something else stopped as well; what is returned takes that back."""
    _stops.append(stop)

    def forget() -> None:
        with suppress(ValueError):  # it was taken back already
            _stops.remove(stop)

    return forget


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A finished program: exit code and what it printed."""

    returncode: int
    stdout: bytes
    stderr: str


class ProgramMissingError(ExporterError):
    """The program is not installed or not on PATH."""

    def __init__(self, program: str) -> None:
        """Name the missing program."""
        super().__init__(f"the program '{program}' was not found on PATH")
        self.program = program


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: bytes = b"",
    timeout_s: float | None = None,
) -> Completed:
    """Run a program to its end and return what it printed; a non-zero exit code is the caller's.

    Raises:
        ProgramMissingError: The program does not exist.
        TimeoutError: It did not end in ``timeout_s``; it was killed.
    """
    logger.debug("run %s", " ".join(argv))
    try:
        done = subprocess.run(  # noqa: S603 - argument lists built by us
            list(argv),
            env=dict(env),
            cwd=cwd,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout_s,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise ProgramMissingError(argv[0]) from error
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{argv[0]} did not finish in {timeout_s} s") from error
    return Completed(
        returncode=done.returncode,
        stdout=done.stdout,
        stderr=done.stderr.decode("utf-8", "replace"),
    )


@contextmanager
def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    merge_stderr: bool = False,
    pass_fds: Iterable[int] = (),
) -> Iterator[Child]:
    """Start a program with pipes on all three streams; it is terminated when the block is left.

    Raises:
        ProgramMissingError: The program does not exist.
    """
    logger.debug("start %s", " ".join(argv))
    try:
        child = subprocess.Popen(  # noqa: S603 - argument lists built by us
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_stderr else subprocess.PIPE,
            pass_fds=tuple(pass_fds),
        )
    except FileNotFoundError as error:
        raise ProgramMissingError(argv[0]) from error
    _running.add(child)
    try:
        yield child
    finally:
        _end(child)
        for stream in _streams(child):
            try:
                stream.close()
            except BrokenPipeError:  # the child ended before it read all of its input
                logger.debug("%s closed its input early", argv[0])
        child.wait()


@contextmanager
def dial(
    argv: Sequence[str], *, env: Mapping[str, str], stderr: IO[bytes]
) -> Iterator[socket.socket]:
    """A socket whose other end is a program's standard input and output.

    The program ends by itself when the socket is closed, and is terminated when the block is left.

    Raises:
        ProgramMissingError: The program does not exist.
    """
    logger.debug("dial %s", " ".join(argv))
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            try:
                child = subprocess.Popen(  # noqa: S603 - argument lists built by us
                    list(argv),
                    env=dict(env),
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=stderr,
                )
            except FileNotFoundError as error:
                raise ProgramMissingError(argv[0]) from error
        _running.add(child)
        try:
            yield ours
        finally:
            _end(child)
            child.wait()


def _end(child: Child) -> None:
    _running.discard(child)
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()


def _streams(child: Child) -> list[IO[bytes]]:
    return [stream for stream in (child.stdin, child.stdout, child.stderr) if stream is not None]
