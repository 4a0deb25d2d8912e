"""When another attempt is made, and after what wait; the only place that decides it."""

import logging
import math
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

from exporter.errors import Interrupted, RegistryError
from exporter.registry.settings import Clock, Settings

logger = logging.getLogger(__name__)

RETRIED_STATUSES = frozenset(
    (408, 425, 429, 499, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 525, 527, 530, 598, 599)
)
_FIRST_WAIT_S = 0.5
_LONGEST_BACKOFF_S = 10.0
_MOST_ATTEMPTS = 30


class TransientError(RegistryError):
    """An attempt failed in a way that another attempt may not.

    Attributes:
        reason: A few words for the line that announces the wait.
        retry_after_s: What the registry asked for.
        at_once: A connection kept alive turned out to be closed: the first time, no wait is due.
        brief: Rarely cured by waiting (a name that does not resolve): three attempts only.
        spent_s: What the attempt itself cost of the patience.
    """

    def __init__(
        self,
        what: str,
        *,
        registry: str,
        reason: str,
        status: int = 0,
        codes: Sequence[str] = (),
        remedy: str = "",
    ) -> None:
        """Describe the failure; what decides about the wait is set on the instance."""
        super().__init__(what, registry=registry, status=status, codes=codes, remedy=remedy)
        self.reason = reason
        self.retry_after_s: float | None = None
        self.at_once = False
        self.brief = False
        self.spent_s = 0.0

    @classmethod
    def of(cls, error: RegistryError, reason: str) -> Self:
        """A refusal that another attempt may cure all the same."""
        return cls(
            error.what,
            registry=error.registry,
            reason=reason,
            status=error.status,
            codes=error.codes,
            remedy=error.remedy,
        )

    def final(self) -> RegistryError:
        """The same, when there is no other attempt."""
        return RegistryError(
            self.what,
            registry=self.registry,
            status=self.status,
            codes=self.codes,
            remedy=self.remedy,
        )


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header: a number or an HTTP date; None for anything else."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = max(0.0, (moment - now).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


class Patience:
    """What all operations of a client share: the budget of waits, the clock, the way to stop."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Start with the whole budget."""
        self.settings = settings
        self.clock = clock
        self.cancelled = threading.Event()
        self._lock = threading.Lock()
        self._left_s = settings.retry_timeout_s
        self._paid_until = 0.0
        self._of_thread = threading.local()

    @property
    def waited_s(self) -> float:
        """What the calling thread has waited so far, for whatever reason."""
        return float(getattr(self._of_thread, "waited_s", 0.0))

    def check(self) -> None:
        """Raise Interrupted when the program was asked to stop."""
        if self.cancelled.is_set():
            raise Interrupted("a signal", 130)

    def wait(self, seconds: float) -> None:
        """Sleep; raises Interrupted when the program is asked to stop meanwhile."""
        if self.clock.sleep is not None:
            self.clock.sleep(seconds)
        else:
            self.cancelled.wait(seconds)
        self._of_thread.waited_s = self.waited_s + seconds
        self.check()

    def take(self, seconds: float) -> bool:
        """Whether the budget has room for this wait; it is taken when so.

        Threads that wait at the same time pay once.
        """
        now = self.clock.monotonic()
        with self._lock:
            cost_s = max(0.0, now + seconds - max(now, self._paid_until))
            if cost_s > self._left_s:
                return False
            self._left_s -= cost_s
            self._paid_until = max(self._paid_until, now + seconds)
            return True


class Attempts:
    """The attempts of one operation; ``again`` waits for the next one or raises the failure."""

    def __init__(
        self, patience: Patience, about: str, hold: Callable[[float], None] | None = None
    ) -> None:
        """Begin.

        Args:
            patience: Shared by the client.
            about: What the line about a wait names.
            hold: Told how long the host wants to be left alone, for its other callers.
        """
        self._patience = patience
        self._about = about
        self._hold = hold
        self._spent_s = 0.0
        self._waited_before_s = 0.0
        self.failures = 0

    def progress(self) -> None:
        """Something was achieved: patience starts anew."""
        self._spent_s = 0.0
        self.failures = 0

    def again(self, fault: TransientError) -> None:
        """Wait until the next attempt is due.

        Raises:
            RegistryError: What failed, when patience or budget are at an end.
            Interrupted: The program was asked to stop.
        """
        self._patience.check()
        self.failures += 1
        if self.failures == 1:
            self._waited_before_s = self._patience.waited_s
        self._spent_s += fault.spent_s
        if fault.at_once and self.failures == 1:
            return
        settings = self._patience.settings
        # Waiting for one's turn counts, too: else a host that slows all down is waited for longer.
        waited_s = self._patience.waited_s - self._waited_before_s
        left_s = settings.patience_s - self._spent_s - waited_s
        most = 3 if fault.brief else _MOST_ATTEMPTS
        if left_s <= 0 or self.failures >= most:
            raise fault.final() from fault
        wait_s = min(self._wait_s(fault), left_s)
        if not self._patience.take(wait_s):
            raise fault.final() from fault
        if self._hold and fault.retry_after_s is not None:
            self._hold(wait_s)
        logger.info("%s: %s; trying again in %.1f s", self._about, fault.reason, wait_s)
        self._patience.wait(wait_s)

    def _wait_s(self, fault: TransientError) -> float:
        jitter = 0.8 + 0.4 * self._patience.clock.random()
        backoff_s: float = min(_FIRST_WAIT_S * 2.0 ** (self.failures - 1), _LONGEST_BACKOFF_S)
        backoff_s *= jitter
        if fault.retry_after_s is None:
            return backoff_s
        # Asked for by the registry: never earlier, a little later so that threads spread.
        asked_s = fault.retry_after_s + 0.2 * self._patience.clock.random()
        return min(max(asked_s, backoff_s / 2), self._patience.settings.longest_wait_s)
