"""Bytes are those of protobuf.dev, "Encoding", or worked out by hand from it."""

import pytest

from exporter.buildkit import wire
from exporter.buildkit.status import Log, Update, Vertex, read_update


def test_the_examples_of_the_documentation_are_written() -> None:
    assert wire.field(1, 150) == bytes.fromhex("08 96 01")
    assert wire.field(2, "testing") == bytes.fromhex("12 07 74 65 73 74 69 6e 67")
    assert wire.message(3, wire.field(1, 150)) == bytes.fromhex("1a 03 08 96 01")


def test_the_examples_of_the_documentation_are_read() -> None:
    found = wire.Fields(bytes.fromhex("22 05 68 65 6c 6c 6f 28 01 28 02 28 03"))
    assert found.text(4) == "hello"
    assert found.number(5) == 3  # the last one counts
    inner = wire.Fields(bytes.fromhex("1a 03 08 96 01")).message(3)
    assert inner is not None
    assert inner.number(1) == 150


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "80 01"),
        (16384, "80 80 01"),
        ((1 << 64) - 1, "ff ff ff ff ff ff ff ff ff 01"),
        (-2, "fe ff ff ff ff ff ff ff ff 01"),
    ],
)
def test_integers_take_as_many_bytes_as_they_need(number: int, data: str) -> None:
    assert wire.varint(number) == bytes.fromhex(data)
    assert wire.Fields(b"\x08" + bytes.fromhex(data)).number(1) == number % (1 << 64)


@pytest.mark.parametrize("value", [0, "", b"", {}])
def test_what_is_absent_takes_no_bytes(value: wire.Value) -> None:
    assert wire.field(1, value) == b""


def test_an_empty_message_is_there_all_the_same() -> None:
    assert wire.message(8, b"") == b"\x42\x00"
    assert wire.Fields(b"\x42\x00").message(8) is not None
    assert wire.Fields(b"").message(8) is None


def test_a_map_is_a_message_for_each_of_its_entries() -> None:
    data = bytes.fromhex("3a 06 0a 01 61 12 01 31 3a 03 0a 01 62")
    assert wire.field(7, {"b": "", "a": "1"}) == data
    assert wire.Fields(data).mapping(7) == {"a": "1", "b": ""}


def test_numbers_of_two_bytes_and_fixed_values_are_passed_over() -> None:
    data = bytes.fromhex("82 01 01 78 09 0102030405060708 0d 01020304 10 05")
    assert wire.Fields(data).number(2) == 5
    assert wire.Fields(data).text(16) == "x"


def test_names_of_files_that_are_not_utf8_keep_their_bytes() -> None:
    assert wire.field(1, b"\xff".decode("utf-8", "surrogateescape")) == b"\x0a\x01\xff"


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",  # no value
        b"\x08\xff",  # a number that goes on
        b"\x08" + b"\xff" * 10 + b"\x01",  # a number of eleven bytes
        b"\x0a\x05abc",  # fewer bytes than said
        b"\x0a" + b"\xff" * 9 + b"\x01",  # a length of 64 bits
        b"\x0d\x01\x02",  # half of a fixed value
        b"\x0b\x0c",  # a group
        b"\x0f",  # a kind that does not exist
    ],
)
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        wire.Fields(data)


def test_a_value_of_another_kind_counts_as_absent() -> None:
    assert wire.Fields(b"\x0a\x01a").number(1) == 0
    assert wire.Fields(b"\x08\x01").data(1) == b""
    assert list(wire.Fields(b"\x08\x01").messages(1)) == []


def test_what_a_build_tells_is_read() -> None:
    moment = wire.field(1, 1_700_000_000) + wire.field(2, 500_000_000)
    vertex = (
        wire.field(1, "sha256:v")
        + wire.field(3, "RUN make")
        + wire.field(4, 1)
        + wire.message(5, moment)
        + wire.field(7, "it failed")
    )
    pushed = wire.field(1, "pushing") + wire.field(2, "sha256:v")
    message = (
        wire.message(1, vertex)
        + wire.message(2, pushed)
        + wire.message(2, pushed + wire.message(8, moment))
        + wire.message(3, wire.field(1, "sha256:v") + wire.field(4, b"half a li"))
        + wire.message(4, wire.field(3, b"beware"))
    )
    assert read_update(message) == Update(
        vertexes=(
            Vertex(
                digest="sha256:v",
                name="RUN make",
                cached=True,
                started=1_700_000_000.5,
                error="it failed",
            ),
        ),
        done=(("sha256:v", "pushing"),),
        logs=(Log(vertex="sha256:v", data=b"half a li"),),
        warnings=(b"beware",),
    )
