"""Calls that we make, against a server made of h2 alone."""

import base64
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import h2.events
import pytest
from hyperframe.frame import GoAwayFrame

from exporter import process
from exporter.buildkit.connection import Connection
from exporter.buildkit.rpc import (
    CANCELLED,
    INTERNAL,
    UNAVAILABLE,
    UNIMPLEMENTED,
    UNKNOWN,
    Call,
    CallError,
)
from tests.unit.buildkit.peers import (
    ANSWER,
    GOOD,
    Peer,
    called,
    eventually,
    framed,
    open_files,
    texts,
    thread,
)


def _asked(connection: Connection, peer: Peer) -> Call:
    """A call that the server has received completely."""
    call = connection.call("/test/Method")
    call.send(b"question", last=True)
    assert peer.requested() == call.number
    return call


def _error(call: Call) -> CallError:
    with pytest.raises(CallError) as caught:
        call.receive()
    return caught.value


def test_a_call_is_asked_and_answered() -> None:
    with called() as (connection, peer):
        call = connection.call("/test/Method", {"key": ["one", "two"]})
        call.send(b"question", last=True)
        number = peer.requested()
        [request] = peer.seen(h2.events.RequestReceived)
        headers = texts(request)
        assert [value for name, value in headers if name == "key"] == ["one", "two"]
        assert dict(headers)[":path"] == "/test/Method"
        assert dict(headers)["content-type"] == "application/grpc"
        assert peer.data(number) == b"\0\0\0\0\x08question"
        peer.respond(number, b"first", b"", b"last")
        assert [call.receive() for _ in range(4)] == [b"first", b"", b"last", None]
        assert call.receive() is None


def test_a_good_answer_may_have_no_message() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        peer.respond(call.number)
        assert call.receive() is None


def test_an_answer_may_be_trailers_only() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        status = [("grpc-status", "5"), ("grpc-message", "no%20such: %C3%A4")]
        peer.http.send_headers(call.number, [*ANSWER, *status], end_stream=True)
        peer.flush()
        error = _error(call)
        assert (error.code, error.message) == (5, "no such: ä")


def test_messages_before_a_bad_status_are_received() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        peer.respond(call.number, b"some", trailers=[("grpc-status", "13")])
        assert call.receive() == b"some"
        assert _error(call).code == INTERNAL


@pytest.mark.parametrize("size", [0, 1, 64 << 10, 500_000])
def test_details_of_an_error_may_be_large(size: int) -> None:
    details = os.urandom(size)
    text = base64.b64encode(details).decode().rstrip("=")
    with called() as (connection, peer):
        call = _asked(connection, peer)
        if size > 1 << 17:  # the peer's compression takes the square of its length
            peer.http.encoder.encode = partial(peer.http.encoder.encode, huffman=False)  # type: ignore[method-assign]
        trailers = [("grpc-status", "2"), ("grpc-status-details-bin", text)]
        peer.respond(call.number, trailers=trailers)
        assert _error(call).details == details


def test_the_other_side_is_told_how_large_headers_may_be() -> None:
    with called() as (connection, peer):
        _asked(connection, peer)
        assert peer.http.remote_settings.max_header_list_size == 1_000_000


@pytest.mark.parametrize(
    ("status", "code"), [("x", UNKNOWN), ("²", UNKNOWN), ("-1", UNKNOWN), ("99", 99)]
)
def test_an_odd_status_is_an_error(status: str, code: int) -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        peer.respond(call.number, trailers=[("grpc-status", status)])
        # a text of HTTP/2 that is UTF-8 here is read as Latin-1
        assert _error(call).code == code


def test_an_end_without_a_status_is_an_error() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        peer.respond(call.number, b"message", trailers=None)
        assert call.receive() == b"message"
        assert "without a status" in _error(call).message


def test_an_answer_of_http_is_an_error() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        peer.http.send_headers(call.number, [(":status", "503")])
        peer.http.send_data(call.number, b"oh", end_stream=True)
        peer.flush()
        error = _error(call)
        assert (error.code, error.message) == (UNAVAILABLE, "HTTP status 503")


