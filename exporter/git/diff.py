"""What changed between two commits: paths with their new entries, and the patch as text.

The text enters the digest of ``gitLatestPatch`` and is werf's to the letter, its oddities with
quoted names included; its size with full context and binary content decides on ``gitCache``.
Source: spec/werf-behaviour.md, section 11.2, and spec/stapel-observed.md, section 5.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from posixpath import normpath, relpath

from exporter.errors import GitError
from exporter.git.mappings import GitMapping, Naming
from exporter.git.modules import Module
from exporter.git.path_match import PathMatcher, may_hold
from exporter.git.repository import Repository
from exporter.git.trees import DIRECTORY, SUBMODULE, CommitTree, Entry

PATCH_CACHE_BYTES = 1 << 20  # gitCache exists from this patch size on

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_SHOWN_HASH = 8
_EVERYTHING = 999_999_999
_OPTIONS = (  # what a user's configuration could change
    "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-relative",
    "--diff-algorithm=default", "--indent-heuristic", "--inter-hunk-context=0", "-O/dev/null",
    "--ignore-submodules=none", "--submodule=short",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PathChange:
    """A file or link that differs; ``old`` or ``new`` is None when it was added or deleted.

    A submodule whose objects are not there is one change of its whole directory.
    """

    path: str
    old: Entry | None
    new: Entry | None


def changed_paths(old: CommitTree, new: CommitTree, matcher: PathMatcher) -> list[PathChange]:
    """The selected files that differ between two commits, by path; no git process for it.

    A file that becomes a directory is a deletion and additions.
    """
    changes = list(_differences(old, new, _root(old), _root(new), matcher))
    changes.sort(key=lambda each: each.path.encode("utf-8", "surrogateescape"))
    return changes


def patch_text(repository: Repository, old: str, new: str, mapping: GitMapping) -> bytes:
    """The patch of a mapping from one commit to another, as it enters werf's digest.

    Paths are relative to ``add``, hashes cut to eight characters; b"" when nothing differs.

    Raises:
        GitError: A commit is missing, or git failed.
    """
    return b"".join(_patch(repository, old, new, mapping, context=3, binary=False))


def patch_size(repository: Repository, old: str, new: str, mapping: GitMapping) -> int:
    """Bytes of the same patch with complete files as context and binary content.

    Raises:
        GitError: A commit is missing, or git failed.
    """
    lines = _patch(repository, old, new, mapping, context=_EVERYTHING, binary=True)
    return sum(map(len, lines))


# changed paths


def _root(tree: CommitTree) -> Entry:
    return Entry("", DIRECTORY, tree.commit.tree)


def _differences(
    old: CommitTree,
    new: CommitTree,
    before: Entry | None,
    after: Entry | None,
    matcher: PathMatcher,
) -> Iterator[PathChange]:
    """The differences between two entries of the same path, None for an absent one."""
    if before is not None and after is not None and before[1:3] == after[1:3]:
        return
    path = (before or after or _root(new)).path
    inside_before = _inside(old, before, path, matcher)
    inside_after = _inside(new, after, path, matcher)
    gone = before if inside_before is None else None
    come = after if inside_after is None else None
    if (gone or come) and matcher.matches(path):
        yield PathChange(path=path, old=gone, new=come)
    children_before, children_after = inside_before or {}, inside_after or {}
    for child in sorted(children_before.keys() | children_after.keys()):
        yield from _differences(
            old, new, children_before.get(child), children_after.get(child), matcher
        )


def _inside(
    tree: CommitTree, entry: Entry | None, path: str, matcher: PathMatcher
) -> dict[str, Entry] | None:
    """A directory's entries by path; None for what has no inside or cannot be entered."""
    if entry is None or not entry.is_directory:
        return None
    if not may_hold(matcher, path):
        return {}
    if entry.mode != SUBMODULE:
        return {child.path: child for child in tree.children_of(entry)}
    try:
        return {child.path: child for child in tree.children_of(entry)}
    except GitError:
        return None


# the patch


