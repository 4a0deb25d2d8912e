"""Git files of a stage: archives, patches, and the lines of the script that put them in place.

Source: spec/werf-behaviour.md, section 11.2, and spec/stapel-observed.md, section 3.
"""

import hashlib
import logging
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, join
from typing import IO

from exporter.build.stapel.mappings import Mapping
from exporter.build.stapel.scripts import call, ownership
from exporter.git.archive import ArchivedFile, archive_entries
from exporter.git.diff import PathChange, changed_paths, patch_text
from exporter.git.trees import EXECUTABLE, LINK, SUBMODULE, CommitTree, Entry

logger = logging.getLogger(__name__)

_DIRECTORY_MODE = 0o775  # what werf's archives give directories
_BINARY = b"Binary files "


def has_binary(patch: bytes) -> bool:
    """Whether a patch leaves out binary files."""
    return any(line.startswith(_BINARY) for line in patch.splitlines())


def archive_lines(folder: Path, number: int, mapping: Mapping) -> list[str]:
    """Write the archive of a mapping into the folder; the lines that unpack it."""
    writer = _Writer(folder, number, mapping)
    writer.archive(mapping.tree.files(mapping.files.source, mapping.files.matcher), whole=True)
    return writer.lines()


def patch_lines(folder: Path, number: int, mapping: Mapping, base: str) -> list[str]:
    """Write what changed since a commit into the folder; the lines that apply it.

    With a binary file among the changes all files are written again, as in werf.
    """
    old = mapping.repository.tree(base)
    changes = changed_paths(old, mapping.tree, mapping.files.matcher)
    if not changes:
        return []
    text = patch_text(mapping.repository, base, mapping.commit.object_id, mapping.files)
    writer = _Writer(folder, number, mapping)
    if has_binary(text):
        writer.remove(changes, everything=True)
        entries = mapping.tree.files(mapping.files.source, mapping.files.matcher)
        writer.archive(entries, whole=True)
    else:
        writer.remove(changes, everything=False)
        writer.merge(changes, old, text)
        writer.archive([each.new for each in changes if each.new is not None], whole=False)
    return writer.lines()


@dataclass(frozen=True, slots=True)
class Owner:
    """Who files belong to: names for the image to look up, or numbers."""

    uid: int
    gid: int
    uname: str
    gname: str

    @classmethod
    def of(cls, owner: str, group: str) -> "Owner":
        """What a mapping asks for."""
        return cls(
            uid=int(owner) if owner.isdigit() else 0,
            gid=int(group) if group.isdigit() else 0,
            uname="" if owner.isdigit() else owner,
            gname="" if group.isdigit() else group,
        )


