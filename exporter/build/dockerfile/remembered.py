"""What BuildKit was told of a context the last time, so that only what differs is looked at.

A directory whose tree of git is the same holds the same files, and so does everything below it:
its names are sent as they were, times included, by which BuildKit knows what it has already.
Source: docs/adr/023-buildkit-spoken-to.md.
"""

import json
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from exporter.buildkit.files import in_order

_VERSION = 1


class Folder(NamedTuple):
    """A directory in git and what was sent of it.

    ``tree`` is its mode and object id, "" when it must be looked into, ``attributes`` the object id
    of its ``.gitattributes`` or "", ``files`` name and state of each file that the context takes,
    in turn, joined by slashes.
    Everything in and below it are ``packets`` in number, from ``start`` to ``end``.
    """

    tree: str
    attributes: str
    files: str
    start: int
    end: int
    packets: int

    @staticmethod
    def joined(states: Mapping[str, str]) -> str:
        """The text of names and states; neither holds a slash."""
        return "/".join(part for each in states.items() for part in each)

    def states(self) -> Iterator[tuple[str, str]]:
        """Each name with its state."""
        parts = iter(self.files.split("/") if self.files else ())
        return zip(parts, parts, strict=True)


class Remembered:
    """One context; paths are relative to it.

    ``rules`` stands for what selects and converts files everywhere. ``pointers`` are the files
    that are only pointers of Git LFS.
    """

    def __init__(
        self,
        *,
        rules: str = "",
        folders: Mapping[str, Folder] | None = None,
        pointers: tuple[str, ...] = (),
        packets: bytes = b"",
    ) -> None:
        self.rules = rules
        self.folders = folders or {}
        self.pointers = pointers
        self.packets = packets

    def without_trees(self) -> "Remembered":
        """The same, but every directory must be looked into; files keep their sizes and times."""
        folders = {path: each._replace(tree="") for path, each in self.folders.items()}
        return Remembered(folders=folders, pointers=self.pointers)

    def below(self, path: str) -> Iterator[tuple[str, Folder]]:
        """A directory and all that are below it."""
        start = _key(path)
        for key in self._keys[bisect_left(self._keys, start) :]:
            if key != start and path and not key.startswith(start + b"\0"):
                return
            found = key.replace(b"\0", b"/").decode("utf-8", "surrogateescape")
            yield found, self.folders[found]

    def write(self, file: Path) -> None:
        """Write it for the next run.

        Raises:
            OSError: It cannot be written.
        """
        head = {"rules": self.rules, "pointers": self.pointers, "folders": self.folders}
        text = json.dumps(head).encode() + b"\n" + self.packets
        beside = file.with_name(f"{file.name}.{token_hex(4)}")
        beside.write_bytes(_mark(text) + text)
        beside.replace(file)

    @cached_property
    def _keys(self) -> list[bytes]:
        return sorted(_key(path) for path in self.folders)


def read_remembered(file: Path) -> Remembered:
    """What a file holds; nothing when there is none, a damaged one, or one of another version."""
    try:
        mark, _, text = file.read_bytes().partition(b"\n")
    except OSError:
        return Remembered()
    if mark + b"\n" != _mark(text):
        return Remembered()
    head, _, packets = text.partition(b"\n")
    found = json.loads(head)
    return Remembered(
        rules=found["rules"],
        folders={path: Folder(*parts) for path, parts in found["folders"].items()},
        pointers=tuple(found["pointers"]),
        packets=packets,
    )


def _mark(text: bytes) -> bytes:
    """The first line of a file: the version, and a check of all that follows."""
    return b"%d %08x\n" % (_VERSION, zlib.crc32(text))


def _key(path: str) -> bytes:
    return in_order(path.encode("utf-8", "surrogateescape"))
