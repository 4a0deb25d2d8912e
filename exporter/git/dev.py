"""``--dev``: the work tree as a commit, without a trace in the user's repository.

Tracked and untracked files enter as ``git add`` takes them: .gitignore applies, submodules stay at
their recorded commits. The index is a temporary copy, new objects go to a temporary directory that
borrows the repository's. The commit depends on nothing but HEAD and the files, so the same work
tree gives the same commit, and a clean one gives HEAD itself.
Source: spec/werf-behaviour.md, section 7.3 and 15, items 17 and 33.
"""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.git.repository import Repository

_NAME = "werf"
_MAIL = "werf@werf.io"


def open_dev(repository: Repository, *, ignore: Sequence[str] = ()) -> Repository:
    """The same repository with the work tree as its head commit.

    Args:
        repository: As opened; stays usable and is closed by its owner.
        ignore: Pathspecs relative to the top of the work tree whose changes are left out.

    Returns:
        A repository to be closed on its own; its temporary objects go with it.

    Raises:
        GitError: There are no commits, or git cannot add a file.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="exporter-dev-")))
        commit = _commit_work_tree(repository, scratch=scratch, ignore=ignore)
        git = repository.git.with_env(GIT_ALTERNATE_OBJECT_DIRECTORIES=str(scratch / "objects"))
        return Repository(repository.location, git=git, head=commit).owning(stack.pop_all())


def _commit_work_tree(repository: Repository, *, scratch: Path, ignore: Sequence[str]) -> str:
    head = repository.head
    objects = scratch / "objects"
    (objects / "info").mkdir(parents=True)
    borrowed = repository.location.common_dir / "objects"
    (objects / "info" / "alternates").write_text(f"{borrowed}\n", "utf-8", "surrogateescape")
    index = repository.location.git_dir / "index"
    if index.is_file():  # its time stamps spare reading every file again
        shutil.copy2(index, scratch / "index")
    stamp = f"{int(head.committer_time.timestamp())} +0000"
    git = repository.git.with_env(
        GIT_INDEX_FILE=str(scratch / "index"),
        GIT_OBJECT_DIRECTORY=str(objects),
        GIT_AUTHOR_NAME=_NAME,
        GIT_AUTHOR_EMAIL=_MAIL,
        GIT_AUTHOR_DATE=stamp,
        GIT_COMMITTER_NAME=_NAME,
        GIT_COMMITTER_EMAIL=_MAIL,
        GIT_COMMITTER_DATE=stamp,
    )
    submodules = [f":(exclude,literal){each.path}" for each in repository.tree().submodules]
    pathspecs = [":.", *(f":!{each}" for each in ignore), *submodules]
    git.run("read-tree", "--reset", head.object_id, doing="read the head commit")
    git.run(
        "add", "--pathspec-from-file=-", "--pathspec-file-nul",
        stdin="\0".join(pathspecs).encode("utf-8", "surrogateescape"),
        doing="add the work tree for --dev",
    )  # fmt: skip
    tree = git.run("write-tree", doing="write the work tree's tree").decode().strip()
    if tree == head.tree:
        return head.object_id
    return (
        git.run(
            "commit-tree", tree, "-p", head.object_id, "-m", "The work tree as it is",
            doing="commit the work tree for --dev",
        )
        .decode()
        .strip()
    )  # fmt: skip
