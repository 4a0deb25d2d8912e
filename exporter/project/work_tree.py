"""Files of the work tree: look-up through links that stay inside it, and globs.

Paths are relative to the project's directory, with slashes.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from posixpath import join, normpath

from exporter.errors import GiterminismError
from exporter.git.doublestar import literal_prefix
from exporter.git.path_match import PathMatcher, may_hold, path_matcher
from exporter.project.file_errors import not_in_directory

_MAX_LINKS = 100


class WorkTree:
    """A project's directory inside a git work tree."""

    def __init__(self, project_dir: Path, *, top: Path) -> None:
        """Take the project's directory and the top of the work tree, both absolute."""
        self.project_dir = project_dir
        self.top = top

    def absolute(self, path: str) -> Path:
        """The path in the file system, links not followed."""
        return Path(normpath(join(self.project_dir, path.lstrip("/"))))

    def resolve(self, path: str, *, on_link: Callable[[str], None] | None = None) -> str:
        """The path after following links, all of which stay in the work tree.

        Args:
            path: What to look up.
            on_link: Called with the target of each link before it is followed; may raise.

        Raises:
            NotFoundError: Nothing is there, or a link leaves the work tree.
            GiterminismError: Links lead in a circle.
        """
        return self._resolve(path, on_link, [_MAX_LINKS])

    def is_file(self, path: str) -> bool:
        """Whether the path leads to a regular file inside the work tree."""
        mode = self._mode(path)
        return mode is not None and stat.S_ISREG(mode)

    def is_directory(self, path: str) -> bool:
        """Whether the path leads to a directory inside the work tree."""
        mode = self._mode(path)
        return mode is not None and stat.S_ISDIR(mode)

    def exists(self, path: str) -> bool:
        """Whether the path leads to anything inside the work tree."""
        return self._mode(path) is not None

    def read(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            NotFoundError: It is not there, or a link leaves the work tree.
            GiterminismError: It cannot be read, such as a directory.
        """
        file = self.absolute(self.resolve(path))
        try:
            return file.read_bytes()
        except OSError as error:
            reason = (error.strerror or "").lower()
            raise GiterminismError(f'unable to read file "{path}": {reason}') from error

    def glob(self, directory: str, pattern: str, *, skip: Callable[[str], bool]) -> list[str]:
        """Files below a directory that a glob selects; links to directories are followed.

        Args:
            directory: Where to look.
            pattern: Relative to the directory.
            skip: Tells of a path, links resolved, that it and all below it are not wanted.

        Returns:
            Paths relative to the project, as they were reached.
        """
        prefix, rest = literal_prefix(pattern)
        base = _clean(join(directory, prefix))
        matcher = path_matcher(base=base, include=[rest])
        if self.is_file(base):
            return [base] if not skip(base) and matcher.matches(base) else []
        return list(self._walk(base, matcher, skip, [_MAX_LINKS]))

    def _walk(
        self, base: str, matcher: PathMatcher, skip: Callable[[str], bool], budget: list[int]
    ) -> Iterator[str]:
        if not may_hold(matcher, base) or not self.is_directory(base) or skip(base):
            return
        resolved = self.resolve(base)
        pending = [resolved]
        while pending:
            directory = pending.pop()
            below: list[str] = []
            for entry in sorted(os.scandir(self.absolute(directory)), key=lambda each: each.name):
                real = _clean(join(directory, entry.name))
                path = _clean(join(base, real[len(resolved) :].lstrip("/")))
                if not may_hold(matcher, path) or skip(real):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    below.append(real)
                elif entry.is_symlink() and self.is_directory(path):
                    yield from self._walk(path, matcher, skip, self._spend(budget, path))
                elif entry.is_symlink() and not self.exists(path):
                    raise not_in_directory(path)
                elif matcher.matches(path):
                    yield path
            pending.extend(reversed(below))

    def _mode(self, path: str) -> int | None:
        try:
            return self.absolute(self.resolve(path)).lstat().st_mode
        except (GiterminismError, OSError):
            return None

    def _resolve(self, path: str, on_link: Callable[[str], None] | None, budget: list[int]) -> str:
        resolved = ""
        for part in _clean(path.lstrip("/")).split("/"):
            step = _clean(join(resolved, part))
            here = self.absolute(step)
            try:
                is_link = stat.S_ISLNK(here.lstat().st_mode)
            except OSError as error:
                raise not_in_directory(step) from error
            if not is_link:
                resolved = step
                continue
            goal = Path(normpath(here.parent / here.readlink()))
            if goal != self.top and self.top not in goal.parents:
                raise not_in_directory(str(goal))
            relative = os.path.relpath(goal, self.project_dir)
            if on_link is not None:
                on_link(relative)
            resolved = self._resolve(relative, on_link, self._spend(budget, path))
        return resolved

    @staticmethod
    def _spend(budget: list[int], path: str) -> list[int]:
        budget[0] -= 1
        if budget[0] < 0:
            raise GiterminismError(f'"{path}" leads through too many symbolic links')
        return budget


def _clean(path: str) -> str:
    cleaned = normpath(path)
    return "" if cleaned == "." else cleaned
