"""What of a context differs from its index: only directories that may differ are looked into."""

import hashlib
from collections.abc import Iterator, Mapping
from posixpath import dirname, join

from exporter.build.dockerfile.kept_index import Folder, Index
from exporter.build.dockerfile.request import BuildContext
from exporter.git.attributes import Attributes
from exporter.git.doublestar import clean
from exporter.git.path_match import may_hold
from exporter.git.trees import Entry
from exporter.value import dataclass

_ATTRIBUTES = ".gitattributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Files by their paths in the context: what to write, what to remove; all directories then.

    The Dockerfile is not among them.
    """

    rules: str
    changed: Mapping[str, Entry]
    gone: tuple[str, ...]
    folders: Mapping[str, Folder]


def changes(context: BuildContext, index: Index) -> Changes:
    """Compare the commit with an index."""
    survey = _Survey(context, index)
    entered = dict(survey.folders())
    kept = {
        path: folder
        for path, folder in index.folders.items()
        if path not in entered and survey.is_below_skipped(path)
    }
    gone = [
        join(path, name)
        for path, folder in index.folders.items()
        if path not in kept
        for name, _ in folder.states()
        if join(path, name) not in survey.files
    ]
    changed = {
        path: entry
        for path, (entry, state) in survey.files.items()
        if survey.known.get(path) != state
    }
    return Changes(
        rules=survey.rules, changed=changed, gone=tuple(gone), folders={**kept, **entered}
    )


class _Survey:
    """One walk, directory by directory from the top; ``known`` are the old states it met."""

    def __init__(self, context: BuildContext, index: Index) -> None:
        self.files: dict[str, tuple[Entry, str]] = {}
        self.known: dict[str, str] = {}
        self.rules = _rules(context)
        self._context = context
        self._index = index
        self._matcher = context.matcher()
        self._skipped: set[str] = set()
        self._converted_anew: set[str] = set()

    def folders(self) -> Iterator[tuple[str, Folder]]:
        """The directories that had to be looked into."""
        tree = self._context.tree
        root = tree.entry(self._context.directory)
        level = [root] if root is not None and may_hold(self._matcher, root.path) else []
        attributes = Attributes(tree)
        while level:
            wanted = [each for each in level if each.is_directory and not self._skips(each)]
            tree.load(wanted)
            level = []
            for directory in wanted:
                children = tree.children_of(directory)
                path = self._path(directory)
                own = next((each.object_id for each in children if _is_attributes(each)), "")
                self._compare(path, own)
                states: dict[str, str] = {}
                for child in children:
                    if child.is_directory:
                        if may_hold(self._matcher, child.path):
                            level.append(child)
                    elif self._matcher.matches(child.path):
                        name = self._path(child)
                        if name == self._context.dockerfile:
                            continue
                        conversion = str(attributes.conversion(child) or "").replace("/", "|")
                        state = f"{child.mode:o} {child.object_id} {conversion}"
                        states[child.path.rpartition("/")[2]] = state
                        self.files[name] = child, state
                yield path, Folder(_identity(directory), own, Folder.joined(states))

    def is_below_skipped(self, path: str) -> bool:
        """Whether a directory was passed over, by itself or with one above it."""
        while path not in self._skipped:
            if not path:
                return False
            path = dirname(path)
        return True

    def _skips(self, directory: Entry) -> bool:
        path = self._path(directory)
        known = self._index.folders.get(path)
        if known is None or known.tree != _identity(directory) or self._index.rules != self.rules:
            return False
        if path and dirname(path) in self._converted_anew:
            return False
        self._skipped.add(path)
        return True

    def _compare(self, path: str, attributes: str) -> None:
        """Take up what the index says; other attributes hold for everything below."""
        known = self._index.folders.get(path)
        if known is not None:
            self.known |= {join(path, name): state for name, state in known.states()}
        before = known.attributes if known is not None else ""
        if attributes != before or (path and dirname(path) in self._converted_anew):
            self._converted_anew.add(path)

    def _path(self, entry: Entry) -> str:
        return entry.path[len(self._context.directory) :].lstrip("/")


def _rules(context: BuildContext) -> str:
    """What holds for all files: what is ignored, and the attributes above the context."""
    ignored = [f"{'!' * each.is_exception}{each.text}" for each in context.ignore.patterns]
    above: list[str] = []
    directory = context.directory
    while directory:
        directory = dirname(directory)
        found = context.tree.entry(clean(join(directory, _ATTRIBUTES)))
        above.append("" if found is None else found.object_id)
    text = "\0".join([*ignored, "", *above])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _identity(directory: Entry) -> str:
    return f"{directory.mode:o} {directory.object_id}"


def _is_attributes(entry: Entry) -> bool:
    return entry.is_file and entry.path.rpartition("/")[2] == _ATTRIBUTES
