"""What a kept context held when it was last written: by directory, so that little must be compared.

A directory whose tree of git is the same holds the same files, and so does everything below it.
Of each directory the index also knows what it looked like on the disk, see `fingerprints`.
"""

import hashlib
import json
import os
import stat
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import NamedTuple

from exporter.value import dataclass

_VERSION = 2


class Folder(NamedTuple):
    """A directory in git.

    ``tree`` is its mode and object id, ``attributes`` the object id of its ``.gitattributes`` or
    "", ``files`` name and state of each file that the context takes, in turn, joined by slashes.
    """

    tree: str
    attributes: str
    files: str

    @staticmethod
    def joined(states: Mapping[str, str]) -> str:
        """The text of names and states; neither holds a slash."""
        return "/".join(part for each in states.items() for part in each)

    def states(self) -> Iterator[tuple[str, str]]:
        """Each name with its state."""
        parts = iter(self.files.split("/") if self.files else ())
        return zip(parts, parts, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The index of one kept context; paths are relative to the context.

    ``rules`` stands for what selects and converts files everywhere, ``dockerfile`` for the
    Dockerfile's text. ``prints`` has the fingerprint of each directory on the disk.
    ``pointers`` are the files that are only pointers of Git LFS.
    """

    rules: str = ""
    dockerfile: str = ""
    folders: Mapping[str, Folder] = field(default_factory=dict, repr=False)
    prints: Mapping[str, str] = field(default_factory=dict, repr=False)
    pointers: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum((each.files.count("/") + 1) // 2 for each in self.folders.values())

    @property
    def text(self) -> str:
        """The index as it is written."""
        values = {name: getattr(self, name) for name in ("rules", "dockerfile", "pointers")}
        return json.dumps(
            {"version": _VERSION, **values, "folders": self.folders, "prints": self.prints}
        )


def read_index(path: Path) -> Index | None:
    """The index in a file; None when there is none, or one that another version wrote."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.pop("version", None) != _VERSION:
        return None
    return Index(
        rules=found["rules"],
        dockerfile=found["dockerfile"],
        folders={path: Folder(*parts) for path, parts in found["folders"].items()},
        prints=found["prints"],
        pointers=tuple(found["pointers"]),
    )


def fingerprints(directory: Path) -> dict[str, str]:
    """The fingerprint of a directory and of all below it, by path relative to it; "" is itself.

    It shows names, modes, sizes and times. The time of the last change of any kind is among them,
    which no program can set, so that no edit goes unseen.

    Raises:
        OSError: It cannot be read.
    """
    found: dict[str, str] = {}
    pending = [""]
    while pending:
        path = pending.pop()
        found[path], inside = _fingerprint(directory / path)
        pending += [f"{path}/{name}" if path else name for name in inside]
    return found


def updated_fingerprints(
    known: Mapping[str, str], directory: Path, touched: Iterable[str]
) -> dict[str, str]:
    """The known fingerprints with those of the touched directories as they are now."""
    found = dict(known)
    for path in touched:
        found.pop(path, None)
        place = directory / path
        if place.is_dir() and not place.is_symlink():
            found[path], _ = _fingerprint(place)
    return found


def _fingerprint(directory: Path) -> tuple[str, list[str]]:
    """The fingerprint of one directory, and the names of the directories in it."""
    names = sorted(os.listdir(directory))  # noqa: PTH208 - names are all that is wanted
    inside: list[str] = []
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        facts = [os.fstat(descriptor).st_mode]
        for name in names:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                inside.append(name)
                facts.append(found.st_mode)
            else:
                facts += (found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    finally:
        os.close(descriptor)
    digest = hashlib.sha256("/".join(names).encode("utf-8", "surrogateescape"))
    digest.update(array("q", facts))
    return digest.hexdigest(), inside
