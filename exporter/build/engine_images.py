"""Images written into the engine by archives that hold only what it lacks.

``docker load`` takes layers that it has from its own store, so a stage that adds a small layer or
changes settings costs some kilobytes. One archive serves both kinds of image store: the engine
with containerd's reads the OCI layout, the other one ``manifest.json``.
"""

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from exporter.build.archive import Pieces
from exporter.build.documents import Documents, read_documents
from exporter.build.engine import Engine
from exporter.build.stages import StageImage
from exporter.errors import BuildError
from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import Json, write_object
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.oci.reference import Repository

_CHUNK = 1 << 20
_BLOBS = "blobs/sha256/"


class EngineImages:
    """Reads images of the engine whole, and writes them."""

    def __init__(self, engine: Engine, documents: Documents, folder: Path) -> None:
        """Take the engine, and where manifests and configs are kept.

        ``folder`` is for layers that come to the engine in this run, which an export may need;
        ``layers`` has the files. ``sent`` are the layers that were packed for a repository.
        """
        self.engine = engine
        self.folder = folder
        self.layers: dict[Digest, Path] = {}
        self.sent: dict[Digest, Repository] = {}
        self._documents = documents

    def whole(self, image: StageImage, name: str) -> StageImage:
        """The image with its own manifest and config instead of what the engine tells.

        Args:
            image: As the engine tells; the digest of its config is the engine's id.
            name: What the engine calls it.

        Raises:
            BuildError: The engine sends an archive without them.
        """
        manifest, config = self._read(name, image.manifest.config.digest)
        return StageImage(
            id=image.id, repository=image.repository, manifest=manifest, config=config
        )

    def find(self, name: str) -> tuple[Manifest, ImageConfig] | None:
        """The manifest and config of an image, None when the engine has none of this name.

        Raises:
            BuildError: The engine sends an archive without them.
        """
        told = self.engine.inspect_image(name)
        return self._read(name, Digest.parse(str(told["Id"]))) if told else None

    def known(self, name: str) -> tuple[Manifest, ImageConfig] | None:
        """The manifest and config of an image, when they are known without asking for all of it."""
        told = self.engine.inspect_image(name)
        return self._known(Digest.parse(str(told["Id"]))) if told else None

    def remember(self, manifest: Manifest, config: ImageConfig) -> None:
        """Note what an image consists of, so that it needs not be asked for."""
        for document in (config.raw, manifest.raw):
            self._documents.keep(document)

    def packed(self, diff_id: Digest) -> Descriptor | None:
        """What a layer, which the engine keeps unpacked, became when it was packed; or None."""
        return self._documents.noted(diff_id)

    def remember_packed(self, diff_id: Digest, blob: Descriptor) -> None:
        """Note what a layer has become, so that it needs not be packed again."""
        self._documents.note(diff_id, blob)

    def write(
        self, name: str, manifest: Manifest, config: ImageConfig, layers: Mapping[Digest, Path]
    ) -> None:
        """Load an image; ``layers`` are files of those that the engine may lack, in ``folder``.

        Raises:
            EngineError: The engine refuses it, or it lacks a layer that is not given.
        """
        self.engine.load_image(lambda: archive_of(name, manifest, config, layers))
        self.layers |= layers
        self.remember(manifest, config)

    def _read(self, name: str, identity: Digest) -> tuple[Manifest, ImageConfig]:
        found = self._known(identity)
        if found is None:
            for content in read_documents(Pieces(self.engine.image_archive(name))).values():
                self._documents.keep(content)
            found = self._known(identity)
        if found is None:
            raise BuildError(f"the engine does not show the manifest of {name}")
        return found

    def _known(self, identity: Digest) -> tuple[Manifest, ImageConfig] | None:
        """Manifest and config by the engine's id: that of a manifest, else that of a config."""
        content = self._documents.find(identity)
        if content is None:
            return None
        if b'"rootfs"' in content:
            config = parse_config(content)
            return _unpacked(config), config
        manifest = parse_manifest(content)
        if isinstance(manifest, Index):
            children = (each for each in manifest.manifests if not each.is_attestation)
            found = (self._known(each.digest) for each in children)
            return next((each for each in found if each), None)  # the platform that it has
        content = self._documents.find(manifest.config.digest)
        return (manifest, parse_config(content)) if content else None


def _unpacked(config: ImageConfig) -> Manifest:
    """A manifest for an image whose layers the engine keeps unpacked, under their diff IDs."""
    layers: list[Json] = [
        {"mediaType": types.DOCKER_LAYER, "size": 0, "digest": diff_id}
        for diff_id in config.diff_ids
    ]
    document: dict[str, Json] = {
        "schemaVersion": 2,
        "mediaType": types.DOCKER_MANIFEST,
        "config": {
            "mediaType": types.DOCKER_CONFIG,
            "size": len(config.raw),
            "digest": config.digest,
        },
        "layers": layers,
    }
    manifest = parse_manifest(write_object(document))
    if not isinstance(manifest, Manifest):
        raise TypeError
    return manifest


def archive_of(
    name: str, manifest: Manifest, config: ImageConfig, layers: Mapping[Digest, Path]
) -> Iterator[bytes]:
    """The archive of an image as ``docker load`` takes it, with some of its layers.

    Args:
        name: ``repository:tag``.
        manifest: The manifest.
        config: The config that it names.
        layers: Files of the layers that go into the archive.
    """
    digest = manifest.digest
    yield from _entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    yield from _entry(f"{_BLOBS}{digest.hex}", manifest.raw)
    yield from _entry(f"{_BLOBS}{config.digest.hex}", config.raw)
    for blob in dict.fromkeys(layer.digest for layer in manifest.layers):
        if blob in layers:
            yield from _file_entry(f"{_BLOBS}{blob.hex}", layers[blob])
    yield from _entry("index.json", _index(name, manifest))
    entry = {
        "Config": f"{_BLOBS}{config.digest.hex}",
        "RepoTags": [name],
        "Layers": [f"{_BLOBS}{layer.digest.hex}" for layer in manifest.layers],
    }
    yield from _entry("manifest.json", json.dumps([entry]).encode())
    yield b"\0" * 2 * tarfile.BLOCKSIZE


def _index(name: str, manifest: Manifest) -> bytes:
    path = name if "/" in name else f"library/{name}"
    descriptor = {
        "mediaType": str(manifest.media_type),
        "digest": str(manifest.digest),
        "size": len(manifest.raw),
        "annotations": {
            "io.containerd.image.name": f"docker.io/{path}",
            "org.opencontainers.image.ref.name": name.rpartition(":")[2],
        },
    }
    return json.dumps({"schemaVersion": 2, "manifests": [descriptor]}).encode()


def _entry(path: str, content: bytes) -> Iterable[bytes]:
    info = tarfile.TarInfo(path)
    info.size = len(content)
    padding = b"\0" * (-info.size % tarfile.BLOCKSIZE)
    return (info.tobuf(tarfile.GNU_FORMAT) + content + padding,)


def _file_entry(path: str, file: Path) -> Iterator[bytes]:
    info = tarfile.TarInfo(path)
    info.size = file.stat().st_size
    yield info.tobuf(tarfile.GNU_FORMAT)
    with file.open("rb") as opened:
        while piece := opened.read(_CHUNK):
            yield piece
    yield b"\0" * (-info.size % tarfile.BLOCKSIZE)