class _Writer:
    """Files of one mapping for one stage, and the lines that use them."""

    def __init__(self, folder: Path, number: int, mapping: Mapping) -> None:
        self._folder = folder
        self._number = number
        self._mapping = mapping
        self._naming = mapping.files.naming(mapping.tree)
        self._directory = mapping.to if mapping.is_directory else dirname(mapping.to)
        self._touched: set[str] = set()
        self._files: set[str] = set()
        self._gone: set[str] = set()
        self._owner = ownership(mapping.owner, mapping.group)
        self._top = call("top_dir", self._directory, self._owner)
        self._lines: list[str] = []

    def lines(self) -> list[str]:
        """The lines, the last of which fix times."""
        time = int(self._mapping.commit.committer_time.timestamp())
        there = (each for each in self._touched if self._files.isdisjoint(_parents(each)))
        touched = self._list("touched", sorted(there))
        return [
            *self._lines,
            call("note", self._directory),
            call("with_paths", touched, "touch", "-c", "-h", "-d", f"@{time}"),
            call("fix_times", str(time)),
            ': >"$T"',
        ]

    def remove(self, changes: Iterable[PathChange], *, everything: bool) -> None:
        """Remove deleted (or all changed) files, and the directories that become empty."""
        gone = [each for each in changes if everything or each.new is None]
        directories: dict[str, None] = {}
        for each in gone:
            directories |= dict.fromkeys(self._above(each.path))
        paths = [self._path(each.path) for each in gone]
        whole = [
            self._path(each.path)
            for each in gone
            if each.old is not None and each.old.mode == SUBMODULE
        ]
        deepest_first = sorted(directories, key=lambda path: path.count("/"), reverse=True)
        self._touched.update(directories)
        self._gone.update(paths)
        if paths:
            removed = self._list("removed", paths)
            self._lines.append(f"{call('with_paths', removed, 'rm', '-f')} 2>/dev/null || :")
        if whole:
            self._lines.append(call("with_paths", self._list("modules", whole), "rm", "-rf"))
        if deepest_first:
            emptied = self._list("emptied", deepest_first)
            line = f'$B xargs -0 -n 1 $B rmdir <"$W/{emptied}" 2>/dev/null || :'
            self._lines.append(line)

    def merge(self, changes: Iterable[PathChange], old: CommitTree, text: bytes) -> None:
        """Keep what commands did to changed files, where the patch still applies."""
        sections = _sections(text)
        modes = {each.path: each.new.mode for each in changes if each.new}
        candidates = [
            each.old
            for each in changes
            if each.old and each.new and each.old.is_file and each.new.is_file
            and not {"\t", "\n"} & set(each.path)
        ]  # fmt: skip
        found: list[str] = []
        patches = self._folder / f"patches-{self._number}"
        for index, file in enumerate(archive_entries(old, candidates)):
            name = self._naming(file.path).encode("utf-8", "surrogateescape")
            digest = hashlib.md5(file.read(), usedforsecurity=False).hexdigest()
            section = sections.get(b"diff --git a/%s b/%s\n" % (name, name))
            if section is None:
                continue
            patches.mkdir(exist_ok=True)
            (patches / str(index)).write_bytes(section)
            bit = "x" if file.mode == EXECUTABLE else "-"
            if modes[file.path] != file.mode:
                bit = "any"
            found.append(f"{index}\t{digest}\t{bit}\t{self._path(file.path)}\n")
        if found:
            checks = f"checks-{self._number}"
            content = "".join(found).encode("utf-8", "surrogateescape")
            (self._folder / checks).write_bytes(content)
            self._lines.append(call("merge", checks, patches.name))

    def archive(self, entries: Iterable[Entry], *, whole: bool) -> None:
        """Unpack files; a whole archive has their directories too, after what is in them."""
        owner = Owner.of(self._mapping.owner, self._mapping.group)
        name = f"archive-{self._number}.tar"
        directories: set[str] = set()
        links: list[str] = []
        files = list(entries)
        time = int(self._mapping.commit.committer_time.timestamp())
        with (self._folder / name).open("wb") as sink:
            for file in archive_entries(self._mapping.tree, files):
                path = self._naming(file.path)
                above = list(_parents(path))
                directories.update(above)
                # A file may stand where a directory with directories was.
                self._files.add(join(self._directory, path))
                if file.mode == LINK:
                    links.append(join(self._directory, path))
                if file.mode == LINK or not whole:
                    self._touched.update(join(self._directory, each) for each in above)
                if file.is_lfs_pointer:
                    logger.warning("'%s' enters the image as a pointer of Git LFS", file.path)
                write_entry(sink, file_info(path, file, owner, time), file.chunks)
            if whole:
                for path in sorted(directories, key=lambda each: each.count("/"), reverse=True):
                    info = file_info(path, None, owner, time)
                    info.type, info.mode = tarfile.DIRTYPE, _DIRECTORY_MODE
                    write_entry(sink, info, ())
            sink.write(b"\0" * 2 * tarfile.BLOCKSIZE)
        self._lines.append(self._top)
        if files:
            self._lines.append(f'$B tar -xf "$W/{name}" -C {call("", self._directory).strip()}')
        self._touched.update(links)
        # As in werf, a directory in the place of a file gets the owner, other new ones do not.
        replaced = self._gone & {join(self._directory, each) for each in directories}
        if self._owner and (links or replaced):
            owned = self._list("owned", [*links, *sorted(replaced)])
            who = f"{self._mapping.owner or 0}:{self._mapping.group or 0}"
            self._lines.append(call("with_paths", owned, "chown", "-h", who))
        if (self._folder / f"checks-{self._number}").exists():
            self._lines.append(call("put_merged", f"checks-{self._number}"))
            self._touched.update(self._path(each.path) for each in files if not each.is_directory)

    def _path(self, path: str) -> str:
        return join(self._directory, self._naming(path))

    def _above(self, path: str) -> Iterator[str]:
        """The directories on the way to a path, below the mapping's own one."""
        return (join(self._directory, each) for each in _parents(self._naming(path)))

    def _list(self, kind: str, paths: Iterable[str]) -> str:
        name = f"{kind}-{self._number}"
        content = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
        (self._folder / name).write_bytes(content)
        return name


def _parents(path: str) -> Iterator[str]:
    parent = dirname(path)
    while parent.strip("/"):
        yield parent
        parent = dirname(parent)


def file_info(path: str, file: ArchivedFile | None, owner: Owner, time: int) -> tarfile.TarInfo:
    """The header of a file, or of anything else without one."""
    info = tarfile.TarInfo(path)
    info.mtime = time
    info.uid, info.gid, info.uname, info.gname = owner.uid, owner.gid, owner.uname, owner.gname
    if file is not None and file.mode == LINK:
        info.type, info.mode = tarfile.SYMTYPE, 0o777
        info.linkname = file.read().decode("utf-8", "surrogateescape")
    elif file is not None:
        info.mode, info.size = file.mode & 0o777, file.size
    return info


def write_entry(sink: IO[bytes], info: tarfile.TarInfo, chunks: Iterable[bytes]) -> None:
    """Write an entry of a tar archive."""
    sink.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
    if info.size:
        sink.writelines(chunks)
        sink.write(b"\0" * (-info.size % tarfile.BLOCKSIZE))


def _sections(text: bytes) -> dict[bytes, bytes]:
    """The patch of each file by its first line."""
    found: dict[bytes, bytes] = {}
    begin = b""
    for line in text.splitlines(keepends=True):
        if line.startswith(b"diff --git "):
            begin = line
            found[begin] = b""
        found[begin] = found.get(begin, b"") + line
    return found
