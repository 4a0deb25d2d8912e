"""A thread that calls something every so often, until it is stopped."""

import threading
from collections.abc import Callable


class Ticker:
    """Starts and stops a thread; both may be called again."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._stop: threading.Event | None = None

    def start(self, tick: Callable[[], None]) -> None:
        """Call ``tick`` every interval from now on; does nothing when that is so already."""
        if self._stop is not None:
            return
        stop = self._stop = threading.Event()

        def run() -> None:
            try:
                while not stop.wait(self._interval_s):
                    tick()
            except (OSError, ValueError):
                return  # nobody reads what is said, or the program is ending

        threading.Thread(target=run, name="ticker", daemon=True).start()

    def stop(self) -> None:
        """Call nothing any more; a call that runs may still end."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None
