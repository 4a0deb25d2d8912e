"""From the layers that BuildKit pushed to stages of the repository.

BuildKit pushes once, the last stage that changes files. The layers of the stages before are among
its layers, so their manifests and configs are written here, at the registry: with werf's labels,
a history in plain words, and nothing else that building leaves behind.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig
from exporter.oci.descriptor import Descriptor
from exporter.oci.document import Json, View, read_object, write_object
from exporter.oci.manifest import Manifest, parse_manifest
from exporter.oci.media_type import MediaType
from exporter.oci.reference import Repository
from exporter.registry.blob import BlobSource

EMPTY_DIFF_ID = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
"""A tar archive without entries."""

_ROOTS = frozenset({"dev", "proc", "sys"})
_LARGEST_CHECKED = 8 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_LEVEL = 6
_GZIP = 31  # zlib's window bits for a gzip header without a time


class Blobs(Protocol):
    """Where layers are read and written: a registry, or a folder on the way into the engine."""

    def pull_blob(self, repository: Repository, blob: Descriptor) -> Iterator[bytes]:
        """The bytes of a layer."""
        ...

    def push_blob(self, repository: Repository, source: BlobSource) -> object:
        """Make a layer present."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as a manifest and a config know it."""

    descriptor: Mapping[str, Json]
    diff_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The layers of an image so far, and the media types of its manifest."""

    all: tuple[Layer, ...]
    manifest_type: MediaType
    config_type: MediaType

    @property
    def diff_ids(self) -> list[str]:
        """The diff IDs in order."""
        return [layer.diff_id for layer in self.all]

    def of(self, count: int) -> tuple[Layer, ...]:
        """The first layers."""
        return self.all[:count]


def layers_of(manifest: Manifest, config: ImageConfig) -> Layers:
    """The layers of an image."""
    listed = read_object(manifest.raw).get("layers")
    entries = listed if isinstance(listed, list) else []
    return Layers(
        all=tuple(
            Layer(descriptor=dict(entry), diff_id=diff_id)
            for entry, diff_id in zip(entries, config.diff_ids, strict=True)
            if isinstance(entry, Mapping)
        ),
        manifest_type=manifest.media_type,
        config_type=manifest.config.media_type,
    )


def no_layers() -> Layers:
    """The layers of ``scratch``."""
    return Layers(all=(), manifest_type=types.DOCKER_MANIFEST, config_type=types.DOCKER_CONFIG)


def manifest_of(layers: Layers, config: ImageConfig) -> Manifest:
    """The manifest of an image with these layers and this config."""
    described: dict[str, Json] = {
        "mediaType": str(layers.config_type),
        "size": len(config.raw),
        "digest": str(config.digest),
    }
    manifest = parse_manifest(
        write_object(
            {
                "schemaVersion": 2,
                "mediaType": str(layers.manifest_type),
                "config": described,
                "layers": [dict(layer.descriptor) for layer in layers.all],
            }
        )
    )
    if not isinstance(manifest, Manifest):
        raise TypeError
    return manifest


def without_roots(blobs: Blobs, repository: Repository, layer: Layer) -> Layer | None:
    """The layer without the mount points ``/dev``, ``/proc`` and ``/sys`` that running leaves.

    They are there when the base image has no such directories. None when nothing else is in the
    layer; the same layer when they are not there, or it is too big to be looked through.
    """
    blob = Descriptor.read(View(dict(layer.descriptor)))
    if blob.size > _LARGEST_CHECKED:
        return layer
    content = b"".join(blobs.pull_blob(repository, blob))
    if content[:2] == _GZIP_MAGIC:
        content = gzip.decompress(content)
    elif blob.media_type != types.DOCKER_LAYER:
        return layer
    kept = _filtered(content)
    if kept is None:
        return layer
    if not kept:
        return None
    return push_layer(blobs, repository, kept, is_docker="docker" in blob.media_type)


def push_layer(blobs: Blobs, repository: Repository, archive: bytes, *, is_docker: bool) -> Layer:
    """A layer made here, in the repository; the same archive gives the same blob."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    packed = compressor.compress(archive) + compressor.flush()
    media_type = types.DOCKER_LAYER_GZIP if is_docker else types.OCI_LAYER_GZIP
    source = BlobSource.of(packed, media_type)
    blobs.push_blob(repository, source)
    return Layer(
        descriptor=source.descriptor.entry, diff_id=f"sha256:{sha256(archive).hexdigest()}"
    )


def _filtered(archive: bytes) -> bytes | None:
    """The archive without mount points; b"" when nothing is left, None when it has none."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        members = opened.getmembers()
    names = [member.name.strip("/").removeprefix("./") for member in members]
    used = {name.partition("/")[0] for name in names if "/" in name}
    dropped = {
        index
        for index, (member, name) in enumerate(zip(members, names, strict=True))
        if member.isdir() and name in _ROOTS and name not in used
    }
    if not dropped:
        return None
    if len(dropped) == len(members):
        return b""
    kept = []
    for index, member in enumerate(members):
        end = members[index + 1].offset if index + 1 < len(members) else _end(member)
        if index not in dropped:
            kept.append(archive[member.offset : end])
    return b"".join(kept) + b"\0" * 2 * tarfile.BLOCKSIZE


def _end(member: tarfile.TarInfo) -> int:
    blocks = -(-member.size // tarfile.BLOCKSIZE) if member.isreg() else 0
    return member.offset_data + blocks * tarfile.BLOCKSIZE


def without_sums(layers: Layers) -> Layers:
    """The layers without the last one, which is empty: that of the step that sums up."""
    return replace(layers, all=layers.all[:-1])
