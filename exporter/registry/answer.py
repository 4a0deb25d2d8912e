"""Answers of a registry: status, headers, a small body or a stream, and what an error says."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from exporter.registry.redact import one_line
from exporter.value import dataclass

if TYPE_CHECKING:
    import urllib3

_READ_BYTES = 128 << 10
_DRAINED_BYTES = 64 << 10
_SLOWEST_BYTES_PER_S = 512
_PACKINGS = ("gzip", "x-gzip", "deflate")
_GZIP_OR_ZLIB = 47  # zlib's way to say: whichever of both it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer whose body was read; ``url`` is the one that answered, after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own

    def header(self, name: str) -> str:
        """A header's value; empty when it is absent."""
        return self.headers.get(name) or ""

    @property
    def _errors(self) -> list[Mapping[str, object]]:
        try:
            document = json.loads(self.body)
            errors = document.get("errors") if isinstance(document, dict) else None
            if isinstance(document, dict) and not isinstance(errors, list):
                errors = [document]  # GitLab's and others' own shape
        except (ValueError, RecursionError):
            return []
        return [error for error in errors or () if isinstance(error, dict)]

    @property
    def codes(self) -> tuple[str, ...]:
        """The error codes of the distribution specification in the body, made fit for a log."""
        codes = (error.get("code") for error in self._errors)
        return tuple(one_line(code, 60) for code in codes if isinstance(code, str) and code)

    @property
    def said(self) -> str:
        """The registry's own words as one harmless line."""
        words = []
        for error in self._errors:
            for key in ("message", "details", "error", "error_description", "detail"):
                text = error.get(key)
                if isinstance(text, str) and text and text not in words:
                    words.append(text)
        if not words and not self._errors and b"<html" not in self.body[:1000].lower():
            words.append(self.body[:2000].decode("utf-8", "replace"))
        return one_line("; ".join(words))


class SlowError(Exception):
    """A body arrives so slowly that it counts as stalled."""


class Stream:
    """The body of an answer in pieces; closes its connection unless it was read to the end."""

    def __init__(
        self,
        response: "urllib3.BaseHTTPResponse",
        *,
        now: Callable[[], float],
        grace_s: float,
        check: Callable[[], None],
        done: Callable[[int], None],
    ) -> None:
        """Read ``response``.

        Args:
            response: What urllib3 returned, body unread.
            now: Monotonic seconds.
            grace_s: How long a body may trickle below 512 bytes a second.
            check: Called with every piece; raises when the program was asked to stop.
            done: Called once with the number of bytes received.
        """
        self._response = response
        self._now = now
        self._grace_s = grace_s
        self._check = check
        self._done: Callable[[int], None] | None = done
        self.received = 0
        self.packed = (response.headers.get("Content-Encoding") or "") in _PACKINGS

    def __iter__(self) -> Iterator[bytes]:
        """The pieces as they come, at most 128 KiB each, unpacked when they are ``packed``.

        Raises:
            urllib3.exceptions.HTTPError: The connection broke, or what came cannot be unpacked.
            SlowError: It trickles.
        """
        return self._unpacked() if self.packed else self._received()

    def _unpacked(self) -> Iterator[bytes]:
        """Nothing but ``identity`` was asked for; some proxies pack what they pass on all the same.

        A piece that grows a thousandfold comes in many pieces, so that readers' limits hold.
        """
        import zlib  # noqa: PLC0415 - hardly ever needed

        from urllib3.exceptions import DecodeError  # noqa: PLC0415 - the same

        unpacker = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
        try:
            for received in self._received():
                packed = received
                while packed:
                    yield unpacker.decompress(packed, _READ_BYTES)
                    packed = unpacker.unconsumed_tail
            yield unpacker.flush()
        except zlib.error as error:
            raise DecodeError(f"what it sent cannot be unpacked: {error}") from error

    def _received(self) -> Iterator[bytes]:
        window_bytes = 0
        window_started = self._now()
        while piece := self._response.read1(_READ_BYTES):
            self._check()
            self.received += len(piece)
            window_bytes += len(piece)
            elapsed_s = self._now() - window_started
            if elapsed_s > self._grace_s:
                if window_bytes < elapsed_s * _SLOWEST_BYTES_PER_S:
                    raise SlowError
                window_bytes, window_started = 0, self._now()
            yield piece
        self._response.release_conn()
        self._finish()

    def read(self, limit: int) -> tuple[bytes, bool]:
        """At most ``limit`` bytes of the body, and whether that was all of it."""
        pieces = []
        size = 0
        for piece in self:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                self.close()
                return b"".join(pieces)[:limit], False
        return b"".join(pieces), True

    def drop(self) -> None:
        """Be done with a body that nobody wants; a small one keeps the connection usable."""
        try:
            self.read(_DRAINED_BYTES)
        finally:
            self.close()

    def close(self) -> None:
        """Drop the connection when the body was not read to its end."""
        if self._done is not None:
            self._response.close()
            self._finish()

    def _finish(self) -> None:
        if self._done is not None:
            self._done(self.received)
            self._done = None
