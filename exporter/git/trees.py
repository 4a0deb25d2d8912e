"""The tree of a commit: look-up, symbolic links, walks, and the checksum of a selection.

Paths are relative to the repository's root, with slashes, "" is the root.
Submodules are entered as if they were directories, at the commit that the tree records.
Source: spec/werf-behaviour.md, sections 5.4 and 7.2.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from posixpath import dirname, join
from typing import NamedTuple

from exporter.errors import GitError
from exporter.git.commits import Commit
from exporter.git.doublestar import clean, literal_prefix, split_path
from exporter.git.modules import Module, parse_gitmodules
from exporter.git.path_match import AllPaths, Below, PathMatcher, may_hold, path_matcher
from exporter.value import dataclass

DIRECTORY = 0o040000
FILE = 0o100644
EXECUTABLE = 0o100755
LINK = 0o120000
SUBMODULE = 0o160000

_REGULAR = 0o100000
_MAX_LINKS = 255


class Entry(NamedTuple):
    """One entry of a tree: a tuple, since there may be 100,000 of them.

    ``mode`` is git's, ``object_id`` the hash of the blob, the tree, or a submodule's commit.
    ``module`` is the path of the submodule whose objects hold it, "" for the repository itself.
    """

    path: str
    mode: int
    object_id: str
    module: str = ""

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, executable or not."""
        return self.mode & 0o170000 == _REGULAR

    @property
    def is_executable(self) -> bool:
        """Whether it is a regular file with the executable bit."""
        return self.is_file and bool(self.mode & 0o100)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == LINK

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory or a submodule."""
        return self.mode in (DIRECTORY, SUBMODULE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a matcher selects: whole directories where possible, and parts of submodules."""

    entries: tuple[Entry, ...] = ()
    submodules: tuple[tuple[str, "Selection"], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entries or self.submodules)

    @property
    def checksum(self) -> str:
        """The ls-tree checksum: 64 hexadecimal digits, "" when nothing is selected."""
        if not self:
            return ""
        import hashlib  # noqa: PLC0415 - loading a project needs none, and it takes 2 ms

        digest = hashlib.sha256()
        for entry in sorted(self.entries, key=_path_bytes):
            digest.update(entry.object_id.encode())
        for _, selection in sorted(
            self.submodules, key=lambda each: each[0].encode("utf-8", "surrogateescape")
        ):
            digest.update(selection.checksum.encode())
        return digest.hexdigest()


class NotInCommitError(GitError):
    """A path is not in the commit, or is not a file there."""

    def __init__(self, path: str, *, what: str = "not found in the commit") -> None:
        """Name the path."""
        super().__init__(f"'{path}' is {what}")
        self.path = path


class LinkLoopError(GitError):
    """Symbolic links of the commit lead in a circle, or through too many others."""

    def __init__(self, path: str) -> None:
        """Name the path that was looked up."""
        super().__init__(f"'{path}' leads through too many symbolic links")
        self.path = path


class _Directory(NamedTuple):
    """The inside of a directory: its tree, and the module that holds it."""

    module: Module
    tree: str


