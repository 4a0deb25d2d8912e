"""Whose pull request it is."""

import json
from pathlib import Path

import pytest

from exporter.ci.event import is_from_fork


def github(folder: Path, source: object, *, event: str = "pull_request") -> dict[str, str]:
    path = folder / "event.json"
    path.write_text(json.dumps({"pull_request": {"head": {"sha": "1", "repo": source}}}))
    return {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_REPOSITORY": "Octo-Org/app",
    }


def test_a_pull_request_from_another_repository_is_of_a_fork(tmp_path: Path) -> None:
    assert is_from_fork(github(tmp_path, {"full_name": "mallory/app"}))


def test_a_pull_request_from_the_same_repository_is_not(tmp_path: Path) -> None:
    assert not is_from_fork(github(tmp_path, {"full_name": "octo-org/App"}))


def test_a_deleted_fork_is_still_a_fork(tmp_path: Path) -> None:
    assert is_from_fork(github(tmp_path, None))


def test_pull_request_target_has_the_secrets(tmp_path: Path) -> None:
    env = github(tmp_path, {"full_name": "mallory/app"}, event="pull_request_target")
    assert not is_from_fork(env)


@pytest.mark.parametrize("text", ["", "[]", "not json", '{"pull_request": 7}'])
def test_without_a_readable_event_nothing_is_assumed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(text)
    assert not is_from_fork({"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)})
    assert not is_from_fork({"GITHUB_EVENT_NAME": "pull_request"})


@pytest.mark.parametrize(
    ("source", "target", "fork"), [("7", "1", True), ("1", "1", False), ("", "1", False)]
)
def test_gitlab_tells_both_projects(source: str, target: str, fork: bool) -> None:  # noqa: FBT001
    env = {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": source, "CI_MERGE_REQUEST_PROJECT_ID": target}
    assert is_from_fork(env) is fork
