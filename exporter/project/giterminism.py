"""Giterminism: a build depends on the commit, and on nothing else that is not allowed.

``Giterminism`` joins what the project allows, the mode of the run and the project's files.
Each ``check_`` method refuses one thing, with the key of werf-giterminism.yaml that would allow it.
Everything reads from the commit, or from the work tree where allowed (spec section 7.2).
"""

import posixpath
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from exporter.errors import ConfigError, GiterminismError, Place
from exporter.git.path_match import AllPaths, Include, NoPaths, PathMatcher
from exporter.project.file_errors import (
    NotFoundError,
    doing,
    not_in_directory,
    not_in_repository,
)
from exporter.project.giterminism_config import (
    DEFAULT_PATH,
    GiterminismConfig,
    parse_giterminism_config,
)
from exporter.project.project_files import ConfigFile, ProjectFiles

_EXTERNAL = "the configuration with potential external dependency found in the werf config"
CONFIG_NAMES = ("werf.yaml", "werf.yml")
TEMPLATES_DIR = ".werf"


class Giterminism:
    """What may be read and used, and the reading itself.

    Paths are relative to the project's directory unless said otherwise.
    """

    def __init__(
        self,
        files: ProjectFiles,
        *,
        home: Path,
        cwd: Path,
        config_path: str = DEFAULT_PATH,
    ) -> None:
        """Take the project's files, and what ``~`` and relative host paths stand for.

        Raises:
            GiterminismError: werf-giterminism.yaml is invalid or not committed.
        """
        self.files = files
        self.config_path = config_path
        self._home = home
        self._cwd = cwd
        self.config = self._read_config()

    @property
    def loose(self) -> bool:
        """Whether everything is allowed."""
        return self.files.loose

    @property
    def dev(self) -> bool:
        """Whether the commit is made of the work tree."""
        return self.files.dev

    # the configuration and its templates

    def read_werf_config(self, path: str = "") -> ConfigFile:
        """The config file, the first that exists of the default names when no path is given.

        Raises:
            NotFoundError: There is none.
            GiterminismError: It is not committed.
        """
        accepted: PathMatcher = AllPaths() if self.config.uncommitted_config else NoPaths()
        with doing("unable to read werf config"):
            for name in (path,) if path else CONFIG_NAMES:
                try:
                    return ConfigFile(name, self.files.read(name, accepted=accepted))
                except NotFoundError:
                    continue
            missing = path or CONFIG_NAMES[0]
            raise not_in_directory(missing) if self.loose else not_in_repository(missing)

    def read_templates(self, directory: str = "") -> list[ConfigFile]:
        """The ``*.tmpl`` files below the templates directory, named relative to it.

        Raises:
            GiterminismError: One is not committed.
        """
        accepted = _matcher(self.config.uncommitted_templates)
        return self.files.glob(directory or TEMPLATES_DIR, "**/*.tmpl", accepted=accepted)

    # what templates may look at

    def read_template_file(self, path: str) -> bytes:
        """A file for ``.Files.Get``."""
        return self.files.read(path, accepted=self._template_files)

    def glob_template_files(self, pattern: str) -> list[ConfigFile]:
        """Files for ``.Files.Glob``."""
        return self.files.glob("", pattern, accepted=self._template_files)

    def template_file_exists(self, path: str) -> bool:
        """The answer of ``.Files.Exists``."""
        test = self.files.work_tree.exists
        return self.files.is_readable(path, accepted=self._template_files, test=test)

    def template_file_is_dir(self, path: str) -> bool:
        """The answer of ``.Files.IsDir``."""
        test = self.files.work_tree.is_directory
        return self.files.is_readable(path, accepted=self._template_files, test=test)

    def check_env(self, name: str) -> None:
        """Refuse an environment variable in a template.

        Raises:
            GiterminismError: It is not allowed, or an expression in werf-giterminism.yaml is bad.
        """
        if self.loose or any(_name_matches(each, name) for each in self.config.env_variables):
            return
        raise self._external(
            f'env name "{name}" not allowed by giterminism',
            "config.goTemplateRendering.allowEnvVariables",
        )

    # directives of werf.yaml

    def check_from_latest(self, place: Place | None = None) -> None:
        """Refuse ``fromLatest``."""
        if not (self.loose or self.config.from_latest):
            raise self._external(
                "fromLatest directive not allowed by giterminism",
                "config.stapel.allowFromLatest",
                place,
            )

    def check_git_branch(self, place: Place | None = None) -> None:
        """Refuse a remote git mapping that follows a branch."""
        if not (self.loose or self.config.git_branch):
            raise self._external(
                "git branch directive not allowed by giterminism",
                "config.stapel.git.allowBranch",
                place,
            )

    def check_build_dir_mount(self, place: Place | None = None) -> None:
        """Refuse ``mount`` with ``from: build_dir``."""
        if not (self.loose or self.config.build_dir_mount):
            raise self._external(
                '"mount { from: build_dir, ... }" not allowed by giterminism',
                "config.stapel.mount.allowBuildDir",
                place,
            )

    def check_from_path_mount(self, path: str, place: Place | None = None) -> None:
        """Refuse ``mount`` with ``fromPath``."""
        if not (self.loose or _matcher(self.config.from_path_mounts).matches(path)):
            raise self._external(
                f'"mount {{ fromPath: {path}, ... }}" not allowed by giterminism',
                "config.stapel.mount.allowFromPaths",
                place,
            )

    def check_context_add_file(self, path: str, place: Place | None = None) -> None:
        """Refuse a ``contextAddFiles`` entry; the path includes the context."""
        if not (self.loose or _matcher(self.config.context_add_files).matches(path)):
            raise self._external(
                f'contextAddFile "{path}" not allowed by giterminism',
                "config.dockerfile.allowContextAddFiles",
                place,
            )

    def check_secret_env(self, name: str, place: Place | None = None) -> None:
        """Refuse a secret from an environment variable."""
        if not (self.loose or name in self.config.secret_env_variables):
            raise self._secret(name, "config.secrets.allowEnvVariables", place)

    def check_secret_file(self, path: str, place: Place | None = None) -> None:
        """Refuse a secret from a file."""
        globs = [str(self.host_path(each)) for each in self.config.secret_files]
        if not (self.loose or _matcher(globs).matches(str(self.host_path(path)))):
            raise self._secret(path, "config.secrets.allowFiles", place)

    def check_secret_value(self, name: str, place: Place | None = None) -> None:
        """Refuse a secret written in werf.yaml, by its id."""
        if not (self.loose or name in self.config.secret_value_ids):
            raise self._secret(name, "config.secrets.allowValueIds", place)

    def check_includes_update(self) -> None:
        """Refuse ``--allow-includes-update``."""
        if not (self.loose or self.config.includes_update):
            raise self._external(
                "using --allow-includes-update option is not allowed by giterminism.",
                "includes.allowIncludesUpdate",
            )

    # what builders read

    def read_dockerfile(self, path: str) -> bytes:
        """A Dockerfile; the path includes the context.

        Raises:
            GiterminismError: It is missing or not committed.
        """
        with doing(f'unable to read dockerfile "{path}"'):
            return self.files.read(path, accepted=_matcher(self.config.uncommitted_dockerfiles))

    def read_dockerignore(self, candidates: Iterable[str]) -> ConfigFile | None:
        """The first of some ``.dockerignore`` paths that exists; None when none does.

        Raises:
            GiterminismError: It is not committed.
        """
        accepted = _matcher(self.config.uncommitted_dockerignores)
        for path in candidates:
            if self.files.exists_anywhere(path):
                with doing(f'unable to read dockerignore file "{path}"'):
                    return ConfigFile(path, self.files.read(path, accepted=accepted))
        return None

    def check_build_context(self, matcher: PathMatcher) -> None:
        """Refuse selected files that are not committed; paths relative to the repository's top.

        Raises:
            GiterminismError: Some are untracked, or differ from the commit.
        """
        if not self.loose:
            self.files.check_status(matcher)

    def host_path(self, path: str) -> Path:
        """The absolute path of a mount or a secret: ``~`` is the home, others are from the cwd."""
        if path == "~" or path.startswith("~/"):
            path = f"{self._home}{path[1:]}"
        return Path(posixpath.normpath(posixpath.join(self._cwd, path)))

    def context_add_file(self, path: str) -> Path:
        """The file or directory of the work tree for a ``contextAddFiles`` entry.

        Raises:
            NotFoundError: It is not there, or a link leaves the work tree.
        """
        return self.files.work_tree.absolute(self.files.work_tree.resolve(path))

    # the inside

    @cached_property
    def _template_files(self) -> PathMatcher:
        return _matcher(self.config.uncommitted_files)

    def _read_config(self) -> GiterminismConfig:
        if not self.files.exists_anywhere(self.config_path):
            return GiterminismConfig()
        with doing("unable to read werf giterminism config"):
            content = self.files.read(self.config_path, accepted=NoPaths())
        text = content.decode("utf-8", "surrogateescape")
        return parse_giterminism_config(text, path=self.config_path)

    def _external(self, what: str, allowed_by: str, place: Place | None = None) -> GiterminismError:
        remedy = (
            f"Allow it with {allowed_by} in {self.config_path}, or run with --loose-giterminism"
        )
        return GiterminismError(f"{_EXTERNAL}: {what}", place=place, remedy=remedy)

    def _secret(self, name: str, allowed_by: str, place: Place | None) -> GiterminismError:
        return self._external(f'secret "{name}" is not allowed by giterminism', allowed_by, place)


def _matcher(globs: Sequence[str]) -> PathMatcher:
    return Include(globs) if globs else NoPaths()


def _name_matches(allowed: str, name: str) -> bool:
    """Whether ``NAME`` or ``/expression/`` allows a variable; only the outer ends are anchored."""
    if not (len(allowed) > 1 and allowed.startswith("/") and allowed.endswith("/")):
        return allowed == name
    from exporter.gotemplate.function import FunctionError  # noqa: PLC0415 - for expressions only
    from exporter.gotemplate.sprig.regex import must_match  # noqa: PLC0415 - the same

    try:
        return must_match(f"^{allowed[1:-1]}$", name)
    except FunctionError as error:
        raise ConfigError(str(error)) from error
