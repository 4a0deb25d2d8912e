"""A large context kept as a directory between runs, so that BuildKit asks only for what changed.

A tar stream carries the whole context to BuildKit each time.
From a directory BuildKit takes the files whose size, time or mode differ from the last time.
A file gets the time of the commit with which it was written here, as the tar gives it, and its
nanoseconds come from its content, so that no change goes unseen; layers hold whole seconds.
Source: docs/adr/016-kept-contexts.md, docs/adr/021-contexts-compared-by-tree.md.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.build.dockerfile.context import (
    DIRECTORY_MODE,
    DOCKERFILE_MODE,
    warn_of_pointer,
)
from exporter.build.dockerfile.kept_changes import Changes, changes
from exporter.build.dockerfile.kept_index import (
    Index,
    fingerprints,
    read_index,
    updated_fingerprints,
)
from exporter.build.dockerfile.parse import Dockerfile
from exporter.build.dockerfile.request import BuildContext
from exporter.errors import ExporterError
from exporter.git.archive import archive_entries
from exporter.git.trees import LINK, Entry

logger = logging.getLogger(__name__)

LEAST_FILES = 2_000
LEAST_BYTES = 64 << 20
"""From one of both on, a context is kept; smaller ones are sent as fast as they are looked at."""

_QUICK_FILES = 40_000
"""Up to here the look at all files is over before BuildKit has started."""
_UNUSED_S = 7 * 24 * 3600
_FREE_BYTES = 2 << 30
_SECOND = 1_000_000_000
_NO_IGNORE = "# what is ignored is not in the directory\n"
_INDEX = "index.json"


class NotKeptError(ExporterError):
    """The context cannot be kept, or another run took the directory; a stream serves as well."""


@contextmanager
def kept_context(
    context: BuildContext, dockerfile: Dockerfile, *, work_tree: Path, folder: Path
) -> Iterator["KeptContext | None"]:
    """The context as a directory below ``folder``, locked, to be brought up to date by ``open``.

    None when it is better sent as a stream: it is small, it holds files that are not committed,
    another run needs the directory otherwise at the moment, or the disk cannot be written.
    """
    names = (str(work_tree), context.directory, context.dockerfile)
    place = folder / hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()
    if context.added or not ((place / _INDEX).is_file() or _is_large(context)):
        yield None
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
        lock = (place / "lock").open("wb")
    except OSError as error:
        logger.debug("no context is kept: %s", error)
        yield None
        return
    with lock, TemporaryDirectory(prefix="exporter-dockerfile-") as beside:
        kept = KeptContext(place, context, dockerfile, lock=lock.fileno(), beside=Path(beside))
        yield kept if kept.take() else None


def _is_large(context: BuildContext) -> bool:
    entries = context.tree.files(context.directory, context.matcher())
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


class KeptContext:
    """The directory, its index, and the Dockerfile outside of it: a gate of `exporter.build`.

    The Dockerfile is put in place last. Without it nothing is built, so BuildKit may be started
    before the directory is looked at.
    """

    def __init__(
        self, place: Path, context: BuildContext, dockerfile: Dockerfile, *, lock: int, beside: Path
    ) -> None:
        # BuildKit finds what it has of a directory by the directory's own name
        self.directory = place / place.name
        self.dockerfile = beside / "Dockerfile"
        self.is_open = False
        self.is_quick = True
        self._place = place
        self._path = place / _INDEX
        self._lock = lock
        self._is_alone = False
        self._index: Index | None = None
        self._context = context
        self._text = dockerfile.text.encode("utf-8", "surrogateescape")
        self._digest = hashlib.sha256(self._text).hexdigest()
        self._time = int(context.tree.commit.committer_time.timestamp())

    def take(self) -> bool:
        """Lock the directory; False when another run has locked it in another state."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            index = read_index(self._path)
            return index is not None and not self._differs(index, changes(self._context, index))
        self._is_alone = True
        self._index = read_index(self._path)
        self.is_quick = self._index is not None and self._index.files <= _QUICK_FILES
        return True

    def open(self) -> bool:
        """Bring the directory up to date; False when everything will have to be written.

        The next call writes it then.

        Raises:
            NotKeptError: The disk has no room, or another run came in between.
        """
        if self.is_open:
            return True
        if self._is_alone:
            try:
                if self._index is not None and not self._is_as_left(self._index):
                    self._index = None
                    if self.is_quick:
                        self.is_quick = False
                        return False
                self._update()
            except OSError as error:
                raise NotKeptError(f"the context cannot be kept: {error}") from error
        self._put_dockerfile()
        self.is_open = True
        return True

    def _update(self) -> None:
        """Write what differs, remove what is gone, then share the directory with others."""
        index = self._index
        if index is None:
            index = Index()
            self._clear()
        found = changes(self._context, index)
        if self._differs(index, found):
            index = self._rewrite(index, found)
        else:
            os.utime(self._path)
        for path in index.pointers:
            warn_of_pointer(path)
        text = self._path.read_bytes()
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        # one lock was given up before the other was had
        if not self._path.is_file() or self._path.read_bytes() != text:
            raise NotKeptError("another run has changed the kept context")
        _forget_unused(self._place)

    def _differs(self, index: Index, found: Changes) -> bool:
        is_same = index.dockerfile == self._digest and index.rules == found.rules
        return not is_same or bool(found.changed or found.gone)

    def _is_as_left(self, index: Index) -> bool:
        try:
            return fingerprints(self.directory) == index.prints
        except OSError:
            return False

    def _clear(self) -> None:
        """Remove everything but the lock, on which others may wait."""
        self._path.unlink(missing_ok=True)
        for each in self._place.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            elif each.name != "lock":
                each.unlink()

    def _rewrite(self, index: Index, found: Changes) -> Index:
        self._path.unlink(missing_ok=True)
        free = shutil.disk_usage(self._place).free
        if free < _FREE_BYTES:
            raise OSError(f"only {free >> 20} MiB are free")
        touched: set[Path] = {self.directory}
        for path in (*found.gone, *found.changed):
            self._remove(self.directory / path, touched)
        pointers = self._write(found.changed.values(), touched)
        if index.dockerfile != self._digest:
            self._write_own(touched)
        for directory in sorted(touched, reverse=True):
            if directory.is_dir():
                directory.chmod(DIRECTORY_MODE)
                os.utime(directory, (self._time, self._time))
        replaced = {*found.gone, *found.changed}
        relative = [str(each.relative_to(self.directory)) for each in touched]
        prints = updated_fingerprints(
            index.prints, self.directory, ["" if each == "." else each for each in relative]
        )
        new = Index(
            rules=found.rules,
            dockerfile=self._digest,
            folders=found.folders,
            prints=prints,
            pointers=tuple(sorted({*index.pointers} - replaced | pointers)),
        )
        beside = self._path.with_suffix(".new")
        beside.write_text(new.text)
        beside.replace(self._path)
        return new

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

    def _write(self, changed: Iterable[Entry], touched: set[Path]) -> set[str]:
        """Write the files; the paths of those that are pointers of LFS."""
        pointers: set[str] = set()
        for file in archive_entries(self._context.tree, _in_order(changed)):
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
        return pointers

    def _write_own(self, touched: set[Path]) -> None:
        """Write the Dockerfile as it is built, in the place of the committed one."""
        self._remove(self.directory / self._context.dockerfile, touched)
        target = self._parent_made(self._context.dockerfile, touched)
        target.write_bytes(self._text)
        target.chmod(DOCKERFILE_MODE)
        self._stamp(target, 0, self._digest)

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

    def _put_dockerfile(self) -> None:
        """Write the Dockerfile, after an ignore file for it that ignores nothing."""
        self.dockerfile.with_name("Dockerfile.dockerignore").write_text(_NO_IGNORE)
        new = self.dockerfile.with_name("new")
        new.write_bytes(self._text)
        new.replace(self.dockerfile)


def _in_order(entries: Iterable[Entry]) -> Sequence[Entry]:
    """Those of one module after the other, as they are read together."""
    return sorted(entries, key=lambda entry: (entry.module, entry.path))


def _forget_unused(place: Path) -> None:
    """Remove what no run has used for a week beside this place."""
    limit = time.time() - _UNUSED_S
    for other in place.parent.iterdir():
        index = other / _INDEX
        if other != place and index.is_file() and index.stat().st_mtime < limit:
            shutil.rmtree(other, ignore_errors=True)
