"""Directories that BuildKit takes its files from: it is told all names, and asks for contents.

Of a directory that it has taken before it asks only for files whose size, time or mode differ.
Source: github.com/tonistiigi/fsutil, the head of ``receive.go``, for the protocol.
"""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import unquote_plus

from exporter.buildkit.rpc import INTERNAL, Call, CallError, packed
from exporter.buildkit.wire import Fields, field

DIRECTORY = 1 << 31
LINK = 1 << 27
"""Kinds of files beside the permissions, as Go counts them."""

_STAT, _REQUEST, _DATA, _FIN, _ERROR = range(5)
_TOGETHER = 256 << 10
"""Bytes of small files that are sent at once."""
_LARGEST = 1 << 20
_PRIVATE = 0o600
WILDCARD = re.compile(r"[*?\[\]\\]")
"""What makes a path a pattern."""


class Entry(NamedTuple):
    """A file, link or directory: path without slash at the start, mode with its kind, bytes.

    The ``time_ns`` are since the epoch. A link has its target, and its length as size.
    """

    path: bytes
    mode: int
    size: int
    time_ns: int
    target: bytes = b""


class Listing(Protocol):
    """All names of a directory at one moment.

    ``packets`` are those that `packet` makes, in the order of `in_order`.
    """

    @property
    def packets(self) -> bytes: ...  # noqa: D102 - see the class

    def contents(self, numbers: Sequence[int]) -> Iterator[tuple[int, Iterable[bytes]]]:
        """The contents of the entries with these numbers, in any order; each once."""
        ...


class Tree(Protocol):
    """A directory that can be listed."""

    def listing(self, wanted: "Wanted") -> Listing:
        """What is there, at least what is wanted."""
        ...


def in_order(path: bytes) -> bytes:
    """The key that brings paths into the order in which they are sent."""
    return path.replace(b"/", b"\0")


def nanoseconds(content: bytes) -> int:
    """A part of a second that differs where the content does, for the times of files."""
    return zlib.crc32(content) % 1_000_000_000


def packet(entry: Entry) -> bytes:
    """An entry as it is sent."""
    path, mode, size, time_ns, target = entry
    stat = field(1, path) + field(2, mode) + field(5, size) + field(6, time_ns) + field(7, target)
    return packed(field(2, stat))


class Wanted:
    """The paths that a build uses, as BuildKit guesses them: with everything below; or all.

    It knows wildcards; where one is met, more is taken for wanted. ``patterns`` are the paths as
    they were given, without dots. Links are not followed here.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self.patterns = tuple(sorted({_without_dots(path) for path in paths}))
        found = {_literal(each) for each in self.patterns}
        self.paths: tuple[str, ...] = () if "" in found else tuple(sorted(found))
        self._paths = frozenset(self.paths)
        self._leading = {above for path in self.paths for above in _upwards(path)}

    @property
    def is_all(self) -> bool:
        """Whether everything is wanted."""
        return not self.paths

    def holds(self, path: str) -> bool:
        """Whether a path is wanted, or leads to one that is."""
        return (
            self.is_all
            or path in self._leading
            or any(each in self._paths for each in _upwards(path))
        )


class MemoryTree:
    """A few small files; ``before`` is called when they are asked for."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        *,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self._files = {path.encode("utf-8", "surrogateescape"): files[path] for path in files}
        self._names = sorted(self._files, key=in_order)
        self._before = before

    def listing(self, wanted: Wanted) -> Listing:
        """All of them."""
        del wanted
        self._before()
        return self

    @property
    def packets(self) -> bytes:
        """The names."""
        return b"".join(
            packet(Entry(name, _PRIVATE, len(content), nanoseconds(content)))
            for name, content in ((each, self._files[each]) for each in self._names)
        )

    def contents(self, numbers: Sequence[int]) -> Iterator[tuple[int, Iterable[bytes]]]:
        """The contents of some of them."""
        for number in numbers:
            content = self._files[self._names[number]]
            yield number, (content,) if content else ()


def send_tree(call: Call, tree: Tree) -> None:
    """Serve ``moby.filesync.v1.FileSync/DiffCopy`` from a directory."""
    listing = tree.listing(Wanted(_texts(call, "followpaths")))
    call.send_packed(listing.packets + packed(b""))
    while messages := call.receive_all():
        requests = [Fields(each) for each in messages]
        for each in requests:
            if each.number(1) == _ERROR:
                raise CallError(INTERNAL, each.text(4))
        numbers = [each.number(3) for each in requests if each.number(1) == _REQUEST]
        _send_contents(call, listing.contents(numbers))
        if any(each.number(1) == _FIN for each in requests):
            call.send(field(1, _FIN))
            return


def _send_contents(call: Call, contents: Iterable[tuple[int, Iterable[bytes]]]) -> None:
    ready = bytearray()
    for number, chunks in contents:
        head = field(1, _DATA) + field(3, number)
        for chunk in chunks:
            for at in range(0, len(chunk), _LARGEST):
                ready += packed(head + field(4, chunk[at : at + _LARGEST]))
            if len(ready) >= _TOGETHER:
                call.send_packed(bytes(ready))
                ready.clear()
        ready += packed(head)
    if ready:
        call.send_packed(bytes(ready))


def _texts(call: Call, name: str) -> list[str]:
    """Texts of the metadata, which are encoded when one of them is not of ASCII."""
    found = list(call.metadata.get(name, ()))
    if call.metadata.get(f"{name}-encoded"):
        return [unquote_plus(each, errors="surrogateescape") for each in found]
    return found


def _without_dots(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _literal(path: str) -> str:
    """The part of a path before its first wildcard, up to a slash; "" is the directory itself."""
    if found := WILDCARD.search(path):
        return path[: found.start()].rpartition("/")[0]
    return path


def _upwards(path: str) -> Iterator[str]:
    """A path and those of the directories that it is in."""
    while path:
        yield path
        path = path.rpartition("/")[0]
