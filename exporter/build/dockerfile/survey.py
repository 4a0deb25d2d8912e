"""The directories of a context that may differ from what is remembered, with their files."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from posixpath import dirname, join
from typing import NamedTuple

from exporter.build.dockerfile.remembered import Folder, Remembered
from exporter.build.dockerfile.request import BuildContext
from exporter.buildkit.files import Wanted
from exporter.git.archive import archive_entries
from exporter.git.attributes import Attributes
from exporter.git.doublestar import clean
from exporter.git.path_match import may_hold
from exporter.git.trees import LINK, Entry

_ATTRIBUTES = ".gitattributes"


class File(NamedTuple):
    """A file or link of the commit.

    ``state`` tells it from every other: mode, object id, conversion, size and time, by spaces.
    The time is that of the commit with which it was first seen.
    """

    entry: Entry
    state: str
    target: bytes = b""

    @property
    def content(self) -> str:
        """What tells the content from others: object id and conversion."""
        return self.state.partition(" ")[2].rsplit(" ", 2)[0]

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return int(self.state.split(" ")[-2])

    @property
    def seconds(self) -> int:
        """The time, since the epoch."""
        return int(self.state.rpartition(" ")[2])


class Looked(NamedTuple):
    """A directory that was looked into; ``tree`` and ``attributes`` as in `Folder`."""

    tree: str = ""
    attributes: str = ""
    files: Mapping[str, File] = {}
    directories: Collection[str] = ()


def rules_of(context: BuildContext, wanted: Wanted) -> str:
    """What holds for all files: what is ignored, what is wanted, and the attributes above."""
    ignored = [f"{'!' * each.is_exception}{each.text}" for each in context.ignore.patterns]
    above: list[str] = []
    directory = context.directory
    while directory:
        directory = dirname(directory)
        found = context.tree.entry(clean(join(directory, _ATTRIBUTES)))
        above.append("" if found is None else found.object_id)
    text = "\0".join([*ignored, "", *above, "", *wanted.paths])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def survey(
    context: BuildContext, wanted: Wanted, known: Remembered, own: Iterable[str]
) -> dict[str, Looked]:
    """Look into every directory that is not as remembered, and into those that hold ``own`` paths.

    The own paths are left out: what is there does not come from the commit.
    """
    return _Survey(context, wanted, known, frozenset(own)).run()


class _Pending(NamedTuple):
    """A file whose size is not known yet; its state is without size and time."""

    entry: Entry
    state: str
    is_converted: bool


class _Survey:
    """One walk, level by level from the top."""

    def __init__(
        self, context: BuildContext, wanted: Wanted, known: Remembered, own: Collection[str]
    ) -> None:
        self._context = context
        self._tree = context.tree
        self._wanted = wanted
        self._known = known
        self._own = own
        self._above_own = {"", *(above for path in own for above in _above(path))}
        self._matcher = context.matcher()
        self._attributes = Attributes(context.tree)
        self._converted_anew: set[str] = set()
        self._seconds = int(context.tree.commit.committer_time.timestamp())
        self._pending: list[tuple[dict[str, File], str, _Pending]] = []

    def run(self) -> dict[str, Looked]:
        found: dict[str, Looked] = {}
        root = self._tree.entry(self._context.directory)
        level = [root] if root is not None and may_hold(self._matcher, root.path) else []
        while level:
            entered = [each for each in level if each.is_directory and not self._is_same(each)]
            self._tree.load(entered)
            level = []
            for directory in entered:
                path = self._context.inside(directory.path)
                found[path], below = self._look(directory, path)
                level += below
        self._measure()
        return found

    def _look(self, directory: Entry, path: str) -> tuple[Looked, list[Entry]]:
        children = self._tree.children_of(directory)
        attributes = next((each.object_id for each in children if _is_attributes(each)), "")
        known = self._known.folders.get(path)
        self._compare(path, attributes, known)
        states = dict(known.states()) if known is not None else {}
        files: dict[str, File] = {}
        below: list[Entry] = []
        for child in children:
            inside = self._context.inside(child.path)
            if inside in self._own or not self._wanted.holds(inside):
                continue
            if child.is_directory:
                if may_hold(self._matcher, child.path):
                    below.append(child)
            elif self._matcher.matches(child.path):
                self._add(files, child, states)
        looked = Looked(
            tree=_identity(directory),
            attributes=attributes,
            files=files,
            directories=[_name(each) for each in below],
        )
        return looked, below

    def _add(self, files: dict[str, File], child: Entry, states: Mapping[str, str]) -> None:
        name = _name(child)
        conversion = self._attributes.conversion(child)
        told = str(conversion or "").replace("/", "|").replace(" ", "")
        state = f"{child.mode:o} {child.object_id} {told}"
        before = states.get(name, "")
        if before.startswith(f"{state} ") and not child.is_link:
            files[name] = File(child, before)
            return
        files[name] = File(child, state)
        pending = _Pending(child, state, is_converted=conversion is not None)
        self._pending.append((files, before, pending))

    def _measure(self) -> None:
        """Find out the sizes of files and the targets of links."""
        plain: dict[str, list[Entry]] = {}
        read: list[Entry] = []
        for _, _, each in self._pending:
            if each.is_converted or each.entry.is_link:
                read.append(each.entry)
            else:
                plain.setdefault(each.entry.module, []).append(each.entry)
        sizes: dict[str, int] = {}
        for entries in plain.values():
            ids = [each.object_id for each in entries]
            store = self._tree.module_of(entries[0]).store
            sizes |= zip(ids, store.sizes(ids), strict=True)
        contents: dict[str, bytes] = {}
        converted: dict[str, int] = {}
        for file in archive_entries(self._tree, sorted(read, key=lambda each: each.module)):
            converted[file.path] = file.size
            if file.mode == LINK:
                contents[file.path] = file.read()
        for files, before, (entry, state, _) in self._pending:
            size = converted.get(entry.path, sizes.get(entry.object_id, 0))
            seconds = before.rpartition(" ")[2] if before.startswith(f"{state} ") else ""
            files[_name(entry)] = File(
                entry, f"{state} {size} {seconds or self._seconds}", contents.get(entry.path, b"")
            )

    def _is_same(self, directory: Entry) -> bool:
        path = self._context.inside(directory.path)
        known = self._known.folders.get(path)
        return (
            known is not None
            and known.tree == _identity(directory)
            and path not in self._above_own
            and dirname(path) not in self._converted_anew
        )

    def _compare(self, path: str, attributes: str, known: Folder | None) -> None:
        """Other attributes hold for everything below."""
        before = known.attributes if known is not None else ""
        if attributes != before or (path and dirname(path) in self._converted_anew):
            self._converted_anew.add(path)


def _identity(directory: Entry) -> str:
    return f"{directory.mode:o} {directory.object_id}"


def _name(entry: Entry) -> str:
    return entry.path.rpartition("/")[2]


def _is_attributes(entry: Entry) -> bool:
    return entry.is_file and _name(entry) == _ATTRIBUTES


def _above(path: str) -> Iterator[str]:
    while path:
        path = dirname(path)
        yield path
