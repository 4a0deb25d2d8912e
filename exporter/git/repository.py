"""The user's repository: where it is, its head commit, its history, its remote."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from exporter.errors import GitError
from exporter.git.command import Git, plain_words
from exporter.git.commits import Commit, read_commit
from exporter.git.modules import Module
from exporter.git.objects import MissingObjectError
from exporter.git.trees import CommitTree
from exporter.value import dataclass

_NOT_FOUND = 1
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
LFS_POINTER_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a repository is; ``project`` is the opened directory relative to the work tree.

    A repository without a work tree has its git directory in its place, and ``bare``.
    """

    work_tree: Path
    git_dir: Path
    common_dir: Path
    project: str = ""
    bare: bool = False


class Repository:
    """A repository at a commit; a context manager that ends its processes."""

    def __init__(self, location: Location, *, git: Git, head: str = "HEAD") -> None:
        self.location = location
        self.git = git
        self._head_name = head
        self._module = Module(
            git,
            path="",
            work_tree=None if location.bare else location.work_tree,
            git_dir=location.git_dir,
            common_dir=location.common_dir,
        )
        self._trees: dict[str, CommitTree] = {}
        self._ancestry: dict[tuple[str, str], bool] = {}
        self._owned = ExitStack()

    @classmethod
    def open(cls, path: Path, *, env: Mapping[str, str]) -> "Repository":
        """The repository whose work tree holds the directory ``path``.

        Args:
            path: The project's directory, the top of the work tree or below it.
            env: The process environment; what points to other repositories is left out.

        Raises:
            GitError: Not in a repository, a bare one, or git is missing.
        """
        location, git = _locate(path, env=env)
        return cls(location, git=git)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the git processes and remove what only this repository value needed."""
        self._module.close()
        self._owned.close()

    @property
    def work_tree(self) -> Path:
        """The top of the work tree."""
        return self.location.work_tree

    @property
    def module(self) -> Module:
        """The source of the repository's own objects."""
        return self._module

    @cached_property
    def head(self) -> Commit:
        """The commit that everything is taken from.

        Raises:
            GitError: There are no commits yet.
        """
        try:
            return read_commit(self._module.store, self._head_name)
        except MissingObjectError as error:
            raise GitError(
                f"the repository {self.work_tree} has no commits yet",
                remedy="Commit the project's files first",
            ) from error

    def commit(self, name: str) -> Commit:
        """The commit with this hash or revision.

        Raises:
            MissingObjectError: There is none.
        """
        return read_commit(self._module.store, name)

    def has_commit(self, object_id: str) -> bool:
        """Whether the commit is in the repository."""
        return self._module.store.has(f"{object_id}^{{commit}}")

    def tree(self, commit: str | None = None) -> CommitTree:
        """The files of a commit, the head's without an argument; kept for the next call.

        Raises:
            MissingObjectError: There is no such commit.
        """
        found = self.head if commit is None else self.commit(commit)
        return self._trees.setdefault(found.object_id, CommitTree(found, self._module))

    @property
    def is_shallow(self) -> bool:
        """Whether the history was cut off when it was cloned."""
        return (self.location.common_dir / "shallow").is_file()

    @cached_property
    def origin_url(self) -> str | None:
        """The address of the remote ``origin`` as configured; it may hold a password."""
        done = self.git.try_run("config", "--get", "remote.origin.url")
        return done.stdout.decode("utf-8", "surrogateescape").strip() or None

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether ``ancestor`` is ``descendant`` or comes before it; False when it is unknown.

        Raises:
            GitError: git failed.
        """
        if ancestor == descendant:
            return True
        pair = (ancestor, descendant)
        if pair not in self._ancestry:
            self._ancestry[pair] = self.has_commit(ancestor) and self._ask_ancestry(*pair)
        return self._ancestry[pair]

    def _ask_ancestry(self, ancestor: str, descendant: str) -> bool:
        done = self.git.try_run("merge-base", "--is-ancestor", ancestor, descendant)
        if done.returncode not in (0, _NOT_FOUND):
            raise GitError(
                f"cannot compare the commits {ancestor} and {descendant}: "
                f"{plain_words(done.stderr)}"
            )
        return done.returncode == 0

    def unshallow(self) -> None:
        """Fetch the history that a shallow clone lacks, from ``origin``; changes the repository.

        Does nothing when the history is complete.

        Raises:
            GitError: There is no ``origin``, or it cannot be reached.
        """
        if not self.is_shallow:
            return
        remedy = (
            "Check out the full history "
            "(actions/checkout: 'fetch-depth: 0'; GitLab: 'GIT_DEPTH: 0')"
        )
        if self.origin_url is None:
            raise GitError(
                "the clone is shallow and has no remote 'origin' to fetch the history from",
                remedy=remedy,
            )
        done = self.git.try_run(
            "fetch", "--quiet", "--unshallow", "--no-recurse-submodules",
            "--no-write-fetch-head", "origin",
        )  # fmt: skip
        if done.returncode:
            raise GitError(
                f"the clone is shallow and its history cannot be fetched from 'origin': "
                f"{plain_words(done.stderr)}",
                remedy=remedy,
            )
        self._module.close()
        self._ancestry.clear()

    def owning(self, resource: ExitStack) -> Self:
        """Close a resource together with this repository."""
        self._owned.enter_context(resource)
        return self


def is_lfs_pointer(content: bytes) -> bool:
    """Whether a blob is a pointer of Git LFS instead of the file itself."""
    return len(content) < LFS_POINTER_BYTES and content.startswith(_LFS_POINTER)


def _locate(path: Path, *, env: Mapping[str, str]) -> tuple[Location, Git]:
    path = path.resolve()
    if not path.is_dir():
        raise GitError(f"the project directory {path} does not exist")
    git = Git.of(path, env=env)
    done = git.try_run(
        "rev-parse", "--is-bare-repository", "--path-format=absolute",
        "--git-dir", "--git-common-dir", "--show-prefix", "--show-toplevel",
    )  # fmt: skip
    answers = done.stdout.decode("utf-8", "surrogateescape").split("\n")
    if done.returncode:
        raise _not_usable(path, done.stderr, is_bare=answers[0] == "true")
    _, git_dir, common_dir, prefix, work_tree, *_ = answers
    location = Location(
        work_tree=Path(work_tree),
        git_dir=Path(git_dir),
        common_dir=Path(common_dir),
        project=prefix.rstrip("/"),
    )
    return location, git.at(location.work_tree)


def _not_usable(path: Path, stderr: str, *, is_bare: bool) -> GitError:
    if is_bare:
        return GitError(
            f"{path} is a bare git repository",
            remedy="Run in a checkout: the project's files are compared with the work tree",
        )
    if "not a git repository" in stderr:
        return GitError(
            f"{path} is not in a git repository",
            remedy="Run in a checkout of the project (in a workflow: after actions/checkout), "
            "or 'git init' and commit",
        )
    if "dubious ownership" in stderr or "unsafe repository" in stderr:
        return GitError(
            f"git refuses {path}, since it belongs to another user",
            remedy=f"Run 'git config --global --add safe.directory {path}', "
            "or install git 2.38 or newer",
        )
    if "must be run in a work tree" in stderr:
        return GitError(f"{path} is inside a .git directory", remedy="Run in the work tree")
    return GitError(f"cannot open the git repository at {path}: {plain_words(stderr)}")
