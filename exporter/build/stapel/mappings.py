"""Git mappings of an image at the commits that are built: hashes, labels, ancestry.

Source: spec/werf-behaviour.md, sections 6.1, 11.1 and 11.2.
"""

import hashlib
import threading
from collections.abc import Mapping as Map
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from posixpath import basename
from tempfile import mkdtemp

from exporter.build.session import Session
from exporter.errors import BuildError, ConfigError
from exporter.git.commits import Commit
from exporter.git.mappings import GitMapping, dependencies_checksum
from exporter.git.remote import Remote, find_commit, open_remote
from exporter.git.repository import Repository
from exporter.git.trees import CommitTree
from exporter.project.models.git import BasicAuth
from exporter.project.models.git import GitMapping as ConfiguredMapping

_SEPARATOR = ":::"
_NO_ANCESTRY_CHECK = "WERF_DISABLE_GIT_COMMIT_ANCESTRY_CHECK"
_TRUE = ("1", "true", "yes")


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A git mapping, the repository that it takes files from, and the commit that is built.

    ``id`` is werf's parameter hash; labels name the mapping by it.
    """

    configured: ConfiguredMapping
    files: GitMapping
    repository: Repository
    commit: Commit
    id: str

    @cached_property
    def tree(self) -> CommitTree:
        """The files of the commit."""
        return self.repository.tree(self.commit.object_id)

    @cached_property
    def is_directory(self) -> bool:
        """Whether ``add`` is a directory in the commit; otherwise it is one file."""
        return self.files.is_directory(self.tree)

    @property
    def is_local(self) -> bool:
        """Whether the files come from the project's own repository."""
        return self.configured.remote is None

    @property
    def owner(self) -> str:
        """Name or number of the files' user, "" for root."""
        return self.configured.export.owner

    @property
    def group(self) -> str:
        """Name or number of the files' group, "" for root's."""
        return self.configured.export.group

    @property
    def to(self) -> str:
        """Where the files go: a directory, or the path of the single file."""
        return self.configured.export.to

    @property
    def title(self) -> str:
        """The mapping in words."""
        source = (
            ""
            if self.configured.remote is None
            else f" of {Remote.of(self.configured.remote.url).name}"
        )
        return f"{self.configured.export.add}{source} at {self.commit.object_id[:12]} to {self.to}"

    def commit_in(self, labels: Map[str, str]) -> str | None:
        """The commit that a stage with these labels holds; None when it has no such label."""
        return labels.get(f"werf-git-{self.id}-commit")

    def labels(self) -> dict[str, str]:
        """The labels of a stage that holds the commit."""
        return {
            f"werf-git-{self.id}-commit": self.commit.object_id,
            f"werf-git-{self.id}-virtual-merge": "false",
        }

    def type_label(self) -> dict[str, str]:
        """The label that says what was archived."""
        return {f"werf-git-{self.id}-type": "directory" if self.is_directory else "file"}

    def checksum(self, stage: str) -> tuple[str, tuple[str, ...]]:
        """The checksum of the files that a stage depends on, and the globs that select nothing."""
        return dependencies_checksum(self.tree, self.files, self.depends(stage))

    def depends(self, stage: str) -> tuple[str, ...]:
        """The globs of the files that a stage depends on."""
        dependencies = self.configured.stage_dependencies
        return {
            "install": dependencies.install,
            "beforeSetup": dependencies.before_setup,
            "setup": dependencies.setup,
        }.get(stage, ())

    def is_ancestor(self, labels: Map[str, str]) -> bool:
        """Whether a stage with these labels holds the commit that is built or one before it."""
        commit = self.commit_in(labels)
        if labels.get(f"werf-git-{self.id}-virtual-merge") == "true":
            return commit == self.commit.object_id
        return commit is not None and self.repository.is_ancestor(commit, self.commit.object_id)


