"""A commit in memory with git's own hashes, for tests that need a tree but no git."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from exporter.git.commits import Commit
from exporter.git.modules import Module
from exporter.git.objects import GitObject
from exporter.git.trees import DIRECTORY, EXECUTABLE, FILE, LINK, CommitTree

COMMIT_TIME = 1_700_000_000


@dataclass(frozen=True)
class Executable:
    """A file with the executable bit."""

    text: str


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


def commit_tree(files: Mapping[str, str | Executable | Link]) -> CommitTree:
    """The tree of a commit that holds these files."""
    store = _MemoryStore()
    nested: dict[str, object] = {}
    for path, content in files.items():
        *directories, name = path.split("/")
        inside = nested
        for directory in directories:
            inside = cast("dict[str, object]", inside.setdefault(directory, {}))
        inside[name] = content
    moment = datetime.fromtimestamp(COMMIT_TIME, tz=UTC)
    commit = Commit(
        object_id="c" * 40,
        tree=store.add_directory(nested),
        parents=(),
        author_time=moment,
        committer_time=moment,
    )
    return CommitTree(commit, cast("Module", _MemoryModule(store)))


class _MemoryModule:
    """The part of a module that a tree without submodules needs."""

    path = ""

    def __init__(self, store: "_MemoryStore") -> None:
        self.store = store


class _MemoryStore:
    """The part of an object store that a tree needs."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._trees: dict[str, dict[str, tuple[int, str]]] = {}

    def add_directory(self, content: Mapping[str, object]) -> str:
        """Store a directory; its object id."""
        entries: dict[str, tuple[int, str]] = {}
        for name, value in content.items():
            match value:
                case dict():
                    entries[name] = (DIRECTORY, self.add_directory(value))
                case Executable(text):
                    entries[name] = (EXECUTABLE, self._add_blob(text))
                case Link(target):
                    entries[name] = (LINK, self._add_blob(target))
                case _:
                    entries[name] = (FILE, self._add_blob(str(value)))
        in_order = sorted(entries, key=lambda name: name + "/" * (entries[name][0] == DIRECTORY))
        listing = b"".join(
            f"{entries[name][0]:o} {name}\0".encode("utf-8", "surrogateescape")
            + bytes.fromhex(entries[name][1])
            for name in in_order
        )
        object_id = _hash("tree", listing)
        self._trees[object_id] = {name: entries[name] for name in in_order}
        return object_id

    def tree(self, object_id: str) -> dict[str, tuple[int, str]]:
        return self._trees[object_id]

    def load_trees(self, object_ids: Iterable[str]) -> None:
        """Everything is loaded already."""

    def read(self, object_id: str) -> GitObject:
        return GitObject(object_id=object_id, kind="blob", content=self._blobs[object_id])

    def read_blob(self, object_id: str) -> bytes:
        return self._blobs[object_id]

    def sizes(self, object_ids: Iterable[str]) -> list[int]:
        return [len(self._blobs[object_id]) for object_id in object_ids]

    def stream(self, object_ids: Iterable[str]) -> Iterator[tuple[int, Iterator[bytes]]]:
        for object_id in object_ids:
            content = self._blobs[object_id]
            yield len(content), iter((content,))

    def _add_blob(self, text: str) -> str:
        content = text.encode("utf-8", "surrogateescape")
        object_id = _hash("blob", content)
        self._blobs[object_id] = content
        return object_id


def _hash(kind: str, content: bytes) -> str:
    header = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
