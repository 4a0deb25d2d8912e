"""The project's files under giterminism: from the commit, or from the work tree where allowed.

Strictly, a file is read from the commit, and must not differ in the work tree.
What werf-giterminism.yaml accepts, and with ``--loose-giterminism`` everything, is read from the
work tree. With ``--dev`` the commit is made of the work tree (spec section 7.2).
"""

import posixpath
from collections.abc import Callable, Iterable
from functools import cached_property

from exporter.errors import GiterminismError
from exporter.git.doublestar import clean
from exporter.git.path_match import PathMatcher, may_hold, path_matcher
from exporter.git.repository import Repository
from exporter.git.status import Status, SubmoduleStatus, read_status
from exporter.git.trees import CommitTree
from exporter.gotemplate.values import from_bytes
from exporter.project.file_errors import (
    NotAcceptedError,
    NotFoundError,
    SubmoduleUncommittedError,
    SubmoduleUntrackedError,
    UncommittedError,
    UntrackedError,
    doing,
    not_in_directory,
    not_in_repository,
)
from exporter.project.work_tree import WorkTree
from exporter.value import dataclass


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that was read: its path or name, and its bytes."""

    path: str
    content: bytes


class ProjectFiles:
    """Reads a project's files; all paths are relative to the project's directory.

    ``accepted`` matchers say which paths are to be read from the work tree.
    """

    def __init__(
        self, repository: Repository, work_tree: WorkTree, *, loose: bool, dev: bool
    ) -> None:
        """Take the repository at the commit to read from, and the work tree.

        Args:
            repository: With ``dev``, the one whose head is made of the work tree.
            work_tree: The project in the file system.
            loose: Everything is read from the work tree.
            dev: The status is not looked at.
        """
        self.repository = repository
        self.work_tree = work_tree
        self.loose = loose
        self.dev = dev
        self._project = repository.location.project

    @cached_property
    def tree(self) -> CommitTree:
        """The commit's files."""
        return self.repository.tree()

    @cached_property
    def status(self) -> Status:
        """What is not committed; nothing with ``dev``."""
        return Status() if self.dev else read_status(self.repository)

    def read(self, path: str, *, accepted: PathMatcher) -> bytes:
        """The content of a file.

        Raises:
            NotFoundError: It is not there.
            UntrackedError: It is not committed.
            UncommittedError: It differs from the commit.
            GiterminismError: It may not be read for another reason.
        """
        if self.loose or accepted.matches(path):
            self._check_work_tree(path, accepted, self.work_tree.is_file)
            return self.work_tree.read(path)
        self._check_commit(path)
        in_commit = self._in_repository(path)
        if not in_commit:
            raise GiterminismError("unable to get tree entry .")
        if self.tree.is_directory(in_commit):
            raise GiterminismError(f'"{path}" is a directory, not a file')
        return self.tree.read_file(in_commit)

    def exists_anywhere(self, path: str) -> bool:
        """Whether it is a file of the work tree, or, unless loose, of the commit."""
        if self.work_tree.is_file(path):
            return True
        return not self.loose and self.tree.is_file(self._in_repository(path))

    def is_readable(self, path: str, *, accepted: PathMatcher, test: Callable[[str], bool]) -> bool:
        """Whether a path could be read and passes a test in the work tree.

        Missing, untracked, uncommitted and not accepted paths are not readable.

        Raises:
            GiterminismError: It cannot be told.
        """
        try:
            if self.loose or accepted.matches(path):
                self._check_work_tree(path, accepted, test)
            else:
                self._check_commit(path)
        except (NotFoundError, UntrackedError, UncommittedError, NotAcceptedError):
            return False
        return test(path)

    def glob(self, directory: str, pattern: str, *, accepted: PathMatcher) -> list[ConfigFile]:
        """The files below a directory that a glob selects, with paths relative to the directory.

        Raises:
            UntrackedError: Some of them are not committed.
            UncommittedError: Some of them differ from the commit.
            GiterminismError: One may not be read for another reason.
        """
        files: list[ConfigFile] = []
        untracked: list[str] = []
        uncommitted: list[str] = []
        for path in self._selected(directory, pattern, accepted):
            try:
                content = self.read(path, accepted=accepted)
            except UntrackedError:
                untracked.append(path)
            except UncommittedError:
                uncommitted.append(path)
            else:
                files.append(ConfigFile(_relative(path, directory), content))
        if untracked and not self.loose:
            raise UntrackedError(untracked)
        if uncommitted and not self.loose:
            raise UncommittedError(uncommitted)
        return files

    def check_status(self, matcher: PathMatcher) -> None:
        """Refuse selected paths that are not committed; paths relative to the repository's top.

        Raises:
            UntrackedError: Some are untracked; only these are reported.
            UncommittedError: Some differ.
        """
        selected = self.status.of(matcher)
        if selected.untracked:
            raise UntrackedError([self._in_project(path) for path in selected.untracked])
        if selected.files:
            raise UncommittedError([self._in_project(each.path) for each in selected.files])
        for submodule in selected.submodules:
            _check_submodule(submodule, self._in_project(submodule.path))

    def _selected(self, directory: str, pattern: str, accepted: PathMatcher) -> Iterable[str]:
        skip = self._skipping(accepted)
        found = self.work_tree.glob(directory, pattern, skip=skip)
        if self.loose:
            return found
        committed = (
            self._in_project(path)
            for path in self.tree.glob(self._in_repository(directory), pattern)
        )
        return dict.fromkeys((*found, *committed))

    def _skipping(self, accepted: PathMatcher) -> Callable[[str], bool]:
        """What a walk through the work tree leaves out: all that the commit has as it is."""

        def skip(path: str) -> bool:
            if posixpath.basename(path) == ".git":
                return True
            if self.loose:
                return False
            paths = {path, self.work_tree.resolve(path)}
            if any(may_hold(accepted, each) for each in paths):
                return False
            return not any(self._is_changed(each) for each in paths)

        return skip

    def _is_changed(self, path: str) -> bool:
        return bool(self.status.of(path_matcher(base=self._in_repository(path))))

    def _check_work_tree(
        self, path: str, accepted: PathMatcher, test: Callable[[str], bool]
    ) -> None:
        if self.loose:
            if not test(path):
                raise not_in_directory(path)
            return

        def check_link(goal: str) -> None:
            if not accepted.matches(goal):
                raise GiterminismError(
                    f'the link target "{goal}" should be also accepted by giterminism config'
                )

        with doing(f'accepted file "{path}" check failed'):
            self.work_tree.resolve(path, on_link=check_link)

    def _check_commit(self, path: str) -> None:
        in_repository = self._in_repository(path)
        self.check_status(path_matcher(base=in_repository))
        tree = self.tree
        if tree.entry(in_repository) is None and not tree.is_file(in_repository):
            raise not_in_repository(path)

        def check_link(goal: str) -> None:
            self.check_status(path_matcher(base=goal))

        with doing(f'symlink "{path}" check failed'):
            if tree.resolve(in_repository, on_link=check_link) is None:
                raise GiterminismError(
                    f'commit tree entry "{self._goal(in_repository)}" not found in the repository'
                )

    def _goal(self, path: str) -> str:
        """Where a link of the commit that leads to nothing points."""
        found = self.tree.entry(path)
        if found is None or not found.is_link:
            return path
        goal = from_bytes(self.tree.read_blob(found))
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), goal))

    def _in_repository(self, path: str) -> str:
        return clean(posixpath.join(self._project, path.lstrip("/")))

    def _in_project(self, path: str) -> str:
        return posixpath.relpath(path, self._project) if self._project else path


def _relative(path: str, directory: str) -> str:
    return posixpath.relpath(path, directory or ".")


def _check_submodule(status: SubmoduleStatus, path: str) -> None:
    for change in (status.staged, status.unstaged):
        match change and change.name:
            case "ADDED":
                raise SubmoduleUncommittedError(f'the added submodule "{path}" must be committed')
            case "DELETED":
                raise SubmoduleUncommittedError(f'the deleted submodule "{path}" must be committed')
            case "MODIFIED" if status.untracked:
                raise SubmoduleUntrackedError(path)
            case "MODIFIED" if status.modified:
                raise SubmoduleUncommittedError(
                    f'the submodule "{path}" has uncommitted changes that must be discarded or'
                    " committed (do not forget to push new changes to the submodule remote)",
                    remedy="",
                )
            case "MODIFIED" if status.commit_changed:
                raise SubmoduleUncommittedError(
                    f'the submodule "{path}" is not clean and must be committed. Do not forget to'
                    " push the current commit to the submodule remote if this commit exists only"
                    " locally"
                )
            case _:
                pass
