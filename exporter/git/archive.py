"""Selected files of a commit with their content, one after the other, as a checkout has them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from exporter.git.attributes import Attributes
from exporter.git.path_match import PathMatcher
from exporter.git.repository import LFS_POINTER_BYTES, is_lfs_pointer
from exporter.git.trees import EXECUTABLE, FILE, LINK, CommitTree, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """A file or symbolic link.

    ``path`` is relative to the repository's root, ``mode`` one of ``FILE``, ``EXECUTABLE`` and
    ``LINK``, ``size`` the bytes of the content. ``chunks`` gives it in pieces of at most 1 MiB
    (a file that is converted, in one); it must be consumed before the next file is asked for.
    The content of a link is its target.
    """

    path: str
    mode: int
    object_id: str
    size: int
    is_lfs_pointer: bool
    chunks: Iterator[bytes] = field(repr=False)

    def read(self) -> bytes:
        """The content as a whole."""
        return b"".join(self.chunks)


def archive(
    tree: CommitTree, base: str = "", matcher: PathMatcher | None = None
) -> Iterator[ArchivedFile]:
    """The selected files at and below ``base``, by path, those of submodules after the others.

    Memory does not depend on the size of a file, unless it is converted by ``.gitattributes``.

    Raises:
        GitError: A submodule is not checked out, or an object is missing.
    """
    return archive_entries(tree, tree.files(base, matcher))


def archive_entries(tree: CommitTree, entries: Iterable[Entry]) -> Iterator[ArchivedFile]:
    """The given files and links of a tree, in the given order."""
    attributes = Attributes(tree)
    for _, group in groupby(entries, key=lambda entry: entry.module):
        files = list(group)
        store = tree.module_of(files[0]).store
        contents = store.stream(entry.object_id for entry in files)
        for entry, (size, chunks) in zip(files, contents, strict=True):
            yield _archived(entry, size, chunks, attributes=attributes)


def _archived(
    entry: Entry, size: int, chunks: Iterator[bytes], *, attributes: Attributes
) -> ArchivedFile:
    mode = LINK if entry.is_link else EXECUTABLE if entry.is_executable else FILE
    conversion = attributes.conversion(entry)
    is_pointer = False
    if conversion is not None or size < LFS_POINTER_BYTES:
        content = b"".join(chunks)
        is_pointer = entry.is_file and is_lfs_pointer(content)
        if conversion is not None:
            content = conversion.apply(content, object_id=entry.object_id)
        size, chunks = len(content), iter((content,) if content else ())
    return ArchivedFile(
        path=entry.path,
        mode=mode,
        object_id=entry.object_id,
        size=size,
        is_lfs_pointer=is_pointer,
        chunks=chunks,
    )
