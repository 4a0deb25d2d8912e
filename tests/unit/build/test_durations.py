"""Seconds of steps, as reports show them."""

import json
from collections.abc import Sequence

import pytest

from exporter.build.durations import busy
from exporter.build.progress import Progress, Step
from exporter.build.rawjson import RawJson
from exporter.build.stapel.lines import seconds_by_stage


def _step(name: str, started: float | None, seconds: float | None, *, cached: bool = False) -> Step:
    return Step(name=name, started=started, seconds=seconds, cached=cached)


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ([], 0.0),
        ([_step("[1/2] RUN a", 10, 2)], 2.0),
        ([_step("[1/2] RUN a", 10, 2), _step("[2/2] RUN b", 15, 1.5)], 3.5),
        ([_step("[a 1/1] RUN a", 10, 4), _step("[b 1/1] RUN b", 12, 5)], 7.0),
        ([_step("[a 1/1] RUN a", 10, 9), _step("[b 1/1] RUN b", 12, 1)], 9.0),
        ([_step("[1/2] RUN a", 10, 2, cached=True), _step("exporting", 20, 0.5)], 0.5),
        ([_step("[internal] load build context", 10, 2)], 0.0),
        ([_step("[1/2] RUN a", 10, None), _step("[2/2] RUN b", None, None)], 0.0),
    ],
    ids=["none", "one", "apart", "overlapping", "inside", "cached", "internal", "unfinished"],
)
def test_steps_at_the_same_time_count_once(steps: Sequence[Step], seconds: float) -> None:
    assert busy(steps) == seconds


def test_each_stage_gets_the_time_of_its_own_steps() -> None:
    steps = [
        _step("[source0 1/1] FROM art", 1, 8),
        _step("[stage 1/1] FROM base", 1, 5),
        _step("[stage1 1/1] RUN --mount=type=bind run.sh", 10, 2),
        _step("[stage12 1/2] WORKDIR /", 12, 0.5),
        _step("[stage12 2/2] RUN --mount=type=bind run.sh", 13, 1.5),
        _step("[stage3 1/1] RUN --mount=type=bind run.sh", 20, 7, cached=True),
        _step("exporting to image", 20, 3),
    ]
    assert seconds_by_stage(steps) == {1: 2.0, 12: 2.0, 3: 0.0}


def test_the_times_are_those_that_buildkit_tells() -> None:
    vertex = {
        "digest": "sha256:1",
        "name": "[stage4 1/1] RUN sleep",
        "started": "2026-11-24T10:00:00.5Z",
        "completed": "2026-11-24T10:00:02.75Z",
    }
    progress = Progress(lambda _: None)
    RawJson(progress).read([json.dumps({"vertexes": [vertex]}).encode()])
    assert seconds_by_stage(progress.steps) == {4: 2.25}
