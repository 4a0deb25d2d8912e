"""``contextAddFiles``: files of the work tree that join the context.

They replace what the commit has at the same paths and are not subject to ``.dockerignore``.
Source: spec/werf-behaviour.md, sections 5.4, 7.2 and 7.4.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from exporter.errors import ConfigError
from exporter.git.doublestar import clean
from exporter.value import dataclass

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """A file or link: where it is, and its slash path in the context and in the project."""

    file: Path
    path: str
    project_path: str

    @property
    def mode(self) -> int:
        """The mode that it gets in the context: a link's, or 0644 or 0755 as git would have it."""
        found = self.file.lstat().st_mode
        if stat.S_ISLNK(found):
            return stat.S_IFLNK | 0o777
        return stat.S_IFREG | (0o755 if found & 0o100 else 0o644)

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces of at most 1 MiB."""
        with self.file.open("rb") as opened:
            while piece := opened.read(_CHUNK):
                yield piece


def list_added(project: Path, context: str, paths: Iterable[str]) -> tuple[AddedFile, ...]:
    """The files below the listed paths, in listed order, those of directories by name.

    Args:
        project: The project's directory.
        context: The context relative to it.
        paths: Files and directories relative to the context.

    Raises:
        ConfigError: A path does not exist in the work tree.
    """
    found: dict[str, AddedFile] = {}
    root = project / context
    for path in paths:
        start = root / path
        if not os.path.lexists(start):
            raise ConfigError(
                f"contextAddFiles: '{path}' was not found in the work tree",
                remedy=f"The path is relative to the context '{context or '.'}'",
            )
        for file in _walk(start):
            relative = clean(file.relative_to(root).as_posix())
            found[relative] = AddedFile(
                file=file,
                path=relative,
                project_path=clean(file.relative_to(project).as_posix()),
            )
    return tuple(found.values())


def added_checksum(files: Iterable[AddedFile]) -> str:
    """What werf hashes of them: path and content, of links the path only; "" for none."""
    digest = hashlib.sha256()
    is_empty = True
    for file in files:
        is_empty = False
        digest.update(file.project_path.encode("utf-8", "surrogateescape"))
        if not stat.S_ISLNK(file.mode):
            for piece in file.chunks():
                digest.update(piece)
    return "" if is_empty else digest.hexdigest()


def _walk(path: Path) -> Iterator[Path]:
    if not path.is_dir() or path.is_symlink():
        yield path
        return
    for child in sorted(path.iterdir(), key=lambda each: os.fsencode(each.name)):
        yield from _walk(child)
