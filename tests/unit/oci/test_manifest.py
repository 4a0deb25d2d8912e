import json

import pytest

from exporter.oci import media_type as types
from exporter.oci.config import parse_config
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import MalformedError
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.oci.media_type import MediaType
from exporter.oci.platform import Platform
from tests.fakes.images import make_attestation, make_image, make_index

DIGEST = str(Digest.of(b""))
ENTRY = {"mediaType": types.OCI_CONFIG, "digest": DIGEST, "size": 2}


def raw(**document: object) -> bytes:
    return json.dumps({"schemaVersion": 2, **document}).encode()


def test_the_bytes_are_the_truth() -> None:
    image = make_image("truth")
    parsed = parse_manifest(image.manifest.raw)
    assert parsed.raw == image.manifest.raw
    assert parsed.digest == Digest.of(image.manifest.raw)
    assert parsed.descriptor.size == len(image.manifest.raw)


@pytest.mark.parametrize(
    "header", ["", "text/plain", "application/json", types.OCI_MANIFEST + "; charset=utf-8"]
)
def test_a_useless_content_type_is_made_good_by_the_body(header: str) -> None:
    assert parse_manifest(raw(config=ENTRY, layers=[]), header).media_type == types.OCI_MANIFEST


def test_the_header_names_the_type_when_the_body_does_not() -> None:
    assert parse_manifest(raw(config=ENTRY), types.DOCKER_MANIFEST).media_type == (
        types.DOCKER_MANIFEST
    )
    assert isinstance(parse_manifest(raw(manifests=[]), types.DOCKER_INDEX), Index)
    assert parse_manifest(raw(manifests=[])).media_type == types.OCI_INDEX


@pytest.mark.parametrize(
    ("document", "header", "message"),
    [
        ({"schemaVersion": 1}, "", "schema 1"),
        ({"manifests": [], "layers": []}, "", "both an index and a manifest"),
        ({"manifests": []}, types.OCI_MANIFEST, "the content is not that"),
        ({"config": ENTRY, "mediaType": types.OCI_MANIFEST}, types.OCI_INDEX, "is not that"),
        ({"mediaType": "application/vnd.oci.artifact.manifest.v1+json"}, "", "not supported"),
        ({"layers": []}, "", "config is missing"),
        ({"config": {**ENTRY, "digest": "md5:0"}}, "", "config.digest: not a digest"),
        ({"config": ENTRY, "layers": [{"digest": DIGEST}]}, "", r"layers\[0\].size"),
    ],
    ids=["schema-1", "both", "index", "manifest", "artifact", "no-config", "digest", "layer"],
)
def test_what_cannot_be_trusted_is_refused(
    document: dict[str, object], header: str, message: str
) -> None:
    with pytest.raises(MalformedError, match=message):
        parse_manifest(raw(**document), header)


def test_a_digest_is_checked_when_known() -> None:
    content = raw(config=ENTRY)
    assert parse_manifest(content, digest=Digest.of(content)).digest == Digest.of(content)
    with pytest.raises(MalformedError, match="expected sha256:"):
        parse_manifest(content, digest=Digest(DIGEST))
    sha512 = Digest("sha512:" + "0" * 128)
    with pytest.raises(MalformedError, match="the digest is sha512:"):
        parse_manifest(content, digest=sha512)


def test_optional_fields_are_read() -> None:
    subject = {"mediaType": types.OCI_MANIFEST, "digest": DIGEST, "size": 3}
    found = parse_manifest(
        raw(
            config=ENTRY,
            layers=[{**ENTRY, "urls": ["https://x"], "annotations": {"a": "b"}}],
            annotations={"c": "d"},
            subject=subject,
            artifactType="application/x",
        )
    )
    assert isinstance(found, Manifest)
    assert found.layers[0].urls == ("https://x",)
    assert dict(found.annotations) == {"c": "d"}
    assert found.subject is not None
    assert found.subject.size == 3
    assert found.artifact_type == "application/x"
    index = parse_manifest(raw(manifests=[], subject=subject, artifactType="y"))
    assert index.subject == found.subject
    assert index.artifact_type == "y"


def test_blobs_are_named_once_and_foreign_layers_not_at_all() -> None:
    foreign = {
        "mediaType": types.DOCKER_FOREIGN_LAYER_GZIP,
        "digest": str(Digest.of(b"foreign")),
        "size": 7,
        "urls": ["https://example.org/layer"],
    }
    layer = {"mediaType": types.DOCKER_LAYER_GZIP, "digest": str(Digest.of(b"x")), "size": 1}
    found = parse_manifest(raw(config=ENTRY, layers=[layer, foreign, layer]))
    assert isinstance(found, Manifest)
    assert [blob.digest for blob in found.blobs] == [DIGEST, Digest.of(b"x")]


def test_a_graph_is_walked_children_first() -> None:
    amd, arm = (make_image(name, architecture=name) for name in ("amd64", "arm64"))
    inner = make_index([arm.manifest], platforms=["linux/arm64"])
    outer = make_index([amd.manifest, inner, amd.manifest])
    graph = Graph(
        root=outer,
        manifests={value.digest: value for value in (amd.manifest, arm.manifest, inner)},
    )
    assert list(graph.walk()) == [amd.manifest, arm.manifest, inner, outer]
    assert len(graph.blobs) == 6


def test_platforms_come_from_descriptors_or_configs() -> None:
    amd, arm = (make_image(name, architecture=name) for name in ("amd64", "arm64"))
    proof = make_attestation(amd.manifest)
    index = make_index(
        [amd.manifest, arm.manifest, proof.manifest],
        attests={proof.manifest.digest: amd.manifest.digest},
    )
    graph = Graph(root=index, manifests={})
    assert [str(platform) for platform in graph.platforms] == ["linux/amd64", "linux/arm64"]
    assert amd.graph.platforms == (Platform(os="linux", architecture="amd64"),)
    assert Graph(root=amd.manifest).platforms == ()
    bare = {"mediaType": types.OCI_MANIFEST, "digest": amd.manifest.digest, "size": 9}
    without = parse_manifest(raw(manifests=[bare]))
    graph = Graph(
        root=without,
        manifests={amd.manifest.digest: amd.manifest},
        configs={amd.config.digest: amd.config},
    )
    assert [str(platform) for platform in graph.platforms] == ["linux/amd64"]


def test_a_config_is_read() -> None:
    config = make_image("config", labels={"a": "b"}).config
    assert dict(config.labels) == {"a": "b"}
    assert config.env == ("PATH=/bin",)
    assert config.created == "2026-01-02T03:04:05Z"
    assert len(config.diff_ids) == 2
    assert config.run["StopTimeout"] == 3
    empty = parse_config(b"{}")
    assert (dict(empty.labels), empty.env, str(empty.platform)) == ({}, (), "unknown/unknown")


def test_a_broken_config_names_the_place() -> None:
    with pytest.raises(MalformedError, match=r"config\.Labels must be an object of strings"):
        parse_config(b'{"config": {"Labels": {"a": 1}}}')


def test_same_content_looks_at_digest_and_size_only() -> None:
    one = Descriptor(media_type=types.OCI_LAYER, digest=Digest(DIGEST), size=1)
    other = Descriptor(media_type=types.DOCKER_LAYER, digest=Digest(DIGEST), size=1)
    assert one.same_content(other)
    assert one != other


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        ("application/JSON; charset=utf-8", "application/json"),
        (" text/plain ", "text/plain"),
        ("", ""),
    ],
)
def test_a_content_type_header_loses_its_parameters(header: str, media_type: str) -> None:
    assert MediaType.parse(header) == media_type
