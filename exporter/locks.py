"""File locks: what two runs on one machine must not do at the same time."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from exporter import process
from exporter.errors import Interrupted

logger = logging.getLogger(__name__)

_POLL_S = 0.05
_QUIET_POLLS = 10
"""How long a wait is not worth a word: somebody who only looks has the lock for less."""


@contextmanager
def locked(path: Path, *, on_wait: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """Hold a lock for the time of the block; its file exists only that long.

    A lock helps and is no condition: where the file cannot be written or locked (a home that is
    read-only), the block runs without.

    Args:
        path: The file, in a directory that may be missing.
        on_wait: Called once when another process keeps the lock for longer than a moment.

    Yields:
        Whether another process held it before.

    Raises:
        Interrupted: The program was asked to stop while it waited.
    """
    with ExitStack() as stack:
        file, waited = None, False
        try:
            file, waited = _acquired(path, on_wait)
        except OSError as error:
            logger.debug("no lock %s: %s", path, error)
        if file is not None:
            stack.callback(file.close)
            stack.callback(path.unlink, missing_ok=True)
        yield waited


def _acquired(path: Path, on_wait: Callable[[], None]) -> tuple[IO[bytes], bool]:
    path.parent.mkdir(parents=True, exist_ok=True)
    stopped, polls = threading.Event(), 0
    forget = process.on_stop(stopped.set)
    try:
        while True:
            file = path.open("wb")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still(path, file):
                    return file, polls > 0
                file.close()  # its last holder has removed it meanwhile
            except BlockingIOError:
                file.close()
                if polls == _QUIET_POLLS:
                    on_wait()
                polls += 1
                if stopped.wait(_POLL_S):
                    raise Interrupted("a signal", 130) from None
            except BaseException:
                file.close()
                raise
    finally:
        forget()


def _is_still(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
