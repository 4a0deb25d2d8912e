"""A directory of this machine, offered as it is: owner 0:0, and only files, links, directories."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from exporter.buildkit.files import DIRECTORY, LINK, Entry, Wanted, in_order, packet

_CHUNK = 1 << 20
_PERMISSIONS = 0o777


class DirectoryTree:
    """Everything below a path, at the moment when it is listed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def listing(self, wanted: Wanted) -> "DirectoryListing":
        """What is there; links may lead anywhere, so nothing is left out."""
        del wanted
        entries = [_entry(self._path, each) for each in self._path.rglob("*") if _is_offered(each)]
        entries.sort(key=lambda entry: in_order(entry.path))
        return DirectoryListing(self._path, entries)


class DirectoryListing:
    """The names of a directory."""

    def __init__(self, path: Path, entries: Sequence[Entry]) -> None:
        self._path = path
        self._entries = entries

    @property
    def packets(self) -> bytes:
        """Every name."""
        return b"".join(packet(entry) for entry in self._entries)

    def contents(self, numbers: Sequence[int]) -> Iterator[tuple[int, Iterable[bytes]]]:
        """The contents of some of the files."""
        for number in numbers:
            yield number, _chunks(self._path / os.fsdecode(self._entries[number].path))


def _is_offered(place: Path) -> bool:
    return place.is_symlink() or place.is_dir() or place.is_file()


def _entry(root: Path, place: Path) -> Entry:
    path, facts = os.fsencode(place.relative_to(root)), place.lstat()
    permissions = facts.st_mode & _PERMISSIONS
    if stat.S_ISLNK(facts.st_mode):
        target = os.fsencode(place.readlink())
        return Entry(path, LINK | permissions, len(target), facts.st_mtime_ns, target)
    if stat.S_ISDIR(facts.st_mode):
        return Entry(path, DIRECTORY | permissions, 0, facts.st_mtime_ns)
    return Entry(path, permissions, facts.st_size, facts.st_mtime_ns)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