def test_a_message_that_is_cut_off_is_an_error() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        peer.http.send_headers(call.number, ANSWER)
        peer.http.send_data(call.number, framed(b"message")[:-1])
        peer.http.send_headers(call.number, GOOD, end_stream=True)
        peer.flush()
        assert "cut off" in _error(call).message


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"\1\0\0\0\1x", UNIMPLEMENTED, "compressed"),
        (b"\0\xff\xff\xff\xff", INTERNAL, "4294967295 bytes is too large"),
    ],
)
def test_messages_that_cannot_be_read_end_their_call_only(
    data: bytes, code: int, message: str
) -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        other = _asked(connection, peer)
        peer.http.send_headers(call.number, ANSWER)
        peer.http.send_data(call.number, data)
        peer.flush()
        error = _error(call)
        assert error.code == code
        assert message in error.message
        peer.until(lambda: peer.seen(h2.events.StreamReset, call.number))
        peer.respond(other.number, b"fine")
        assert other.receive() == b"fine"


def test_an_answer_may_be_split_anywhere() -> None:
    with called() as (connection, peer):
        for _ in range(2):  # the headers of the second are short
            call = _asked(connection, peer)
            peer.http.send_headers(call.number, ANSWER)
            peer.http.send_data(call.number, framed(b"one") + framed(b"")[:3])
            peer.http.send_data(call.number, framed(b"")[3:] + framed(b"three"))
            peer.http.send_headers(call.number, GOOD, end_stream=True)
            for byte in peer.http.data_to_send():
                peer.sock.send(bytes((byte,)))
            assert [call.receive() for _ in range(4)] == [b"one", b"", b"three", None]


def test_each_split_of_two_messages_gives_both() -> None:
    data = framed(b"abc") + framed(b"de")
    with called() as (connection, peer):
        for at in range(1, len(data)):
            call = _asked(connection, peer)
            peer.http.send_headers(call.number, ANSWER)
            peer.http.send_data(call.number, data[:at])
            peer.http.send_data(call.number, data[at:])
            peer.http.send_headers(call.number, GOOD, end_stream=True)
            peer.flush()
            assert [call.receive(), call.receive(), call.receive()] == [b"abc", b"de", None]


def test_a_message_of_16_mib_passes_both_ways() -> None:
    message = os.urandom(16 << 20)
    with called() as (connection, peer):
        call = connection.call("/test/Method")
        with thread(lambda: call.send(message, last=True)):
            peer.requested()
        assert peer.data(call.number) == framed(message)
        peer.http.send_headers(call.number, ANSWER)
        left = memoryview(framed(message))
        while left:
            room = peer.http.local_flow_control_window(call.number)
            if room <= 0:
                peer.read()
                continue
            part, left = left[: min(room, 16384)], left[min(room, 16384) :]
            peer.http.send_data(call.number, bytes(part))
            peer.flush()
        peer.http.send_headers(call.number, GOOD, end_stream=True)
        peer.flush()
        assert call.receive() == message
        assert call.receive() is None


def test_windows_of_one_byte_are_filled_byte_by_byte() -> None:
    with called(initial_window_size=1) as (connection, peer):
        eventually(lambda: connection._http.remote_settings.initial_window_size == 1)
        call = connection.call("/test/Method")
        with thread(lambda: call.send(b"slowly", last=True)):
            peer.acknowledges = False
            while len(peer.data(call.number)) < len(framed(b"slowly")):
                count = len(peer.data(call.number))
                peer.until(lambda count=count: len(peer.data(call.number)) > count)  # type: ignore[misc]
                assert len(peer.data(call.number)) == count + 1
                peer.http.increment_flow_control_window(1, call.number)
                peer.flush()
            peer.until(lambda: peer.seen(h2.events.StreamEnded))
        assert peer.data(call.number) == framed(b"slowly")


