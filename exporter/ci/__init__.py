"""The CI that runs the program: what it told us, and how it wants to be told.

Front door:

* ``console_for``   the console for this environment; ``detect`` names its CI
* ``Console``, ``Group``, ``Dialect``, ``Level``, ``Style``
* ``exporter.ci.handover``   files by which outputs are handed over
* ``exporter.ci.event``      what started the run: whose pull request it is
* ``exporter.ci.variables``  what ``werf ci-env`` would set
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from exporter.ci.console import Console, Dialect, Group, Level
from exporter.ci.style import Style, style_for
from exporter.ci.ticker import Ticker

__all__ = ["Console", "Dialect", "Group", "Level", "Style", "console_for", "detect"]

_TERMINAL_TICK_S = 0.5
_LOG_TICK_S = 10.0
_TEKTON_RESULTS = Path("/tekton/results")


def detect(env: Mapping[str, str], *, tekton_results: Path = _TEKTON_RESULTS) -> str:
    """The name of the CI that this environment is of; ``plain`` when it is none.

    Tekton sets no variable, but it mounts a folder.
    """
    signs = (
        ("github", "GITHUB_ACTIONS"), ("gitlab", "GITLAB_CI"), ("azure", "TF_BUILD"),
        ("circleci", "CIRCLECI"), ("bitbucket", "BITBUCKET_BUILD_NUMBER"),
        ("jenkins", "JENKINS_URL"), ("drone", "DRONE"),
    )  # fmt: skip
    found = next((name for name, variable in signs if env.get(variable)), "")
    if not found and "woodpecker" in (env.get("CI"), env.get("CI_SYSTEM_NAME")):
        found = "drone"
    if not found and tekton_results.is_dir():
        found = "tekton"
    return found or "plain"


def console_for(
    name: str,
    env: Mapping[str, str],
    *,
    out: TextIO,
    quiet: bool = False,
    color: str = "auto",
    project: Path | None = None,
) -> Console:
    """The console for a CI by name, or for the one that ``auto`` finds; it writes to ``out``.

    ``project`` is the project's directory, absolute.
    """
    style = style_for(color, env, is_terminal=out.isatty())
    ci = detect(env) if name == "auto" else name
    ticker = Ticker(_TERMINAL_TICK_S if out.isatty() else _LOG_TICK_S)
    return Console(
        _dialect(ci, env, style),
        quiet=quiet,
        out=out,
        style=style,
        ticker=ticker,
        folder=_in_checkout(project, env) if project else "",
    )


def _in_checkout(project: Path, env: Mapping[str, str]) -> str:
    """A directory relative to the CI's checkout; empty for the checkout itself."""
    checkout = env.get("GITHUB_WORKSPACE") or env.get("BUILD_SOURCESDIRECTORY")
    if not checkout or not project.is_relative_to(checkout):
        return ""
    folder = project.relative_to(checkout).as_posix()
    return "" if folder == "." else folder


def _dialect(name: str, env: Mapping[str, str], style: Style) -> Dialect:
    """The dialect; each is imported only where it is spoken."""
    match name:
        case "github":
            from exporter.ci.github import GitHub  # noqa: PLC0415

            return GitHub(env)
        case "gitlab":
            import time  # noqa: PLC0415

            from exporter.ci.gitlab import GitLab  # noqa: PLC0415

            return GitLab(style, time.time)
        case "azure":
            from exporter.ci.azure import Azure  # noqa: PLC0415

            return Azure(env)
    from exporter.ci import handover  # noqa: PLC0415
    from exporter.ci.plain import Plain  # noqa: PLC0415

    if name == "tekton" and _TEKTON_RESULTS.is_dir():
        return Plain(style, name=name, hand_over=handover.results(_TEKTON_RESULTS))
    files = {
        "bitbucket": ("BITBUCKET_PIPELINES_VARIABLES_PATH", handover.env_file),
        "circleci": ("BASH_ENV", handover.bash_env),
        "drone": ("DRONE_OUTPUT", handover.env_file),
    }
    variable, make = files.get(name, ("", handover.env_file))
    path = env.get(variable)
    return Plain(style, name=name, hand_over=make(Path(path)) if path else None)
