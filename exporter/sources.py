"""What is exported: published images, from this run's build, a build report, or a promotion."""

import json
from dataclasses import field
from pathlib import Path
from typing import Any

from exporter.errors import InputError
from exporter.oci.graph import Graph
from exporter.oci.reference import Reference
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A published image: its name, its content tag, and where it is now.

    ``graph`` holds what of it was loaded already, so that it is not asked for again.
    """

    image: str
    content_tag: str
    reference: Reference
    graph: Graph | None = field(default=None, repr=False)


def parsed_json(text: str, path: Path) -> dict[str, Any]:
    """The object in a JSON file; InputError when it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is not a JSON object")
    return value


def read_text(path: Path, what: str) -> str:
    """The text of a file that the options name; InputError when it cannot be read."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{what} {path} cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{what} {path} is not UTF-8 text: {error}") from error
