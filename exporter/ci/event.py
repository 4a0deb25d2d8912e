"""What started the run: whether it works for somebody who may not publish."""

import json
from collections.abc import Mapping
from pathlib import Path


def is_from_fork(env: Mapping[str, str]) -> bool:
    """Whether the run is of a pull or merge request from a fork, which gets no secrets.

    ``pull_request_target`` runs with the secrets of the repository and does not count.
    """
    if env.get("GITHUB_EVENT_NAME") == "pull_request":
        head = _inside(_event(env.get("GITHUB_EVENT_PATH", "")), "pull_request", "head")
        source = _inside(head, "repo").get("full_name", "")
        # A deleted fork is no repository any more, but still a fork.
        return bool(head) and str(source).lower() != env.get("GITHUB_REPOSITORY", "").lower()
    source = env.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "")
    return bool(source) and source != env.get("CI_MERGE_REQUEST_PROJECT_ID", source)


def _event(path: str) -> object:
    try:
        return json.loads(Path(path).read_bytes()) if path else {}
    except (OSError, ValueError):
        return {}


def _inside(value: object, *keys: str) -> Mapping[str, object]:
    """The object below these keys; an empty one when there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
