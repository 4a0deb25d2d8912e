"""Builds whose image is out already, while the engine still writes their history."""

import threading
from collections.abc import Callable


class Farewells:
    """Threads that see such builds to their end."""

    def __init__(self) -> None:
        """Nothing to wait for."""
        self._threads: list[threading.Thread] = []

    def add(self, see_off: Callable[[], None]) -> None:
        """Let a build end by itself; ``see_off`` waits for that."""
        thread = threading.Thread(target=see_off, name="farewell")
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join()
