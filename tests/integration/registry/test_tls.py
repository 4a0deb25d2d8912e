"""Schemes and trust, with certificates of an authority made up for the test."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from exporter.errors import RegistryError
from exporter.oci.reference import Repository
from exporter.registry.client import RegistryClient
from exporter.registry.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.registry import FakeRegistry, serve

FAST = FakeClock().clock


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@contextmanager
def tls_registry(authority: trustme.CA, name: str = "127.0.0.1") -> Iterator[Repository]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    with serve(FakeRegistry(), tls=context) as address:
        yield Repository(registry=address, name="a/b")


def test_a_private_authority_is_trusted_when_given(authority: trustme.CA, ca_file: Path) -> None:
    with (
        tls_registry(authority) as repository,
        RegistryClient(settings=Settings(ca_file=ca_file)) as client,
    ):
        assert client.list_tags(repository) == ()


def test_the_usual_variable_names_an_authority(authority: trustme.CA, ca_file: Path) -> None:
    settings = Settings(env={"SSL_CERT_FILE": str(ca_file)})
    with tls_registry(authority) as repository, RegistryClient(settings=settings) as client:
        assert client.list_tags(repository) == ()


def test_checks_are_skipped_on_request(authority: trustme.CA) -> None:
    settings = Settings(skip_tls_verify=True)
    with tls_registry(authority) as repository, RegistryClient(settings=settings) as client:
        assert client.list_tags(repository) == ()


def test_an_unknown_authority_is_an_error_at_once(authority: trustme.CA) -> None:
    with (
        tls_registry(authority) as repository,
        RegistryClient() as client,
        pytest.raises(RegistryError, match="certificate is not trusted") as caught,
    ):
        client.list_tags(repository)
    assert "--registry-ca" in str(caught.value)


def test_a_certificate_of_another_host_is_an_error(authority: trustme.CA, ca_file: Path) -> None:
    with (
        tls_registry(authority, "other.example.org") as repository,
        RegistryClient(settings=Settings(ca_file=ca_file)) as client,
        pytest.raises(RegistryError, match="certificate is not trusted"),
    ):
        client.list_tags(repository)


def test_plain_http_is_not_spoken_to_strangers() -> None:
    with serve(FakeRegistry()) as address:
        port = address.partition(":")[2]
        repository = Repository(registry=f"127.1:{port}", name="a/b")  # not known to be local
        with (
            RegistryClient(clock=FAST) as client,
            pytest.raises(RegistryError, match="the registry speaks plain HTTP") as caught,
        ):
            client.list_tags(repository)
        assert "--insecure-registry" in str(caught.value)
        with RegistryClient(settings=Settings(insecure=True), clock=FAST) as client:
            assert client.list_tags(repository) == ()
