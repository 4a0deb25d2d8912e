"""Symbolic links on the way to a source: ``COPY`` follows them, werf's digest does not.

Links are resolved as BuildKit does, inside the context: an absolute target starts at the context's
root, and ``..`` does not lead out of it.
"""

from collections import deque
from collections.abc import Iterator
from posixpath import join

from exporter.errors import GitError
from exporter.git import doublestar
from exporter.git.doublestar import clean, split_path
from exporter.git.trees import CommitTree

_MOST_LINKS = 255


def linked_paths(tree: CommitTree, directory: str, source: str) -> Iterator[str]:
    """Where the links that a source of ``COPY`` goes through lead, relative to the context.

    Args:
        tree: The commit.
        directory: The context in it.
        source: Relative to the context; may be a glob.

    Yields:
        Nothing for a source without links, nor for a link to nothing.

    Raises:
        GitError: Links lead in a circle.
    """
    segments = split_path(source)
    literal = 0
    while literal < len(segments) and not doublestar.is_glob(segments[literal]):
        literal += 1
    prefix = "/".join(segments[:literal])
    resolved = follow(tree, directory, prefix)
    if resolved is None:
        return
    if resolved != clean(prefix):
        yield resolved
    elif literal < len(segments):
        for path in _matches(tree, directory, resolved, segments[literal:]):
            target = follow(tree, directory, path)
            if target is not None and target != path:
                yield target


def follow(tree: CommitTree, directory: str, path: str) -> str | None:
    """The path after following all links, relative to the context; None when there is nothing.

    Raises:
        GitError: Links lead in a circle.
    """
    rest = deque(split_path(path))
    resolved: list[str] = []
    links = 0
    while rest:
        segment = rest.popleft()
        if segment in ("", "."):
            continue
        if segment == "..":
            resolved = resolved[:-1]
            continue
        entry = tree.entry(clean(join(directory, *resolved, segment)))
        if entry is None:
            return None
        if not entry.is_link:
            resolved.append(segment)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise GitError(f"'{path}' leads through too many symbolic links")
        target = tree.read_blob(entry).decode("utf-8", "surrogateescape")
        if target.startswith("/"):
            resolved = []
        rest.extendleft(reversed(target.split("/")))
    return "/".join(resolved)


def _matches(tree: CommitTree, directory: str, base: str, globs: list[str]) -> Iterator[str]:
    """The paths that the segments match; directories behind links are not looked into."""
    glob, *rest = globs
    for child in tree.children(clean(join(directory, base))):
        name = child.path.rpartition("/")[2]
        if not doublestar.match(glob, name):
            continue
        path = f"{base}/{name}" if base else name
        if rest:
            yield from _matches(tree, directory, path, rest)
        else:
            yield path
