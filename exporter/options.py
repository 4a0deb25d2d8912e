"""The table of options, and the frozen :class:`Options` that the rest of the program reads.

One row of ``OPTIONS`` feeds the command line, the ``WERF_*`` variables, the action's inputs, ``action.yml`` and the
documentation. Precedence: flag, then ``INPUT_*`` (a container action), then ``PLUGIN_*`` (Drone, Woodpecker), then
the environment, then the default. Names, types, defaults and variables are werf's where werf has the option
(specification section 9); everything else is the exporter's own.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

Kind = Literal["text", "flag", "list", "int"]
Command = Literal[
    "export",
    "build",
    "plan",
    "promote",
    "config render",
    "config list",
    "config graph",
    "config schema",
    "ci-env",
    "doctor",
]

_ALL: tuple[Command, ...] = get_args(Command)
_WORK: tuple[Command, ...] = ("export", "build", "plan", "promote")
_BUILD: tuple[Command, ...] = ("export", "build", "plan")
_EXPORT: tuple[Command, ...] = ("export", "plan", "promote")
MODES: tuple[Command, ...] = _WORK
"""What the action's input ``mode`` may say."""
_PROJECT: tuple[Command, ...] = (
    "export", "build", "plan", "config render", "config list", "config graph", "ci-env", "doctor",
)  # fmt: skip
_REGISTRY: tuple[Command, ...] = (*_WORK, "doctor")
_LOGIN: tuple[Command, ...] = (*_REGISTRY, "ci-env")


class Option(NamedTuple):
    """One row of the table.

    ``variables`` are tried in order; ``prefix`` collects every variable that starts with it, sorted as
    ``NAME=value`` (werf's rule for lists). ``collects`` says that a list joins all its sources instead of taking
    the first one that is given. ``secret`` values are masked before anything else happens. A flag's default is
    another for the commands of ``off_for`` and ``on_for``; those of ``no_variables_for`` read no variable.
    """

    name: str
    kind: Kind
    help: str
    commands: tuple[Command, ...]
    default: str | bool | int | tuple[str, ...] = ""
    variables: tuple[str, ...] = ()
    prefix: str = ""
    short: str = ""
    choices: tuple[str, ...] = ()
    is_input: bool = True
    input_name: str = ""
    collects: bool = False
    secret: bool = False
    hidden: bool = False
    off_for: tuple[Command, ...] = ()
    on_for: tuple[Command, ...] = ()
    no_variables_for: tuple[Command, ...] = ()

    def default_for(self, command: Command) -> str | bool | int | tuple[str, ...]:
        """The value for a command when nothing is given."""
        if command in self.off_for:
            return False
        return True if command in self.on_for else self.default

    @property
    def field(self) -> str:
        """The attribute of :class:`Options` that holds the value."""
        return "from_" if self.name == "from" else self.name.replace("-", "_")

    @property
    def input(self) -> str:
        """The action input's name; empty when it is none."""
        return (self.input_name or self.name) if self.is_input else ""


def _text(
    name: str, variables: str, help_: str, commands: tuple[Command, ...], **more: object
) -> Option:
    return Option(
        name=name,
        kind="text",
        help=help_,
        commands=commands,
        variables=tuple(variables.split()),
        **more,  # type: ignore[arg-type]  # rows below are literals, checked by the tests of the table
    )


def _flag(
    name: str, variables: str, help_: str, commands: tuple[Command, ...], **more: object
) -> Option:
    return Option(
        name=name,
        kind="flag",
        help=help_,
        commands=commands,
        variables=tuple(variables.split()),
        **{"default": False, **more},  # type: ignore[arg-type]  # as above
    )


def _list(
    name: str, prefix: str, help_: str, commands: tuple[Command, ...], **more: object
) -> Option:
    return Option(
        name=name,
        kind="list",
        help=help_,
        commands=commands,
        prefix=prefix,
        **{"default": (), **more},  # type: ignore[arg-type]  # as above
    )


