"""The client's own suite runs on the fake and on real registries, so that neither drifts."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from exporter.oci.reference import Repository
from exporter.registry.client import RegistryClient
from exporter.registry.settings import Exchange
from tests.fakes.registry import FakeRegistry, serve

REAL = "127.0.0.1:5000"
OTHER_REAL = "127.0.0.1:5001"


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.registry)])
def registries(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The addresses of two registries."""
    if request.param == "real":
        yield REAL, OTHER_REAL
        return
    with ExitStack() as stack:
        one, other = (stack.enter_context(serve(FakeRegistry())) for _ in range(2))
        yield one, other


@pytest.fixture
def repository(registries: tuple[str, str]) -> Repository:
    """A new repository of the first registry."""
    return Repository(registry=registries[0], name=f"suite/r{secrets.token_hex(6)}")


@pytest.fixture
def sibling(registries: tuple[str, str]) -> Repository:
    """Another new repository of the same registry."""
    return Repository(registry=registries[0], name=f"suite/s{secrets.token_hex(6)}")


@pytest.fixture
def elsewhere(registries: tuple[str, str]) -> Repository:
    """A new repository of the other registry."""
    return Repository(registry=registries[1], name=f"suite/e{secrets.token_hex(6)}")


@pytest.fixture
def journal() -> list[Exchange]:
    """The requests that ``client`` made."""
    return []


@pytest.fixture
def client(journal: list[Exchange]) -> Iterator[RegistryClient]:
    """A client with default settings."""
    with RegistryClient(journal=journal.append) as opened:
        yield opened
