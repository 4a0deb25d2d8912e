"""The ``git`` command line as the exporter runs it: one environment, one set of fixed settings.

What the user's shell says about another repository (``GIT_DIR`` and the like) is left out, the
ownership check is satisfied for the child only, nothing asks questions, no hook, file-system
monitor or optional lock of the repository is used.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from subprocess import Popen  # noqa: TID251 - for the annotation only, process.py starts it

from exporter import process
from exporter.errors import GitError
from exporter.value import dataclass

_KEPT_PREFIXES = ("GIT_CONFIG", "GIT_SSH", "GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_", "GIT_ALLOW_")
_KEPT = frozenset({"GIT_ASKPASS", "GIT_EXEC_PATH", "GIT_DISCOVERY_ACROSS_FILESYSTEM"})
_FIXED = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # status must not write the user's index
    "GIT_NO_REPLACE_OBJECTS": "1",  # a commit is what its hash says
}
_SETTINGS = (
    "safe.directory=*",
    "core.quotePath=false",
    "core.autocrlf=false",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
_ARGV = ("git", *(part for setting in _SETTINGS for part in ("-c", setting)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """How to run git: in which directory and with which environment.

    ``env`` is complete; its values may be secret and never show in ``repr``.
    """

    cwd: Path
    env: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, cwd: Path, *, env: Mapping[str, str]) -> "Git":
        """Git in a directory, with the user's environment less what points elsewhere."""
        kept = {
            name: value
            for name, value in env.items()
            if not name.startswith("GIT_") or name in _KEPT or name.startswith(_KEPT_PREFIXES)
        }
        return cls(cwd=cwd, env=kept | _FIXED)

    def at(self, cwd: Path) -> "Git":
        """The same git in another directory."""
        return replace(self, cwd=cwd)

    def with_env(self, **variables: str) -> "Git":
        """The same git with further environment variables."""
        return replace(self, env={**self.env, **variables})

    def with_config(self, *settings: tuple[str, str]) -> "Git":
        """The same git with settings that must not be seen in argv, such as credentials."""
        count = int(self.env.get("GIT_CONFIG_COUNT") or 0)
        variables = {"GIT_CONFIG_COUNT": str(count + len(settings))}
        for index, (key, value) in enumerate(settings, start=count):
            variables[f"GIT_CONFIG_KEY_{index}"] = key
            variables[f"GIT_CONFIG_VALUE_{index}"] = value
        return self.with_env(**variables)

    def try_run(self, *arguments: str, stdin: bytes = b"") -> process.Completed:
        """Run git to its end, whatever its exit code.

        Raises:
            GitError: git is not installed.
        """
        try:
            return process.run([*_ARGV, *arguments], env=self.env, cwd=self.cwd, stdin=stdin)
        except process.ProgramMissingError as error:
            raise _missing() from error

    def run(self, *arguments: str, stdin: bytes = b"", doing: str) -> bytes:
        """Run git to its end and return what it printed.

        Args:
            arguments: The subcommand and its arguments.
            stdin: What git reads.
            doing: What the user is told when it fails: "cannot <doing>".

        Raises:
            GitError: git is not installed or failed; the message holds git's own words.
        """
        done = self.try_run(*arguments, stdin=stdin)
        if done.returncode:
            raise GitError(f"cannot {doing}: {plain_words(done.stderr)}")
        return done.stdout

    def lines(self, arguments: Sequence[str], *, doing: str) -> Iterator[bytes]:
        """What git prints, line by line with line ends, while it runs.

        Raises:
            GitError: git is not installed or failed; raised after the last line.
        """
        with self.started(arguments) as child:
            if child.stdin is None or child.stdout is None or child.stderr is None:
                raise AssertionError("git was started without pipes")
            child.stdin.close()
            yield from child.stdout
            complaint = child.stderr.read().decode("utf-8", "replace")
            if child.wait():
                raise GitError(f"cannot {doing}: {plain_words(complaint)}")

    @contextmanager
    def started(self, arguments: Sequence[str]) -> Iterator[Popen[bytes]]:
        """Start git with pipes; it is ended when the block is left.

        Raises:
            GitError: git is not installed.
        """
        try:
            with process.start([*_ARGV, *arguments], env=self.env, cwd=self.cwd) as child:
                yield child
        except process.ProgramMissingError as error:
            raise _missing() from error


def plain_words(stderr: str) -> str:
    """Git's error output on one line, without its ``fatal:`` and ``hint:`` marks."""
    lines = [line.strip() for line in stderr.splitlines() if not line.startswith("hint:")]
    words = "; ".join(
        line.removeprefix("fatal: ").removeprefix("error: ") for line in lines if line
    )
    return words or "git gave no reason"


def _missing() -> GitError:
    return GitError(
        "git was not found on PATH",
        remedy="Install git 2.31 or newer; the container image of the exporter has it",
    )
