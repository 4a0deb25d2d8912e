import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.errors import RegistryError
from exporter.oci import media_type as types
from exporter.oci.reference import Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient
from exporter.registry.keychain import Keychain, Login
from exporter.registry.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.registry import FakeRegistry, Profile, serve
from tests.fakes.registry_faults import ALWAYS

SOURCE = BlobSource.of(bytes(300_000), types.OCI_LAYER)
BEARER = Profile(auth="bearer")


@contextmanager
def opened(
    fake: FakeRegistry, *, logins: Sequence[Login] | None = None, clock: FakeClock | None = None
) -> Iterator[tuple[RegistryClient, Repository]]:
    with serve(fake) as address:
        given = [Login(scope=address, username="user", password="secret")]
        with RegistryClient(
            keychain=Keychain(logins=given if logins is None else logins),
            settings=Settings(silence_timeout_s=30),
            clock=(clock or FakeClock()).clock,
        ) as client:
            yield client, Repository(registry=address, name="a/b")


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_an_account_may_push(auth: str) -> None:
    fake = FakeRegistry(Profile(auth=auth))  # type: ignore[arg-type] # one of the literals
    with opened(fake) as (client, repository):
        assert client.push_blob(repository, SOURCE).how == "uploaded"


@pytest.mark.parametrize(
    ("profile", "how"),
    [
        (Profile(auth="bearer", token_key="access_token"), "mounted"),
        (Profile(auth="bearer", token_life_s=None), "mounted"),
        (Profile(auth="bearer", one_scope_only=True), "uploaded"),
        (Profile(auth="bearer", token_uses=3), "mounted"),
        (Profile(auth="bearer", token_uses=1), "mounted"),
    ],
    ids=["access-token", "no-life", "one-scope-only", "three-uses", "one-use"],
)
def test_token_services_differ(profile: Profile, how: str) -> None:
    fake = FakeRegistry(profile)
    fake.add_blob("origin", bytes(300_000))
    with opened(fake) as (client, repository):
        origin = Repository(registry=repository.registry, name="origin")
        client.want(origin, push=False)
        assert client.push_blob(repository, SOURCE, mount_from=origin).how == how
        assert client.list_tags(repository) == ()


@pytest.mark.parametrize("uses", [1, 2])
def test_threads_do_not_use_up_each_others_tokens(uses: int) -> None:
    fake = FakeRegistry(Profile(auth="bearer", token_uses=uses))
    with opened(fake) as (client, repository), ThreadPoolExecutor(6) as pool:
        blobs = [BlobSource.of(bytes([number]) * 1000, types.OCI_LAYER) for number in range(24)]
        results = list(pool.map(lambda blob: client.push_blob(repository, blob), blobs))
    assert [result.how for result in results] == ["uploaded"] * 24


@pytest.mark.parametrize("token", ["abc\r\nX-Evil: 1", "t\u00f6k\u20acn", "a\u0000b"])
def test_a_token_that_fits_no_header_is_one_clear_error(token: str) -> None:
    fake = FakeRegistry(BEARER)
    fake.fault("/token", "status", status=200, body=json.dumps({"token": token}).encode())
    with (
        opened(fake) as (client, repository),
        pytest.raises(RegistryError, match="cannot be put into a header"),
    ):
        client.list_tags(repository)


def test_one_token_covers_everything_that_is_going_to_be_done() -> None:
    fake = FakeRegistry(BEARER)
    fake.add_blob("origin", bytes(300_000))
    with opened(fake) as (client, repository):
        origin = Repository(registry=repository.registry, name="origin")
        client.want(origin, push=False)
        client.want(repository, push=True)
        client.list_tags(origin)
        client.push_blob(repository, SOURCE, mount_from=origin)
    assert fake.token_requests == [("repository:a/b:pull,push", "repository:origin:pull")]


def test_a_token_that_expires_in_mid_upload_is_renewed() -> None:
    fake = FakeRegistry(BEARER)

    def expire(line: str) -> None:
        if line.startswith("PUT"):
            fake.before = lambda _line: None
            fake.tokens.clear()

    fake.before = expire
    with opened(fake) as (client, repository):
        client.push_blob(repository, SOURCE)
    assert fake.blobs["a/b"][SOURCE.descriptor.digest] == bytes(300_000)
    assert len(fake.token_requests) >= 2


