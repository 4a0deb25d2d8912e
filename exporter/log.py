"""The one place that decides how log lines look.

Modules log with ``logging.getLogger(__name__)``. INFO tells the user's story, DEBUG the protocol.
``hide`` registers a secret; every handler made here replaces it by ``***``.
"""

import logging
import sys
from collections.abc import Iterable

_secrets: set[str] = set()
_SHORTEST_SECRET = 4


def hide(secrets: Iterable[str]) -> None:
    """Never show these texts or a line of them from now on; very short ones are not secrets."""
    parts = (part for secret in secrets for part in (secret, *secret.splitlines()))
    _secrets.update(part for part in parts if len(part.strip()) >= _SHORTEST_SECRET)


def redact(text: str) -> str:
    """The text without any registered secret."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def hidden_in(text: str) -> bool:
    """Whether the text contains a registered secret."""
    return any(secret in text for secret in _secrets)


class Redacting(logging.Formatter):
    """A formatter that never lets a registered secret through."""

    def format(self, record: logging.LogRecord) -> str:
        """Format as usual, then redact."""
        return redact(super().format(record))


def set_up(*, debug: bool, quiet: bool = False, handler: logging.Handler | None = None) -> None:
    """Send the program's log to a handler (default: standard error), one event per line."""
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting("%(name)s: %(message)s" if debug else "%(message)s"))
    root = logging.getLogger("exporter")
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO)