# fmt: off
OPTION_GROUPS: Mapping[str, tuple[Option, ...]] = {
    "What and where to": (
        _list("tag", "", "Destination reference; may hold %image%, %image_slug%, %image_safe_slug%, %image_content_based_tag%. Repeatable.",
              (*_EXPORT, "doctor"), input_name="tags"),
        _list("image", "", "Images to take: names, globs, !exclusions (positional arguments on the command line).",
              (*_WORK, "config render", "config graph"), input_name="images", hidden=True),
        _text("repo", "WERF_REPO", "Repository that keeps the built stages; without it the engine keeps them.", (*_WORK, "doctor")),
        _text("final-repo", "WERF_FINAL_REPO", "Repository that also gets the last stage of every final image.", _BUILD),
        _list("secondary-repo", "WERF_SECONDARY_REPO_", "Read-only repository to take missing stages from. Repeatable.", _BUILD, collects=True),
        _list("cache-repo", "WERF_CACHE_REPO_", "Repository asked before --repo and filled after builds. Repeatable.", _BUILD, collects=True),
    ),
    "What changes on the way out": (
        _list("add-label", "WERF_EXPORT_ADD_LABEL_", "Label key=value for the exported images, after removing werf's own. Repeatable.",
              _EXPORT, input_name="add-labels", collects=True),
        _text("add-label-separator", "WERF_EXPORT_ADD_LABEL_SEPARATOR", "Separates several labels in one value (default: a line break).",
              _EXPORT, default="\n"),
        _list("annotation", "", "Annotation key=value for exported manifests and indexes. Repeatable.", _EXPORT, input_name="annotations"),
        _text("media-type", "EXPORTER_MEDIA_TYPE", "Media types of exported manifests: keep them, or convert.", _EXPORT, default="keep",
              choices=("keep", "oci", "docker")),
        _text("attestations", "EXPORTER_ATTESTATIONS", "Attestation manifests of an index: keep them (re-pointed) or drop them.", _EXPORT,
              default="keep", choices=("keep", "drop")),
        _flag("unwrap-single", "EXPORTER_UNWRAP_SINGLE", "Export an index of one image as that image.", _EXPORT),
        _text("if-exists", "EXPORTER_IF_EXISTS", "A tag that shows something else: move it, keep it, or fail.", _EXPORT, default="move",
              choices=("move", "keep", "fail")),
        _flag("monotonic", "EXPORTER_MONOTONIC", "Never move a tag to an ancestor of the commit that it shows.", (*_EXPORT, "doctor")),
        _text("on-error", "EXPORTER_ON_ERROR", "After a reference failed: stop, or go on with the others.", _EXPORT, default="fail-fast",
              choices=("fail-fast", "continue")),
        _flag("allow-empty", "EXPORTER_ALLOW_EMPTY", "Nothing selected is a success.", _WORK),
        _list("from", "", "What to promote: a report of an earlier run, or a reference. Repeatable.", ("promote",), variables=("EXPORTER_FROM",)),
    ),
    "How to build": (
        _list("platform", "", "Platform such as linux/arm64, for all images. Repeatable, or separated by commas.", (*_BUILD, "ci-env"),
              variables=("WERF_PLATFORM", "DOCKER_DEFAULT_PLATFORM"), input_name="platforms"),
        _flag("require-built-images", "WERF_REQUIRE_BUILT_IMAGES", "Build nothing; a missing stage is an error.", _BUILD, short="Z"),
        _flag("check-built-images", "WERF_CHECK_BUILT_IMAGES", "The same as --require-built-images.", ("build",), hidden=True, is_input=False),
        _flag("final-images-only", "WERF_FINAL_IMAGES_ONLY", "Build only final images and what they need.", (*_BUILD, "config graph", "config list"),
              default=True, off_for=("build", "config graph", "config list"), no_variables_for=("config list",)),
        _text("backend-network", "WERF_BACKEND_NETWORK", "Network of build commands; overrides werf.yaml.", _BUILD),
        _list("cache-from", "", "BuildKit cache to read, e.g. type=gha or type=registry,ref=… Repeatable.", _BUILD),
        _list("cache-to", "", "BuildKit cache to write. Repeatable.", _BUILD),
        _text("builder", "EXPORTER_BUILDER BUILDX_BUILDER", "The buildx builder to use (remote, kubernetes, cloud).", (*_BUILD, "doctor")),
        _text("publish-from", "EXPORTER_PUBLISH_FROM", "Who pushes built stages: the engine, or the exporter itself.", _BUILD, default="auto",
              choices=("auto", "engine", "client")),
        _list("ssh-key", "WERF_SSH_KEY_", "Private key for builds that use ssh. Repeatable.", _BUILD, collects=True),
        _list("add-custom-tag", "WERF_ADD_CUSTOM_TAG_", "Tag for the built image, in --final-repo or else --repo; may hold %image%. Repeatable.", ("build",), collects=True),
        _flag("use-build-report", "WERF_USE_BUILD_REPORT", "Take the images from a build report instead of building.", ("export", "plan")),
        _flag("save-build-report", "WERF_SAVE_BUILD_REPORT", "Write a build report in werf's format.", ("export", "build")),
        _text("build-report-path", "WERF_BUILD_REPORT_PATH", "The build report's path.", ("export", "build", "plan")),
        _flag("skip-image-metadata-publication", "WERF_SKIP_IMAGE_METADATA_PUBLICATION", "Do not record in --repo which commit uses which stage.", _BUILD),
        _flag("skip-image-spec-stage", "WERF_SKIP_IMAGE_SPEC_STAGE", "Leave the imageSpec stage out.", _BUILD, hidden=True, is_input=False),
        _flag("virtual-merge", "WERF_VIRTUAL_MERGE", "HEAD is a merge commit made by the CI for a pull request.", _BUILD),
        _flag("parallel", "WERF_PARALLEL", "Build and export images side by side.", _WORK, default=True, short="p"),
        Option(name="parallel-tasks-limit", kind="int", help="How many images at a time; 0 or less: no limit.", commands=_WORK, default=5,
               variables=("WERF_PARALLEL_TASKS_LIMIT",)),
    ),
    "The project": (
        _text("dir", "WERF_DIR", "Project directory (default: the current one).", _PROJECT),
        _text("git-work-tree", "WERF_GIT_WORK_TREE", "Git work tree (default: the nearest parent with .git).", _PROJECT),
        _text("config", "WERF_CONFIG", "Path of werf.yaml.", _PROJECT),
        _text("config-templates-dir", "WERF_CONFIG_TEMPLATES_DIR", "Directory of *.tmpl files (default: .werf).", _PROJECT),
        _text("config-render-path", "", "Write the rendered werf.yaml to this file.", _PROJECT),
        _text("giterminism-config", "WERF_GITERMINISM_CONFIG", "Path of werf-giterminism.yaml.", _PROJECT),
        _text("env", "WERF_ENV", "The value of .Env in templates.", _PROJECT),
        _flag("dev", "WERF_DEV", "Take uncommitted changes into account.", _PROJECT),
        _text("dev-branch", "WERF_DEV_BRANCH", "Accepted for compatibility; the exporter needs no branch for --dev.", _PROJECT,
              default="_werf-dev", is_input=False),
        _list("dev-ignore", "WERF_DEV_IGNORE_", "Glob of files that --dev leaves out. Repeatable.", _PROJECT, collects=True),
        _flag("loose-giterminism", "WERF_LOOSE_GITERMINISM", "Do not insist on committed configuration.", _PROJECT),
        _flag("debug-templates", "WERF_DEBUG_TEMPLATES", "Show the template text around an error, and what *_debug functions say.", _PROJECT),
        _flag("allow-includes-update", "WERF_ALLOW_INCLUDES_UPDATE", "Accepted for compatibility; includes are not supported.", _PROJECT,
              hidden=True, is_input=False),
    ),
    "Registries": (
        _list("registry-login", "", "YAML list of {registry, username, password}; one account each.", _REGISTRY, input_name="registries", secret=True),
        _text("registry-username", "EXPORTER_REGISTRY_USERNAME", "User of the registry of --repo.", _REGISTRY),
        _text("registry-password", "EXPORTER_REGISTRY_PASSWORD", "Password or token of the registry of --repo; better as a variable or input.", _REGISTRY, secret=True),
        _text("github-token", "", "Token for ghcr.io, sent nowhere else.", _REGISTRY, secret=True),
        _text("docker-config", "WERF_DOCKER_CONFIG DOCKER_CONFIG", "Directory of Docker's config.json (default: ~/.docker).", _LOGIN),
        _flag("insecure-registry", "WERF_INSECURE_REGISTRY", "Use plain HTTP.", _LOGIN),
        _flag("skip-tls-verify-registry", "WERF_SKIP_TLS_VERIFY_REGISTRY", "Do not check certificates.", _LOGIN),
        _text("registry-ca", "EXPORTER_REGISTRY_CA SSL_CERT_FILE", "File with additional certificate authorities (PEM).", _REGISTRY),
        Option(name="retry-timeout", kind="int", help="Seconds to go on trying after a registry fault.", commands=_REGISTRY, default=300,
               variables=("EXPORTER_RETRY_TIMEOUT",)),
        _list("container-registry-mirror", "WERF_CONTAINER_REGISTRY_MIRROR_", "Accepted for compatibility; mirrors are the engine's own configuration.",
              _BUILD, hidden=True, is_input=False),
    ),
    "What you see": (
        _text("report-path", "EXPORTER_REPORT_PATH", "Write the JSON report to this file.", _WORK),
        _text("output-file", "EXPORTER_OUTPUT_FILE", "Write the outputs to this file: dotenv, or JSON when it ends in .json.", _WORK),
        _flag("summary", "EXPORTER_SUMMARY", "Write the summary table for the CI.", _WORK, default=True),
        _text("ci", "EXPORTER_CI", "The CI to talk to.", _ALL, default="auto",
              choices=("auto", "github", "gitlab", "azure", "jenkins", "circleci", "bitbucket", "tekton", "drone", "plain")),
        _flag("log-quiet", "WERF_LOG_QUIET", "Only warnings, errors and the result.", _ALL, on_for=("config render",)),
        _flag("log-verbose", "WERF_LOG_VERBOSE", "Say more.", _ALL),
        _flag("log-debug", "WERF_LOG_DEBUG RUNNER_DEBUG", "Show the registry protocol and the programs that are run.", _ALL),
        _text("log-color-mode", "WERF_LOG_COLOR_MODE", "Colours: auto, on, off.", _ALL, default="auto", choices=("auto", "on", "off")),
        _text("tmp-dir", "WERF_TMP_DIR", "Directory for temporary files.", _PROJECT, is_input=False),
        _text("home-dir", "WERF_HOME", "Directory for caches of remote git repositories (default: ~/.exporter).", _PROJECT, is_input=False),
    ),
    "Only of ci-env": (
        _flag("as-file", "WERF_AS_FILE", "Write the script to a file and print its path.", ("ci-env",), is_input=False),
        _flag("as-env-file", "WERF_AS_ENV_FILE", "Write an env file and print its path.", ("ci-env",), is_input=False),
        _text("output-file-path", "WERF_OUTPUT_FILE_PATH", "Where to write the file.", ("ci-env",), short="o", is_input=False),
        _text("shell", "WERF_SHELL", "Accepted for compatibility: the script suits every POSIX shell.", ("ci-env",), is_input=False),
        _flag("login-to-registry", "WERF_LOGIN_TO_REGISTRY", "Write registry credentials of the CI to a fresh docker config.", ("ci-env",), default=True, is_input=False),
        _flag("use-docker-auth-config", "WERF_USE_DOCKER_AUTH_CONFIG", "Use DOCKER_AUTH_CONFIG for the fresh docker config.", ("ci-env",), is_input=False),
    ),
}
# fmt: on
"""The table, grouped as the help shows it."""

