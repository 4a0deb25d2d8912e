"""A clock that a test moves."""

from datetime import UTC, datetime, timedelta

from exporter.registry.settings import Clock

START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    """Sleeping takes no time and is written down; nothing else moves the clock."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.elapsed += seconds

    @property
    def clock(self) -> Clock:
        """What the client takes; chance always says one half, so that jitter is none."""
        return Clock(
            monotonic=lambda: 1000.0 + self.elapsed,
            now=lambda: START + timedelta(seconds=self.elapsed),
            sleep=self.sleep,
            random=lambda: 0.5,
        )
