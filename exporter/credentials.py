"""The accounts that the options name, each for the registry that it is for."""

from collections.abc import Mapping

from exporter.errors import InputError
from exporter.oci.reference import parse_repository
from exporter.options import Options
from exporter.registry.keychain import Login

GITHUB_REGISTRY = "ghcr.io"
_KEYS = frozenset({"registry", "username", "password"})
_SHAPE = (
    "Write one entry per account: "
    "- {registry: ghcr.io, username: me, password: ${{ secrets.TOKEN }}}."
)


def secrets_of(options: Options) -> tuple[str, ...]:
    """Every secret among the options, to be masked before anything else is done.

    A malformed list is one secret here; :func:`logins_of` says what is wrong with it.
    """
    found = [options.registry_password, options.github_token]
    for text in options.registry_login:
        try:
            found += [password for _, _, password in _entries(text)]
        except InputError:
            found.append(text)
    return tuple(secret for secret in found if secret)


def may_publish(options: Options) -> bool:
    """Whether an account was given besides the job's own token, which may only read for forks."""
    if options.registry_password not in ("", options.github_token):
        return True
    for text in options.registry_login:
        try:
            passwords = [password for _, _, password in _entries(text)]
        except InputError:  # secrets are empty in a fork's run, so entries are incomplete
            continue
        if any(password != options.github_token for password in passwords):
            return True
    return False


def without_accounts(options: Options) -> Options:
    """The options with the job's own token only."""
    return options._replace(registry_login=(), registry_username="", registry_password="")


def logins_of(options: Options, env: Mapping[str, str]) -> tuple[Login, ...]:
    """The accounts; an explicit one for a registry wins over the job's own token.

    Raises:
        InputError: An entry of ``registries`` is malformed, or a user name has no registry.
    """
    logins = [
        Login(scope=scope, username=username, password=password)
        for text in options.registry_login
        for scope, username, password in _entries(text)
    ]
    if options.registry_password:
        if not options.repo:
            raise InputError(
                "registry-password is given, but no repo whose registry it could be for",
                remedy="Set repo, or use registries to name the registry.",
            )
        registry = parse_repository(options.repo).registry
        username = options.registry_username or _user_of(registry, env)
        logins.append(Login(scope=registry, username=username, password=options.registry_password))
    elif options.registry_username:
        raise InputError(
            "registry-username is given without registry-password",
            remedy="Set both, or neither to use the Docker configuration.",
        )
    known = {login.scope.partition("/")[0] for login in logins}
    if options.github_token and GITHUB_REGISTRY not in known:
        user = env.get("GITHUB_ACTOR") or "token"
        logins.append(Login(scope=GITHUB_REGISTRY, username=user, password=options.github_token))
        known.add(GITHUB_REGISTRY)
    gitlab = env.get("CI_REGISTRY", "")
    password = env.get("CI_REGISTRY_PASSWORD") or env.get("CI_JOB_TOKEN")
    if env.get("GITLAB_CI") and gitlab and gitlab not in known and password:
        given = env.get("CI_REGISTRY_USER") if env.get("CI_REGISTRY_PASSWORD") else None
        logins.append(Login(scope=gitlab, username=given or "gitlab-ci-token", password=password))
    return tuple(logins)


def _user_of(registry: str, env: Mapping[str, str]) -> str:
    if registry == GITHUB_REGISTRY and env.get("GITHUB_ACTOR"):
        return env["GITHUB_ACTOR"]
    return "token"


def _entries(text: str) -> list[tuple[str, str, str]]:
    """Registry, user name and password of every entry of the YAML list."""
    import yaml  # noqa: PLC0415 - only when accounts are given so

    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:  # its text would show the secret
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"registries is not valid YAML{where}", remedy=_SHAPE) from None
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list):
        raise InputError("registries is not a list", remedy=_SHAPE)
    return [_entry(number, entry) for number, entry in enumerate(entries, start=1)]


def _entry(number: int, entry: object) -> tuple[str, str, str]:
    if not isinstance(entry, dict):
        raise InputError(f"registries: entry {number} is no mapping", remedy=_SHAPE)
    unknown = sorted(str(key) for key in entry if key not in _KEYS)
    if unknown:
        raise InputError(
            f"registries: entry {number} has the unknown key {unknown[0]!r}", remedy=_SHAPE
        )
    values = [str(entry.get(key) or "").strip() for key in ("registry", "username", "password")]
    for key, value in zip(("registry", "username", "password"), values, strict=True):
        if not value:
            raise InputError(f"registries: entry {number} has no {key}", remedy=_SHAPE)
    registry, username, password = values
    scope = registry.removeprefix("https://").removeprefix("http://").rstrip("/")
    return scope, username, password
