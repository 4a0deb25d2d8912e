"""Contexts that are made ready while the program starts that builds from them."""

from io import BufferedReader
from select import select
from typing import IO, Protocol

_BEGINNING = b"load build definition"


class Gate(Protocol):
    """Makes a context ready while the program starts, which takes it 0.1 s.

    Before the gate is open, what the build asks for first is missing, so that it fails.
    """

    @property
    def is_open(self) -> bool:
        """Whether the context is ready."""
        ...

    @property
    def is_quick(self) -> bool:
        """Whether it is worth while to start the program before."""
        ...

    def open(self) -> bool:
        """Make the context ready; False when it turns out that this is not quick after all."""
        ...


def has_begun(progress: IO[bytes]) -> bool:
    """Whether BuildKit has asked for the Dockerfile, as its progress says; nothing is read."""
    if not isinstance(progress, BufferedReader) or not select([progress], [], [], 0)[0]:
        return False
    return _BEGINNING in progress.peek()