def _blocked(connection: Connection, peer: Peer) -> Call:
    """A call whose window is full."""
    call = connection.call("/test/Method")
    call.send(bytes(65535 - 5))
    peer.acknowledges = False
    peer.until(lambda: len(peer.data(call.number)) == 65535)
    return call


def test_a_shrunken_window_is_waited_for() -> None:
    with called() as (connection, peer):
        call = _blocked(connection, peer)
        peer.http.update_settings({4: 100})
        peer.flush()
        eventually(lambda: connection._http.local_flow_control_window(call.number) < 0)
        with thread(lambda: call.send(b"more", last=True)) as sender:
            sender.join(0.05)
            assert sender.is_alive()
            peer.http.increment_flow_control_window(1 << 17)
            peer.http.increment_flow_control_window(1 << 17, call.number)
            peer.flush()
        peer.until(lambda: peer.seen(h2.events.StreamEnded))
        assert peer.data(call.number).endswith(framed(b"more"))


def _ends_by_reset(connection: Connection, peer: Peer, call: Call) -> None:
    del connection
    peer.http.reset_stream(call.number, 8)
    peer.flush()


def _ends_by_status(connection: Connection, peer: Peer, call: Call) -> None:
    del connection
    peer.respond(call.number, trailers=[("grpc-status", "1")])


def _ends_well(connection: Connection, peer: Peer, call: Call) -> None:
    del connection
    peer.respond(call.number)


def _ends_by_end_of_connection(connection: Connection, peer: Peer, call: Call) -> None:
    del connection, call
    peer.sock.shutdown(socket.SHUT_RDWR)


def _ends_by_close(connection: Connection, peer: Peer, call: Call) -> None:
    del peer, call
    connection.close()


def _ends_by_cancel(connection: Connection, peer: Peer, call: Call) -> None:
    del connection, peer
    call.cancel()


def _ends_by_signal(connection: Connection, peer: Peer, call: Call) -> None:
    del connection, peer, call
    process.stop_all()


def _ends_by_garbage(connection: Connection, peer: Peer, call: Call) -> None:
    del connection, call
    peer.sock.sendall(bytes(100))  # data of the stream 0


def _ends_by_goaway(connection: Connection, peer: Peer, call: Call) -> None:
    del connection, call
    peer.sock.sendall(GoAwayFrame(0).serialize())


_ENDS = [
    _ends_by_reset,
    _ends_by_status,
    _ends_well,
    _ends_by_end_of_connection,
    _ends_by_close,
    _ends_by_cancel,
    _ends_by_signal,
    _ends_by_garbage,
    _ends_by_goaway,
]


@pytest.mark.parametrize("end", _ENDS)
def test_whoever_waits_for_a_window_learns_of_the_end(
    end: Callable[[Connection, Peer, Call], None],
) -> None:
    with called() as (connection, peer):
        call = _blocked(connection, peer)

        def send() -> None:
            with pytest.raises(CallError):
                call.send(b"more")

        with thread(send) as sender:
            sender.join(0.05)
            assert sender.is_alive()
            end(connection, peer, call)
        with pytest.raises(CallError):
            call.send(b"again")


@pytest.mark.parametrize("end", [each for each in _ENDS if each is not _ends_well])
def test_whoever_waits_for_a_message_learns_of_the_end(
    end: Callable[[Connection, Peer, Call], None],
) -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        errors: list[CallError] = []
        with thread(lambda: errors.append(_error(call))) as receiver:
            receiver.join(0.05)
            assert receiver.is_alive()
            end(connection, peer, call)
        assert errors[0].code in (CANCELLED, UNAVAILABLE)
        assert call.is_over
        assert connection._calls == {}


@pytest.mark.parametrize(("how", "code"), [(8, CANCELLED), (7, UNAVAILABLE), (2, INTERNAL)])
def test_the_reason_of_a_reset_is_kept(how: int, code: int) -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        peer.http.reset_stream(call.number, how)
        peer.flush()
        assert _error(call).code == code


