"""``exporter doctor``: looks at everything that a run needs, and says what to do about it.

Nothing is built or published; whether pushing is allowed is found out by an upload that is opened
and cancelled.
"""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from exporter import __version__, process
from exporter.build.builder import find_builder
from exporter.build.docker_config import docker_folder, private_config, with_docker_folder
from exporter.ci import Console
from exporter.ci.style import Paint
from exporter.ci.variables import default_repo
from exporter.credentials import logins_of
from exporter.errors import EngineError, ExporterError
from exporter.history import missing_history
from exporter.naming.tag_template import compile_tags
from exporter.oci.reference import Repository, parse_repository
from exporter.options import Options
from exporter.process import ProgramMissingError
from exporter.project.loader import Project
from exporter.registry.keychain import Credential
from exporter.run import Run

Env = Mapping[str, str]
State = Literal["ok", "note", "problem"]

_PAINTS: Mapping[State, Paint] = {"ok": "good", "note": "careful", "problem": "bad"}
_SAMPLE_TAG = "x" * 56
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; ``exit_code`` is that of the error it would cause."""

    topic: str
    state: State
    text: str
    remedy: str = ""
    exit_code: int = 0


def examine(options: Options, env: Env, console: Console) -> int:
    """Print every finding; the exit code is that of the first problem."""
    code = 0
    with Run(options, env, console) as run:
        for finding in _findings(run, options, env, console):
            _print(finding, console)
            code = code or finding.exit_code
    console.result(
        "Everything is fine." if not code else "See what to do about each problem above."
    )
    return code


def _print(finding: Finding, console: Console) -> None:
    state = console.style.paint(f"{finding.state:<8}", _PAINTS[finding.state])
    console.result(f"{state} {finding.topic:<10} {finding.text}")
    if finding.remedy:
        console.result(f"{'':<19} → {finding.remedy}")


def _findings(run: Run, options: Options, env: Env, console: Console) -> Iterator[Finding]:
    yield Finding(
        topic="exporter",
        state="ok",
        text=f"{__version__}, Python {platform.python_version()}, CI: {console.dialect.name}",
    )
    yield from _home(env)
    yield _git(env)
    project: Project | None = None
    try:
        project = run.load_project()
    except ExporterError as error:
        yield _problem("project", error)
    if project is not None:
        yield from _project(project, options)
    yield _engine(options, env)
    yield _builder(options, env)
    repositories = list(_repositories(options, env, project))
    if not repositories:
        yield Finding(
            topic="registry",
            state="note",
            text="no repository is given, so none was looked at",
            remedy="Give --repo and --tag as for an export.",
        )
    told: set[Finding] = set()
    for repository in repositories:
        for finding in _registry(run, repository, options, env):
            if finding not in told:
                told.add(finding)
                yield finding


def _problem(topic: str, error: ExporterError) -> Finding:
    where = f"{error.place}: " if error.place else ""
    return Finding(
        topic=topic,
        state="problem",
        text=f"{where}{error.what}",
        remedy=error.remedy,
        exit_code=error.exit_code,
    )


def _home(env: Env) -> Iterator[Finding]:
    home = env.get("HOME", "")
    if not home or not Path(home).is_dir():
        yield Finding(
            topic="home",
            state="note",
            text=f"HOME is {home or 'not set'}, which is no directory: no credentials come from it",
            remedy="Nothing else needs it; set DOCKER_CONFIG when credentials are elsewhere.",
        )


def _git(env: Env) -> Finding:
    try:
        done = process.run(["git", "--version"], env=env, timeout_s=_TIMEOUT_S)
    except (ProgramMissingError, TimeoutError) as error:
        return Finding(
            topic="git",
            state="problem",
            text=str(error),
            remedy="Install git 2.30 or newer.",
            exit_code=3,
        )
    version = done.stdout.decode("utf-8", "replace").strip().removeprefix("git version ")
    return Finding(topic="git", state="ok", text=version)


def _project(project: Project, options: Options) -> Iterator[Finding]:
    names = [image.name or "(nameless)" for image in project.config.images]
    yield Finding(
        topic="project",
        state="ok",
        text=f"{project.config.project} at {project.commit.object_id[:12]},"
        f" {len(names)} images ({', '.join(names[:5])}{', …' if names[5:] else ''})",
    )
    try:
        harm = missing_history(project, project.config.images, monotonic=options.monotonic)
    except ExporterError as error:
        yield _problem("history", error)
        return
    if harm:
        yield Finding(topic="history", state="note", text=harm)


def _engine(options: Options, env: Env) -> Finding:
    from exporter.build.engine import connect  # noqa: PLC0415 - loads the engine's library

    try:
        with connect(with_docker_folder(options.docker_config, env)) as engine:
            facts = engine.facts()
    except ExporterError as error:
        finding = _problem("engine", error)
        if options.builder:
            remedy = f"Not needed: --builder {options.builder} builds."
            return replace(finding, state="note", remedy=remedy, exit_code=0)
        note = "Without one nothing can be built, but plan and promote work."
        return replace(finding, remedy=f"{finding.remedy} {note}".lstrip())
    traits = [
        f"API {facts.api_version}",
        str(facts.platform),
        "containerd image store" if facts.containerd_store else "classic image store",
        *(["rootless"] if facts.rootless else []),
        *([f"{facts.free_bytes >> 30} GiB free"] if facts.free_bytes is not None else []),
    ]
    return Finding(
        topic="engine", state="ok", text=f"{facts.version} at {facts.host} ({', '.join(traits)})"
    )


def _builder(options: Options, env: Env) -> Finding:
    """The buildx builder that builds would use."""
    folder = docker_folder(options.docker_config, env)
    try:
        with private_config(folder, (), env) as child_env:
            found = find_builder(options.builder, child_env)
    except EngineError as error:
        return _problem("builder", error)
    if found.error and options.builder:
        from exporter.build import ssh  # noqa: PLC0415 - as above

        reason, remedy = found.error, "Start it, or choose another one with --builder."
        if said := ssh.words_in(reason):
            reason, remedy = ssh.explain(said)
        what = f"{found.name} cannot be reached: {reason}"
        return _problem("builder", EngineError(what, remedy=remedy))
    return Finding(topic="builder", state="ok", text=f"{found.name} ({'; '.join(found.facts)})")


def _repositories(options: Options, env: Env, project: Project | None) -> Iterator[Repository]:
    """The repository of stages, and those of the destinations as far as they can be known."""
    seen = set()
    repo = options.repo or default_repo(env, project=project.config.project if project else "")
    images = [image for image in project.config.images if image.final] if project else []
    found = [parse_repository(repo)] if repo else []
    found += [
        template.reference(image.name, content_tag=_SAMPLE_TAG).repository
        for template in compile_tags(options.tag)
        for image in images
    ]
    for repository in found:
        if repository not in seen:
            seen.add(repository)
            yield repository


def _registry(run: Run, repository: Repository, options: Options, env: Env) -> Iterator[Finding]:
    try:
        account = run.client.account(repository)
    except ExporterError as error:
        yield _problem("account", error)
        return
    yield Finding(
        topic="account",
        state="ok" if account else "note",
        text=f"{repository.registry}: "
        + (
            f"{account.username} from {_source(account, options, env)}"
            if account
            else "no account, so requests are anonymous"
        ),
    )
    try:
        run.client.can_push(repository)
    except ExporterError as error:
        yield _problem("registry", error)
        return
    yield Finding(topic="registry", state="ok", text=f"{repository} may be written")


def _source(account: Credential, options: Options, env: Env) -> str:
    """Where an account comes from, in the user's words."""
    if not any(account.password == login.password for login in logins_of(options, env)):
        return account.source
    if account.password == options.github_token:
        return "github-token, the job's own"
    if account.password == options.registry_password:
        return "registry-username and registry-password"
    for variable in ("CI_REGISTRY_PASSWORD", "CI_JOB_TOKEN"):
        if account.password == env.get(variable):
            return f"{variable}, the job's own"
    return "registries"