def _patch(
    repository: Repository, old: str, new: str, mapping: GitMapping, *, context: int, binary: bool
) -> Iterator[bytes]:
    """The lines of the filtered patch, each with its line end."""
    old_tree, new_tree = repository.tree(old), repository.tree(new)
    changes = changed_paths(old_tree, new_tree, mapping.matcher)
    if not changes:  # the usual case of a commit elsewhere costs no process
        return
    options = (f"--unified={context}", *(("--binary",) if binary else ()))
    source = _Source(trees=(old_tree, new_tree), matcher=mapping.matcher, options=options)
    rewrite = _Rewrite(mapping.matcher, mapping.naming(new_tree))
    for line in source.lines(repository.module, old, new):
        yield rewrite.line(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Raw patches of the repository, with those of submodules in their places."""

    trees: tuple[CommitTree, CommitTree]
    matcher: PathMatcher
    options: tuple[str, ...]

    def lines(self, module: Module, old: str, new: str) -> Iterator[bytes]:
        """The lines of ``git diff`` in one module; submodules are replaced by their own."""
        prefix = f"{module.path}/" if module.path else ""
        arguments = (
            "diff", *_OPTIONS, *self.options,
            *(() if prefix else ("--full-index",)),  # git's own recursion abbreviates
            f"--src-prefix=a/{prefix}", f"--dst-prefix=b/{prefix}", old, new, "--",
        )  # fmt: skip
        # in the git directory no .gitattributes of the work tree can change the text
        lines = module.git.at(module.git_dir).lines(arguments, doing=f"compare {old} and {new}")
        begin = b""
        skipping = False
        for line in lines:
            if line.startswith(b"diff --git "):
                begin, skipping = line, False
            elif begin:
                if line.endswith(b" 160000\n"):
                    skipping = True
                    yield from self._submodule(begin, line)
                else:
                    yield begin
                    yield line
                begin = b""
            elif not skipping:
                yield line

    def _submodule(self, begin: bytes, second: bytes) -> Iterator[bytes]:
        """The patch of a submodule whose section begins with these two lines."""
        path, _ = _section_path(begin)
        if not may_hold(self.matcher, path):
            return
        old_tree, new_tree = self.trees
        before = None if second.startswith(b"new ") else old_tree.entry(path)
        after = None if second.startswith(b"deleted ") else new_tree.entry(path)
        try:
            tree, entry = (new_tree, after) if after else (old_tree, before)
            module = tree.submodule(entry or _root(tree))
            for each in filter(None, (before, after)):
                module.store.read(each.object_id)
        except GitError:
            if after is not None:
                raise
            yield from (begin, second)  # a removed submodule may be gone from the clone too
            return
        yield from self.lines(
            module,
            before.object_id if before else _EMPTY_TREE,
            after.object_id if after else _EMPTY_TREE,
        )


class _Rewrite:
    """Keeps the sections of selected files and makes their paths relative, as werf does."""

    def __init__(self, matcher: PathMatcher, naming: Naming) -> None:
        self._matcher = matcher
        self._naming = naming
        self._state = _State.SKIP

    def line(self, line: bytes) -> bytes:
        """What becomes of a line: the line to write, or b""."""
        if line.startswith(b"diff --git "):
            return self._begin(line)
        if self._state is _State.SKIP:
            return b""
        if self._state is _State.BODY:
            return line
        if self._state is _State.BEGIN:
            self._state = _State.CHANGE
            if line.startswith(b"deleted file mode "):
                self._state = _State.DELETE
            elif line.startswith(b"new file mode "):
                self._state = _State.NEW
        return self._header(line)

    def _begin(self, line: bytes) -> bytes:
        path, quoted = _section_path(line)
        if not self._matcher.matches(path):
            self._state = _State.SKIP
            return b""
        self._state = _State.BEGIN
        name = self._naming(path)
        sides = (f"{side}/{name}" for side in "ab")
        shown = " ".join(map(_go_quote, sides) if quoted else sides)
        return f"diff --git {shown}\n".encode("utf-8", "surrogateescape")

    def _header(self, line: bytes) -> bytes:
        if line.startswith(b"index "):
            return _short_index(line)
        if line.startswith(b"Binary files"):
            self._state = _State.SKIP
        elif line.startswith(b"GIT binary patch"):
            self._state = _State.BODY
        elif line.startswith(b"--- ") and self._state is not _State.NEW:
            if self._state is _State.DELETE:
                self._state = _State.BODY
            return self._file_line(line, "--- a/")
        elif line.startswith(b"+++ ") and self._state is not _State.DELETE:
            self._state = _State.BODY
            return self._file_line(line, "+++ b/")
        return line

    def _file_line(self, line: bytes, mark: str) -> bytes:
        text = line.decode("utf-8", "surrogateescape").removesuffix("\n")
        if text.startswith(mark):
            name = self._naming(text[len(mark) :])
        else:  # a quoted name: werf takes the whole line for a path, and its digest has that
            name = relpath(normpath(f"/r/{text}"), f"/r/{self._naming.base}")
        # git ends names with spaces in a tab
        return f"{mark}{name.rstrip(chr(9))}\n".encode("utf-8", "surrogateescape")


class _State(Enum):
    """Where in a patch the next line is."""

    SKIP = "outside of a selected section"
    BEGIN = "after its first line"
    CHANGE = "in the header of a changed file"
    NEW = "in the header of a new file"
    DELETE = "in the header of a deleted file"
    BODY = "in hunks or binary content"


def _section_path(line: bytes) -> tuple[str, bool]:
    """The path in ``diff --git a/PATH b/PATH``, and whether git had to quote it."""
    both = line.removeprefix(b"diff --git ").rstrip(b"\n")
    first = both[: len(both) // 2]
    quoted = first.startswith(b'"')
    if quoted:
        first = _ESCAPE.sub(_unescape, first[1:-1])
    return first.decode("utf-8", "surrogateescape").removeprefix("a/"), quoted


_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = {
    b"a": b"\a",
    b"b": b"\b",
    b"t": b"\t",
    b"n": b"\n",
    b"v": b"\v",
    b"f": b"\f",
    b"r": b"\r",
}


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8)]) if len(code) == 3 else _ESCAPED.get(code, code)  # noqa: PLR2004 - octal digits


def _go_quote(text: str) -> str:
    """The text in double quotes as Go's ``strconv.Quote`` writes it."""
    named = {char.decode(): f"\\{code.decode()}" for code, char in _ESCAPED.items()}
    named |= {'"': '\\"', "\\": "\\\\"}
    return f'"{"".join(named.get(char) or _go_char(char) for char in text)}"'


def _go_char(char: str) -> str:
    code = ord(char)
    if char.isprintable():
        return char
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - a byte that is no UTF-8, as Python keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:  # noqa: PLR2004 - ASCII
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - 16 bits


def _short_index(line: bytes) -> bytes:
    """``index OLD..NEW [MODE]`` with hashes of eight characters."""
    word, hashes, *mode = line.rstrip(b"\n").split(b" ", 2)
    shown = b"..".join(each[:_SHOWN_HASH] for each in hashes.split(b"..", 1))
    return b" ".join((word, shown, *mode)) + b"\n"
