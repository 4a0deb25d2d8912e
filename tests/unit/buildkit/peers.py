"""The other end of a connection: h2 itself, which can be made to misbehave."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.settings

from exporter.buildkit.connection import Connection, Serve

Headers = list[tuple[str, str]]

REQUEST: Headers = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/test/Method"),
    (":authority", "localhost"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
]
ANSWER: Headers = [(":status", "200"), ("content-type", "application/grpc")]
GOOD: Headers = [("grpc-status", "0")]


def framed(message: bytes) -> bytes:
    """A message as gRPC over HTTP/2 sends it: not compressed, its length, and itself."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def texts(event: h2.events.Event) -> list[tuple[str, str]]:
    """The headers that came."""
    assert isinstance(
        event,
        h2.events.RequestReceived | h2.events.ResponseReceived | h2.events.TrailersReceived,
    )
    return [(bytes(name).decode(), bytes(value).decode()) for name, value in event.headers]


def open_files() -> int:
    """How many files and sockets are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


class Peer:
    """Speaks HTTP/2 step by step; ``events`` are all that came."""

    def __init__(self, sock: socket.socket, *, is_client: bool) -> None:
        self.sock = sock
        self.sock.settimeout(10)
        self.events: list[h2.events.Event] = []
        config = h2.config.H2Configuration(client_side=is_client, header_encoding=None)
        self.http = h2.connection.H2Connection(config)
        self.acknowledges = True
        self._taken = 0

    def begin(self, **values: int) -> None:
        """Send the preface and settings."""
        self.http.initiate_connection()
        self.http.update_settings(
            {h2.settings.SettingCodes[name.upper()]: value for name, value in values.items()}
        )
        self.flush()

    def flush(self) -> None:
        """Send what is ready."""
        self.sock.sendall(self.http.data_to_send())

    def read(self) -> bool:
        """Take in what came; whether there will be more."""
        data = self.sock.recv(1 << 16)
        found = self.http.receive_data(data) if data else []
        self.events += found
        for event in found:
            if isinstance(event, h2.events.DataReceived) and self.acknowledges:
                size = event.flow_controlled_length
                self.http.acknowledge_received_data(size, event.stream_id)
        self.flush()
        return bool(data)

    def until(self, is_there: Callable[[], object]) -> None:
        """Read until something has come."""
        while not is_there():
            assert self.read(), "the connection ended"

    def seen(self, kind: type[h2.events.Event], stream: int = 0) -> list[h2.events.Event]:
        """Events of one kind, of one stream or of all."""
        return [
            event
            for event in self.events
            if isinstance(event, kind) and stream in (0, getattr(event, "stream_id", 0))
        ]

    def data(self, stream: int) -> bytes:
        """All bytes that came in a stream."""
        return b"".join(
            event.data
            for event in self.events
            if isinstance(event, h2.events.DataReceived) and event.stream_id == stream
        )

    def requested(self) -> int:
        """Wait for the next call to be complete; its stream."""
        self.until(lambda: len(self.seen(h2.events.StreamEnded)) > self._taken)
        event = self.seen(h2.events.StreamEnded)[self._taken]
        assert isinstance(event, h2.events.StreamEnded)
        self._taken += 1
        return event.stream_id

    def respond(self, stream: int, *messages: bytes, trailers: Headers | None = GOOD) -> None:
        """Answer a call; without trailers the stream just ends."""
        self.http.send_headers(stream, ANSWER)
        for message in messages:
            self.http.send_data(stream, framed(message))
        if trailers is None:
            self.http.end_stream(stream)
        else:
            self.http.send_headers(stream, trailers, end_stream=True)
        self.flush()


@contextmanager
def called(**settings: int) -> Iterator[tuple[Connection, Peer]]:
    """Our connection for calls, and a server."""
    with _joined(None, **settings) as both:
        yield both


@contextmanager
def serving(serve: Serve, **settings: int) -> Iterator[tuple[Connection, Peer]]:
    """Our connection that serves, and a client."""
    with _joined(serve, **settings) as both:
        yield both


@contextmanager
def _joined(serve: Serve | None, **settings: int) -> Iterator[tuple[Connection, Peer]]:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(ours, serve)
        peer = Peer(theirs, is_client=serve is not None)
        peer.begin(**settings)
        try:
            yield connection, peer
        finally:
            connection.close()


@contextmanager
def thread(work: Callable[[], object]) -> Iterator[threading.Thread]:
    """Something done meanwhile, which has to end within ten seconds."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    yield worker
    worker.join(10)
    assert not worker.is_alive()
    if failed:
        raise failed[0]


def eventually(is_so: Callable[[], object]) -> None:
    """Wait at most ten seconds for something to be so."""
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.002)
