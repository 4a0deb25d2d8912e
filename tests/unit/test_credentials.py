"""Which account is for which registry."""

import pytest

from exporter.credentials import logins_of, may_publish, secrets_of
from exporter.errors import InputError
from exporter.options import Options
from exporter.registry.keychain import Login

LIST = """
- registry: https://docker.io/
  username: me
  password: p1
- {registry: quay.io/team, username: bot, password: p2}
"""


def test_every_entry_is_an_account() -> None:
    options = Options(command="export", registry_login=(LIST,))
    assert logins_of(options, {}) == (
        Login(scope="docker.io", username="me", password="p1"),
        Login(scope="quay.io/team", username="bot", password="p2"),
    )
    assert secrets_of(options) == ("p1", "p2")


def test_the_password_is_for_the_registry_of_repo_only() -> None:
    options = Options(command="export", repo="ghcr.io/me/app", registry_password="p")
    assert logins_of(options, {"GITHUB_ACTOR": "octo"}) == (
        Login(scope="ghcr.io", username="octo", password="p"),
    )


def test_the_github_token_goes_to_ghcr_only_and_yields_to_an_explicit_account() -> None:
    token = Options(command="export", github_token="t")
    assert logins_of(token, {}) == (Login(scope="ghcr.io", username="token", password="t"),)
    both = Options(
        command="export",
        github_token="t",
        repo="ghcr.io/me/app",
        registry_username="me",
        registry_password="p",
    )
    assert logins_of(both, {}) == (Login(scope="ghcr.io", username="me", password="p"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {registry: a", "registries is not valid YAML in line 1"),
        ("just text", "registries is not a list"),
        ("- text", "registries: entry 1 is no mapping"),
        ("- {registry: a, username: b}", "registries: entry 1 has no password"),
        ("- {registry: a, user: b}", "registries: entry 1 has the unknown key 'user'"),
    ],
)
def test_a_wrong_list_is_refused_without_showing_it(text: str, message: str) -> None:
    options = Options(command="export", registry_login=(text,))
    with pytest.raises(InputError) as error:
        logins_of(options, {})
    assert error.value.what == message


def test_a_password_without_a_repository_is_for_nobody() -> None:
    with pytest.raises(InputError, match="registry-password is given, but no repo"):
        logins_of(Options(command="export", registry_password="p"), {})


@pytest.mark.parametrize(
    ("given", "publishes"),
    [
        ({}, False),
        ({"registry_password": "own"}, True),
        ({"registry_password": "job"}, False),
        ({"registry_login": ("- {registry: a, username: b, password: own}",)}, True),
        ({"registry_login": ("- {registry: ghcr.io, username: b, password: job}",)}, False),
        ({"registry_login": ("- {registry: a, username: b, password: }",)}, False),
    ],
)
def test_only_an_account_besides_the_jobs_token_may_publish_for_a_fork(
    given: dict[str, object],
    publishes: bool,  # noqa: FBT001
) -> None:
    options = Options(command="export", github_token="job")._replace(**given)  # type: ignore[arg-type]  # fields of Options
    assert may_publish(options) is publishes


@pytest.mark.parametrize(
    ("env", "login"),
    [
        (
            {"CI_REGISTRY_USER": "deploy", "CI_REGISTRY_PASSWORD": "p", "CI_JOB_TOKEN": "t"},
            Login(scope="reg.example:5050", username="deploy", password="p"),
        ),
        (
            {"CI_REGISTRY_USER": "deploy", "CI_JOB_TOKEN": "t"},
            Login(scope="reg.example:5050", username="gitlab-ci-token", password="t"),
        ),
    ],
)
def test_the_account_of_a_gitlab_job_is_for_its_registry(env: dict[str, str], login: Login) -> None:
    given = {"GITLAB_CI": "true", "CI_REGISTRY": "reg.example:5050", **env}
    assert logins_of(Options(command="export"), given) == (login,)
    assert logins_of(Options(command="export"), env) == ()
