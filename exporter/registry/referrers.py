"""Signatures, SBOMs and other artifacts that refer to an image follow it to where it goes.

They name the image by its digest, so they can only follow when the digest stays.
"""

import json
import logging

from exporter.oci import media_type as types
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.manifest import Index, parse_manifest
from exporter.oci.reference import Repository
from exporter.registry.client import RegistryClient
from exporter.registry.copy import Content, Copier, copy_image, load_graph

logger = logging.getLogger(__name__)

_COSIGN_SUFFIXES = ("sig", "att", "sbom")


def find_referrers(
    client: RegistryClient, repository: Repository, digest: Digest
) -> tuple[tuple[Descriptor, ...], tuple[str, ...]]:
    """What refers to a manifest: artifacts by descriptor, and cosign's tags."""
    artifacts = client.referrers(repository, digest)
    wanted = {f"{digest.algorithm}-{digest.hex}.{suffix}" for suffix in _COSIGN_SUFFIXES}
    tags = tuple(tag for tag in client.list_tags(repository) if tag in wanted)
    return artifacts, tags


def copy_referrers(
    copier: Copier, source: Repository, destination: Repository, digest: Digest
) -> int:
    """Copy what refers to a manifest, and what refers to that; returns how many.

    Raises:
        RegistryError: One of them cannot be read or written.
    """
    return _copy(copier, source, destination, digest, seen=set())


def _copy(
    copier: Copier, source: Repository, destination: Repository, digest: Digest, seen: set[Digest]
) -> int:
    client = copier.client
    seen.add(digest)
    artifacts, tags = find_referrers(client, source, digest)
    count = len(tags)
    for tag in tags:
        copy_image(client, source.tag(tag), destination.tag(tag))
    fresh = [artifact for artifact in artifacts if artifact.digest not in seen]
    for artifact in fresh:
        root = client.get_manifest(source.at(artifact.digest))
        graph = load_graph(client, source, root, with_configs=False)
        content = Content(graph=graph, source=source)
        copier.note(source, content.blobs)
        for blob in content.blobs:
            copier.put_blob(content, destination, blob, look=True)
        for value in graph.walk():
            copier.put_child(content, destination, value)
        count += 1 + _copy(copier, source, destination, artifact.digest, seen)
    if fresh:
        _tell(client, destination, digest, fresh)
    return count


def _tell(
    client: RegistryClient, destination: Repository, digest: Digest, artifacts: list[Descriptor]
) -> None:
    """Where the referrers API is missing, the list is kept under a tag by whoever writes."""
    known = client.referrers(destination, digest)
    missing = [a for a in artifacts if all(a.digest != other.digest for other in known)]
    if not missing:
        return
    tag = destination.tag(f"{digest.algorithm}-{digest.hex}")
    old = client.find_manifest(tag)
    entries = [
        {
            "mediaType": artifact.media_type,
            "digest": artifact.digest,
            "size": artifact.size,
            **({"artifactType": artifact.artifact_type} if artifact.artifact_type else {}),
            **({"annotations": dict(artifact.annotations)} if artifact.annotations else {}),
        }
        for artifact in (*(old.manifests if isinstance(old, Index) else ()), *missing)
    ]
    document = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": entries}
    client.put_manifest(tag, parse_manifest(json.dumps(document).encode()))
