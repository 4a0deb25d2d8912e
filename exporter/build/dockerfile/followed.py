"""Links on the way to what a build uses: BuildKit leaves it to us to send what they lead to.

The builder follows a link that a path of ``COPY`` names or goes through; it must find the target.
Wildcards are taken for more than they match, which is harmless: more is told than needed.
"""

from collections.abc import Iterable, Iterator, Mapping
from posixpath import dirname, join

from exporter.build.dockerfile.request import BuildContext
from exporter.buildkit.files import WILDCARD, Wanted
from exporter.git.doublestar import clean
from exporter.git.path_match import may_hold

_MAX_LINKS = 255
_ANY_DEPTH = "**"


def follow(context: BuildContext, own: Mapping[str, str | None], wanted: Wanted) -> Wanted:
    """What is wanted, and what the links on the way lead to.

    Args:
        context: The files of the commit.
        own: Paths that are not taken from the commit, with the target when they are links.
        wanted: Paths in the context.
    """
    if wanted.is_all or any(_ANY_DEPTH in each for each in wanted.patterns):
        return Wanted()
    follower = _Follower(context, own)
    for pattern in wanted.patterns:
        follower.follow(pattern)
    return Wanted((*wanted.patterns, *follower.found))


def names_below(paths: Iterable[str]) -> dict[str, set[str]]:
    """The names in every directory on the way to some paths."""
    found: dict[str, set[str]] = {}
    for path in paths:
        inside = path
        while inside:
            above, _, name = inside.rpartition("/")
            found.setdefault(above, set()).add(name)
            inside = above
    return found


class _Follower:
    """Walks along patterns, part by part."""

    def __init__(self, context: BuildContext, own: Mapping[str, str | None]) -> None:
        self._context = context
        self._matcher = context.matcher()
        self._own = own
        self._below = names_below(own)
        self._seen: set[tuple[str, tuple[str, ...]]] = set()
        self.found: set[str] = set()

    def follow(self, pattern: str) -> None:
        """Add what a pattern leads to through links; directories on the way are none themselves."""
        pending = [("", _parts(pattern), 0)]
        while pending:
            directory, parts, links = pending.pop()
            if (directory, parts) in self._seen or links > _MAX_LINKS:
                continue
            self._seen.add((directory, parts))
            if not parts:
                self.found.add(directory)
                continue
            part, rest = parts[0], parts[1:]
            if part == "..":
                pending.append((dirname(directory), rest, links))
                continue
            for name in self._names(directory, part):
                path = join(directory, name)
                target = self._target(path)
                if target is not None:
                    self.found.add(path)
                    start = "" if target.startswith("/") else directory
                    pending.append((start, _parts(target) + rest, links + 1))
                elif not rest or self._may_enter(path):
                    pending.append((path, rest, links))

    def _names(self, directory: str, part: str) -> Iterator[str]:
        """The names in a directory that a part of a pattern may mean."""
        wildcard = WILDCARD.search(part)
        if wildcard is None:
            yield part
            return
        start = part[: wildcard.start()]
        children = self._context.tree.children(self._committed(directory))
        names = {each.path.rpartition("/")[2] for each in children}
        for name in names | self._below.get(directory, set()):
            if name.startswith(start):
                yield name

    def _target(self, path: str) -> str | None:
        """Where a link leads; None for anything else."""
        if path in self._own or path in self._below:
            return self._own.get(path)
        tree = self._context.tree
        found = tree.entry(self._committed(path))
        if found is None or not found.is_link:
            return None
        return tree.read_blob(found).decode("utf-8", "surrogateescape")

    def _may_enter(self, path: str) -> bool:
        """Whether anything in a directory can be in the context."""
        return path in self._below or may_hold(self._matcher, self._committed(path))

    def _committed(self, path: str) -> str:
        return clean(join(self._context.directory, path))


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part not in ("", "."))
