"""Which paths of a tree are meant: werf's path matchers.

A matcher answers two questions about a path relative to the repository's root ("" is the root):

* ``matches``: the path is selected; for a directory, with everything below it.
* ``descends``: the directory is not selected as a whole, but something below it may be.

A glob also matches everything below a directory that it matches, and its trailing ``*`` and
``**`` segments may be left out: ``src/**/*`` matches ``src``.
Source: spec/werf-behaviour.md, section 5.4.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from exporter.git import doublestar
from exporter.git.doublestar import clean, compile_cover, split_path, trim_universal
from exporter.value import dataclass


class PathMatcher(Protocol):
    """Selects paths of a tree."""

    def matches(self, path: str) -> bool:
        """Whether the path is selected, with everything below it."""
        ...

    def descends(self, path: str) -> bool:
        """Whether the path itself is not, but something below it may be selected."""
        ...


def path_matcher(
    *,
    base: str = "",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    also: Iterable[PathMatcher] = (),
) -> PathMatcher:
    """A matcher of the paths below ``base`` that satisfy all of the conditions.

    Args:
        base: Directory (or file) to which ``include`` and ``exclude`` are relative, and ``also``.
        include: Globs; when there are any, a path must match one of them.
        exclude: Globs; a path must match none of them.
        also: Further matchers, of paths relative to ``base``.
    """
    matchers: list[PathMatcher] = []
    if include:
        matchers.append(Include(include))
    if exclude:
        matchers.append(Exclude(exclude))
    matchers.extend(also)
    inner: PathMatcher
    if not matchers:
        inner = AllPaths()
    elif len(matchers) == 1:
        inner = matchers[0]
    else:
        inner = Every(matchers)
    return Below(base, inner) if clean(base) else inner


def may_hold(matcher: PathMatcher, path: str) -> bool:
    """Whether the path or something below it may be selected."""
    return matcher.matches(path) or matcher.descends(path)


@dataclass(frozen=True, slots=True)
class AllPaths:
    """Selects every path."""

    def matches(self, path: str) -> bool:  # noqa: ARG002 - the answer is the same for all
        """Yes."""
        return True

    def descends(self, path: str) -> bool:  # noqa: ARG002 - the answer is the same for all
        """No: the root is selected as a whole."""
        return False


@dataclass(frozen=True, slots=True)
class NoPaths:
    """Selects no path."""

    def matches(self, path: str) -> bool:  # noqa: ARG002 - the answer is the same for all
        """No."""
        return False

    def descends(self, path: str) -> bool:  # noqa: ARG002 - the answer is the same for all
        """No."""
        return False


class Include:
    """Selects what matches at least one glob."""

    __slots__ = ("_covered", "globs")

    def __init__(self, globs: Iterable[str]) -> None:
        self.globs = tuple(clean(glob) for glob in globs)
        self._covered = compile_cover(self.globs)

    def matches(self, path: str) -> bool:
        """Whether one of the globs selects the path."""
        return self._covered.match(clean(path)) is not None

    def descends(self, path: str) -> bool:
        """Whether the path uses up only a part of a glob, and no rest is universal."""
        if any(map(_is_universal, self.globs)):
            return False
        in_progress, _ = _consume(clean(path), self.globs)
        return bool(in_progress) and not any(map(_is_universal, in_progress))


class Exclude:
    """Selects what matches none of the globs."""

    __slots__ = ("_covered", "globs")

    def __init__(self, globs: Iterable[str]) -> None:
        self.globs = tuple(clean(glob) for glob in globs)
        self._covered = compile_cover(self.globs)

    def matches(self, path: str) -> bool:
        """Whether no glob selects the path."""
        return self._covered.match(clean(path)) is None

    def descends(self, path: str) -> bool:
        """Whether something below the path may be excluded, but not the path as a whole."""
        if not self.globs or any(map(_is_universal, self.globs)):
            return False
        in_progress, finished = _consume(clean(path), self.globs)
        return not finished and bool(in_progress) and not any(map(_is_universal, in_progress))


class Every:
    """Selects what all of several matchers select."""

    __slots__ = ("matchers",)

    def __init__(self, matchers: Iterable[PathMatcher]) -> None:
        self.matchers = tuple(matchers)

    def matches(self, path: str) -> bool:
        """Whether all select the path."""
        return all(matcher.matches(path) for matcher in self.matchers)

    def descends(self, path: str) -> bool:
        """Whether one wants to look below the path, and the others do not object."""
        wanted = False
        for matcher in self.matchers:
            if matcher.descends(path):
                wanted = True
            elif not matcher.matches(path):
                return False
        return wanted


class Below:
    """Selects, below a base, what an inner matcher of paths relative to the base selects."""

    __slots__ = ("base", "inner")

    def __init__(self, base: str, inner: PathMatcher) -> None:
        self.base = clean(base)
        self.inner = inner

    def matches(self, path: str) -> bool:
        """Whether the path is the base or below it, and the inner matcher selects it."""
        path = clean(path)
        if not _is_at_or_below(path, self.base):
            return False
        return self.inner.matches(_relative(path, self.base))

    def descends(self, path: str) -> bool:
        """Whether the path leads to the base, or the inner matcher wants to look below it."""
        path = clean(path)
        if path != self.base and _is_at_or_below(self.base, path):
            return True
        if not _is_at_or_below(path, self.base):
            return False
        return self.inner.descends(_relative(path, self.base))


def _is_universal(glob: str) -> bool:
    return glob == "." or not trim_universal(glob)


def _consume(path: str, globs: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Walk the path's segments through the globs.

    Returns:
        The rests of the globs that are not used up, and the globs that the last segment used up.
    """
    finished: list[str] = []
    for segment in split_path(path):
        if not globs:
            break
        rests: list[str] = []
        finished = []
        for glob in globs:
            head, *tail = _glob_segments(glob)
            if not _segment_matches(head, segment):
                continue
            if "**" in head:
                rests.append(glob)
            elif tail:
                rests.append("/".join(tail))
            else:
                finished.append(glob)
        globs = rests
    return globs, finished


@lru_cache(maxsize=4096)
def _glob_segments(glob: str) -> tuple[str, ...]:
    return tuple(split_path(glob)) or ("",)


def _segment_matches(head: str, segment: str) -> bool:
    try:
        return doublestar.match(head, segment)
    except doublestar.BadPatternError:
        return True  # a slash inside braces: looking below costs time only


def _is_at_or_below(path: str, base: str) -> bool:
    return not base or path == base or path.startswith(base + "/")


def _relative(path: str, base: str) -> str:
    return path[len(base) :].lstrip("/") if base else path
