"""Secrets of builds."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSecret:
    """A secret of a build: from a variable of the build's own environment, or from a file.

    ``value`` reaches the program through its environment only, never through its arguments.
    """

    id: str
    value: str | None = field(default=None, repr=False)
    file: Path | None = None
