"""What ``werf ci-env`` sets for a CI: the variables, and the script or file that holds them.

Specification section 15.18 and ``vectors/ci-env``. Values in scripts are escaped, which werf does
not do: a tag named ``v"1$x`` would break or run there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from exporter.ci import detect
from exporter.value import dataclass

GITHUB_REGISTRY = "ghcr.io"
SYSTEMS = ("github", "gitlab")
SHELLS = ("", "default", "cmdexe", "powershell")

_OLD_GITLAB = ((12, 1, 3, True), (12, 2, 0, True))
"""Between these two GitLab showed colours wrongly; False is a version before the one named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable; ``wins`` says that it replaces one that is set already."""

    name: str
    value: str
    wins: bool = False


Kind = Literal["env-file", "posix", "powershell", "cmdexe"]
Section = tuple[str, Sequence[Variable]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How variables are written: an env file, or a script of a shell, perhaps with echoes."""

    kind: Kind
    echo: bool = False


def default_repo(env: Mapping[str, str], *, project: str = "") -> str:
    """The repository of stages that ``werf ci-env`` would name; empty outside GitHub and GitLab.

    GitHub's ends in the project's name, unless that is unknown yet.
    """
    match detect(env):
        case "github" if env.get("GITHUB_REPOSITORY"):
            repository = f"{GITHUB_REGISTRY}/{env['GITHUB_REPOSITORY'].lower()}"
            return f"{repository}/{project}" if project else repository
        case "gitlab":
            return env.get("CI_REGISTRY_IMAGE", "").lower()
        case _:
            return ""


def github(env: Mapping[str, str], *, docker_config: str, project: str) -> list[Section]:
    """The variables for GitHub; ``project`` is empty without werf.yaml."""
    repository = env.get("GITHUB_REPOSITORY", "")
    known = repository and project
    page = f"https://github.com/{repository}" if repository else ""
    run = env.get("GITHUB_RUN_ID", "")
    tag = env.get("GITHUB_REF_NAME", "") if env.get("GITHUB_REF_TYPE") == "tag" else ""
    repo = f"{GITHUB_REGISTRY}/{repository.lower()}/{project}" if known else ""
    return [
        _docker(docker_config),
        ("REPO", [Variable(name="WERF_REPO", value=repo)]),
        (
            "DEPLOY",
            [
                _annotation("WERF_RELEASE_CHANNEL", "werf.io/release-channel", _channel(env)),
                _annotation("PROJECT_GIT", "project.werf.io/git", page),
                _annotation("CI_COMMIT", "ci.werf.io/commit", env.get("GITHUB_SHA", "")),
                _annotation("CI_GIT_TAG", "ci.werf.io/tag", tag),
                _annotation(
                    "GITHUB_ACTIONS_RUN_URL",
                    "github.ci.werf.io/workflow-run-url",
                    f"{page}/actions/runs/{run}" if page and run else "",
                ),
            ],
        ),
        (
            "CLEANUP",
            [Variable(name="WERF_REPO_GITHUB_TOKEN", value=env.get("GITHUB_TOKEN", ""))],
        ),
        _other("on"),
    ]


def gitlab(env: Mapping[str, str], *, docker_config: str) -> list[Section]:
    """The variables for GitLab."""
    given, image = env.get("WERF_REPO", ""), env.get("CI_REGISTRY_IMAGE", "")
    repo = [Variable(name="WERF_REPO", value="" if given else image)]
    if image and (not given or given.startswith(env.get("CI_REGISTRY", ""))):
        repo.append(Variable(name="WERF_REPO_CONTAINER_REGISTRY", value="gitlab"))
    return [
        _docker(docker_config),
        ("REPO", repo),
        (
            "DEPLOY",
            [
                Variable(name="WERF_ENV", value=env.get("CI_ENVIRONMENT_SLUG", "")),
                _annotation("WERF_RELEASE_CHANNEL", "werf.io/release-channel", _channel(env)),
                _annotation("PROJECT_GIT", "project.werf.io/git", env.get("CI_PROJECT_URL", "")),
                _annotation("CI_COMMIT", "ci.werf.io/commit", env.get("CI_COMMIT_SHA", "")),
                _annotation("CI_GIT_TAG", "ci.werf.io/tag", env.get("CI_COMMIT_TAG", "")),
                _annotation(
                    "GITLAB_CI_PIPELINE_URL",
                    "gitlab.ci.werf.io/pipeline-url",
                    env.get("CI_PIPELINE_URL", ""),
                ),
                _annotation(
                    "GITLAB_CI_JOB_URL", "gitlab.ci.werf.io/job-url", env.get("CI_JOB_URL", "")
                ),
            ],
        ),
        _other("off" if _is_old_gitlab(env.get("CI_SERVER_VERSION", "")) else "on"),
    ]


