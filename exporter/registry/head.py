"""Connections on which the head of an answer has a time for all of it.

The time-out of a socket bounds a single read. A head that comes byte by byte, each just in time,
would keep a request for days.
"""

import http.client
import socket
from collections.abc import Callable
from io import BufferedReader
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

Now = Callable[[], float]


def watch_heads(manager: urllib3.PoolManager, now: Now) -> None:
    """Let all connections of a manager read heads in time; ``now`` gives monotonic seconds.

    A head may take as long as its first byte may, once more; then TimeoutError is raised.
    """

    def response(sock: socket.socket, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:  # noqa: ANN401 - handed on
        return _Response(sock, now, *args, **kwargs)

    class Plain(HTTPConnection):
        response_class = staticmethod(response)  # type: ignore[assignment]  # it is only called

    class Secure(HTTPSConnection):
        response_class = staticmethod(response)  # type: ignore[assignment]  # the same

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


class _Response(http.client.HTTPResponse):
    fp: Any  # a file first and last, and a head in between

    def __init__(self, sock: socket.socket, now: Now, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(sock, *args, **kwargs)
        first_byte_s = sock.gettimeout()
        if first_byte_s is not None:
            self.fp = Head(self.fp, now, now() + 2 * first_byte_s)

    def begin(self) -> None:
        super().begin()
        if isinstance(self.fp, Head):
            self.fp = self.fp.file


class Head:
    """As much of a file as http.client needs to read a head."""

    def __init__(self, file: BufferedReader, now: Now, end: float) -> None:
        self.file = file
        self._now = now
        self._end = end

    def readline(self, limit: int) -> bytes:
        """A line with its end, or the first ``limit`` bytes of it; TimeoutError after the time."""
        line = b""
        while len(line) < limit and not line.endswith(b"\n"):
            held = self.file.peek(1)  # one read of the socket at most
            if not held:
                break
            if self._now() > self._end:
                raise TimeoutError("the head of the answer takes too long")
            length = held.find(b"\n") + 1 or len(held)
            line += self.file.read(min(length, limit - len(line)))
        return line

    def flush(self) -> None:
        """Part of closing an answer."""
        self.file.flush()

    def close(self) -> None:
        """Close the file: the answer is given up."""
        self.file.close()
