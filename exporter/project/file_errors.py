"""Why a file of the project may not be read, and how to say what was being done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from exporter.errors import ConfigError, GiterminismError

_COMMIT = "Commit it, or run with --dev, which takes the work tree as it is"


class UntrackedError(GiterminismError):
    """Files exist that git does not track."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Name the files."""
        what, remedy = _listed("untracked file", paths)
        super().__init__(what, remedy=remedy)


class UncommittedError(GiterminismError):
    """Files differ from the commit."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Name the files."""
        what, remedy = _listed("file", paths)
        super().__init__(what, remedy=remedy)


class SubmoduleUncommittedError(UncommittedError):
    """A submodule is not as the commit records it."""

    def __init__(self, what: str, *, remedy: str = _COMMIT) -> None:
        """Say what is different."""
        GiterminismError.__init__(self, what, remedy=remedy)


class SubmoduleUntrackedError(UntrackedError):
    """A submodule has untracked files."""

    def __init__(self, path: str) -> None:
        """Name the submodule."""
        GiterminismError.__init__(
            self,
            f'the submodule "{path}" has untracked changes that must be discarded or committed'
            " (do not forget to push new changes to the submodule remote)",
        )


class NotAcceptedError(GiterminismError):
    """A file is not among those that may be read from the work tree."""


class NotFoundError(GiterminismError):
    """There is no such file."""


def not_in_directory(path: str) -> NotFoundError:
    """The file is not in the work tree."""
    return NotFoundError(
        f'the file "{path}" not found in the project directory',
        remedy="Check the path, which is relative to the project's directory",
    )


def not_in_repository(path: str) -> NotFoundError:
    """The file is not in the commit."""
    return NotFoundError(
        f'the file "{path}" not found in the project git repository. If the file exists locally,'
        " configure werf-giterminism.yaml to allow uncommitted files",
        remedy="Check the path, which is relative to the project's directory, and commit the file",
    )


@contextmanager
def doing(prefix: str) -> Iterator[None]:
    """Put what was being done in front of the message of any config error raised inside."""
    try:
        yield
    except ConfigError as error:
        error.what = f"{prefix}: {error.what}"
        raise


def _listed(word: str, paths: Sequence[str]) -> tuple[str, str]:
    """What happened and what to do; below a list, the latter is a paragraph of the former."""
    if len(paths) == 1:
        return f'the {word} "{paths[0]}" must be committed', _COMMIT
    files = "\n".join(f" - {path}" for path in paths)
    return f"the following {word}s must be committed:\n\n{files}\n\n{_COMMIT}", ""
