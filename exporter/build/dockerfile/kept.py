"""A large context kept as a directory between runs, so that BuildKit asks only for what changed.

A tar stream carries the whole context to BuildKit each time.
From a directory BuildKit takes the files whose size, time or mode differ from the last time.
A file gets the time of the commit with which it was written here, as the tar gives it, and its
nanoseconds come from its content, so that no change goes unseen; layers hold whole seconds.
Source: docs/adr/016-kept-contexts.md.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from exporter.build.dockerfile.context import (
    DIRECTORY_MODE,
    DOCKERFILE_MODE,
    warn_of_pointer,
)
from exporter.build.dockerfile.parse import Dockerfile
from exporter.build.dockerfile.request import BuildContext
from exporter.git.archive import archive_entries
from exporter.git.attributes import Attributes
from exporter.git.trees import LINK, Entry
from exporter.value import dataclass

logger = logging.getLogger(__name__)

LEAST_FILES = 2_000
LEAST_BYTES = 64 << 20
"""From one of both on, a context is kept; smaller ones are sent as fast as they are looked at."""

_UNUSED_S = 7 * 24 * 3600
_FREE_BYTES = 2 << 30
_INDEX_VERSION = 1
_SECOND = 1_000_000_000
_NO_IGNORE = "# what is ignored is not in the directory\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptContext:
    """Where the files are, and the Dockerfile outside of them."""

    directory: Path
    dockerfile: Path


@contextmanager
def kept_context(
    context: BuildContext, dockerfile: Dockerfile, *, work_tree: Path, folder: Path
) -> Iterator[KeptContext | None]:
    """The context as a directory below ``folder``, brought up to date and locked.

    None when it is better sent as a stream: it is small, it holds files that are not committed,
    another run needs the directory otherwise at the moment, or the disk has no room.
    """
    entries = context.tree.files(context.directory, context.matcher())
    if context.added or not _is_large(context, entries):
        yield None
        return
    names = (str(work_tree), context.directory, context.dockerfile)
    place = folder / hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()
    try:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
        lock = (place / "lock").open("wb")
    except OSError as error:
        logger.debug("no context is kept: %s", error)
        yield None
        return
    with lock:
        kept = _Kept(place, context, dockerfile, entries)
        if not _prepare(kept, lock.fileno()):
            yield None
            return
        _forget_unused(folder, but=place)
        yield KeptContext(directory=kept.directory, dockerfile=kept.write_dockerfile())


def _is_large(context: BuildContext, entries: Sequence[Entry]) -> bool:
    if len(entries) >= LEAST_FILES:
        return True
    modules: dict[str, list[str]] = {}
    for entry in entries:
        modules.setdefault(entry.module, []).append(entry.object_id)
    size = 0
    for entry in entries:
        if ids := modules.pop(entry.module, None):
            size += sum(context.tree.module_of(entry).store.sizes(ids))
    return size >= LEAST_BYTES


def _prepare(kept: "_Kept", lock: int) -> bool:
    """Lock and update the directory; False when another run has locked it in another state."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return kept.is_current()
    try:
        kept.update()
    except OSError as error:
        logger.debug("the context cannot be kept: %s", error)
        return False
    fcntl.flock(lock, fcntl.LOCK_SH)
    return True


