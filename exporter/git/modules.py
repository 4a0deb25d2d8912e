"""Where the objects of the repository and of its submodules are.

A submodule is read at the commit that the containing tree records, from the object store of its
checkout, or from ``.git/modules`` when its work tree is not there.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from exporter.errors import GitError
from exporter.git.command import Git
from exporter.git.objects import ObjectStore


class Module:
    """A repository as a source of objects, with the submodules below it.

    ``path`` is where it is in the outermost repository, "" for that one itself.
    """

    def __init__(
        self, git: Git, *, path: str, work_tree: Path | None, git_dir: Path, common_dir: Path
    ) -> None:
        self.git = git
        self.path = path
        self.work_tree = work_tree
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.store = ObjectStore(git)
        self._submodules: dict[str, Module] = {}

    def close(self) -> None:
        """End all processes, those of submodules too."""
        self.store.close()
        for module in self._submodules.values():
            module.close()

    def submodule(self, path: str, *, names: Callable[[], Mapping[str, str]]) -> "Module":
        """The submodule at a path relative to this module.

        Args:
            path: Where the submodule is.
            names: Gives path to name as ``.gitmodules`` has them; asked for only when needed.

        Raises:
            GitError: It was never checked out, or is not in ``.gitmodules``.
        """
        if path not in self._submodules:
            self._submodules[path] = self._open(path, names=names)
        return self._submodules[path]

    def _open(self, path: str, *, names: Callable[[], Mapping[str, str]]) -> "Module":
        full_path = f"{self.path}/{path}" if self.path else path
        if self.work_tree is not None:
            work_tree = self.work_tree / path
            git_dir = git_dir_of(work_tree)
            if git_dir is not None:
                return Module(
                    self.git.at(work_tree),
                    path=full_path,
                    work_tree=work_tree,
                    git_dir=git_dir,
                    common_dir=git_dir,
                )
        name = names().get(path)
        if self.work_tree is None and not self.path:
            raise GitError(
                f"the remote repository has a submodule at '{full_path}', which is not fetched",
                remedy="Leave it out with excludePaths, or map its repository by itself",
            )
        if name is None:
            raise GitError(
                f"the commit has a submodule at '{full_path}' that .gitmodules does not name",
                remedy="Add it with 'git submodule add', or remove the nested repository",
            )
        git_dir = self.common_dir / "modules" / name
        if not (git_dir / "objects").is_dir():
            raise GitError(
                f"the submodule '{full_path}' is not checked out",
                remedy=f"Run 'git submodule update --init --recursive -- {full_path}', "
                "or check out with submodules",
            )
        # core.worktree of the module names a directory that is not there
        git = self.git.at(git_dir).with_env(GIT_DIR=str(git_dir), GIT_WORK_TREE=str(git_dir))
        return Module(
            git,
            path=full_path,
            work_tree=None,
            git_dir=git_dir,
            common_dir=git_dir,
        )


def git_dir_of(work_tree: Path) -> Path | None:
    """The ``.git`` directory of a work tree, through a ``gitdir:`` file too; None without one."""
    dot_git = work_tree / ".git"
    if dot_git.is_dir():
        return dot_git
    try:
        text = dot_git.read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    target = text.removeprefix("gitdir:").strip()
    git_dir = work_tree / target
    return git_dir if target and git_dir.is_dir() else None


def parse_gitmodules(listing: bytes) -> dict[str, str]:
    """Path to name of each submodule, from ``git config --list -z`` of a ``.gitmodules`` file."""
    names: dict[str, str] = {}
    for item in listing.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = item.partition("\n")
        section, _, rest = key.partition(".")
        name, _, variable = rest.rpartition(".")
        if section == "submodule" and variable == "path":
            names[value.rstrip("/")] = name
    return names