def test_a_token_is_renewed_before_it_expires() -> None:
    clock = FakeClock()
    fake = FakeRegistry(BEARER)
    with opened(fake, clock=clock) as (client, repository):
        client.list_tags(repository)
        clock.elapsed += 295
        client.list_tags(repository)
    assert len(fake.token_requests) == 2
    assert [seen.status for seen in fake.journal].count(401) == 1


def test_a_single_401_with_a_valid_token_is_survived() -> None:
    fake = FakeRegistry(BEARER)
    with opened(fake) as (client, repository):
        client.list_tags(repository)
        challenge = {"WWW-Authenticate": f'Bearer realm="{fake.address}/token",service="fake"'}
        fake.fault("GET .*tags", "status", status=401, headers=challenge)
        assert client.list_tags(repository) == ()


def test_a_token_service_that_stumbles_is_asked_again() -> None:
    fake = FakeRegistry(BEARER)
    fake.fault("/token", "status", status=503, times=2)
    fake.fault("/token", "drop-before")
    with opened(fake) as (client, repository):
        assert client.list_tags(repository) == ()


def test_anybody_may_pull_where_the_registry_allows_it() -> None:
    fake = FakeRegistry(Profile(auth="bearer", anonymous_pull=True))
    with opened(fake, logins=()) as (client, repository):
        assert client.list_tags(repository) == ()


def test_without_credentials_the_error_says_so() -> None:
    fake = FakeRegistry(BEARER)
    with (
        opened(fake, logins=()) as (client, repository),
        pytest.raises(RegistryError, match="no credentials are known") as caught,
    ):
        client.can_push(repository)
    assert caught.value.status == 401
    assert "docker login" in str(caught.value)


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_wrong_password_is_said_once_and_not_repeated(auth: str) -> None:
    fake = FakeRegistry(Profile(auth=auth))  # type: ignore[arg-type] # one of the literals
    with serve(fake) as address:
        login = Login(scope=address, username="user", password="wrong-password")
        repository = Repository(registry=address, name="a/b")
        with (
            RegistryClient(keychain=Keychain(logins=[login])) as client,
            pytest.raises(RegistryError, match="credentials are wrong or have expired") as caught,
        ):
            client.can_push(repository)
    assert "wrong-password" not in str(caught.value)
    assert len(fake.journal) <= 3


def test_two_accounts_on_one_registry_go_by_prefix() -> None:
    fake = FakeRegistry(Profile(auth="basic", accounts={"one": "first", "two": "second"}))
    with serve(fake) as address:
        logins = [
            Login(scope=f"{address}/team", username="one", password="first"),
            Login(scope=address, username="two", password="second"),
        ]
        with RegistryClient(keychain=Keychain(logins=logins)) as client:
            client.list_tags(Repository(registry=address, name="team/app"))
            client.list_tags(Repository(registry=address, name="teamwork/app"))
    sent = [seen.headers.get("Authorization") for seen in fake.journal if seen.status != 401]
    assert sent == ["Basic b25lOmZpcnN0", "Basic dHdvOnNlY29uZA=="]


# Only to whom it may concern


def test_a_storage_host_sees_no_credentials() -> None:
    fake = FakeRegistry(Profile(auth="bearer", blobs_elsewhere=True))
    fake.add_blob("a/b", bytes(300_000))
    with opened(fake) as (client, repository):
        assert b"".join(client.pull_blob(repository, SOURCE.descriptor)) == bytes(300_000)
    elsewhere = [seen for seen in fake.journal if seen.path.startswith("/elsewhere")]
    assert [seen.headers.get("Authorization") for seen in elsewhere] == [None]


def test_an_upload_host_sees_no_credentials() -> None:
    fake = FakeRegistry(Profile(auth="bearer", location="other"))
    with opened(fake) as (client, repository), pytest.raises(RegistryError):
        client.push_blob(repository, SOURCE)
    puts = [seen for seen in fake.journal if seen.method in ("PUT", "PATCH")]
    assert {seen.headers.get("Authorization") for seen in puts} == {None}


def test_a_registry_is_sent_nothing_that_is_for_another() -> None:
    fake = FakeRegistry(BEARER)
    other = Login(scope="ghcr.io", username="me", password="ghcr-secret")
    with opened(fake, logins=[other]) as (client, repository), pytest.raises(RegistryError):
        client.can_push(repository)
    assert all("Authorization" not in seen.headers for seen in fake.journal)