class _Kept:
    """The directory and its index, which says of every file what was written and when."""

    def __init__(
        self, place: Path, context: BuildContext, dockerfile: Dockerfile, entries: Sequence[Entry]
    ) -> None:
        self.directory = place / "context"
        self._place = place
        self._index = place / "index.json"
        self._context = context
        self._text = dockerfile.text.encode("utf-8", "surrogateescape")
        self._time = int(context.tree.commit.committer_time.timestamp())
        attributes = Attributes(context.tree)
        self._entries = {self._path(entry): entry for entry in entries}
        self._entries.pop(context.dockerfile, None)
        self._wanted = {
            path: f"{entry.mode:o} {entry.object_id} {attributes.conversion(entry) or ''}"
            for path, entry in self._entries.items()
        }
        self._wanted[context.dockerfile] = f"dockerfile {hashlib.sha256(self._text).hexdigest()}"

    def _path(self, entry: Entry) -> str:
        return entry.path[len(self._context.directory) :].lstrip("/")

    def is_current(self) -> bool:
        """Whether nothing has to be written."""
        index = self._read_index()
        return {path: state for path, (state, *_) in index.items()} == self._wanted

    def update(self) -> None:
        """Write what differs, remove what is gone; without an index everything is written."""
        index = self._read_index()
        changed = [path for path in self._wanted if not self._is_kept(path, index.get(path))]
        gone = [path for path in index if path not in self._wanted]
        if not changed and not gone and index:
            os.utime(self._index)
            self._warn(index)
            return
        self._index.unlink(missing_ok=True)
        if not index:
            shutil.rmtree(self.directory, ignore_errors=True)
        touched: set[Path] = set()
        for path in (*gone, *changed):
            self._remove(self.directory / path, touched)
        kept = {path: found for path, found in index.items() if path in self._wanted}
        for path in changed:
            kept.pop(path, None)
        pointers = self._write(changed, touched)
        for directory in sorted(touched, reverse=True):
            if directory.is_dir():
                directory.chmod(DIRECTORY_MODE)
                os.utime(directory, (self._time, self._time))
        for path in changed:
            found = (self.directory / path).lstat()
            is_pointer = path in pointers
            kept[path] = [self._wanted[path], found.st_size, found.st_mtime_ns, is_pointer]
        self._warn(kept)
        new = self._index.with_suffix(".new")
        new.write_text(json.dumps({"version": _INDEX_VERSION, "files": kept}))
        new.replace(self._index)

    def _warn(self, index: Mapping[str, Sequence[object]]) -> None:
        for path, (*_, is_pointer) in index.items():
            if is_pointer:
                warn_of_pointer(path)

    def _read_index(self) -> Mapping[str, list[object]]:
        try:
            found = json.loads(self._index.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict) or found.get("version") != _INDEX_VERSION:
            return {}
        files: dict[str, list[object]] = found["files"]
        return files

    def _is_kept(self, path: str, known: Sequence[object] | None) -> bool:
        if known is None or known[0] != self._wanted[path]:
            return False
        try:
            found = os.lstat(f"{self.directory}/{path}")
        except OSError:
            return False
        return [found.st_size, found.st_mtime_ns] == known[1:3]

    def _remove(self, file: Path, touched: set[Path]) -> None:
        if not file.is_symlink() and file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink(missing_ok=True)
        for parent in file.parents:
            touched.add(parent)
            if parent == self.directory or (parent.is_dir() and any(parent.iterdir())):
                break
            if parent.is_dir():
                parent.rmdir()

    def _write(self, changed: Sequence[str], touched: set[Path]) -> set[str]:
        """Write the files; the paths of those that are pointers of LFS."""
        pointers: set[str] = set()
        entries = [self._entries[path] for path in changed if path in self._entries]
        free = shutil.disk_usage(self._place).free
        if free < _FREE_BYTES:
            raise OSError(f"only {free >> 20} MiB are free")
        for file in archive_entries(self._context.tree, entries):
            path = file.path[len(self._context.directory) :].lstrip("/")
            target = self._parent_made(path, touched)
            if file.is_lfs_pointer:
                pointers.add(path)
            if file.mode == LINK:
                target.symlink_to(os.fsdecode(file.read()))
            else:
                with target.open("wb") as opened:
                    for chunk in file.chunks:
                        opened.write(chunk)
                target.chmod(file.mode & 0o777)
            self._stamp(target, self._time, file.object_id)
        if self._context.dockerfile in changed:
            target = self._parent_made(self._context.dockerfile, touched)
            target.write_bytes(self._text)
            target.chmod(DOCKERFILE_MODE)
            self._stamp(target, 0, hashlib.sha256(self._text).hexdigest())
        return pointers

    def _parent_made(self, path: str, touched: set[Path]) -> Path:
        target = self.directory / path
        parent = target.parent
        if parent not in touched:
            for each in (parent, *parent.parents):
                if each == self._place or each in touched:
                    break
                touched.add(each)
            parent.mkdir(parents=True, exist_ok=True)
        elif not parent.is_dir():
            parent.mkdir(parents=True)
        return target

    def _stamp(self, target: Path, seconds: int, content: str) -> None:
        moment = seconds * _SECOND + int(content[:8], 16) % _SECOND
        os.utime(target, ns=(moment, moment), follow_symlinks=False)

    def write_dockerfile(self) -> Path:
        """The Dockerfile beside the directory, with an ignore file that ignores nothing."""
        folder = self._place / "dockerfile"
        folder.mkdir(exist_ok=True)
        path = folder / "Dockerfile"
        if not path.is_file() or path.read_bytes() != self._text:
            path.write_bytes(self._text)
        (folder / "Dockerfile.dockerignore").write_text(_NO_IGNORE)
        return path


def _forget_unused(folder: Path, *, but: Path) -> None:
    """Remove what no run has used for a week."""
    limit = time.time() - _UNUSED_S
    for place in folder.iterdir():
        index = place / "index.json"
        if place != but and index.is_file() and index.stat().st_mtime < limit:
            shutil.rmtree(place, ignore_errors=True)