def test_a_call_that_ended_early_is_reset_and_forgotten() -> None:
    with called() as (connection, peer):
        call = connection.call("/test/Method")
        call.send(b"part of it")
        peer.until(lambda: peer.data(call.number))
        peer.respond(call.number, b"enough")
        assert [call.receive(), call.receive()] == [b"enough", None]
        peer.until(lambda: peer.seen(h2.events.StreamReset, call.number))
        call.cancel()
        call.cancel()
        assert _answered(connection, peer) == b"fine"


def _answered(connection: Connection, peer: Peer) -> bytes | None:
    """What a new call is answered, which has to be b"fine"."""
    call = _asked(connection, peer)
    peer.respond(call.number, b"fine")
    return call.receive()


def test_what_comes_for_a_cancelled_call_is_dropped() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        call.cancel()
        assert _error(call).code == CANCELLED
        peer.respond(call.number, bytes(10_000))  # the server has not read the reset yet
        assert _answered(connection, peer) == b"fine"


def test_a_late_cancel_leaves_time_for_a_call_to_end_by_itself() -> None:
    threads = threading.active_count()
    with called() as (connection, peer):
        call = _asked(connection, peer)
        call.cancel(after_s=60)
        peer.respond(call.number, b"last words")
        assert [call.receive(), call.receive()] == [b"last words", None]
        eventually(lambda: threading.active_count() <= threads + 1)


def test_a_late_cancel_ends_a_call_that_goes_on() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        call.cancel(after_s=0.01)
        assert _error(call).code == CANCELLED
        peer.until(lambda: peer.seen(h2.events.StreamReset, call.number))


def test_a_connection_that_is_given_up_is_broken() -> None:
    with called() as (connection, peer):
        call = _asked(connection, peer)
        assert not connection.wait(0.01)
        connection.give_up("nobody is there")
        assert connection.wait(10)
        assert connection.is_broken
        assert (_error(call).code, _error(call).message) == (UNAVAILABLE, "nobody is there")


def test_calls_wait_while_the_other_side_takes_no_more() -> None:
    with called(max_concurrent_streams=1) as (connection, peer):
        eventually(lambda: connection._http.remote_settings.max_concurrent_streams == 1)
        first = _asked(connection, peer)
        found: list[Call] = []
        with thread(lambda: found.append(_asked(connection, peer))):
            peer.sock.settimeout(10)
            assert not found
            peer.http.send_headers(first.number, [*ANSWER, *GOOD], end_stream=True)
            peer.flush()
        peer.respond(found[0].number, b"second")
        assert found[0].receive() == b"second"


def test_pings_are_answered_while_a_sender_waits() -> None:
    with called() as (connection, peer):
        call = _blocked(connection, peer)
        with thread(lambda: call.send(b"more")) as sender:
            peer.http.ping(b"12345678")
            peer.flush()
            peer.until(lambda: peer.seen(h2.events.PingAckReceived))
            assert sender.is_alive()
            connection_window = 1 << 16
            peer.http.increment_flow_control_window(connection_window)
            peer.http.increment_flow_control_window(connection_window, call.number)
            peer.flush()


def test_the_reader_goes_on_while_the_other_side_does_not_read() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        connection = Connection(ours)
        peer = Peer(theirs, is_client=False)
        peer.begin(initial_window_size=8 << 20)
        peer.http.increment_flow_control_window(8 << 20)
        peer.flush()
        call = _asked(connection, peer)
        eventually(lambda: connection._http.outbound_flow_control_window > 1 << 20)
        other = connection.call("/test/Method")
        with thread(lambda: other.send(bytes(1 << 20))) as sender:
            sender.join(0.05)
            assert sender.is_alive()
            for _ in range(100):  # each asks for an answer
                peer.http.ping(b"12345678")
            peer.flush()
            peer.respond(call.number, b"while you wait")
            assert call.receive() == b"while you wait"
            assert sender.is_alive()
            peer.until(lambda: len(peer.data(other.number)) > 1 << 20)
        peer.until(lambda: len(peer.seen(h2.events.PingAckReceived)) == 100)
        connection.close()


