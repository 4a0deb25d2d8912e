"""The order of work on things that need each other."""

import threading
from collections.abc import Mapping

import pytest

from exporter.build.graph import run_graph

NEEDS = {"app": ["lib", "base"], "lib": ["base"], "base": [], "other": []}


@pytest.mark.parametrize("limit", [1, 4])
def test_everything_comes_after_what_it_needs(limit: int) -> None:
    order: list[str] = []

    def work(key: str, done: Mapping[str, str]) -> str:
        order.append(key)
        return key + "".join(sorted(done[need] for need in NEEDS[key]))

    outcome = run_graph(NEEDS, work, limit=limit)
    assert outcome.results == {
        "base": "base",
        "other": "other",
        "lib": "libbase",
        "app": "appbaselibbase",
    }
    assert list(outcome.results) == list(NEEDS)
    assert order.index("base") < order.index("lib") < order.index("app")


def test_independent_things_run_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=5)

    def work(key: str, _done: Mapping[str, int]) -> int:
        if key in {"base", "other"}:
            return meeting.wait() + 10
        return 0

    outcome = run_graph(NEEDS, work, limit=2)
    assert {outcome.results["base"], outcome.results["other"]} == {10, 11}


@pytest.mark.parametrize("limit", [1, 2])
def test_an_error_stops_what_needs_it_and_keeps_what_is_done(limit: int) -> None:
    def work(key: str, _done: Mapping[str, str]) -> str:
        if key == "lib":
            raise ValueError("broken")
        return key

    outcome = run_graph(NEEDS, work, limit=limit)
    assert "app" not in outcome.results
    assert outcome.results["base"] == "base"
    assert str(outcome.errors["lib"]) == "broken"


def test_errors_are_in_the_order_of_what_was_asked() -> None:
    failed = threading.Event()

    def work(key: str, _done: Mapping[str, str]) -> str:
        if key == "first":
            assert failed.wait(10)
        if key == "second":
            failed.set()
        raise ValueError(key)

    outcome = run_graph({"first": [], "second": []}, work, limit=2)
    assert [str(error) for error in outcome.errors.values()] == ["first", "second"]
