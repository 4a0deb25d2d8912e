"""A call of gRPC: messages each way, then a status. Messages stay bytes.

Source: grpc.io, "gRPC over HTTP2".
"""

import base64
import binascii
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol
from urllib.parse import quote, unquote

OK, CANCELLED, UNKNOWN, NOT_FOUND, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 0, 1, 2, 5, 12, 13, 14
"""Codes of a call's status."""

_PREFIX = 5
"""Bytes before each message: whether it is compressed, and its length."""
_LARGEST = 64 << 20
"""Bytes of a message at most; BuildKit's own limit is 16 MiB."""

Metadata = Mapping[str, Sequence[str]]


class CallError(Exception):
    """A call ended with another status than OK; ``details`` is the encoded google.rpc.Status."""

    def __init__(self, code: int, message: str, details: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


def packed(message: bytes) -> bytes:
    """A message as it is sent."""
    return b"\0%s%s" % (len(message).to_bytes(4, "big"), message)


class Carrier(Protocol):
    """The connection of a call; ``changed`` is notified whenever something came."""

    changed: threading.Condition

    def send_headers(self, call: "Call", headers: Iterable[tuple[str, str]]) -> None:
        """Send headers of a call."""
        ...

    def send(self, call: "Call", data: bytes, *, last: bool) -> None:
        """Send bytes of a call, as fast as the other side takes them."""
        ...

    def finish(self, call: "Call", trailers: Iterable[tuple[str, str]]) -> None:
        """Send the trailers of a served call, which is over then; nothing when it was before."""
        ...

    def reset(self, call: "Call") -> None:
        """Tell the other side that a call is over."""
        ...


class Call:
    """One call: messages each way, then a status; made by us or served by us.

    ``metadata`` are the texts that came with a served call.
    """

    def __init__(self, connection: "Carrier", number: int, *, is_ours: bool) -> None:
        self.method = ""
        self.metadata: Metadata = {}
        self.is_ours = is_ours
        self.is_sent = False
        """Whether we send nothing any more."""
        self._connection = connection
        self._number = number
        self._has_answered = False
        self._has_status = False
        self._is_over = False
        self._error: CallError | None = None
        self._messages: deque[bytes] = deque()
        self._buffer = bytearray()

    def receive(self) -> bytes | None:
        """The next message of the other side; None after its last one.

        Raises:
            CallError: The call failed, or the connection broke.
        """
        with self._connection.changed:
            while not self._messages and not self._is_over:
                self._connection.changed.wait()
            if self._messages:
                return self._messages.popleft()
            if self._error:
                raise self._error
            return None

    def receive_all(self) -> list[bytes]:
        """What has come, at least one message; none after the last one, and errors as above."""
        first = self.receive()
        if first is None:
            return []
        with self._connection.changed:
            found = [first, *self._messages]
            self._messages.clear()
        return found

    def send(self, message: bytes, *, last: bool = False) -> None:
        """Send a message; with ``last`` none follows.

        Raises:
            CallError: The call was ended by the other side.
        """
        self.send_packed(packed(message), last=last)

    def send_packed(self, messages: bytes, *, last: bool = False) -> None:
        """Send messages that are packed already, one after the other."""
        self._answer()
        self._connection.send(self, messages, last=last)

    def finish(self, code: int = OK, message: str = "") -> None:
        """End a served call; what is sent for it later, or comes for it, is of no interest."""
        trailers = [("grpc-status", str(code))]
        if message:
            trailers.append(("grpc-message", quote(message, errors="surrogateescape")))
        with suppress(CallError):  # whoever called may have left
            self._answer()
            self._connection.finish(self, trailers)

    def cancel(self, *, after_s: float = 0.0) -> None:
        """End it before its time, now or when it goes on for longer than ``after_s``."""
        if not after_s:
            self._connection.reset(self)
            return

        def cancel() -> None:
            with self._connection.changed:
                self._connection.changed.wait_for(lambda: self._is_over, after_s)
            self._connection.reset(self)

        threading.Thread(target=cancel, name="cancel", daemon=True).start()

    @property
    def number(self) -> int:
        """The number of its stream."""
        return self._number

    @property
    def error(self) -> CallError | None:
        """Why it ended, when that was not well."""
        return self._error

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more."""
        return self._is_over

    def _answer(self) -> None:
        if not self.is_ours and not self._has_answered:
            self._has_answered = True
            answer = [(":status", "200"), ("content-type", "application/grpc")]
            self._connection.send_headers(self, answer)

    # what follows is called by the connection, which holds its lock

    def take(self, data: bytes) -> None:
        """Take in a piece of what is sent.

        Raises:
            CallError: It is no message that we can read.
        """
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _PREFIX:
            size = int.from_bytes(buffer[at + 1 : at + _PREFIX], "big")
            if buffer[at]:
                raise CallError(UNIMPLEMENTED, "compressed messages are not understood")
            if size > _LARGEST:
                raise CallError(INTERNAL, f"a message of {size} bytes is too large")
            end = at + _PREFIX + size
            if end > len(buffer):
                break
            self._messages.append(bytes(buffer[at + _PREFIX : end]))
            at = end
        del buffer[:at]

    def take_status(self, headers: Mapping[str, str]) -> None:
        """Take in how the call ended, if the headers say it."""
        status, code = headers.get(":status", "200"), headers.get("grpc-status", "")
        if not code:
            if status != "200":
                self._error = CallError(UNAVAILABLE, f"HTTP status {status}")
            return
        self._has_status = True
        if code != "0":
            details = headers.get("grpc-status-details-bin", "")
            self._error = CallError(
                int(code) if code.isascii() and code.isdigit() else UNKNOWN,
                unquote(headers.get("grpc-message", "")),
                _decoded(details),
            )

    def end_well(self) -> None:
        """The other side has sent everything."""
        if self._buffer:
            self.end(CallError(INTERNAL, "the last message is cut off"))
        elif self.is_ours and not self._has_status:
            self.end(CallError(INTERNAL, "the call ended without a status"))
        else:
            self.end()

    def end(self, error: CallError | None = None) -> None:
        """Nothing comes any more."""
        self._is_over = True
        self._error = self._error or error


def _decoded(text: str) -> bytes:
    with suppress(binascii.Error, ValueError):
        return base64.b64decode(text + "=" * (-len(text) % 4))
    return b""