OPTIONS: tuple[Option, ...] = tuple(each for group in OPTION_GROUPS.values() for each in group)


def _ignored(
    kind: Kind, commands: tuple[Command, ...], names: str, **more: object
) -> tuple[Option, ...]:
    default: Mapping[Kind, object] = {"text": "", "flag": False, "int": 0, "list": ()}
    rest: Mapping[str, Any] = {"hidden": True, "is_input": False, "default": default[kind], **more}
    return tuple(
        Option(name=name, kind=kind, help="", commands=commands, **rest) for name in names.split()
    )


ACCEPTED_WITHOUT_EFFECT: tuple[Option, ...] = (
    *_ignored("text", _BUILD, "synchronization", short="S"),
    *_ignored("text", _BUILD, "kube-config kube-config-base64 kube-context"),
    *(
        option
        for repo in ("repo", "final-repo")
        for option in _ignored(
            "text",
            _BUILD,
            f"{repo}-container-registry {repo}-docker-hub-username {repo}-docker-hub-password {repo}-docker-hub-token "
            f"{repo}-github-token {repo}-harbor-username {repo}-harbor-password {repo}-quay-token",
        )
    ),
    *_ignored("list", _BUILD, "introspect-stage"),
    *_ignored("flag", _BUILD, "introspect-error introspect-before-error insecure-helm-dependencies log-project-dir"),
    *_ignored("flag", ("build",), "disable-auto-host-cleanup follow"),
    *_ignored("text", ("build",), "backend-storage-path"),
    *_ignored(
        "int",
        ("build",),
        "allowed-backend-storage-volume-usage allowed-local-cache-volume-usage",
        default=70,
    ),
    *_ignored(
        "int",
        ("build",),
        "allowed-backend-storage-volume-usage-margin allowed-local-cache-volume-usage-margin",
        default=5,
    ),
    *_ignored("flag", _PROJECT, "log-pretty", default=True),
    *_ignored("flag", _PROJECT, "log-time"),
    *_ignored("text", _PROJECT, "log-time-format", default="2006-01-02T15:04:05Z07:00"),
    *_ignored("int", _PROJECT, "log-terminal-width", default=-1),
)  # fmt: skip
"""Flags of werf that concern cleaning, its lock server or its log's look: accepted, so that a line can be kept.
Variables of theirs are not read; what they default to is werf's."""


