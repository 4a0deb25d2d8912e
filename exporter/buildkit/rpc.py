"""gRPC over HTTP/2, both ends of it: calls that we make, and calls that we serve.

Messages stay bytes. Each connection has a thread that reads; whoever sends or waits does so in a
thread of its own.
Source: grpc.io, "gRPC over HTTP2"; RFC 9113.
"""

import base64
import binascii
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from urllib.parse import quote, unquote

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from exporter import process

logger = logging.getLogger(__name__)

OK, CANCELLED, NOT_FOUND, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 0, 1, 5, 12, 13, 14
"""Codes of a call's status."""

_PREFIX = 5
"""Bytes before each message: whether it is compressed, and its length."""
_WINDOW = 4 << 20
"""Bytes that the other side may send ahead, in a call and on the whole connection."""
_READ = 256 << 10
_SENT_AT_ONCE = 256 << 10
_CANCEL = 8  # RFC 9113, section 7

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


class Call:
    """One call: messages each way, then a status; made by us or served by us.

    ``metadata`` are the texts that came with a served call.
    """

    def __init__(self, connection: "Connection", number: int, *, is_ours: bool) -> None:
        self.method = ""
        self.metadata: Metadata = {}
        self._connection = connection
        self._number = number
        self._is_ours = is_ours
        self._has_answered = False
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
        """End a served call."""
        self._answer()
        trailers = [("grpc-status", str(code))]
        if message:
            trailers.append(("grpc-message", quote(message, safe=" ")))
        with suppress(CallError):  # whoever called may have left
            self._connection.send_headers(self, trailers, last=True)

    def cancel(self, *, after_s: float = 0.0) -> None:
        """End it before its time, now or when it goes on for longer than ``after_s``."""
        if not after_s:
            self._connection.reset(self)
            return
        timer = threading.Timer(after_s, self._connection.reset, (self,))
        timer.daemon = True
        timer.start()

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
        if not self._is_ours and not self._has_answered:
            self._has_answered = True
            answer = [(":status", "200"), ("content-type", "application/grpc")]
            self._connection.send_headers(self, answer)

    # what follows is called by the connection, which holds its lock

    def take(self, data: bytes) -> None:
        """Take in a piece of what is sent."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _PREFIX:
            end = at + _PREFIX + int.from_bytes(buffer[at + 1 : at + _PREFIX], "big")
            if end > len(buffer):
                break
            self._messages.append(bytes(buffer[at + _PREFIX : end]))
            at = end
        del buffer[:at]

    def take_status(self, headers: Mapping[str, str]) -> None:
        """Take in how the call ended, if the headers say it."""
        code = headers.get("grpc-status", "")
        if not code and headers.get(":status", "200") != "200":
            self._error = CallError(UNAVAILABLE, f"HTTP status {headers[':status']}")
        if code not in ("", "0"):
            details = headers.get("grpc-status-details-bin", "")
            self._error = CallError(
                int(code) if code.isdigit() else INTERNAL,
                unquote(headers.get("grpc-message", "")),
                _decoded(details),
            )

    def end(self, error: CallError | None = None) -> None:
        """Nothing comes any more."""
        self._is_over = True
        self._error = self._error or error


Serve = Callable[[Call], None]


class Connection:
    """One end of a connection; with ``serve`` the other side calls, and gets a thread a call.

    ``changed`` is notified whenever something came.
    """

    def __init__(self, sock: socket.socket, serve: Serve | None = None) -> None:
        self.changed = threading.Condition()
        self._socket = sock
        self._serve = serve
        self._calls: dict[int, Call] = {}
        self._lost: CallError | None = None
        config = h2.config.H2Configuration(client_side=serve is None, header_encoding="latin-1")
        self._http = h2.connection.H2Connection(config)
        self._http.local_settings = h2.settings.Settings(
            client=serve is None,
            initial_values={
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000,
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
            },
        )
        with self.changed:
            self._http.initiate_connection()
            self._http.increment_flow_control_window(_WINDOW)
            self._flush()
        self._stop = process.on_stop(self.close)
        threading.Thread(target=self._read, name="buildkit", daemon=True).start()

    def call(self, method: str, metadata: Metadata | None = None) -> Call:
        """Begin a call; its messages follow.

        Raises:
            CallError: The connection is lost.
        """
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("user-agent", "exporter"),
            ("te", "trailers"),
        ]
        headers += [(key, text) for key, texts in (metadata or {}).items() for text in texts]
        with self.changed:
            self._fail_when_lost()
            number = self._http.get_next_available_stream_id()
            call = self._calls[number] = Call(self, number, is_ours=True)
            self.send_headers(call, headers)
        return call

    def send_headers(
        self, call: Call, headers: Iterable[tuple[str, str]], *, last: bool = False
    ) -> None:
        """Send headers or trailers of a call."""
        with self.changed:
            self._try(lambda: self._http.send_headers(call.number, headers, end_stream=last))

    def send(self, call: Call, data: bytes, *, last: bool) -> None:
        """Send bytes of a call, as fast as the other side takes them."""
        left = memoryview(data)
        while True:
            with self.changed:
                while (room := self._room(call)) <= 0 and left:
                    self.changed.wait()
                part, left = left[:room], left[room:]
                self._try(partial(self._send, call, part, last=last and not left))
                if not left:
                    return

    def reset(self, call: Call) -> None:
        """Tell the other side that a call is over."""
        with self.changed, suppress(CallError):
            if call.number in self._calls:
                self._try(lambda: self._http.reset_stream(call.number, _CANCEL))
                self._end(call.number, CallError(CANCELLED, "the call was cancelled"))
                self.changed.notify_all()

    def close(self) -> None:
        """End the connection and every call."""
        self._stop()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._lose("the connection was closed")

    def _room(self, call: Call) -> int:
        """How many bytes may be sent now."""
        self._fail_when_lost()
        if call.is_over and call.error:
            raise call.error
        try:
            window = self._http.local_flow_control_window(call.number)
        except h2.exceptions.ProtocolError as error:
            raise CallError(CANCELLED, "the other side has ended the call") from error
        return min(window, _SENT_AT_ONCE)

    def _send(self, call: Call, data: memoryview, *, last: bool) -> None:
        size = self._http.max_outbound_frame_size
        for at in range(0, len(data), size):
            self._http.send_data(call.number, data[at : at + size])
        if last:
            self._http.end_stream(call.number)

    def _try(self, action: Callable[[], None]) -> None:
        self._fail_when_lost()
        try:
            action()
            self._flush()
        except h2.exceptions.ProtocolError as error:
            raise CallError(CANCELLED, f"the other side has ended the call: {error}") from error
        except OSError as error:
            self._lose(str(error))
            self._fail_when_lost()

    def _flush(self) -> None:
        if data := self._http.data_to_send():
            self._socket.sendall(data)

    def _fail_when_lost(self) -> None:
        if self._lost:
            raise self._lost

    def _lose(self, reason: str) -> None:
        with self.changed:
            self._lost = self._lost or CallError(UNAVAILABLE, reason)
            for number in list(self._calls):
                self._end(number, self._lost)
            self.changed.notify_all()

    def _read(self) -> None:
        reason = "the connection was closed by the other side"
        try:
            while data := self._socket.recv(_READ):
                with self.changed:
                    for event in self._http.receive_data(data):
                        self._take(event)
                    self._flush()
                    self.changed.notify_all()
        except (OSError, h2.exceptions.ProtocolError) as error:
            reason = str(error)
        logger.debug("a connection to BuildKit has ended: %s", reason)
        self._lose(reason)
        self._socket.close()

    def _take(self, event: h2.events.Event) -> None:
        number = getattr(event, "stream_id", 0)
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event)
        elif (call := self._calls.get(number)) is None:
            if isinstance(event, h2.events.DataReceived):
                self._http.acknowledge_received_data(event.flow_controlled_length, number)
        elif isinstance(event, h2.events.DataReceived):
            call.take(event.data)
            with suppress(h2.exceptions.StreamClosedError):
                self._http.acknowledge_received_data(event.flow_controlled_length, number)
        elif isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            call.take_status(_texts(event.headers))
        elif isinstance(event, h2.events.StreamEnded):
            self._end(number)
        elif isinstance(event, h2.events.StreamReset):
            self._end(number, CallError(CANCELLED, "the other side has ended the call"))

    def _begin(self, event: h2.events.RequestReceived) -> None:
        call = self._calls[event.stream_id] = Call(self, event.stream_id, is_ours=False)
        metadata: dict[str, list[str]] = {}
        for name, value in event.headers:
            metadata.setdefault(_text(name), []).append(_text(value))
        call.method = metadata.get(":path", [""])[0]
        call.metadata = metadata
        threading.Thread(
            target=self._serve_call, args=(call,), name=call.method, daemon=True
        ).start()

    def _serve_call(self, call: Call) -> None:
        assert self._serve is not None  # noqa: S101 - only such connections get calls
        try:
            self._serve(call)
        except CallError as error:
            call.finish(error.code, error.message)
        except Exception as error:
            logger.debug("serving %s failed", call.method, exc_info=True)
            call.finish(INTERNAL, str(error))
        with self.changed:
            self._calls.pop(call.number, None)

    def _end(self, number: int, error: CallError | None = None) -> None:
        call = self._calls[number]
        call.end(error)
        if call._is_ours or error:  # noqa: SLF001 - a served call still has to be answered
            del self._calls[number]


def _texts(headers: Iterable[tuple[str | bytes, str | bytes]]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in headers}


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _decoded(text: str) -> bytes:
    with suppress(binascii.Error, ValueError):
        return base64.b64decode(text + "=" * (-len(text) % 4))
    return b""