def script(sections: Sequence[Section], env: Mapping[str, str], form: Form) -> str:
    """The text of the script or env file; empty values and variables that are set are comments."""
    lines: list[str] = []
    for number, (title, variables) in enumerate(sections):
        header = _comment(title, form)
        lines += [""] if number else []
        lines += [header]
        if form.echo:
            lines += [_echo("")] if number else []
            lines += [_echo(header)]
        for variable in variables:
            line = _line(variable, env, form)
            lines += [line, _echo(line)] if form.echo else [line]
    return "".join(f"{line}\n" for line in lines)


def _line(variable: Variable, env: Mapping[str, str], form: Form) -> str:
    line = _ASSIGN[form.kind](variable.name, variable.value)
    if not variable.wins and env.get(variable.name):
        return _comment(f"skip {line} ({env[variable.name]})", form).replace("\n", " ")
    return line if variable.value else _comment(line, form)


def _comment(text: str, form: Form) -> str:
    return f"{'::' if form.kind == 'cmdexe' else '#'} {text}"


def _echo(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"echo '{escaped}'"


def _env_file(name: str, value: str) -> str:
    return f"{name}={' '.join(value.splitlines())}"


def _posix(name: str, value: str) -> str:
    escaped = re.sub(r'([\\"$`])', r"\\\1", value)
    return f'export {name}="{escaped}"'


def _powershell(name: str, value: str) -> str:
    escaped = re.sub(r'([`"$])', r"`\1", value)
    return f'$Env:{name} = "{escaped}"'


_ASSIGN: Mapping[str, Callable[[str, str], str]] = {
    "env-file": _env_file,
    "posix": _posix,
    "powershell": _powershell,
    "cmdexe": _posix,  # as werf: only its comments are those of cmd.exe
}


def _docker(folder: str) -> Section:
    names = ("DOCKER_CONFIG", "WERF_DOCKER_CONFIG")
    return "DOCKER CONFIG", [Variable(name=name, value=folder, wins=True) for name in names]


def _annotation(name: str, key: str, value: str) -> Variable:
    return Variable(
        name=f"WERF_ADD_ANNOTATION_{name}", value=f"{key}={value}" if value else "", wins=True
    )


def _other(colors: str) -> Section:
    values = {
        "WERF_LOG_COLOR_MODE": colors,
        "WERF_LOG_PROJECT_DIR": "1",
        "WERF_ENABLE_PROCESS_EXTERMINATOR": "1",
        "WERF_LOG_TERMINAL_WIDTH": "130",
    }
    return "OTHER", [Variable(name=name, value=value) for name, value in values.items()]


def _channel(env: Mapping[str, str]) -> str:
    return env.get("TRDL_USE_WERF_GROUP_CHANNEL", "")


def _is_old_gitlab(text: str) -> bool:
    found = re.fullmatch(r"v?(\d+)\.(\d+)(?:\.(\d+))?(-[\w.-]+)?(?:\+[\w.-]+)?", text)
    if found is None:
        return False
    major, minor, patch, before = found.groups()
    version = (int(major), int(minor), int(patch or 0), not before)
    return _OLD_GITLAB[0] < version < _OLD_GITLAB[1]