class Options(NamedTuple):
    """Everything a run was asked for; a field per row of ``OPTIONS``, named with underscores.

    A dataclass of so many fields would cost every start 3 ms; this costs a tenth.
    """

    command: Command
    arguments: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    image: tuple[str, ...] = ()
    repo: str = ""
    final_repo: str = ""
    secondary_repo: tuple[str, ...] = ()
    cache_repo: tuple[str, ...] = ()
    add_label: tuple[str, ...] = ()
    add_label_separator: str = "\n"
    annotation: tuple[str, ...] = ()
    media_type: str = "keep"
    attestations: str = "keep"
    unwrap_single: bool = False
    if_exists: str = "move"
    monotonic: bool = False
    on_error: str = "fail-fast"
    allow_empty: bool = False
    from_: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    require_built_images: bool = False
    check_built_images: bool = False
    final_images_only: bool = True
    backend_network: str = ""
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    builder: str = ""
    publish_from: str = "auto"
    ssh_key: tuple[str, ...] = ()
    add_custom_tag: tuple[str, ...] = ()
    use_build_report: bool = False
    save_build_report: bool = False
    build_report_path: str = ""
    skip_image_metadata_publication: bool = False
    skip_image_spec_stage: bool = False
    virtual_merge: bool = False
    parallel: bool = True
    parallel_tasks_limit: int = 5
    dir: str = ""
    git_work_tree: str = ""
    config: str = ""
    config_templates_dir: str = ""
    config_render_path: str = ""
    giterminism_config: str = ""
    env: str = ""
    dev: bool = False
    dev_branch: str = "_werf-dev"
    dev_ignore: tuple[str, ...] = ()
    loose_giterminism: bool = False
    debug_templates: bool = False
    allow_includes_update: bool = False
    registry_login: tuple[str, ...] = ()
    registry_username: str = ""
    registry_password: str = ""
    github_token: str = ""
    docker_config: str = ""
    insecure_registry: bool = False
    skip_tls_verify_registry: bool = False
    registry_ca: str = ""
    retry_timeout: int = 300
    container_registry_mirror: tuple[str, ...] = ()
    report_path: str = ""
    output_file: str = ""
    summary: bool = True
    ci: str = "auto"
    log_quiet: bool = False
    log_verbose: bool = False
    log_debug: bool = False
    log_color_mode: str = "auto"
    tmp_dir: str = ""
    home_dir: str = ""
    as_file: bool = False
    as_env_file: bool = False
    output_file_path: str = ""
    shell: str = ""
    login_to_registry: bool = True
    use_docker_auth_config: bool = False

    def __repr__(self) -> str:
        """Show what was given, never a secret."""
        secret = {option.field for option in OPTIONS if option.secret}
        defaults = self._field_defaults
        given = [
            f"{name}={'***' if name in secret else value!r}"
            for name, value in self._asdict().items()
            if name not in defaults or value != defaults[name]
        ]
        return f"Options({', '.join(given)})"

    @property
    def tasks_limit(self) -> int:
        """How many images at a time; 1 when nothing may run side by side, 64 when there is no limit."""
        unlimited = 64
        if not self.parallel:
            return 1
        return self.parallel_tasks_limit if self.parallel_tasks_limit > 0 else unlimited
