"""From options to a project: where it is, what it allows, what its config says.

One look at the repository, one at the status, one open process for objects: nothing is written to
the repository, no work tree is registered, the network is not used (spec section 1).
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from exporter.errors import ConfigError, GitError
from exporter.git.commits import Commit
from exporter.git.repository import Repository
from exporter.log import hide
from exporter.project.documents import ignored_line, split_documents
from exporter.project.file_errors import doing
from exporter.project.giterminism import Giterminism
from exporter.project.giterminism_config import DEFAULT_PATH
from exporter.project.models.config import Config, ReadOptions, read_config
from exporter.project.project_files import ProjectFiles
from exporter.project.rendering import CommitFacts, RenderedConfig, RenderOptions, render
from exporter.project.work_tree import WorkTree
from exporter.value import dataclass

if TYPE_CHECKING:
    from exporter.options import Options

INCLUDES = "werf-includes.yaml"
DEV_IN_CI = (
    "WARNING! The development mode is enabled in CI environment by providing --dev flag or WERF_DEV"
    " env variable. It takes uncommitted files into account, so that another run may build"
    " something else."
)
_CI_VARIABLES = (
    "CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "TRAVIS",
    "CIRCLECI", "BUILDKITE", "DRONE", "BITBUCKET_BUILD_NUMBER",
)  # fmt: skip
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectOptions:
    """How a project is found and read; the fields are the options of the same names.

    ``cwd`` is absolute; relative paths are relative to it, ``giterminism_config`` to the project.
    ``env`` is the process environment, for git, for templates and for ``WERF_PROJECT_NAME``.
    ``werf_env`` is ``--env``.
    """

    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    dir: str = ""
    git_work_tree: str = ""
    config: str = ""
    config_templates_dir: str = ""
    config_render_path: str = ""
    giterminism_config: str = ""
    werf_env: str = ""
    loose_giterminism: bool = False
    dev: bool = False
    dev_ignore: tuple[str, ...] = ()
    debug_templates: bool = False
    allow_includes_update: bool = False

    @staticmethod
    def of(options: "Options", *, cwd: Path, env: Mapping[str, str]) -> "ProjectOptions":
        """The part of a run's options that finds and reads the project."""
        return ProjectOptions(
            cwd=cwd,
            env=env,
            dir=options.dir,
            git_work_tree=options.git_work_tree,
            config=options.config,
            config_templates_dir=options.config_templates_dir,
            config_render_path=options.config_render_path,
            giterminism_config=options.giterminism_config,
            werf_env=options.env,
            loose_giterminism=options.loose_giterminism,
            dev=options.dev,
            dev_ignore=options.dev_ignore,
            debug_templates=options.debug_templates,
            allow_includes_update=options.allow_includes_update,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A loaded project; a context manager that ends its git processes.

    ``directory`` is absolute; ``repository`` is at the commit that everything is taken from.
    ``rendered`` is the config's text, ``warnings`` what the user should know about it.
    """

    directory: Path
    repository: Repository
    giterminism: Giterminism
    commit: Commit
    rendered: RenderedConfig
    config: Config

    @property
    def path(self) -> str:
        """The project's directory relative to the top of the work tree, "" for the top itself."""
        return self.repository.location.project

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the git processes."""
        self.repository.close()


def load_project(options: ProjectOptions) -> Project:
    """Find, render and read a project.

    Raises:
        ConfigError: The config is invalid; carries the place.
        GiterminismError: Something is not committed or not allowed.
        GitError: There is no repository, or no commit.
    """
    repository = _open_repository(options)
    try:
        return _load(repository, options)
    except BaseException:
        repository.close()
        raise


def warnings_of(project: Project, options: ProjectOptions) -> tuple[str, ...]:
    """What the user should know, though the project loads: deprecations, ``--dev`` in a CI."""
    from exporter.project.models.warnings import warnings_of as of_config  # noqa: PLC0415 - late

    in_ci = any(options.env.get(name) for name in _CI_VARIABLES)
    dev = (DEV_IN_CI,) if options.dev and in_ci else ()
    return (*dev, *_unread(project, options), *of_config(project.config))


def _unread(project: Project, options: ProjectOptions) -> Iterator[str]:
    """Where werf stops reading a document that goes on."""
    for document in split_documents(project.rendered.text):
        if line := ignored_line(document):
            yield (
                f"{_name_of(project.rendered, options)}:{line}: nothing from here to the next"
                " separator is read; a separator is a line of '---', perhaps with a comment"
                " without dashes"
            )


def secret_values(config: Config) -> tuple[str, ...]:
    """What must never be shown: secrets and passwords written in the config."""
    secrets = [secret.value for image in config.images for secret in image.secrets]
    for image in config.images:
        for mapping in image.git if image.kind == "stapel" else ():
            auth = mapping.remote.basic_auth if mapping.remote else None
            secrets += [auth.password_value] if auth else []
    return tuple(secret for secret in secrets if secret)


def _load(repository: Repository, options: ProjectOptions) -> Project:
    top = repository.work_tree
    directory = top / repository.location.project
    with doing("unable to get git repo head commit"):
        commit = repository.head
    giterminism = Giterminism(
        ProjectFiles(
            repository,
            WorkTree(directory, top=top),
            loose=options.loose_giterminism,
            dev=options.dev,
        ),
        home=Path(options.env.get("HOME") or "/"),
        cwd=options.cwd,
        config_path=options.giterminism_config or DEFAULT_PATH,
    )
    _refuse_includes(giterminism, options)
    render_options = RenderOptions(
        env=options.env,
        werf_env=options.werf_env,
        commit=CommitFacts.of(commit.object_id, commit.author_time),
        config_path=_in_work_tree(options, options.config, "config", directory, top),
        templates_dir=_in_work_tree(
            options,
            options.config_templates_dir,
            "configuration templates directory",
            directory,
            top,
        ),
        debug=options.debug_templates,
    )
    with doing("unable to render werf config"):
        rendered = render(giterminism, options=render_options)
    if options.config_render_path:
        _write(options.cwd / options.config_render_path, rendered.text)
    config = read_config(
        rendered.text,
        giterminism,
        options=ReadOptions(
            path=_name_of(rendered, options),
            project_name=options.env.get("WERF_PROJECT_NAME", ""),
            default_project=lambda: _default_project(repository, directory),
            host_platform=_host_platform(),
            force_staged=options.env.get("WERF_FORCE_STAGED_DOCKERFILE") in ("1", "true", "yes"),
        ),
    )
    hide(secret_values(config))
    return Project(
        directory=directory,
        repository=repository,
        giterminism=giterminism,
        commit=commit,
        rendered=rendered,
        config=config,
    )


def _open_repository(options: ProjectOptions) -> Repository:
    with doing("unable to get git work tree"):
        repository = _find_repository(options)
    repository = _at_project(repository, options)
    if not options.dev:
        return repository
    from exporter.git.dev import open_dev  # noqa: PLC0415 - only for --dev

    try:
        with doing("unable to get git repo head commit"):
            dev = open_dev(repository, ignore=options.dev_ignore)
    except BaseException:
        repository.close()
        raise
    repository.close()  # its objects are read through the new one from now on
    return dev


def _find_repository(options: ProjectOptions) -> Repository:
    directory = Path(os.path.normpath(options.cwd / options.dir))
    if not options.git_work_tree:
        if not any((each / ".git").exists() for each in (directory, *directory.parents)):
            raise GitError(
                "werf requires a git work tree for the project to exist: unable to find a valid"
                f' .git in the current directory "{directory}" or parent directories, you may also'
                " specify git work tree explicitly with --git-work-tree option (or"
                " WERF_GIT_WORK_TREE env var)",
                remedy="Run in a checkout of the project (in a workflow: after actions/checkout)",
            )
        return Repository.open(directory, env=options.env)
    invalid = GitError(
        "werf requires a git work tree for the project to exist: not a valid git work tree"
        f' "{options.git_work_tree}" specified'
    )
    try:
        repository = Repository.open(options.cwd / options.git_work_tree, env=options.env)
    except GitError as error:
        raise invalid from error
    if repository.location.project:
        raise invalid
    return repository


def _at_project(repository: Repository, options: ProjectOptions) -> Repository:
    """The repository with the project's directory, when the work tree was given apart from it."""
    if not options.git_work_tree:
        return repository
    directory = (options.cwd / options.dir).resolve()
    project = os.path.relpath(directory, repository.work_tree)
    if project == ".." or project.startswith("../"):
        raise GitError(
            "werf requires project dir — the current working directory or directory specified with"
            " --dir option (or WERF_DIR env var) — to be located inside the git work tree:"
            f' "{repository.work_tree}" is located outside of the git work tree "{directory}"'
        )
    location = replace(repository.location, project="" if project == "." else project)
    return Repository(location, git=repository.git)


def _in_work_tree(options: ProjectOptions, path: str, what: str, directory: Path, top: Path) -> str:
    """A path given by the user, relative to the project; "" when it was not given."""
    if not path:
        return ""
    absolute = Path(os.path.normpath(options.cwd.resolve() / path))
    if top not in absolute.parents:
        raise ConfigError(
            f'the werf {what} "{absolute}" must be in the project git work tree "{top}"'
        )
    return os.path.relpath(absolute, directory)


def _refuse_includes(giterminism: Giterminism, options: ProjectOptions) -> None:
    if options.allow_includes_update:
        giterminism.check_includes_update()
    if giterminism.files.exists_anywhere(INCLUDES):
        raise ConfigError(
            f"{INCLUDES} takes files from other repositories, which is not supported",
            remedy="Copy the included files into this repository and remove the file",
        )


def _host_platform() -> str:
    machine = os.uname().machine
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8", "surrogateescape", newline="")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"open {os.path.normpath(path)}: {reason}",
            remedy="Check the path given with --config-render-path",
        ) from error


def _name_of(rendered: RenderedConfig, options: ProjectOptions) -> str:
    """What errors about the YAML call the file whose lines they count."""
    if options.config_render_path:
        return options.config_render_path
    return rendered.path if rendered.is_verbatim else f"rendered {rendered.path}"


def _default_project(repository: Repository, directory: Path) -> str:
    """A project name to suggest: from the address of the remote, else from the directory."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - for an error only

    from exporter.naming.slug import project_slug  # noqa: PLC0415 - the same

    url = repository.origin_url or ""
    if "://" in url:
        name = urlsplit(url).path
    else:
        host, colon, path = url.partition(":")
        name = path if colon and "/" not in host else url
    return project_slug(name.removesuffix(".git") or directory.name)
