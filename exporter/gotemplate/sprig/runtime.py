"""What the functions need from outside: clock, randomness, name service, time zones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # importing it costs start-up time
    from datetime import tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The doors to the world, given by whoever runs the templates.

    The template engine itself does no I/O; a test gives constants, the program the real things.
    """

    now_ns: Callable[[], int]
    """Nanoseconds since 1970-01-01 00:00 UTC, as ``time.time_ns``."""
    random_bytes: Callable[[int], bytes]
    """That many bytes nobody can guess, as ``os.urandom``."""
    resolve_host: Callable[[str], Sequence[str]]
    """The addresses of a host name; empty when it has none."""
    zone: "Callable[[str], tzinfo | None]"
    """The time zone of that name (``Europe/Berlin``), None when unknown.

    ``Local`` is the zone of the machine. ``UTC`` and the empty name are never asked for.
    """
