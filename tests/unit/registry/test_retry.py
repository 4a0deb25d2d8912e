from datetime import UTC, datetime

import pytest

from exporter.errors import Interrupted, RegistryError
from exporter.registry.retry import Attempts, Patience, TransientError, parse_retry_after
from exporter.registry.settings import Settings
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("256", 256),
        ("0.5", 0.5),
        ("Tue, 24 Nov 2026 12:01:00 GMT", 60),
        ("Tuesday, 24-Nov-26 12:01:00 GMT", 60),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


def problem(**details: object) -> TransientError:
    error = TransientError("it broke", registry="r.example", reason="it broke")
    for name, value in details.items():
        setattr(error, name, value)
    return error


def spend(attempts: Attempts, **details: object) -> None:
    while True:
        attempts.again(problem(**details))


def test_waits_grow_and_end() -> None:
    clock = FakeClock()
    attempts = Attempts(Patience(Settings(), clock.clock), "try")
    with pytest.raises(RegistryError) as caught:
        spend(attempts)
    assert type(caught.value) is RegistryError
    assert clock.slept == [0.5, 1, 2, 4, 8, 10, 10, 3.5]


def test_slow_failures_use_up_patience_too() -> None:
    clock = FakeClock()
    with pytest.raises(RegistryError):
        spend(Attempts(Patience(Settings(), clock.clock), "try"), spent_s=15)
    assert len(clock.slept) == 2


def test_a_name_that_does_not_resolve_is_tried_three_times() -> None:
    clock = FakeClock()
    with pytest.raises(RegistryError):
        spend(Attempts(Patience(Settings(), clock.clock), "try"), brief=True)
    assert clock.slept == [0.5, 1]


def test_progress_starts_patience_anew() -> None:
    clock = FakeClock()
    attempts = Attempts(Patience(Settings(), clock.clock), "try")
    for _ in range(20):
        attempts.again(problem())
        attempts.progress()
    assert clock.slept == [0.5] * 20


def test_waiting_for_ones_turn_uses_up_patience_too() -> None:
    clock = FakeClock()
    patience = Patience(Settings(), clock.clock)
    attempts = Attempts(patience, "try")
    patience.wait(100)  # before the first failure: not this operation's fault
    attempts.again(problem())
    patience.wait(30)
    attempts.again(problem())
    patience.wait(30)
    with pytest.raises(RegistryError):
        attempts.again(problem())
    assert clock.slept == [100, 0.5, 30, 1, 30]


def test_others_are_told_what_the_registry_asked_for() -> None:
    held: list[float] = []
    attempts = Attempts(Patience(Settings(), FakeClock().clock), "try", held.append)
    attempts.again(problem())
    attempts.again(problem(retry_after_s=3.0))
    assert held == [3.1]


def test_threads_that_wait_at_the_same_time_pay_once() -> None:
    patience = Patience(Settings(retry_timeout_s=10), FakeClock().clock)
    assert all(patience.take(10) for _ in range(6))
    assert not patience.take(11)


def test_a_stopped_program_does_not_wait() -> None:
    patience = Patience(Settings(), FakeClock().clock)
    patience.cancelled.set()
    with pytest.raises(Interrupted):
        Attempts(patience, "try").again(problem())
