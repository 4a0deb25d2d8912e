"""Files of git repositories that go into a stapel image: the ``git`` section."""

from dataclasses import dataclass, field
from typing import Protocol

from exporter.errors import Place
from exporter.project.models.exports import EXPORT_KEYS, Export, export_of
from exporter.project.models.paths import is_relative
from exporter.project.models.shape import Key, Shape, Values

PASSWORD = Shape(
    "git.basicAuth.password",
    (
        Key("env", "text", "environment variable that holds the password"),
        Key("src", "text", "file that holds the password"),
        Key("value", "text", "the password itself"),
    ),
    go_type="git_repo.PasswordSource",
)
BASIC_AUTH = Shape(
    "git.basicAuth",
    (
        Key("username", "text", "user name"),
        Key("password", PASSWORD, "where the password comes from"),
    ),
    go_type="git_repo.BasicAuthCredentials",
)
_DEPENDENCY_STAGES = ("install", "beforeSetup", "setup")
STAGE_DEPENDENCIES = Shape(
    "git.stageDependencies",
    tuple(
        Key(stage, "text or texts", f"globs; a change of these files rebuilds the {stage} stage")
        for stage in _DEPENDENCY_STAGES
    ),
)
GIT = Shape(
    "git",
    (
        *EXPORT_KEYS,
        Key("url", "text", "remote repository; without it the project's own one"),
        Key("branch", "text", "branch of the remote repository"),
        Key("tag", "text", "tag of the remote repository"),
        Key("commit", "text", "commit of the remote repository"),
        Key("basicAuth", BASIC_AUTH, "credentials of the remote repository"),
        Key("stageDependencies", STAGE_DEPENDENCIES, "files that a stage depends on"),
    ),
)


class GitRules(Protocol):
    """What giterminism says about remote repositories."""

    def check_git_branch(self, place: Place) -> None:
        """Refuse a mapping that follows a branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """Credentials of a remote repository; the password comes from one of three places."""

    username: str
    password_env: str
    password_src: str
    password_value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A remote repository at a branch, a tag, a commit, or its default branch."""

    url: str
    branch: str
    tag: str
    commit: str
    basic_auth: BasicAuth | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDependencies:
    """Globs relative to ``add``, by stage."""

    install: tuple[str, ...] = ()
    before_setup: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GitMapping:
    """Files of a repository and where they go; ``remote`` is None for the project's own."""

    export: Export
    stage_dependencies: StageDependencies
    remote: Remote | None

    @property
    def place(self) -> Place:
        """Where the mapping begins."""
        return self.export.place


def git_mapping_of(values: Values, rules: GitRules) -> GitMapping:
    """Read one entry of the ``git`` section.

    Raises:
        ConfigError: A rule of spec section 2.4 is broken.
        GiterminismError: The mapping follows a branch and may not.
    """
    export = export_of(values, default_add="/", default_to="")
    dependencies = _stage_dependencies_of(values.section("stageDependencies"))
    revisions = [key for key in ("branch", "tag", "commit") if values.text(key)]
    url = values.text("url")
    if not url and revisions:
        raise values.error(
            "specify `branch: BRANCH`, `tag: TAG` and `commit: COMMIT` only for remote git!",
            key=revisions[0],
        )
    if url and (not revisions or "branch" in revisions):
        rules.check_git_branch(values.place_of("branch"))
    if len(revisions) > 1:
        raise values.error(
            "specify only `branch: BRANCH`, `tag: TAG` or `commit: COMMIT` for remote git!",
            key=revisions[1],
        )
    remote = Remote(
        url=url,
        branch=values.text("branch"),
        tag=values.text("tag"),
        commit=values.text("commit"),
        basic_auth=_basic_auth_of(values.section("basicAuth")),
    )
    return GitMapping(
        export=export, stage_dependencies=dependencies, remote=remote if url else None
    )


def _stage_dependencies_of(values: Values | None) -> StageDependencies:
    if values is None:
        return StageDependencies()
    for stage in _DEPENDENCY_STAGES:
        if not all(map(is_relative, values.text_or_texts(stage))):
            raise values.error(
                f"`{stage}: [PATH, ...]|PATH` should be relative paths!",
                key=stage,
                remedy="stageDependencies are relative to the mapping's `add`",
            )
    return StageDependencies(
        install=values.text_or_texts("install"),
        before_setup=values.text_or_texts("beforeSetup"),
        setup=values.text_or_texts("setup"),
    )


def _basic_auth_of(values: Values | None) -> BasicAuth | None:
    if values is None:
        return None
    password = values.section("password")
    return BasicAuth(
        username=values.text("username"),
        password_env=password.text("env") if password else "",
        password_src=password.text("src") if password else "",
        password_value=password.text("value") if password else "",
    )
