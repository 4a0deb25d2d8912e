"""Calls that are made of us, by a client made of h2 alone."""

import threading

import h2.events
import pytest

from exporter.buildkit.rpc import NOT_FOUND, Call, CallError
from exporter.errors import EngineError
from tests.unit.buildkit.peers import REQUEST, Peer, eventually, framed, serving, texts


def _ask(peer: Peer, message: bytes = b"question", *, ended: bool = True) -> int:
    number = peer.http.get_next_available_stream_id()
    peer.http.send_headers(number, [*REQUEST, ("key", "one"), ("key", "two")])
    peer.http.send_data(number, framed(message), end_stream=ended)
    peer.flush()
    return number


def _trailers(peer: Peer, number: int) -> dict[str, str]:
    """Wait for the end of a call; how it ended."""
    peer.until(lambda: peer.seen(h2.events.TrailersReceived, number))
    [event] = peer.seen(h2.events.TrailersReceived, number)
    return dict(texts(event))


def _echo(call: Call) -> None:
    while (message := call.receive()) is not None:
        call.send(message)
    call.finish()


def test_a_call_is_served() -> None:
    seen: list[Call] = []

    def serve(call: Call) -> None:
        seen.append(call)
        _echo(call)

    with serving(serve) as (_, peer):
        number = _ask(peer)
        assert _trailers(peer, number) == {"grpc-status": "0"}
        assert peer.data(number) == framed(b"question")
        [answer] = peer.seen(h2.events.ResponseReceived)
        assert dict(texts(answer)) == {":status": "200", "content-type": "application/grpc"}
    assert seen[0].method == "/test/Method"
    assert seen[0].metadata["key"] == ["one", "two"]


def test_a_call_that_does_nothing_ends_well() -> None:
    with serving(lambda _: None) as (connection, peer):
        assert _trailers(peer, _ask(peer)) == {"grpc-status": "0"}
        eventually(lambda: connection._calls == {})


def test_finishing_twice_counts_once() -> None:
    def serve(call: Call) -> None:
        call.finish()
        call.finish(NOT_FOUND)
        raise CallError(NOT_FOUND, "too late")

    with serving(serve) as (_, peer):
        assert _trailers(peer, _ask(peer)) == {"grpc-status": "0"}
        assert _trailers(peer, _ask(peer)) == {"grpc-status": "0"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CallError(5, "not ä\n"), {"grpc-status": "5", "grpc-message": "not%20%C3%A4%0A"}),
        (EngineError("\udcff"), {"grpc-status": "13", "grpc-message": "%FF"}),
        (KeyError(), {"grpc-status": "13"}),
    ],
)
def test_errors_become_a_status(error: Exception, expected: dict[str, str]) -> None:
    def serve(call: Call) -> None:
        del call
        raise error

    with serving(serve) as (_, peer):
        assert _trailers(peer, _ask(peer)) == expected


def test_a_call_finished_early_is_reset_well_and_forgotten() -> None:
    def serve(call: Call) -> None:
        call.finish()
        assert call.receive() == b"question"
        assert call.receive() is None

    with serving(serve) as (connection, peer):
        number = _ask(peer, ended=False)
        assert _trailers(peer, number) == {"grpc-status": "0"}
        peer.until(lambda: peer.seen(h2.events.StreamReset, number))
        [reset] = peer.seen(h2.events.StreamReset, number)
        assert isinstance(reset, h2.events.StreamReset)
        assert reset.error_code == 0
        assert connection._calls == {}
        second = _ask(peer)
        assert _trailers(peer, second) == {"grpc-status": "0"}


@pytest.mark.parametrize("how", ["reset", "hang up"])
def test_whoever_serves_learns_that_nobody_listens(how: str) -> None:
    ends: list[str] = []
    began = threading.Event()

    def serve(call: Call) -> None:
        began.set()
        try:
            call.receive()
            call.receive()
        except CallError as error:
            ends.append(error.message)
        with pytest.raises(CallError):
            call.send(bytes(1 << 20))
        ends.append("sent nothing")

    with serving(serve) as (connection, peer):
        number = _ask(peer, ended=False)
        assert began.wait(10)
        if how == "reset":
            peer.http.reset_stream(number, 8)
            peer.flush()
        else:
            peer.sock.close()
        eventually(lambda: len(ends) == 2)
        assert connection._calls == {}


def test_closing_ends_what_is_served() -> None:
    ended = threading.Event()

    def serve(call: Call) -> None:
        try:
            call.send(bytes(1 << 20))  # more than the window
        finally:
            ended.set()

    with serving(serve) as (connection, peer):
        number = _ask(peer)
        peer.acknowledges = False
        peer.until(lambda: len(peer.data(number)) == 65535)
        connection.close()
        assert ended.wait(10)


def test_many_names_in_the_metadata_are_taken() -> None:
    seen: list[int] = []

    def serve(call: Call) -> None:
        seen.append(len(call.metadata["followpaths"]))

    with serving(serve) as (_, peer):
        number = peer.http.get_next_available_stream_id()
        paths = [("followpaths", f"some/folder/of/the/project/{each}") for each in range(5000)]
        peer.http.send_headers(number, [*REQUEST, *paths], end_stream=True)
        peer.flush()
        assert _trailers(peer, number) == {"grpc-status": "0"}
    assert seen == [5000]


def test_calls_are_served_at_once() -> None:
    together = threading.Barrier(20)

    def serve(call: Call) -> None:
        together.wait(10)
        _echo(call)

    with serving(serve) as (connection, peer):
        numbers = [_ask(peer, b"%d" % each) for each in range(20)]
        for each, number in enumerate(numbers):
            assert _trailers(peer, number) == {"grpc-status": "0"}
            assert peer.data(number) == framed(b"%d" % each)
        assert connection._calls == {}


def test_thousands_of_served_calls_leave_nothing() -> None:
    threads = threading.active_count()
    with serving(_echo) as (connection, peer):
        for _ in range(2000):
            number = _ask(peer)
            assert _trailers(peer, number) == {"grpc-status": "0"}
            peer.events.clear()
        eventually(lambda: threading.active_count() <= threads + 1)
        assert connection._calls == {}
        assert len(connection._http.streams) <= 2
    eventually(lambda: threading.active_count() <= threads)
