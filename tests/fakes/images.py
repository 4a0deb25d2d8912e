"""Images made up for tests: every shape that a registry may hold, the bytes from a seed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.oci.media_type import MediaType
from exporter.oci.reference import Reference
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient

WERF_LABELS = {"werf": "project", "werf-version": "2.77.1", "keep": "me"}


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image: its manifest, config and layers."""

    manifest: Manifest
    config: ImageConfig
    layers: tuple[bytes, ...]

    @property
    def graph(self) -> Graph:
        return Graph(root=self.manifest, configs={self.config.digest: self.config})


def make_image(
    seed: str,
    *,
    layer_bytes: Sequence[int] = (3000, 500),
    labels: Mapping[str, str] = WERF_LABELS,
    architecture: str = "amd64",
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """An image whose layers hash differently for every seed."""
    layers = tuple(_bytes(f"{seed}/{number}", size) for number, size in enumerate(layer_bytes))
    config = parse_config(
        json.dumps(
            {
                "architecture": architecture,
                "os": "linux",
                "created": "2026-01-02T03:04:05Z",
                "x-unknown": [1, 2.5, None],
                "config": {"Env": ["PATH=/bin"], "Labels": dict(labels), "StopTimeout": 3},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
                "history": [],
            }
        ).encode()
    )
    kind = types.DOCKER_MANIFEST if docker else types.OCI_MANIFEST
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": _entry(config.raw, types.DOCKER_CONFIG if docker else types.OCI_CONFIG),
        "layers": [
            _entry(layer, types.DOCKER_LAYER_GZIP if docker else types.OCI_LAYER_GZIP)
            for layer in layers
        ],
        "x-unknown": {"b": 1, "a": 2},
    }
    if annotations:
        document["annotations"] = dict(annotations)
    manifest = parse_manifest(json.dumps(document, indent=2).encode(), kind)
    assert isinstance(manifest, Manifest)
    return Image(manifest=manifest, config=config, layers=layers)


def make_attestation(subject: Manifest) -> Image:
    """An attestation manifest as BuildKit adds one per platform."""
    about = {"_type": "https://in-toto.io/Statement/v0.1", "predicate": {"x": 1.0}}
    subjects = [{"name": "pkg:docker/app", "digest": {"sha256": subject.digest.hex}}]
    statement = json.dumps({**about, "subject": subjects}).encode()
    rootfs = {"type": "layers", "diff_ids": [_digest(statement)]}
    config = parse_config(
        json.dumps({"architecture": "unknown", "os": "unknown", "rootfs": rootfs}).encode()
    )
    document = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": _entry(config.raw, types.OCI_CONFIG),
        "layers": [_entry(statement, types.IN_TOTO)],
        "subject": _entry(subject.raw, subject.media_type),
    }
    manifest = parse_manifest(json.dumps(document).encode())
    assert isinstance(manifest, Manifest)
    return Image(manifest=manifest, config=config, layers=(statement,))


def make_index(
    children: Sequence[Manifest | Index],
    *,
    platforms: Sequence[str] = ("linux/amd64", "linux/arm64"),
    attests: Mapping[str, str] | None = None,
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> Index:
    """An index; ``attests`` maps digests of attestation children to what they attest."""
    entries = []
    spare = iter(platforms)
    for child in children:
        entry: dict[str, object] = _entry(child.raw, child.media_type)
        about = (attests or {}).get(child.digest)
        if about:
            entry["annotations"] = {
                "vnd.docker.reference.digest": about,
                "vnd.docker.reference.type": "attestation-manifest",
            }
            entry["platform"] = {"architecture": "unknown", "os": "unknown"}
        elif isinstance(child, Manifest):
            system, architecture = next(spare).split("/")
            entry["platform"] = {"architecture": architecture, "os": system}
        entries.append(entry)
    kind = types.DOCKER_INDEX if docker else types.OCI_INDEX
    document: dict[str, object] = {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
    if annotations:
        document["annotations"] = dict(annotations)
    index = parse_manifest(json.dumps(document, indent=1).encode(), kind)
    assert isinstance(index, Index)
    return index


def push_image(client: RegistryClient, reference: Reference, image: Image) -> None:
    """Put an image there, tag last."""
    repository = reference.repository
    for layer, descriptor in zip(image.layers, image.manifest.layers, strict=True):
        client.push_blob(repository, BlobSource.of(layer, descriptor.media_type))
    client.push_bytes(repository, image.config.raw, image.manifest.config)
    client.put_manifest(reference, image.manifest)


def _entry(content: bytes, media_type: MediaType) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _bytes(seed: str, size: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(size)
