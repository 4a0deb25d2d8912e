"""The build context as BuildKit asks for it: all names first, then the contents that it lacks.

A file gets the time of the commit with which it was first told of from here; its nanoseconds come
from its content, so that no change goes unseen; layers hold whole seconds.
Modes and owners are those of the tar stream (`exporter.build.dockerfile.context`).
Source: docs/adr/023-buildkit-spoken-to.md.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from posixpath import join
from typing import NamedTuple

from exporter.build.dockerfile.added import AddedFile
from exporter.build.dockerfile.context import DOCKERFILE_MODE, warn_of_pointer
from exporter.build.dockerfile.followed import follow, names_below
from exporter.build.dockerfile.remembered import Folder, Remembered, read_remembered
from exporter.build.dockerfile.request import BuildContext
from exporter.build.dockerfile.survey import File, Looked, rules_of, survey
from exporter.buildkit.files import DIRECTORY, LINK, Entry, Wanted, nanoseconds, packet
from exporter.errors import BuildError
from exporter.git.archive import ArchivedFile, archive_entries
from exporter.git.trees import EXECUTABLE, FILE
from exporter.git.trees import Entry as Committed

logger = logging.getLogger(__name__)

_SECOND = 1_000_000_000
_UNUSED_S = 7 * 24 * 3600
_PERMISSIONS = 0o777


class Own(NamedTuple):
    """A file that is not taken from the commit."""

    mode: int
    size: int
    time_ns: int
    chunks: Callable[[], Iterator[bytes]]
    target: bytes = b""

    @property
    def link(self) -> str | None:
        """Where it leads; None when it is no link."""
        is_link = self.mode & LINK
        return self.target.decode("utf-8", "surrogateescape") if is_link else None


class ContextTree:
    """The files of a context, the Dockerfile among them with the text that is built.

    ``folder`` is for what is remembered. ``names`` tell this context from others.
    """

    def __init__(
        self, context: BuildContext, dockerfile: bytes, *, folder: Path, names: Sequence[str]
    ) -> None:
        self._context = context
        seconds = int(context.tree.commit.committer_time.timestamp())
        self._own = {file.path: _added(file, seconds) for file in context.added}
        self._own[context.dockerfile] = Own(
            mode=DOCKERFILE_MODE,
            size=len(dockerfile),
            time_ns=nanoseconds(dockerfile),
            chunks=lambda: iter((dockerfile,)),
        )
        text = "\0".join(names).encode("utf-8", "surrogateescape")
        self.key = hashlib.sha256(text).hexdigest()
        self._file = folder / self.key
        self._last: ContextListing | None = None

    def listing(self, wanted: Wanted) -> "ContextListing":
        """What BuildKit is told of."""
        known = read_remembered(self._file)
        self._last = ContextListing(self._context, self._own, wanted, known)
        return self._last

    def remember(self) -> None:
        """Keep for the next run what BuildKit was told of; it only saves time."""
        if self._last is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._last.remembered.write(self._file)
            limit = time.time() - _UNUSED_S
            for other in self._file.parent.iterdir():
                if other.is_file() and other.stat().st_mtime < limit:
                    other.unlink()
        except OSError as error:
            logger.debug("the context is not remembered: %s", error)


class ContextListing:
    """All names of a context at one commit, and the way to their contents."""

    def __init__(
        self,
        context: BuildContext,
        own: Mapping[str, Own],
        wanted: Wanted,
        known: Remembered,
    ) -> None:
        self._context = context
        targets = {path: each.link for path, each in own.items()}
        self._wanted = wanted = follow(context, targets, wanted)
        self._own = {path: each for path, each in own.items() if wanted.holds(path)}
        self._rules = rules_of(context, wanted)
        self._known = known if known.rules == self._rules else known.without_trees()
        self._time_ns = int(context.tree.commit.committer_time.timestamp()) * _SECOND
        self._looked = survey(context, wanted, self._known, self._own)
        self._below = names_below(self._own)
        self._told = bytearray()
        self._count = 0
        self._folders: dict[str, Folder] = {}
        self._sources: dict[int, Committed | Own] = {}
        self._all: ContextListing | None = None
        self._tell_directory("")
        self._pointers = {path for path in self._known.pointers if self._is_as_before(path)}
        for path in sorted(self._pointers):
            warn_of_pointer(path)

    @property
    def packets(self) -> bytes:
        """Every name."""
        return bytes(self._told)

    @property
    def remembered(self) -> Remembered:
        """The same for the next run."""
        return Remembered(
            rules=self._rules,
            folders=self._folders,
            pointers=tuple(sorted(self._pointers)),
            packets=self.packets,
        )

    def contents(self, numbers: Sequence[int]) -> Iterator[tuple[int, Iterable[bytes]]]:
        """The contents of the files with these numbers.

        Raises:
            BuildError: A file of the work tree changes while it is read.
        """
        committed: dict[str, int] = {}
        entries: list[Committed] = []
        for number in sorted(numbers):
            source = self._source(number)
            if isinstance(source, Own):
                yield number, _checked(source)
            else:
                committed[source.path] = number
                entries.append(source)
        entries.sort(key=lambda each: each.module)
        for file in archive_entries(self._context.tree, entries):
            self._note_pointer(file)
            yield committed[file.path], file.chunks

    def _source(self, number: int) -> Committed | Own:
        if number not in self._sources:
            # BuildKit lacks what it was told of before: its cache was emptied, or is another one.
            if self._all is None:
                own, wanted = self._own, self._wanted
                self._all = ContextListing(self._context, own, wanted, Remembered())
            return self._all._sources[number]  # noqa: SLF001 - of the same kind
        return self._sources[number]

    def _note_pointer(self, file: ArchivedFile) -> None:
        path = self._context.inside(file.path)
        if file.is_lfs_pointer and path not in self._pointers:
            self._pointers.add(path)
            warn_of_pointer(path)

    def _is_as_before(self, path: str) -> bool:
        above, _, name = path.rpartition("/")
        looked = self._looked.get(above)
        if looked is None:
            return above in self._folders and above not in self._below
        folder = self._known.folders.get(above)
        before = None if folder is None else dict(folder.states()).get(name)
        return name in looked.files and looked.files[name].state == before

    # telling, in order

    def _tell_directory(self, path: str) -> None:
        """Tell of everything in and below a directory."""
        looked = self._looked.get(path)
        if looked is None and path not in self._below and path in self._known.folders:
            self._tell_as_before(path)
            return
        looked = looked or Looked()
        start, first = len(self._told), self._count
        names = {*looked.files, *looked.directories, *self._below.get(path, ())}
        for name in sorted(names, key=_encoded):
            inside = join(path, name)
            if inside in self._own:
                self._tell_own(inside, self._own[inside])
            elif name in looked.files and name not in self._below.get(path, ()):
                self._tell_file(inside, looked.files[name])
            else:
                self._tell_below(inside)
        states = {name: file.state for name, file in looked.files.items()}
        self._folders[path] = Folder(
            tree="" if path in self._below else looked.tree,
            attributes=looked.attributes,
            files=Folder.joined(states),
            start=start,
            end=len(self._told),
            packets=self._count - first,
        )

    def _tell_below(self, path: str) -> None:
        """Tell of a directory, unless nothing is in it."""
        start, first = len(self._told), self._count
        is_committed = path in self._looked or path not in self._below
        mode = self._context.directory_mode(path, is_committed=is_committed)
        self._tell(Entry(_encoded(path), DIRECTORY | mode, 0, self._time_ns))
        self._tell_directory(path)
        if self._count == first + 1:
            del self._told[start:]
            self._count = first

    def _tell_as_before(self, path: str) -> None:
        before = self._known.folders[path]
        moved = len(self._told) - before.start
        self._told += self._known.packets[before.start : before.end]
        self._count += before.packets
        for below, each in self._known.below(path):
            self._folders[below] = each._replace(start=each.start + moved, end=each.end + moved)

    def _tell_file(self, path: str, file: File) -> None:
        entry = file.entry
        self._sources[self._count] = entry
        mode = EXECUTABLE if entry.is_executable else FILE  # old commits have others
        mode = LINK | _PERMISSIONS if entry.is_link else mode & _PERMISSIONS
        time_ns = file.seconds * _SECOND + nanoseconds(_encoded(file.content))
        self._tell(Entry(_encoded(path), mode, file.size, time_ns, file.target))

    def _tell_own(self, path: str, own: Own) -> None:
        self._sources[self._count] = own
        self._tell(Entry(_encoded(path), own.mode, own.size, own.time_ns, own.target))

    def _tell(self, entry: Entry) -> None:
        self._told += packet(entry)
        self._count += 1


def _added(file: AddedFile, seconds: int) -> Own:
    """A file of the work tree; its nanoseconds come from the times that the disk has of it."""
    found = file.file.lstat()
    seen = f"{found.st_mtime_ns} {found.st_ctime_ns} {found.st_size}".encode()
    time_ns = seconds * _SECOND + nanoseconds(seen)
    if file.file.is_symlink():
        target = _encoded(str(file.file.readlink()))
        return Own(LINK | _PERMISSIONS, len(target), time_ns, lambda: iter(()), target)
    return Own(file.mode & _PERMISSIONS, found.st_size, time_ns, file.chunks)


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _checked(own: Own) -> Iterator[bytes]:
    """The content, which must have the size that was told."""
    size = 0
    try:
        for chunk in own.chunks():
            size += len(chunk)
            yield chunk
    except OSError as error:
        raise BuildError(f"a file of contextAddFiles cannot be read: {error}") from error
    if size != own.size:
        raise BuildError("a file of contextAddFiles changed while the build context was read")
