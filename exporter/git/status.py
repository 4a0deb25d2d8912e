"""What in the work tree and in the index is not as committed.

Renames are reported as a deletion and an addition; mode-only and line-end-only changes count.
Source: spec/werf-behaviour.md, section 7.2.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum
from pathlib import Path
from subprocess import Popen  # noqa: TID251 - for the annotation only, process.py starts it

from exporter.errors import GitError
from exporter.git.command import Git
from exporter.git.path_match import PathMatcher, may_hold
from exporter.git.repository import Repository
from exporter.value import dataclass


class Change(Enum):
    """What happened to a path."""

    ADDED = "A"
    MODIFIED = "M"
    TYPE_CHANGED = "T"
    DELETED = "D"
    UNMERGED = "U"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """A tracked file that differs: ``staged`` from the commit, ``unstaged`` from the index."""

    path: str
    staged: Change | None
    unstaged: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmoduleStatus:
    """A submodule that differs.

    ``commit_changed``: another commit is checked out than the index records.
    ``modified`` and ``untracked``: its own work tree has such files.
    """

    path: str
    staged: Change | None
    unstaged: Change | None
    commit_changed: bool
    modified: bool
    untracked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All that is not committed, each part in git's order (by path)."""

    untracked: tuple[str, ...] = ()
    files: tuple[FileStatus, ...] = ()
    submodules: tuple[SubmoduleStatus, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.untracked or self.files or self.submodules)

    def of(self, matcher: PathMatcher) -> "Status":
        """The part that a matcher selects; submodules also when something in them may be."""
        return Status(
            untracked=tuple(path for path in self.untracked if matcher.matches(path)),
            files=tuple(each for each in self.files if matcher.matches(each.path)),
            submodules=tuple(each for each in self.submodules if may_hold(matcher, each.path)),
        )


_ARGUMENTS = ("status", "--porcelain=v2", "--untracked-files=all", "--no-renames", "-z")
_begun: dict[Path, "Popen[bytes]"] = {}


@contextmanager
def status_begun(directory: Path, *, env: Mapping[str, str]) -> Iterator[None]:
    """Have git look at the work tree of a directory at once; `read_status` takes it up in here.

    In a large work tree git takes as long as we take to load. Whatever goes wrong is left to
    `read_status`, which asks again.
    """
    with ExitStack() as stack:
        with suppress(GitError, OSError):
            git = Git.of(directory, env=env)
            _begun[directory] = stack.enter_context(git.started(_ARGUMENTS))
        try:
            yield
        finally:
            _begun.pop(directory, None)


def read_status(repository: Repository) -> Status:
    """Compare commit, index and work tree; ignored files are left out. One process.

    Raises:
        GitError: git failed.
    """
    begun = _begun.pop(repository.work_tree / repository.location.project, None)
    printed = b"" if begun is None else begun.communicate()[0]
    if begun is None or begun.returncode:
        printed = repository.git.run(*_ARGUMENTS, doing="read the status of the work tree")
    return parse_status(printed)


def parse_status(printed: bytes) -> Status:
    """A status from what ``git status --porcelain=v2 --no-renames -z`` printed.

    Raises:
        GitError: The text is something else.
    """
    untracked: list[str] = []
    files: list[FileStatus] = []
    submodules: list[SubmoduleStatus] = []
    for record in printed.decode("utf-8", "surrogateescape").split("\0"):
        match record[:2]:
            case "":
                continue
            case "? ":
                untracked.append(record[2:])
            case "1 ":
                _, codes, kind, *_, path = record.split(" ", 8)
                staged, unstaged = (_change(code) for code in codes)
                if kind.startswith("N"):
                    files.append(FileStatus(path=path, staged=staged, unstaged=unstaged))
                    continue
                submodules.append(
                    SubmoduleStatus(
                        path=path,
                        staged=staged,
                        unstaged=unstaged,
                        commit_changed=kind[1] == "C",
                        modified=kind[2] == "M",
                        untracked=kind[3] == "U",
                    )
                )
            case "u ":
                path = record.split(" ", 10)[10]
                files.append(
                    FileStatus(path=path, staged=Change.UNMERGED, unstaged=Change.UNMERGED)
                )
            case "# " | "! ":
                continue
            case _:
                raise GitError(f"git status printed something unknown: {record!r}")
    return Status(untracked=tuple(untracked), files=tuple(files), submodules=tuple(submodules))


def _change(code: str) -> Change | None:
    return None if code == "." else Change(code)
