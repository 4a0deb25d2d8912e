"""The CI that runs the program: what it told us, and how it wants to be told.

Front door:

* ``console_for``   the console for this environment
* ``Console``, ``Group``, ``Dialect``, ``Level``
"""

from collections.abc import Mapping

from exporter.ci.console import Console, Dialect, Group, Level

__all__ = ["Console", "Dialect", "Group", "Level", "console_for", "detect"]


def detect(env: Mapping[str, str]) -> str:
    """The name of the CI that this environment is of; ``plain`` when it is none."""
    signs = (
        ("github", "GITHUB_ACTIONS"), ("gitlab", "GITLAB_CI"), ("azure", "TF_BUILD"),
        ("circleci", "CIRCLECI"), ("bitbucket", "BITBUCKET_BUILD_NUMBER"),
        ("jenkins", "JENKINS_URL"), ("drone", "DRONE"), ("drone", "CI_WOODPECKER"),
    )  # fmt: skip
    return next((name for name, variable in signs if env.get(variable)), "plain")


def console_for(name: str, env: Mapping[str, str], *, quiet: bool, color: str) -> Console:
    """The console for a CI by name, or for the one that ``auto`` finds."""
    del color
    return Console(_dialect(detect(env) if name == "auto" else name, env), quiet=quiet)


def _dialect(name: str, env: Mapping[str, str]) -> Dialect:
    if name == "github":
        from exporter.ci.github import GitHub  # noqa: PLC0415 - only where it is needed

        return GitHub(env)
    from exporter.ci.plain import Plain  # noqa: PLC0415 - only where it is needed

    return Plain()
