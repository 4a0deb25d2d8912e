"""Which files of a repository a git mapping takes, and what they are called at its destination.

Source: spec/werf-behaviour.md, section 11.1 and 11.2.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from posixpath import basename, dirname

from exporter.git.doublestar import clean
from exporter.git.path_match import Every, PathMatcher, path_matcher
from exporter.git.trees import CommitTree


@dataclass(frozen=True, kw_only=True)
class GitMapping:
    """The file part of a ``git:`` item.

    ``add`` is relative to the repository's root, a leading slash means nothing; ``include`` and
    ``exclude`` are globs relative to ``add``; ``to`` is a path in the image.
    """

    add: str = ""
    to: str = "/"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @cached_property
    def source(self) -> str:
        """``add`` as a path in the tree, "" for the whole repository."""
        return clean(self.add).lstrip("/")

    @cached_property
    def matcher(self) -> PathMatcher:
        """Selects the files of the mapping."""
        return path_matcher(base=self.source, include=self.include, exclude=self.exclude)

    def is_directory(self, tree: CommitTree) -> bool:
        """Whether ``add`` is a directory or submodule in the commit; otherwise it is one file."""
        found = tree.entry(self.source)
        return found is not None and found.is_directory

    def naming(self, tree: CommitTree) -> "Naming":
        """How the mapping's paths are called, given what ``add`` is in the commit."""
        if self.is_directory(tree):
            return Naming(base=self.source)
        renames = {}
        if basename(self.source) != basename(self.to):
            renames[self.source] = basename(self.to)
        return Naming(base=dirname(self.source), renames=renames)


def dependencies_checksum(
    tree: CommitTree, mapping: GitMapping, globs: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """The checksum of a stage's ``stageDependencies``, and the globs that select nothing.

    64 hexadecimal digits: SHA-256 over the tree checksums of each glob; "" without globs.
    """
    if not globs:
        return "", ()
    digest = hashlib.sha256()
    missing: list[str] = []
    for glob in globs:
        matcher = Every((mapping.matcher, path_matcher(base=mapping.source, include=(glob,))))
        checksum = tree.checksum(mapping.source, matcher)
        digest.update(checksum.encode())
        if not checksum:
            missing.append(glob)
    return digest.hexdigest(), tuple(missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Paths of the tree as paths below the destination directory.

    ``base`` is cut off; ``renames`` gives a single file the name that ``to`` ends in.
    """

    base: str
    renames: dict[str, str] | None = None

    def __call__(self, path: str) -> str:
        """The path below the destination directory."""
        if self.renames and path in self.renames:
            return self.renames[path]
        return path[len(self.base) :].lstrip("/") if self.base else path
