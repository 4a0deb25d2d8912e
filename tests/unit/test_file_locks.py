"""File locks between runs; an open file is a holder of its own, so that threads serve as runs."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter import locks, process
from exporter.errors import Interrupted
from exporter.locks import locked


@contextmanager
def held(path: Path) -> Iterator[threading.Event]:
    """A lock that another one holds until the event is set."""
    has_it, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(path):
            has_it.set()
            let_go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert has_it.wait(10)
    try:
        yield let_go
    finally:
        let_go.set()
        thread.join()


def test_nobody_else_waits_for_nothing_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "a"
    with locked(path, on_wait=lambda: pytest.fail("nobody is there")) as has_waited:
        assert (has_waited, path.exists()) == (False, True)
    assert list(path.parent.iterdir()) == []


def test_whoever_waits_is_told_once_and_knows_it_afterwards(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "a"
    with held(path) as let_go:

        def tell() -> None:
            told.append("waits")
            threading.Timer(0.2, let_go.set).start()

        with locked(path, on_wait=tell) as has_waited:
            assert (let_go.is_set(), has_waited, told) == (True, True, ["waits"])
    assert not path.exists()


def test_a_moment_is_not_worth_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_QUIET_POLLS", 1000)
    with held(tmp_path / "a") as let_go:
        threading.Timer(0.2, let_go.set).start()
        with locked(tmp_path / "a", on_wait=lambda: pytest.fail("so soon")) as has_waited:
            assert has_waited


def test_of_many_only_one_is_inside(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with locked(tmp_path / "a"):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.001)
            inside.remove(number)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(60)))
    assert set(most) == {1}
    assert len(most) == 60
    assert list(tmp_path.iterdir()) == []


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a"):
        raise ZeroDivisionError
    with locked(tmp_path / "a") as has_waited:
        assert not has_waited


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with locked(tmp_path / "home" / "locks" / "a") as has_waited:
        assert not has_waited


def test_a_signal_ends_the_waiting(tmp_path: Path) -> None:
    with held(tmp_path / "a"):
        threading.Timer(0.2, process.stop_all).start()
        with pytest.raises(Interrupted), locked(tmp_path / "a"):
            pytest.fail("the other one still has it")
        assert (tmp_path / "a").exists()
