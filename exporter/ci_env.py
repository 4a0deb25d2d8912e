"""``exporter ci-env``: the variables that ``werf ci-env`` sets, with a Docker configuration.

The configuration is a fresh copy of the user's, and an account of the CI is written only there.
It stays after the program has ended: later steps use it.
"""

import base64
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp, mkstemp

from exporter.build.docker_config import docker_folder
from exporter.ci.variables import (
    GITHUB_REGISTRY,
    SHELLS,
    SYSTEMS,
    Form,
    Kind,
    github,
    gitlab,
    script,
)
from exporter.errors import ExporterError, InputError, RegistryError
from exporter.log import hide
from exporter.oci.reference import Repository, parse_repository
from exporter.options import Options
from exporter.project.file_errors import NotFoundError
from exporter.project.loader import ProjectOptions, load_project
from exporter.registry.client import RegistryClient
from exporter.registry.keychain import Keychain, Login
from exporter.registry.settings import Settings

_UNAUTHORIZED = 401
_CONNECT_S = 5.0
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """An account of the CI, and a repository on which to try it."""

    login: Login
    repository: Repository


def print_variables(options: Options, env: Mapping[str, str]) -> int:
    """Print the variables, or the path of the file that holds them.

    Raises:
        InputError: There is no such system or shell, or a variable is missing.
        ConfigError: werf.yaml is wrong.
        RegistryError: The CI's account is refused.
    """
    system = _system(options)
    if options.use_docker_auth_config:
        _check_auth_config(env.get("DOCKER_AUTH_CONFIG", ""))
    hide(env.get(name, "") for name in ("GITHUB_TOKEN", "CI_JOB_TOKEN", "DOCKER_AUTH_CONFIG"))
    to_file = options.as_file or options.as_env_file
    form = _form(options)
    try:
        text = _text(system, options, env, form)
    except ExporterError:
        if not to_file:
            sys.stdout.write("exit 1\n")  # what is sourced or evaluated must not go on
        raise
    if to_file:
        _write(text, options, form)
    else:
        sys.stdout.write(text)
    return 0


def _check_auth_config(text: str) -> None:
    remedy = "Set it to the text of a Docker config.json, or leave the flag out."
    if not text:
        raise InputError(
            "DOCKER_AUTH_CONFIG environment variable is not set, but --use-docker-auth-config flag"
            " is enabled",
            remedy=remedy,
        )
    try:
        json.loads(text)
    except ValueError as error:
        raise InputError(
            "DOCKER_AUTH_CONFIG: invalid docker auth config JSON", remedy=remedy
        ) from error


def _system(options: Options) -> str:
    if len(options.arguments) != 1:
        raise InputError(
            f"ci-env requires 1 position argument(s), received {len(options.arguments)}",
            remedy="As in: exporter ci-env github",
        )
    (system,) = options.arguments
    if system not in SYSTEMS:
        raise InputError(
            f'provided ci system "{system}" not supported', remedy=f"Use {' or '.join(SYSTEMS)}."
        )
    if options.shell not in SHELLS:
        raise InputError(
            f'provided shell "{options.shell}" not supported',
            remedy="Leave --shell out for every POSIX shell, or use cmdexe or powershell.",
        )
    return system


def _form(options: Options) -> Form:
    scripts: Mapping[str, Kind] = {"powershell": "powershell", "cmdexe": "cmdexe"}
    kind = "env-file" if options.as_env_file else scripts.get(options.shell, "posix")
    return Form(kind=kind, echo=options.log_verbose and kind != "env-file")


def _text(system: str, options: Options, env: Mapping[str, str], form: Form) -> str:
    project = ""
    if system == "github" and env.get("GITHUB_REPOSITORY"):
        project = _project_name(options, env)
    account = _account(system, env) if options.login_to_registry else None
    if account is not None:
        _try(account, options, env)
    folder = str(_session_docker_config(options, env, account))
    if system == "github":
        return script(github(env, docker_config=folder, project=project), env, form)
    return script(gitlab(env, docker_config=folder), env, form)


def _project_name(options: Options, env: Mapping[str, str]) -> str:
    """The project's name; empty when there is no werf.yaml."""
    try:
        with load_project(ProjectOptions.of(options, cwd=Path.cwd(), env=env)) as project:
            return project.config.project
    except NotFoundError:
        return ""


def _account(system: str, env: Mapping[str, str]) -> _Account | None:
    """The CI's own account, as werf chooses it."""
    if system == "github":
        name, token = env.get("GITHUB_ACTOR"), env.get("GITHUB_TOKEN")
        image = f"{GITHUB_REGISTRY}/{env.get('GITHUB_REPOSITORY', 'library/none').lower()}"
    else:
        image, token = env.get("CI_REGISTRY_IMAGE", ""), env.get("CI_JOB_TOKEN")
        name = "gitlab-ci-token" if image else None
    if not name or not token:
        return None
    repository = parse_repository(image)
    login = Login(scope=repository.registry, username=name, password=token)
    return _Account(login=login, repository=repository)


def _try(account: _Account, options: Options, env: Mapping[str, str]) -> None:
    """Use the account once, so that a wrong one is told now."""
    settings = Settings(
        insecure=options.insecure_registry,
        skip_tls_verify=options.skip_tls_verify_registry,
        env=env,
        connect_timeout_s=_CONNECT_S,
        request_retry_timeout_s=_PATIENCE_S,
    )
    keychain = Keychain(logins=[account.login], env={})
    try:
        with RegistryClient(keychain=keychain, settings=settings) as client:
            client.head_manifest(account.repository.tag("latest"))
    except RegistryError as error:
        if error.status in (0, _UNAUTHORIZED):
            raise RegistryError(
                f"unable to login into docker registry {error.registry}: {error.what}",
                registry=error.registry,
                status=error.status,
                codes=error.codes,
                remedy=error.remedy or "--login-to-registry=false leaves the login out.",
            ) from error


def _session_docker_config(
    options: Options, env: Mapping[str, str], account: _Account | None
) -> Path:
    folder = Path(mkdtemp(prefix="exporter-docker-config-", dir=options.tmp_dir or None))
    config = folder / "config.json"
    if options.use_docker_auth_config:
        config.write_text(env["DOCKER_AUTH_CONFIG"], "utf-8")
    else:
        known = Path.cwd() / docker_folder(options.docker_config, env)
        if known.is_dir():
            shutil.copytree(known, folder, dirs_exist_ok=True, symlinks=True)
    if account is not None:
        _add_account(config, account.login)
    if config.exists():
        config.chmod(0o600)
    return folder


def _add_account(path: Path, login: Login) -> None:
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        config = {}
    except ValueError as error:
        raise InputError(
            "the Docker configuration is not valid JSON", remedy="Log in again to have it renewed."
        ) from error
    pair = f"{login.username}:{login.password}".encode()
    auths = {**config.get("auths", {}), login.scope: {"auth": base64.b64encode(pair).decode()}}
    path.write_text(json.dumps({**config, "auths": auths}, indent="\t"), "utf-8")


def _write(text: str, options: Options, form: Form) -> None:
    if options.output_file_path:
        Path(options.output_file_path).write_text(text, "utf-8")
        return
    prefix = "env-" if form.kind == "env-file" else "source-"
    suffix = {"cmdexe": ".bat", "powershell": ".ps1"}.get(form.kind, "")
    handle, name = mkstemp(prefix=f"exporter-{prefix}", suffix=suffix, dir=options.tmp_dir or None)
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - a handle, no path
        file.write(text)
    sys.stdout.write(f"{name}\n")