def test_two_of_our_ends_may_both_send_much() -> None:
    ours, theirs = socket.socketpair()
    size = 8 << 20

    def serve(call: Call) -> None:
        with thread(lambda: call.send(bytes(size))):
            assert len(call.receive() or b"") == size

    server, client = Connection(theirs, serve), Connection(ours)
    calls = [client.call("/test/Method") for _ in range(4)]
    senders = [
        threading.Thread(target=call.send, args=(bytes(size),), kwargs={"last": True})
        for call in calls
    ]
    for sender in senders:
        sender.start()
    for call in calls:
        assert len(call.receive() or b"") == size
        assert call.receive() is None
    for sender in senders:
        sender.join(10)
    client.close()
    server.close()


def test_the_status_counts_when_the_other_side_leaves_right_after_it() -> None:
    for _ in range(20):
        with called() as (connection, peer):
            call = connection.call("/test/Method")
            peer.until(lambda peer=peer: peer.seen(h2.events.RequestReceived))  # type: ignore[misc]
            peer.respond(call.number, trailers=[("grpc-status", "7")])
            peer.sock.close()
            with suppress(CallError):
                for _ in range(1000):
                    call.send(b"more")
            assert _error(call).code == 7


def test_no_call_is_made_on_a_lost_connection() -> None:
    with called() as (connection, peer):
        peer.sock.close()
        eventually(lambda: connection.is_broken)
        with pytest.raises(CallError) as caught:
            connection.call("/test/Method")
        assert caught.value.code == UNAVAILABLE


def test_a_connection_that_is_gone_at_once_is_an_error_of_its_calls() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    connection = Connection(ours)
    with pytest.raises(CallError):
        connection.call("/test/Method").receive()
    connection.close()


def test_what_is_closed_here_is_not_broken() -> None:
    with called() as (connection, _):
        process.stop_all()
        eventually(lambda: connection._lost)
        assert not connection.is_broken
        with pytest.raises(CallError, match="the connection was closed"):
            connection.call("/test/Method")


def test_a_signal_needs_no_lock() -> None:
    with called() as (connection, _), connection._writing:
        held, let_go = threading.Event(), threading.Event()

        def hold() -> None:
            with connection.changed:
                held.set()
                let_go.wait(10)

        with thread(hold):
            held.wait(10)
            process.stop_all()
            let_go.set()


def test_thousands_of_calls_leave_nothing() -> None:
    threads, stops = threading.active_count(), len(process._stops)
    fds = open_files()
    with called() as (connection, peer):
        for _ in range(2000):
            call = connection.call("/test/Method")
            call.send(b"", last=True)
            peer.until(lambda: peer.events and isinstance(peer.events[-1], h2.events.StreamEnded))
            peer.respond(call.number, b"answer")
            assert [call.receive(), call.receive()] == [b"answer", None]
            peer.events.clear()
        assert connection._calls == {}
        assert len(connection._http.streams) <= 2
        eventually(lambda: threading.active_count() <= threads + 1)
    eventually(lambda: threading.active_count() <= threads)
    eventually(lambda: open_files() <= fds)
    assert len(process._stops) <= stops


def test_calls_of_many_threads_do_not_mix() -> None:
    with called() as (connection, peer):
        answers: dict[int, bytes | None] = {}

        def ask(number: int) -> None:
            call = connection.call("/test/Method")
            call.send(b"%d" % number, last=True)
            answers[number] = call.receive()

        askers = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for asker in askers:
            asker.start()
        for _ in askers:
            stream = peer.requested()
            peer.respond(stream, b"to " + peer.data(stream)[5:])
        for asker in askers:
            asker.join(10)
        assert answers == {number: b"to %d" % number for number in range(20)}
