"""gRPC over HTTP/2, both ends of it: calls that we make, and calls that we serve.

Each connection has a thread that reads and never waits for the other side; whoever sends or waits
does so in a thread of its own. What is sent is queued under the lock and written outside of it, so
that nobody holds the lock while the other side is slow.
Source: RFC 9113.
"""

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from exporter import process
from exporter.buildkit.rpc import CANCELLED, INTERNAL, UNAVAILABLE, Call, CallError, Metadata

logger = logging.getLogger(__name__)

_WINDOW = 4 << 20
"""Bytes that the other side may send ahead, in a call and on the whole connection."""
_HEADERS = 1_000_000
"""Bytes of headers at most: an error may quote a Dockerfile; h2 takes 64 frames of 16 KiB."""
_READ = 256 << 10
_SENT_AT_ONCE = 256 << 10
_END_S = 5.0
_CLOSED = "the connection was closed"
_NO_ERROR, _REFUSED, _CANCEL = 0, 7, 8  # RFC 9113, section 7
_RESETS = {_NO_ERROR: CANCELLED, _CANCEL: CANCELLED, _REFUSED: UNAVAILABLE}

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
        self._lost = ""
        self._is_closed = False
        self._ready = bytearray()
        self._writing = threading.Lock()
        self._is_helped = False
        config = h2.config.H2Configuration(client_side=serve is None, header_encoding="latin-1")
        self._http = h2.connection.H2Connection(config)
        self._http.local_settings = h2.settings.Settings(
            client=serve is None,
            initial_values={
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: _HEADERS,
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
            },
        )
        self._http.decoder.max_header_list_size = _HEADERS
        self._http.initiate_connection()
        self._http.increment_flow_control_window(_WINDOW)
        self._ready += self._http.data_to_send()
        self._forget = process.on_stop(self._stop)
        self._reader = threading.Thread(target=self._read, name="buildkit", daemon=True)
        self._reader.start()
        self._write()

    @property
    def is_broken(self) -> bool:
        """Whether no call can be made any more, though nobody here has ended the connection."""
        return bool(self._lost) and not self._is_closed

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
            while not self._lost and not self._may_call():
                self.changed.wait()
            self._fail_when_lost()
            number = self._http.get_next_available_stream_id()
            self._step(lambda: self._http.send_headers(number, headers))
            call = self._calls[number] = Call(self, number, is_ours=True)
        self._write()
        return call

    def send_headers(self, call: Call, headers: Iterable[tuple[str, str]]) -> None:
        """Send headers of a call."""
        with self.changed:
            self._step(lambda: self._http.send_headers(call.number, headers))
        self._write()

    def send(self, call: Call, data: bytes, *, last: bool) -> None:
        """Send bytes of a call, as fast as the other side takes them."""
        left = memoryview(data)
        while True:
            with self.changed:
                while (room := self._room(call)) <= 0 and left:
                    self.changed.wait()
                part, left = left[:room], left[room:]
                self._step(partial(self._send, call, part, last=last and not left))
            self._write()
            if not left:
                return

    def finish(self, call: Call, trailers: Iterable[tuple[str, str]]) -> None:
        """Send the trailers of a served call, which is over then; nothing when it was before."""
        with self.changed:
            if self._calls.pop(call.number, None) is None:
                return
            call.is_sent = True
            self._step(lambda: self._http.send_headers(call.number, trailers, end_stream=True))
            if not call.is_over:
                self._step(lambda: self._http.reset_stream(call.number, _NO_ERROR))
                call.end()
            self.changed.notify_all()
        self._write()

    def reset(self, call: Call) -> None:
        """Tell the other side that a call is over."""
        with self.changed:
            if call.number in self._calls:
                self._refuse(call, CallError(CANCELLED, "the call was cancelled"))
                self.changed.notify_all()
        self._write()

    def give_up(self, reason: str) -> None:
        """End the connection and every call, as one that is broken."""
        self._lose(reason)
        self._abort()

    def wait(self, seconds: float) -> bool:
        """Whether the connection ends in so many seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: bool(self._lost), seconds)

    def close(self) -> None:
        """End the connection and every call."""
        self._forget()
        self._is_closed = True
        self._lose(_CLOSED)
        self._abort()
        self._reader.join(_END_S)

    def _stop(self) -> None:
        """End the connection without a lock: a signal may ask for it at any moment."""
        self._is_closed = True
        self._abort()

    def _abort(self) -> None:
        """Have the reader end the connection, after it has read what has come."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _may_call(self) -> bool:
        most = self._http.remote_settings.max_concurrent_streams
        return self._http.open_outbound_streams < most

    def _room(self, call: Call) -> int:
        """How many bytes may be sent now."""
        if call.error:
            raise call.error
        self._fail_when_lost()
        if call.number not in self._calls:
            raise CallError(CANCELLED, "the call is over")
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
            call.is_sent = True
            self._http.end_stream(call.number)

    def _step(self, action: Callable[[], None]) -> None:
        """Do something in the protocol, and queue what is to be sent for it."""
        self._fail_when_lost()
        try:
            action()
        except h2.exceptions.ProtocolError as error:
            raise CallError(CANCELLED, f"the call cannot go on: {error}") from error
        finally:
            self._ready += self._http.data_to_send()

    def _fail_when_lost(self) -> None:
        if self._lost:
            raise CallError(UNAVAILABLE, self._lost)

    def _write(self) -> None:
        """Send what is queued; when that fails the reader ends all calls, after what has come."""
        try:
            with self._writing:
                with self.changed:
                    data, self._ready = self._ready, bytearray()
                if data:
                    self._socket.sendall(data)
        except OSError as error:
            logger.debug("sending to BuildKit failed: %s", error)
            self._abort()

    def _write_some(self) -> None:
        """Send what is queued without waiting; a helper sends what cannot go at once."""
        if self._ready and self._writing.acquire(blocking=False):
            try:
                with self.changed, suppress(OSError):
                    del self._ready[: self._socket.send(self._ready, socket.MSG_DONTWAIT)]
            finally:
                self._writing.release()
        with self.changed:
            if not self._ready or self._is_helped:
                return
            self._is_helped = True
        threading.Thread(target=self._help, name="buildkit answers", daemon=True).start()

    def _help(self) -> None:
        while True:
            self._write()
            with self.changed:
                if not self._ready:
                    self._is_helped = False
                    return

    def _lose(self, reason: str) -> None:
        with self.changed:
            self._lost = self._lost or reason
            for call in self._calls.values():
                call.end(CallError(UNAVAILABLE, self._lost))
            self._calls.clear()
            self.changed.notify_all()

    def _read(self) -> None:
        reason = "the connection was closed by the other side"
        try:
            while data := self._socket.recv(_READ):
                with self.changed:
                    for event in self._http.receive_data(data):
                        self._take(event)
                    self._ready += self._http.data_to_send()
                    self.changed.notify_all()
                self._write_some()
        except ConnectionError as error:
            logger.debug("reading from BuildKit failed: %s", error)
        except Exception as error:  # noqa: BLE001 - whoever waits must learn of it
            reason = str(error) or type(error).__name__
        logger.debug("a connection to BuildKit has ended: %s", reason)
        self._lose(_CLOSED if self._is_closed else reason)
        self._abort()
        with self._writing:
            self._socket.close()

    def _take(self, event: h2.events.Event) -> None:
        call = self._calls.get(getattr(event, "stream_id", 0))
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event)
        elif isinstance(event, h2.events.ConnectionTerminated):
            raise CallError(UNAVAILABLE, "the other side ends the connection")
        elif isinstance(event, h2.events.DataReceived):
            size, number = event.flow_controlled_length, event.stream_id
            self._http.acknowledge_received_data(size, number)
            if call:
                self._take_data(call, event.data)
        elif call is None:
            return
        elif isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            call.take_status(_texts(event.headers))
        elif isinstance(event, h2.events.StreamEnded):
            self._end_well(call)
        elif isinstance(event, h2.events.StreamReset):
            code = _RESETS.get(event.error_code, INTERNAL)
            call.end(CallError(code, "the other side has ended the call"))
            del self._calls[call.number]

    def _take_data(self, call: Call, data: bytes) -> None:
        try:
            call.take(data)
        except CallError as error:
            self._refuse(call, error)

    def _end_well(self, call: Call) -> None:
        call.end_well()
        if not call.is_ours:  # it still has to be answered
            return
        del self._calls[call.number]
        if not call.is_sent:
            with suppress(h2.exceptions.ProtocolError):
                self._http.reset_stream(call.number, _NO_ERROR)

    def _refuse(self, call: Call, error: CallError) -> None:
        """End a call, for both sides."""
        del self._calls[call.number]
        call.end(error)
        with suppress(CallError):
            self._step(lambda: self._http.reset_stream(call.number, _CANCEL))

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
        else:
            call.finish()


def _texts(headers: Iterable[tuple[str | bytes, str | bytes]]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in headers}


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
