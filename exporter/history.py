"""Whether the clone's history suffices, and what to do when it does not."""

from exporter.errors import GitError
from exporter.project.loader import Project

SHALLOW_REMEDY = (
    "Fetch it: actions/checkout with 'fetch-depth: 0', GitLab with the variable GIT_DEPTH: 0,"
    " elsewhere git fetch --unshallow."
)


def missing_history(project: Project, *, monotonic: bool) -> str:
    """What goes wrong because the clone is shallow; empty when nothing does.

    Only a stage with files of git is looked for at earlier commits, and only ``--monotonic``
    compares commits of destinations. Everything else needs nothing but the commit itself.
    """
    if not project.repository.is_shallow or project.config.meta.git_worktree.force_shallow_clone:
        return ""
    names = [
        image.name or "(nameless)"
        for image in project.config.images
        if image.kind == "stapel" and any(mapping.remote is None for mapping in image.git)
    ]
    harm = []
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
        harm.append(f"stages of {shown} that were built at other commits are built again")
    if monotonic:
        harm.append("--monotonic cannot tell older commits from newer ones")
    if not harm:
        return ""
    return f"the clone is shallow, its history is cut off: {'; '.join(harm)}. {SHALLOW_REMEDY}"


def fetch_history(project: Project) -> str:
    """Fetch what a shallow clone lacks, where werf.yaml allows it (``gitWorktree``).

    Returns:
        Why it could not be fetched; empty when the history is complete now.
    """
    if not project.config.meta.git_worktree.allow_unshallow:
        return "gitWorktree.allowUnshallow is false"
    try:
        project.repository.unshallow()
    except GitError as error:
        return error.what
    return ""
