import pytest

from exporter.errors import RegistryError
from exporter.oci import media_type as types
from exporter.oci.digest import Digest
from exporter.oci.reference import Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient
from exporter.registry.copy import copy_image
from exporter.registry.settings import Exchange
from exporter.registry.upload import PushResult
from tests.fakes.images import make_image, make_index, push_image

ABSENT = Digest.of(b"nobody pushed this")


def test_an_unknown_repository_has_no_tags(client: RegistryClient, repository: Repository) -> None:
    assert client.list_tags(repository) == ()


def test_tags_are_listed(client: RegistryClient, repository: Repository) -> None:
    image = make_image("tags")
    push_image(client, repository.tag("one"), image)
    client.put_manifest(repository.tag("two"), image.manifest)
    assert sorted(client.list_tags(repository)) == ["one", "two"]


def test_a_manifest_comes_back_byte_by_byte(client: RegistryClient, repository: Repository) -> None:
    image = make_image("bytes")
    push_image(client, repository.tag("x"), image)
    found = client.get_manifest(repository.tag("x"))
    assert found.raw == image.manifest.raw
    assert client.get_manifest(repository.at(found.digest)) == found


def test_head_describes_a_manifest(client: RegistryClient, repository: Repository) -> None:
    image = make_image("head", docker=True)
    push_image(client, repository.tag("x"), image)
    found = client.head_manifest(repository.tag("x"))
    assert found == image.manifest.descriptor


def test_what_is_not_there_is_none(client: RegistryClient, repository: Repository) -> None:
    assert client.head_manifest(repository.tag("x")) is None
    assert client.find_manifest(repository.at(ABSENT)) is None
    assert not client.blob_exists(repository, ABSENT)
    with pytest.raises(RegistryError, match="does not exist"):
        client.get_manifest(repository.tag("x"))


def test_a_blob_is_uploaded_once(
    client: RegistryClient, repository: Repository, journal: list[Exchange]
) -> None:
    source = BlobSource.of(b"x" * 100_000, types.OCI_LAYER)
    assert client.push_blob(repository, source) == PushResult(how="uploaded", sent=100_000)
    assert client.push_blob(repository, source) == PushResult(how="existing")
    assert [exchange.method for exchange in journal] == ["HEAD", "POST", "PUT", "HEAD"]
    assert client.read_blob(repository, source.descriptor) == b"x" * 100_000


def test_an_empty_blob_is_a_blob(client: RegistryClient, repository: Repository) -> None:
    source = BlobSource.of(b"", types.OCI_LAYER)
    assert client.push_blob(repository, source).how == "uploaded"
    assert client.read_blob(repository, source.descriptor) == b""


def test_a_blob_is_mounted_from_a_sibling(
    client: RegistryClient, repository: Repository, sibling: Repository
) -> None:
    source = BlobSource.of(b"shared", types.OCI_LAYER)
    client.push_blob(sibling, source)
    assert client.push_blob(repository, source, mount_from=sibling) == PushResult(how="mounted")
    assert client.read_blob(repository, source.descriptor) == b"shared"


def test_a_mount_of_what_is_not_there_falls_back_to_upload(
    client: RegistryClient, repository: Repository, sibling: Repository, journal: list[Exchange]
) -> None:
    source = BlobSource.of(b"not shared", types.OCI_LAYER)
    pushed = client.push_blob(repository, source, mount_from=sibling, look=False)
    assert pushed == PushResult(how="uploaded", sent=10)
    assert [exchange.method for exchange in journal] == ["POST", "PUT"]


def test_a_manifest_without_its_blobs_is_refused(
    client: RegistryClient, repository: Repository
) -> None:
    with pytest.raises(RegistryError, match="something that the image consists of is not there"):
        client.put_manifest(repository.tag("x"), make_image("incomplete").manifest)
    assert client.head_manifest(repository.tag("x")) is None


def test_push_permission_is_found_out_without_a_trace(
    client: RegistryClient, repository: Repository, journal: list[Exchange]
) -> None:
    client.can_push(repository)
    assert [(exchange.method, exchange.status) for exchange in journal] == [
        ("POST", 202),
        ("DELETE", 204),
    ]


def test_an_image_of_several_platforms_is_copied_unchanged(
    client: RegistryClient, repository: Repository, elsewhere: Repository
) -> None:
    images = [make_image("amd", architecture="amd64"), make_image("arm", architecture="arm64")]
    for image in images:
        push_image(client, repository.at(image.manifest.digest), image)
    index = make_index([image.manifest for image in images], annotations={"a": "b"})
    client.put_manifest(repository.tag("multi"), index)
    copied = copy_image(client, repository.tag("multi"), elsewhere.tag("copy"))
    assert copied == index
    assert client.get_manifest(elsewhere.tag("copy")).raw == index.raw
    for image in images:
        assert client.get_manifest(elsewhere.at(image.manifest.digest)) == image.manifest
        assert client.read_blob(elsewhere, image.manifest.layers[0]) == image.layers[0]


def test_nothing_refers_to_a_new_image(client: RegistryClient, repository: Repository) -> None:
    image = make_image("referrers")
    push_image(client, repository.tag("x"), image)
    assert client.referrers(repository, image.manifest.digest) == ()


def test_credentials_that_nobody_asks_for_are_not_sent(
    client: RegistryClient, repository: Repository
) -> None:
    assert client.account(repository) is None
