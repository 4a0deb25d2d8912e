"""The fault script of the fake registry: which request goes wrong, how, and how often."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

How = Literal[
    "status",  # answer with ``status``, ``headers`` and ``body`` instead
    "drop-before",  # close the connection unheard
    "drop-mid-request",  # read a part of the request's body, then close
    "drop-after",  # do what was asked, then close instead of answering
    "drop-mid-answer",  # answer, but close in the middle of the body
    "truncate",  # answer with half of the body, as if that were all
    "corrupt",  # answer with one byte of the body changed
    "close-after",  # answer rightly, then close the connection without notice
    "headers",  # answer with ``headers`` set, or removed where the value is None
    "stall",  # never answer
    "stall-mid-answer",  # stop in the middle of the body
    "pretend",  # answer as if it had been done
    "chunked",  # answer without a length
    "trickle",  # answer one byte at a time
    "trickle-head",  # the same from its status line on
    "forget",  # do it, but the upload session is gone afterwards
]


@dataclass(kw_only=True)
class FaultRule:
    """Applies to requests whose ``METHOD path`` matches: after ``skip``, ``times`` times."""

    match: str
    how: How
    times: int = 1
    skip: int = 0
    status: int = 500
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes = b""
    hits: int = 0

    def applies(self, line: str) -> bool:
        """Whether this request goes wrong by this rule; counts it."""
        if not re.search(self.match, line):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.hits >= self.times:
            return False
        self.hits += 1
        return True


ALWAYS = 1_000_000
