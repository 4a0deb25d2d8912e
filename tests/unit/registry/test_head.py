"""The head of an answer is read within a time for all of it."""

import io

import pytest

from exporter.registry.head import Head


class Pieces(io.RawIOBase):
    """A connection on which each read gets one piece, and the clock goes on by a second."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.seconds = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, into: "memoryview[int]") -> int:  # type: ignore[override]  # what is given
        self.seconds += 1
        piece = self.pieces.pop(0) if self.pieces else b""
        into[: len(piece)] = piece
        return len(piece)


def head(raw: Pieces, *, end: float = 100) -> Head:
    return Head(io.BufferedReader(raw), lambda: raw.seconds, end)


def test_lines_may_come_in_any_pieces() -> None:
    read = head(Pieces(b"HTTP/1.1 2", b"00 OK\r", b"\nA: b\r\n\r\nbo", b"dy"))
    assert [read.readline(100) for _ in range(3)] == [b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", b"\r\n"]
    assert read.file.read() == b"body"


def test_a_long_line_is_cut_at_the_limit() -> None:
    read = head(Pieces(b"x" * 30, b"x" * 30))
    assert read.readline(40) == b"x" * 40
    assert read.readline(40) == b"x" * 20


def test_the_end_of_the_connection_ends_a_line() -> None:
    read = head(Pieces(b"HTTP/1"))
    assert read.readline(100) == b"HTTP/1"
    assert read.readline(100) == b""


def test_bytes_in_time_are_too_late_together() -> None:
    read = head(Pieces(*[b"x"] * 100), end=5)
    with pytest.raises(TimeoutError):
        read.readline(1000)
