"""What an examination with another proxy found: each case as the registry would send it."""

import gzip
import json
from collections.abc import Iterator

import pytest

from exporter.errors import RegistryError
from exporter.oci import media_type as types
from exporter.oci.reference import Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient
from exporter.registry.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.registry import FakeRegistry, serve
from tests.fakes.registry_faults import ALWAYS

CONTENT = bytes(range(256)) * 400
SOURCE = BlobSource.of(CONTENT, types.OCI_LAYER)


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def repository(fake: FakeRegistry) -> Iterator[Repository]:
    with serve(fake) as address:
        yield Repository(registry=address, name="a/b")


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    settings = Settings(connect_timeout_s=10, silence_timeout_s=30)
    with RegistryClient(settings=settings, clock=FakeClock().clock) as opened:
        yield opened


def send_packed(fake: FakeRegistry, match: str, content: bytes) -> None:
    body = gzip.compress(content)
    headers = {"Content-Encoding": "gzip", "Content-Length": str(len(body))}
    fake.fault(match, "status", status=200, body=body, headers=headers, times=ALWAYS)


def test_small_documents_may_come_packed(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    send_packed(fake, "GET .*tags", b'{"name": "a/b", "tags": ["v1"]}')
    assert client.list_tags(repository) == ("v1",)


def test_blobs_may_come_packed(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    send_packed(fake, "GET .*blobs", CONTENT)
    assert client.read_blob(repository, SOURCE.descriptor) == CONTENT


def test_a_blob_that_is_stored_packed_and_labelled_so_is_taken_as_it_is(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    layer = gzip.compress(CONTENT)
    send_packed(fake, "GET .*blobs", CONTENT)
    blob = BlobSource.of(layer, types.OCI_LAYER).descriptor
    assert client.read_blob(repository, blob) == layer


def test_what_does_not_unpack_is_asked_for_again(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    headers = {"Content-Encoding": "gzip"}
    fake.fault("GET .*tags", "status", status=200, body=b'{"tags": []}', headers=headers)
    assert client.list_tags(repository) == ()
    assert len(fake.requests("tags")) == 2


def test_a_packed_document_does_not_grow_beyond_the_limit(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    send_packed(fake, "GET .*manifests", b" " * (9 << 20))
    with pytest.raises(RegistryError, match="sent more than 8388608 bytes"):
        client.get_manifest(repository.tag("v1"))


@pytest.mark.parametrize(
    "location",
    ["http://[bad", "http://127.0.0.1:99999/x", "file:///etc/passwd", "gopher://x/\x1b::y?k=KEY"],
)
def test_an_upload_that_leads_nowhere_is_one_clear_error(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, location: str
) -> None:
    fake.fault("POST ", "headers", headers={"Location": location}, times=ALWAYS)
    with pytest.raises(RegistryError, match=r"points to .*, which is no usable address") as caught:
        client.push_blob(repository, SOURCE)
    assert "::" not in str(caught.value)
    assert "KEY" not in str(caught.value)
    assert len(fake.requests("POST")) == 1


def test_a_redirect_that_leads_nowhere_is_one_clear_error(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.fault("GET .*manifests", "status", status=307, headers={"Location": "http://[::1"})
    with pytest.raises(RegistryError, match="no usable address"):
        client.get_manifest(repository.tag("v1"))


def test_a_link_that_leads_nowhere_is_one_clear_error(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    headers = {"Link": "<http://[bad>; rel=next"}
    fake.fault("GET .*tags", "status", status=200, body=b'{"tags": ["v1"]}', headers=headers)
    with pytest.raises(RegistryError, match="no usable address"):
        client.list_tags(repository)


@pytest.mark.parametrize("tags", [[1, {"a": 2}], "v1", {"v1": 1}])
def test_a_list_of_something_else_is_one_clear_error(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, tags: object
) -> None:
    body = json.dumps({"name": "a/b", "tags": tags}).encode()
    fake.fault("GET .*tags", "status", status=200, body=body)
    with pytest.raises(RegistryError, match="is no list"):
        client.list_tags(repository)


@pytest.mark.parametrize("least", ["\xb2", "-5", "many", "1e3"])
def test_a_least_chunk_that_is_no_number_is_ignored(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, least: str
) -> None:
    fake.fault("POST ", "headers", headers={"OCI-Chunk-Min-Length": least}, times=ALWAYS)
    assert client.push_blob(repository, SOURCE).how == "uploaded"


@pytest.mark.parametrize("status", [400, 405, 406, 501])
def test_heads_that_are_not_offered_are_got_round(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, status: int
) -> None:
    fake.fault("HEAD ", "status", status=status, times=ALWAYS)
    assert client.push_blob(repository, SOURCE).how == "uploaded"
    assert client.head_manifest(repository.tag("v1")) is None


def test_the_host_that_does_not_answer_is_named(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.fault("POST ", "headers", headers={"Location": "http://127.0.0.1:1/u"}, times=ALWAYS)
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:1, named by 127\.0\.0\.1:\d+, failed"):
        client.push_blob(repository, SOURCE)


def test_a_realm_that_is_no_address_leaves_the_refusal_as_it_is(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    headers = {"WWW-Authenticate": 'Bearer realm="http://[::1/token"'}
    fake.fault("GET .*tags", "status", status=401, headers=headers, times=ALWAYS)
    with pytest.raises(RegistryError, match="401"):
        client.list_tags(repository)
