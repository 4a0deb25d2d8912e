"""Directories of this machine, as BuildKit is told of them."""

import os
import socket
from pathlib import Path

from exporter.buildkit import DirectoryTree
from exporter.buildkit.files import Wanted
from exporter.buildkit.wire import Fields

DIRECTORY, LINK = 0o20000000000, 0o1000000000  # as Go counts them


def told(packets: bytes) -> list[tuple[str, int, int, int, str]]:
    """Path, mode, size, time and target of each stat."""
    found = []
    while packets:
        size = int.from_bytes(packets[1:5], "big")
        stat = Fields(packets[5 : 5 + size]).message(2)
        assert stat is not None
        found.append((stat.text(1), stat.number(2), stat.number(5), stat.number(6), stat.text(7)))
        packets = packets[5 + size :]
    return found


def test_a_directory_is_told_of_in_order_without_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "foo").mkdir()
    (tmp_path / "foo").chmod(0o750)
    (tmp_path / "foo/x").write_text("12345")
    (tmp_path / "foo/x").chmod(0o640)
    (tmp_path / "foo-bar").write_text("")
    (tmp_path / "foo-bar").chmod(0o644)
    (tmp_path / "link").symlink_to("foo")
    os.utime(tmp_path / "foo/x", ns=(0, 1_700_000_000_123_456_789))
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket"))
        listing = DirectoryTree(tmp_path).listing(Wanted(["foo/x"]))
    found = told(listing.packets)
    assert [(path, mode, size, target) for path, mode, size, _, target in found] == [
        ("foo", DIRECTORY | 0o750, 0, ""),
        ("foo/x", 0o640, 5, ""),
        ("foo-bar", 0o644, 0, ""),
        ("link", LINK | 0o777, 3, "foo"),
    ]
    assert found[1][3] == 1_700_000_000_123_456_789
    assert {number: b"".join(parts) for number, parts in listing.contents([2, 1])} == {
        1: b"12345",
        2: b"",
    }