class CommitTree:
    """The files of one commit; reads what is asked for and keeps the directories it has seen."""

    def __init__(self, commit: Commit, module: Module) -> None:
        self.commit = commit
        self._module = module
        self._modules = {"": module}
        self._names: dict[str, Mapping[str, str]] = {}

    # look-up

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, links not followed; None when there is none."""
        return self._find(path)[0]

    def children(self, path: str) -> tuple[Entry, ...]:
        """The entries of a directory or submodule, in git's order; none for anything else."""
        found = self.entry(path)
        return () if found is None or not found.is_directory else self.children_of(found)

    def children_of(self, directory: Entry) -> tuple[Entry, ...]:
        """The entries of a directory or submodule of this tree, in git's order.

        Raises:
            GitError: It is a submodule that is not checked out.
        """
        return tuple(self._list(self._enter(directory), directory.path))

    def load(self, directories: Iterable[Entry]) -> None:
        """Read directories of this tree together, which is faster than one after the other."""
        by_module: dict[str, list[str]] = {}
        for each in directories:
            if each.mode == DIRECTORY:
                by_module.setdefault(each.module, []).append(each.object_id)
        for module, trees in by_module.items():
            self._modules[module].store.load_trees(trees)

    def is_file(self, path: str) -> bool:
        """Whether the path leads, through links of the commit, to a regular file."""
        found = self._followed(path)
        return found is not None and found.is_file

    def is_directory(self, path: str) -> bool:
        """Whether the path leads, through links of the commit, to a directory or submodule."""
        found = self._followed(path)
        return found is not None and found.is_directory

    def read_file(self, path: str) -> bytes:
        """The committed content of a file, links of the commit followed.

        Raises:
            NotInCommitError: There is no such file.
            LinkLoopError: Links lead in a circle.
        """
        found = self._followed(path)
        if found is None:
            raise NotInCommitError(path)
        if not found.is_file:
            raise NotInCommitError(path, what="a directory in the commit, not a file")
        return self.read_blob(found)

    def read_blob(self, entry: Entry) -> bytes:
        """The content of a file or the target of a link."""
        return self.module_of(entry).store.read_blob(entry.object_id)

    def module_of(self, entry: Entry) -> Module:
        """The module whose objects hold the entry."""
        return self._modules[entry.module]

    def submodule(self, entry: Entry) -> Module:
        """The objects of a submodule of this tree.

        Raises:
            GitError: It is not checked out.
        """
        return self._enter(entry).module

    def resolve(self, path: str, *, on_link: Callable[[str], None] | None = None) -> str | None:
        """The path after following links inside the commit; None when it leads to nothing in it.

        Args:
            path: What to look up.
            on_link: Called with the target of each link before it is followed; may raise.

        Raises:
            LinkLoopError: Links lead in a circle.
        """
        return self._resolve(clean(path).lstrip("/"), on_link=on_link, budget=[_MAX_LINKS])

    # selection

    def select(self, base: str, matcher: PathMatcher) -> Selection:
        """What the matcher selects at and below ``base``, directories as a whole where possible."""
        found, submodules = self._find(base)
        if found is None:
            return Selection()
        selection = self._select(found, matcher)
        for path in reversed(submodules):
            selection = Selection(submodules=((path, selection),)) if selection else selection
        return selection

    def checksum(self, base: str, matcher: PathMatcher) -> str:
        """The checksum of a selection: 64 hexadecimal digits, "" when nothing is selected."""
        return self.select(base, matcher).checksum

    def files(self, base: str = "", matcher: PathMatcher | None = None) -> list[Entry]:
        """The selected files and links at and below ``base``, by path, submodules' files last."""
        found, _ = self._find(base)
        if found is None:
            return []
        wanted = _simplified(matcher or AllPaths(), base=clean(base))
        entries = list(self._walk(found, wanted))
        entries.sort(
            key=lambda each: (each.module.encode("utf-8", "surrogateescape"), _path_bytes(each))
        )
        return entries

    def glob(self, directory: str, pattern: str) -> list[str]:
        """The files below a directory that a glob selects; links to directories are followed.

        Paths are as they were reached, not as links resolve.
        """
        prefix, rest = literal_prefix(pattern)
        base = clean(join(directory, prefix))
        matcher = path_matcher(base=base, include=[rest])
        if self.is_file(base):
            return [base] if matcher.matches(base) else []
        return list(self._glob(base, matcher, budget=[_MAX_LINKS]))

    @cached_property
    def submodules(self) -> tuple[Entry, ...]:
        """The submodules of the repository itself, with the commits that this commit records."""
        if ".gitmodules" not in self._module.store.tree(self.commit.tree):
            return ()
        root = Entry(path="", mode=DIRECTORY, object_id=self.commit.tree)
        found = self._levels(root, AllPaths(), enter_submodules=False)
        return tuple(sorted(each for each in found if each.mode == SUBMODULE))

    # the inside

    def _find(self, path: str) -> tuple[Entry | None, list[str]]:
        """The entry at a path, and the paths of the submodules on the way to it."""
        entry = Entry(path="", mode=DIRECTORY, object_id=self.commit.tree)
        submodules: list[str] = []
        for segment in split_path(path):
            if not entry.is_directory:
                return None, submodules
            if entry.mode == SUBMODULE:
                submodules.append(entry.path)
            directory = self._enter(entry)
            found = directory.module.store.tree(directory.tree).get(segment)
            if found is None:
                return None, submodules
            full_path = f"{entry.path}/{segment}" if entry.path else segment
            entry = Entry(full_path, found[0], found[1], directory.module.path)
        return entry, submodules

    def _enter(self, entry: Entry) -> _Directory:
        """The inside of a directory or submodule."""
        module = self._modules[entry.module]
        if entry.mode != SUBMODULE:
            return _Directory(module=module, tree=entry.object_id)
        relative = entry.path[len(module.path) :].lstrip("/")
        inner = module.submodule(relative, names=lambda: self._submodule_names(module))
        self._modules[entry.path] = inner
        return _Directory(module=inner, tree=self._commit_tree(inner, entry))

    def _commit_tree(self, module: Module, entry: Entry) -> str:
        if not module.store.has(entry.object_id):
            raise GitError(
                f"the submodule '{entry.path}' lacks the commit {entry.object_id} "
                "that the repository records",
                remedy=f"Run 'git submodule update --init --recursive -- {entry.path}'",
            )
        content = module.store.read(entry.object_id).content
        return content[len(b"tree ") : content.index(b"\n")].decode()

    def _submodule_names(self, module: Module) -> Mapping[str, str]:
        """Path to name, as the ``.gitmodules`` of the module's recorded commit says."""
        if module.path not in self._names:
            path = f"{module.path}/.gitmodules" if module.path else ".gitmodules"
            found = self.entry(path)
            names: Mapping[str, str] = {}
            if found is not None and found.is_file:
                listing = module.git.run(
                    "config", "--file", "-", "--list", "-z",
                    stdin=self.read_blob(found),
                    doing=f"read {path}",
                )  # fmt: skip
                names = parse_gitmodules(listing)
            self._names[module.path] = names
        return self._names[module.path]

    def _list(self, directory: _Directory, path: str) -> Iterator[Entry]:
        prefix = f"{path}/" if path else ""
        module = directory.module.path
        for name, (mode, object_id) in directory.module.store.tree(directory.tree).items():
            yield Entry(prefix + name, mode, object_id, module)

    def _select(self, entry: Entry, matcher: PathMatcher) -> Selection:
        """What is selected of one entry and below it."""
        if not entry.is_directory or not matcher.descends(entry.path):
            return Selection(entries=(entry,) if matcher.matches(entry.path) else ())
        directory = self._enter(entry)
        entries: list[Entry] = []
        submodules: list[tuple[str, Selection]] = []
        for child in self._list(directory, entry.path):
            if not child.is_directory:
                if matcher.matches(child.path):
                    entries.append(child)
                continue
            selected = self._select(child, matcher)
            entries.extend(selected.entries)
            submodules.extend(selected.submodules)
        inside = Selection(entries=tuple(entries), submodules=tuple(submodules))
        if entry.mode != SUBMODULE:
            return inside
        # as in werf: parts of nested submodules only count beside something of this one
        return Selection(submodules=((entry.path, inside),)) if inside.entries else Selection()

    def _walk(self, entry: Entry, matcher: PathMatcher) -> Iterator[Entry]:
        """The selected files and links, in no particular order."""
        for found in self._levels(entry, matcher, enter_submodules=True):
            if not found.is_directory:
                yield found

    def _levels(
        self, entry: Entry, matcher: PathMatcher, *, enter_submodules: bool
    ) -> Iterator[Entry]:
        """All entries, level by level, so that the directories of a level are read together."""
        everything = isinstance(matcher, AllPaths)
        level = [entry]
        while level:
            directories: list[Entry] = []
            for each in level:
                if not each.is_directory:
                    if everything or matcher.matches(each.path):
                        yield each
                elif each.mode == SUBMODULE and not enter_submodules:
                    yield each
                elif everything or matcher.matches(each.path) or matcher.descends(each.path):
                    directories.append(each)
            level = []
            self.load(directories)
            for each in directories:
                level.extend(self._list(self._enter(each), each.path))

    def _followed(self, path: str) -> Entry | None:
        resolved = self.resolve(path)
        return None if resolved is None else self.entry(resolved)

    def _resolve(
        self, path: str, *, on_link: Callable[[str], None] | None, budget: list[int]
    ) -> str | None:
        found = self.entry(path)
        if found is not None and not found.is_link:
            return path
        resolved = ""
        for segment in split_path(path):
            step = join(resolved, segment)
            found = self.entry(step)
            if found is None:
                return None
            if not found.is_link:
                resolved = step
                continue
            budget[0] -= 1
            if budget[0] < 0:
                raise LinkLoopError(path)
            link = self.read_blob(found).decode("utf-8", "surrogateescape")
            target = clean(join(dirname(step), link))
            if link.startswith("/") or target == ".." or target.startswith("../"):
                return None
            if on_link is not None:
                on_link(target)
            inner = self._resolve(target, on_link=on_link, budget=budget)
            if inner is None:
                return None
            resolved = inner
        return resolved

    def _leads_to_directory(self, path: str) -> bool:
        try:
            return self.is_directory(path)
        except LinkLoopError:
            return False

    def _glob(self, base: str, matcher: PathMatcher, *, budget: list[int]) -> Iterator[str]:
        if not may_hold(matcher, base):
            return
        resolved = self.resolve(base)
        found = None if resolved is None else self.entry(resolved)
        if resolved is None or found is None or not found.is_directory:
            return
        for each in self.files(resolved):
            path = each.path
            if base != resolved:
                path = clean(join(base, path[len(resolved) :].lstrip("/")))
            if each.is_link and may_hold(matcher, path) and self._leads_to_directory(path):
                budget[0] -= 1
                if budget[0] < 0:
                    raise LinkLoopError(path)
                yield from self._glob(path, matcher, budget=budget)
            elif matcher.matches(path):
                yield path


def tree_checksum(tree: CommitTree, base: str, matcher: PathMatcher) -> str:
    """The checksum of what the matcher selects at and below ``base``; "" for nothing."""
    return tree.checksum(base, matcher)


def _path_bytes(entry: Entry) -> bytes:
    return entry.path.encode("utf-8", "surrogateescape")


def _simplified(matcher: PathMatcher, *, base: str) -> PathMatcher:
    """``AllPaths`` when the matcher says no more than that below ``base``."""
    if isinstance(matcher, Below) and isinstance(matcher.inner, AllPaths):
        inside = not matcher.base or base == matcher.base or base.startswith(matcher.base + "/")
        if inside:
            return AllPaths()
    return matcher