class Mappings:
    """Opens the repositories of git mappings, each once in a run. Thread-safe."""

    def __init__(self, session: Session) -> None:
        """Take the session; remote repositories are closed together with its own one."""
        self._session = session
        self._lock = threading.Lock()
        self._remotes: dict[Remote, Repository] = {}

    @property
    def checks_ancestry(self) -> bool:
        """Whether a stage of a commit outside the history must not be used."""
        return self._session.env.get(_NO_ANCESTRY_CHECK, "").lower() not in _TRUE

    def of(self, configured: Sequence[ConfiguredMapping]) -> tuple[Mapping, ...]:
        """The mappings at their commits, the project's own first.

        Raises:
            ConfigError: A single file is to become the root, or a mapping selects nothing.
            GitError: A remote repository cannot be reached, or lacks what is asked for.
        """
        return tuple(self._mapping(each) for each in configured)

    def check(self, mapping: Mapping) -> None:
        """Refuse what must not enter an image.

        Raises:
            GiterminismError: Selected files are not committed.
            ConfigError: The mapping selects nothing.
        """
        if mapping.is_local:
            self._session.giterminism.check_build_context(mapping.files.matcher)
        if not mapping.tree.select(mapping.files.source, mapping.files.matcher):
            add = mapping.configured.export.add
            raise ConfigError(
                f"`git.add: {add}` matches no files",
                place=mapping.configured.place,
                remedy="git.add has to match at least one file of the commit.",
            )

    def _mapping(self, configured: ConfiguredMapping) -> Mapping:
        export, remote = configured.export, configured.remote
        if remote is None:
            repository, name = self._session.git, "own_own"
            commit = repository.head
        else:
            address = self._remote(configured)
            repository, name = self._open(address, remote.commit), f"{address.name}_{address.name}"
            commit = find_commit(
                repository, branch=remote.branch, tag=remote.tag, commit=remote.commit
            )
        files = GitMapping(
            add=export.add, to=export.to, include=export.include_paths, exclude=export.exclude_paths
        )
        mapping = Mapping(
            configured=configured,
            files=files,
            repository=repository,
            commit=commit,
            id=_id(configured, name),
        )
        if export.to == "/" and not mapping.is_directory:
            raise ConfigError(
                f"`to: /` cannot be the name of the single file `add: {export.add}`",
                place=configured.place,
                remedy=f"Write `to: /{basename(export.add)}`.",
            )
        return mapping

    def _open(self, remote: Remote, commit: str) -> Repository:
        with self._lock:
            if remote not in self._remotes:
                session = self._session
                repository = open_remote(
                    remote,
                    cache=_cache(session.env),
                    env=session.env,
                    commits=[commit] if commit else (),
                )
                stack = ExitStack()
                stack.enter_context(repository)
                session.git.owning(stack)
                self._remotes[remote] = repository
            return self._remotes[remote]

    def _remote(self, configured: ConfiguredMapping) -> Remote:
        remote = configured.remote
        if remote is None:
            raise TypeError
        if remote.basic_auth is None:
            return Remote.of(remote.url)
        return Remote.of(
            remote.url,
            username=remote.basic_auth.username,
            password=self._password(configured, remote.basic_auth),
        )

    def _password(self, configured: ConfiguredMapping, auth: BasicAuth) -> str:
        if auth.password_env:
            value = self._session.env.get(auth.password_env)
            if value is None:
                raise ConfigError(
                    f"the password comes from the variable {auth.password_env}, which is not set",
                    place=configured.place,
                    remedy=f"Set {auth.password_env} in the environment of the step.",
                )
            return value
        if auth.password_src:
            path = self._session.giterminism.host_path(auth.password_src)
            try:
                return path.read_text("utf-8").strip()
            except OSError as error:
                raise BuildError(
                    f"the password file {auth.password_src} cannot be read",
                    place=configured.place,
                ) from error
        return auth.password_value


def _id(configured: ConfiguredMapping, name: str) -> str:
    export, remote = configured.export, configured.remote
    parts = [name, _SEPARATOR, export.to, _SEPARATOR, export.add.removeprefix("/"), _SEPARATOR]
    parts += [*export.include_paths, _SEPARATOR, *export.exclude_paths, _SEPARATOR]
    parts += [export.owner, _SEPARATOR, export.group]
    for revision in (remote.branch, remote.tag, remote.commit) if remote else ("", "", ""):
        parts += [_SEPARATOR, revision]
    return hashlib.sha256("".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _cache(env: Map[str, str]) -> Path:
    base = env.get("XDG_CACHE_HOME") or (f"{env['HOME']}/.cache" if env.get("HOME") else "")
    return Path(base, "exporter", "git") if base else Path(mkdtemp(prefix="exporter-git-"))
