"""The build context: a tar stream made from the commit, as it is read.

Nothing of it is held in memory as a whole or written anywhere, and the same commit always gives
the same bytes: owner 0:0, the commit's time, git's modes, names in order.
Order: the files of the commit, then ``contextAddFiles``, then the Dockerfile.
Source: spec/werf-behaviour.md, section 7.4 and section 15, item 28.
"""

import logging
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator

from exporter.build.dockerfile.added import AddedFile
from exporter.build.dockerfile.parse import Dockerfile
from exporter.build.dockerfile.request import BuildContext
from exporter.errors import BuildError
from exporter.git.archive import archive_entries
from exporter.git.trees import LINK

logger = logging.getLogger(__name__)

DOCKERFILE_MODE = 0o600

_BLOCK = tarfile.BLOCKSIZE
_OWNER = b"0000000\0" * 2
_CHECKSUM_BYTES = 8
_LARGEST_OCTAL = 8**11 - 1
_CHUNK = 1 << 20


def open_context(
    context: BuildContext,
    dockerfile: Dockerfile,
    *,
    on_lfs_pointer: Callable[[str], None] | None = None,
) -> Iterator[bytes]:
    """The context as a tar archive.

    Args:
        context: What belongs to it.
        dockerfile: The Dockerfile that is built; it takes the place of the committed one.
        on_lfs_pointer: Told the path in the context of each file that is only a pointer of Git
            LFS; a warning is logged without it.

    Yields:
        Pieces of at most 1 MiB and a header.

    Raises:
        BuildError: A file of the work tree changes while it is read.
    """
    files = context.tree.files(context.directory, context.matcher())
    archive = _Archive(context, committed=_directories(context.inside(each.path) for each in files))
    replaced = {context.dockerfile, *(file.path for file in context.added)}
    entries = [entry for entry in files if context.inside(entry.path) not in replaced]
    on_lfs_pointer = on_lfs_pointer or warn_of_pointer
    for file in archive_entries(context.tree, entries):
        path = context.inside(file.path)
        if file.is_lfs_pointer:
            on_lfs_pointer(path)
        if file.mode == LINK:
            yield archive.link(path, file.read().decode("utf-8", "surrogateescape"))
            continue
        yield archive.header(path, mode=file.mode & 0o777, size=file.size)
        yield from archive.content(path, file.size, file.chunks)
    for added in context.added:
        yield from _added(archive, added)
    content = dockerfile.text.encode("utf-8", "surrogateescape")
    yield archive.header(context.dockerfile, mode=DOCKERFILE_MODE, size=len(content), time=0)
    yield from archive.content(context.dockerfile, len(content), _pieces(content))
    yield archive.end()


class _Archive:
    """Headers and padding; directories are written before what is in them."""

    def __init__(self, context: BuildContext, *, committed: Collection[str]) -> None:
        self._context = context
        self._committed = committed
        self._time = int(context.tree.commit.committer_time.timestamp())
        self._directories = {""}
        self._written = 0

    def header(self, path: str, *, mode: int, size: int, time: int | None = None) -> bytes:
        """The header of a file, after those of its new directories."""
        info = tarfile.TarInfo(path)
        info.mode, info.size = mode, size
        info.mtime = self._time if time is None else time
        return self._directories_of(path) + self._block(info)

    def link(self, path: str, target: str) -> bytes:
        """A symbolic link."""
        info = tarfile.TarInfo(path)
        info.type, info.linkname, info.mode, info.mtime = tarfile.SYMTYPE, target, 0o777, self._time
        return self._directories_of(path) + self._block(info)

    def content(self, path: str, size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The content after its header, padded; it must have the size that the header says."""
        total = 0
        for chunk in chunks:
            total += len(chunk)
            if total > size:
                break
            yield chunk
        if total != size:
            raise BuildError(f"'{path}' changed while the build context was read")
        yield self._counted(b"\0" * (-size % _BLOCK), size)

    def end(self) -> bytes:
        """Two empty blocks, and padding to a full record."""
        return self._counted(b"\0" * (2 * _BLOCK)) + b"\0" * (-self._written % tarfile.RECORDSIZE)

    def _directories_of(self, path: str) -> bytes:
        directory = path.rpartition("/")[0]
        if directory in self._directories:
            return b""
        self._directories.add(directory)
        info = tarfile.TarInfo(directory)
        info.type, info.mtime = tarfile.DIRTYPE, self._time
        info.mode = self._context.directory_mode(
            directory, is_committed=directory in self._committed
        )
        return self._directories_of(directory) + self._block(info)

    def _block(self, info: tarfile.TarInfo) -> bytes:
        return self._counted(_short_header(info) or _any_header(info))

    def _counted(self, data: bytes, more: int = 0) -> bytes:
        self._written += len(data) + more
        return data


def _short_header(info: tarfile.TarInfo) -> bytes:
    """The header when every field fits, else nothing: ten times as fast as ``tarfile``'s own."""
    name = info.name.encode("utf-8", "surrogateescape") + b"/" * info.isdir()
    link = info.linkname.encode("utf-8", "surrogateescape")
    if max(len(name), len(link)) > tarfile.LENGTH_NAME or info.size > _LARGEST_OCTAL:
        return b""
    numbers = b"%07o\0%s%011o\0%011o\0" % (info.mode, _OWNER, info.size, int(info.mtime))
    kind = info.type + link.ljust(tarfile.LENGTH_LINK, b"\0") + tarfile.GNU_MAGIC
    before = name.ljust(tarfile.LENGTH_NAME, b"\0") + numbers
    after = kind.ljust(_BLOCK - len(before) - _CHECKSUM_BYTES, b"\0")
    checksum = sum(before) + sum(after) + ord(" ") * _CHECKSUM_BYTES
    return b"%s%06o\0 %s" % (before, checksum, after)


def _any_header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _directories(paths: Iterable[str]) -> set[str]:
    """The directories above some paths."""
    found: set[str] = set()
    for path in paths:
        above = path.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def _added(archive: _Archive, file: AddedFile) -> Iterator[bytes]:
    if file.file.is_symlink():
        yield archive.link(file.path, str(file.file.readlink()))
        return
    size = file.file.stat().st_size
    yield archive.header(file.path, mode=file.mode & 0o777, size=size)
    yield from archive.content(file.path, size, file.chunks())


def warn_of_pointer(path: str) -> None:
    """Say that a file of the context is not the file itself."""
    logger.warning(
        "'%s' enters the build context as a pointer of Git LFS, not as the file itself; "
        "check out with LFS and list it in contextAddFiles if the build needs it",
        path,
    )


def _pieces(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), _CHUNK):
        yield content[at : at + _CHUNK]
