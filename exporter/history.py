"""Whether the clone's history suffices, and what to do when it does not."""

from collections.abc import Collection

from exporter.errors import GitError
from exporter.project.loader import Project
from exporter.project.models.config import Image

SHALLOW_REMEDY = (
    "Fetch it: actions/checkout with 'fetch-depth: 0', GitLab with the variable GIT_DEPTH: 0,"
    " elsewhere git fetch --unshallow."
)


def missing_history(project: Project, images: Collection[Image], *, monotonic: bool) -> str:
    """What goes wrong because the clone is shallow; empty when nothing does.

    Only a stage with files of git is looked for at earlier commits, and only ``--monotonic``
    compares commits of destinations. Everything else needs nothing but the commit itself.

    Raises:
        GitError: werf.yaml forbids to fetch the history that stages need; werf refuses it, too.
    """
    allowed = project.config.meta.git_worktree
    if not project.repository.is_shallow or allowed.force_shallow_clone:
        return ""
    names = [
        image.name or "(nameless)"
        for image in images
        if image.kind == "stapel" and any(mapping.remote is None for mapping in image.git)
    ]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
    if names and not allowed.allow_unshallow:
        raise GitError(
            f"the clone is shallow, its history is cut off: {shown} need it, and"
            " gitWorktree.allowUnshallow is false",
            remedy=f"{SHALLOW_REMEDY} gitWorktree.forceShallowClone: true accepts the clone.",
        )
    harm = []
    if names:
        harm.append(f"stages of {shown} that were built at other commits are built again")
    if monotonic:
        harm.append("--monotonic cannot tell older commits from newer ones")
    if not harm:
        return ""
    return f"the clone is shallow, its history is cut off: {'; '.join(harm)}. {SHALLOW_REMEDY}"


def complete_history(project: Project, images: Collection[Image], *, monotonic: bool) -> str:
    """Fetch what a shallow clone lacks for these images, where werf.yaml allows it.

    Returns:
        A warning when it could not be fetched; empty when the history suffices.

    Raises:
        GitError: As ``missing_history``.
    """
    harm = missing_history(project, images, monotonic=monotonic)
    if not harm:
        return ""
    if not project.config.meta.git_worktree.allow_unshallow:
        return f"{harm} It was not fetched: gitWorktree.allowUnshallow is false."
    try:
        project.repository.unshallow()
    except GitError as error:
        return f"{harm} It was not fetched: {error.what}."
    return ""