@pytest.mark.parametrize(
    "realm", ["http://169.254.169.254/token", "file:///etc/passwd", "ftp://example.org/token"]
)
def test_an_indecent_token_service_gets_nothing(realm: str) -> None:
    fake = FakeRegistry(Profile(auth="bearer", realm=realm))
    with (
        opened(fake) as (client, repository),
        pytest.raises(RegistryError, match="may not see credentials"),
    ):
        client.list_tags(repository)


def test_no_secret_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeRegistry(BEARER)
    fake.fault(".*", "status", status=401, times=ALWAYS, skip=6)
    with caplog.at_level(logging.DEBUG), opened(fake) as (client, repository):
        client.list_tags(repository)
        with pytest.raises(RegistryError) as caught:
            client.push_blob(repository, SOURCE)
    text = caplog.text + str(caught.value) + repr(caught.value)
    for secret in ("secret", *fake.tokens, "key-"):
        assert secret not in text


def test_an_identity_token_is_traded_for_tokens(tmp_path: Path) -> None:
    fake = FakeRegistry(BEARER)
    with serve(fake) as address:
        entry = {"auth": "", "identitytoken": "identity"}
        (tmp_path / "config.json").write_text(json.dumps({"auths": {address: entry}}))
        repository = Repository(registry=address, name="a/b")
        with RegistryClient(keychain=Keychain(docker_config=tmp_path)) as client:
            assert client.push_blob(repository, SOURCE).how == "uploaded"
    token_posts = [seen for seen in fake.journal if seen.path.startswith("/token")]
    assert {seen.method for seen in token_posts} == {"POST"}


@pytest.mark.parametrize("body", [b"{}", b"[]", b"no json", b'{"token": 7}'])
def test_an_answer_without_a_token_is_an_error(body: bytes) -> None:
    fake = FakeRegistry(BEARER)
    fake.fault("/token", "status", status=200, body=body, times=ALWAYS)
    with (
        opened(fake) as (client, repository),
        pytest.raises(RegistryError, match="its answer is not a token"),
    ):
        client.list_tags(repository)


def test_a_token_service_that_moved_is_followed_without_credentials() -> None:
    fake = FakeRegistry(BEARER)
    with opened(fake) as (client, repository):
        moved = {"Location": f"{fake.elsewhere}/token?service=fake"}
        fake.fault("GET /token", "status", status=302, headers=moved)
        with pytest.raises(RegistryError):
            client.can_push(repository)
    asked = [seen for seen in fake.journal if seen.path.startswith("/token")]
    assert ["Authorization" in seen.headers for seen in asked] == [True, False]


def test_a_token_service_that_moves_for_ever_is_an_error() -> None:
    fake = FakeRegistry(BEARER)
    fake.fault("/token", "status", status=302, headers={"Location": "/token"}, times=ALWAYS)
    with (
        opened(fake) as (client, repository),
        pytest.raises(RegistryError, match="redirects without end"),
    ):
        client.list_tags(repository)


def test_a_proxy_carries_requests_and_sees_no_registry_password() -> None:
    fake = FakeRegistry(Profile(auth="basic"))
    with serve(fake) as address:
        settings = Settings(env={"HTTP_PROXY": f"http://me:proxy-secret@{address}"})
        repository = Repository(registry="registry.local", name="a/b")
        logins = [Login(scope="registry.local", username="user", password="secret")]
        with RegistryClient(keychain=Keychain(logins=logins), settings=settings) as client:
            assert client.list_tags(repository) == ()
    assert all(seen.path.startswith("http://registry.local/v2/") for seen in fake.journal)
    assert {seen.headers.get("Proxy-Authorization") for seen in fake.journal} == {
        "Basic bWU6cHJveHktc2VjcmV0"
    }


def test_a_proxy_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Settings(env={"HTTPS_PROXY": "http://127.0.0.1:1"}, ca_file=None)
    repository = Repository(registry="registry.example", name="a/b")
    with (
        RegistryClient(settings=settings, clock=FakeClock().clock) as client,
        pytest.raises(RegistryError, match=r"through the proxy 127\.0\.0\.1") as caught,
    ):
        client.list_tags(repository)
    assert "HTTPS_PROXY" in str(caught.value)
    assert not list(tmp_path.iterdir())
