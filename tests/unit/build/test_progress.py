"""Buildx's progress stream, and what is made of it."""

import json

from exporter.build.progress import Progress
from exporter.build.rawjson import RawJson

_DIGEST = "sha256:" + "a" * 64
_EXPORT = {
    "digest": "sha256:1",
    "name": "exporting to image",
    "started": "2026-01-02T03:04:05Z",
}
_PUSH = {
    "id": f"pushing manifest for registry.test/app:1@{_DIGEST}",
    "vertex": "sha256:1",
    "started": "2026-01-02T03:04:05Z",
}


def _stream(*events: object) -> list[bytes]:
    return b"\n".join(json.dumps(event, indent=2).encode() for event in events).splitlines(
        keepends=True
    )


def _read(*events: object) -> Progress:
    progress = Progress(lambda _: None)
    RawJson(progress).read(_stream(*events))
    return progress


def test_a_manifest_is_pushed_when_the_push_and_its_step_have_ended() -> None:
    ended = "2026-01-02T03:04:06Z"
    begun = {"vertexes": [_EXPORT], "statuses": [_PUSH]}
    pushed = {"statuses": [{**_PUSH, "completed": ended}]}
    step = {"vertexes": [{**_EXPORT, "completed": ended}]}
    assert _read(begun).pushed == ""
    assert _read(begun, pushed).pushed == ""
    assert _read(begun, step).pushed == ""
    assert _read(begun, pushed, step).pushed == _DIGEST
    assert _read({**pushed, **step}).pushed == _DIGEST


def test_a_step_that_fails_after_its_push_is_no_push() -> None:
    ended = "2026-01-02T03:04:06Z"
    failed = {**_EXPORT, "completed": ended, "error": "no space left on device"}
    progress = _read({"vertexes": [failed], "statuses": [{**_PUSH, "completed": ended}]})
    assert progress.pushed == ""
    assert progress.failure("").step == "exporting to image"


def test_reading_ends_when_enough_is_known() -> None:
    said: list[str] = []
    progress = Progress(said.append)
    other = {**_EXPORT, "digest": "sha256:2", "name": "later"}
    RawJson(progress).read(
        _stream({"vertexes": [_EXPORT]}, {"vertexes": [other]}), until=lambda: len(said) > 0
    )
    assert said == ["exporting to image"]
