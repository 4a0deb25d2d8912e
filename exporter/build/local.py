"""Local mode: stages that live in the Docker engine as ``<project>:<digest>-<milliseconds>``.

Without ``--repo`` the engine takes the place of the repository, as in werf (specification 6.4), and
stages of both are found by both. An export sends the layers on and writes only the cleaned image.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.build.archive import BrokenOffError, Packed, Pieces, docker_image, read_archive
from exporter.build.delivery import put_into
from exporter.build.engine import Engine
from exporter.build.engine_images import EngineImages
from exporter.build.stages import StageId, StageImage
from exporter.build.storage import Accept, StageStorage
from exporter.errors import BuildError, InputError
from exporter.naming.service_tags import IMPORT_METADATA
from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import Json, write_object
from exporter.oci.edit import edit_config, with_config
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.oci.reference import Reference, Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient

_ATTEMPTS = 3
_IMPORTS = "werf-import-metadata"


def engine_name(reference: Reference) -> str:
    """What the engine calls a stage, or the record of an import, as werf does.

    ``project:tag``, or ``werf-import-metadata/project:id``.
    """
    repository, tag = reference.repository.name, reference.tag or ""
    if tag.startswith(IMPORT_METADATA):
        return f"{_IMPORTS}/{repository}:{tag.removeprefix(IMPORT_METADATA)}"
    return f"{repository}:{tag}"


def local_repository(project: str) -> Repository:
    """Where the stages of a project are inside the engine: a repository without registry."""
    return Repository(registry="", name=project)


class LocalRegistry:
    """The engine's images, asked like a registry; manifests and configs are as the engine tells.

    They serve planning: labels, platform and layers are right, the bytes are not the image's own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._configs: dict[Digest, bytes] = {}

    def list_tags(self, repository: Repository) -> tuple[str, ...]:
        """All tags of a repository of the engine, those of import records among them."""
        stages = self._engine.image_names(repository.name)
        records = self._engine.image_names(f"{_IMPORTS}/{repository.name}")
        return (
            *(name.rpartition(":")[2] for name in stages),
            *(IMPORT_METADATA + name.rpartition(":")[2] for name in records),
        )

    def find_manifest(self, reference: Reference) -> Manifest | Index | None:
        """A manifest that describes the image, or None."""
        found = self._engine.inspect_image(engine_name(reference))
        if found is None:
            return None
        config = write_object(_config(found))
        identity = Digest.parse(str(found["Id"]))
        self._configs[identity] = config
        return parse_manifest(
            write_object(
                {
                    "schemaVersion": 2,
                    "mediaType": types.DOCKER_MANIFEST,
                    "config": {
                        "mediaType": types.DOCKER_CONFIG,
                        "size": len(config),
                        "digest": identity,
                    },
                    "layers": [
                        {"mediaType": types.DOCKER_LAYER, "size": 0, "digest": layer}
                        for layer in found["RootFS"].get("Layers") or ()
                    ],
                }
            )
        )

    def read_blob(self, repository: Repository, blob: Descriptor) -> bytes:
        """The config of an image that was found before."""
        del repository
        return self._configs[blob.digest]


class LocalPublisher:
    """What is written to the engine besides builds; there are no records for cleanup in it."""

    def __init__(self, images: EngineImages, registry: RegistryClient) -> None:
        """Take the engine's images, and the client for images elsewhere."""
        self.images = images
        self._registry = registry

    @property
    def registry(self) -> RegistryClient:
        """The client, for those who read base images."""
        return self._registry

    def publish_built(
        self, storage: StageStorage, stage: StageId, pushed: Reference, accept: Accept
    ) -> StageImage:
        """The stage that was just built, or an older one that another run has made meanwhile.

        Raises:
            BuildError: The engine does not show it.
        """
        del pushed  # the engine knows it by its name
        storage.refresh()
        image = storage.find(stage.digest, accept)
        if image is None:
            raise BuildError(
                f"the engine has built {storage.repository}:{stage} and does not show it",
                remedy="Without --repo, --builder must keep its images in the engine that "
                "DOCKER_HOST names.",
            )
        return image

    def whole(self, image: StageImage) -> StageImage:
        """A stage with its own manifest and config, byte by byte."""
        return self.images.whole(image, engine_name(image.reference))

    def publish_image(
        self,
        storage: StageStorage,
        manifest: Manifest,
        config: ImageConfig,
        stage: StageId,
        layers: Mapping[Digest, Path],
    ) -> StageImage:
        """A stage whose layers are in the engine, or in the given files.

        Raises:
            EngineError: The engine refuses it, or it lacks a layer that is not given.
        """
        name = engine_name(storage.repository.tag(str(stage)))
        self.images.write(name, manifest, config, layers)
        storage.remember(str(stage))
        image = storage.load(stage)
        if image is None:
            raise BuildError(f"the engine has loaded {name} and does not show it")
        return image

    def publish_config(
        self, storage: StageStorage, base: StageImage, config: ImageConfig, stage: StageId
    ) -> StageImage:
        """A stage that differs from ``base`` in its config only."""
        before = self.whole(base)
        document = config.document
        run = document.get("config")
        top: dict[str, Json] = {"config": run if isinstance(run, Mapping) else {}}
        if "author" in document:
            top["author"] = document["author"]
        if "history" not in document:
            top["history"] = None
        changed = edit_config(before.config, top=top)
        manifest = with_config(before.manifest, changed)
        return self.publish_image(storage, manifest, changed, stage, {})

    def publish_index(self, storage: StageStorage, index: Index, stage: StageId) -> None:
        """Never called: images of several platforms are refused in local mode.

        Raises:
            InputError: Always.
        """
        del index
        raise InputError(f"{storage.repository}:{stage} cannot be an index", remedy="Set --repo.")

    def copy(
        self, image: StageImage, destination: StageStorage, *, is_child: bool = False
    ) -> StageImage:
        """There is no other repository in local mode.

        Raises:
            InputError: Always.
        """
        del is_child
        raise InputError(f"{image.reference} cannot be copied to {destination.repository}")

    def tag(self, reference: Reference, root: Manifest | Index) -> None:
        """Another name for an image; custom tags need ``--repo``.

        Raises:
            InputError: Always.
        """
        del root
        raise InputError(f"{reference} cannot be written", remedy="Set --repo.")

    def write_record(
        self, storage: StageStorage, tag: str, labels: Mapping[str, str], *, renew: bool = False
    ) -> bool:
        """Write what imports hash to; cleanup of an engine is its own and needs no records."""
        if not tag.startswith(IMPORT_METADATA) or (tag in storage.tags and not renew):
            return True
        from exporter.build.records import record  # noqa: PLC0415 - imports only

        manifest, config = record(tag, labels, layer=None)
        self.images.write(engine_name(storage.repository.tag(tag)), manifest, config, {})
        storage.remember(tag)
        return True


def send_layers(
    images: EngineImages, client: RegistryClient, stage: Reference, destination: Repository
) -> Graph:
    """Push the layers of a stage in the engine to where it is going to be exported.

    Only layers: no config and no manifest, so nothing there can be pulled yet. The engine is asked
    for them, which it sends all at once, only when one is neither there already nor at hand.

    Raises:
        RegistryError: The registry refused.
    """
    engine = images.engine
    if found := images.known(engine_name(stage)):
        manifest = _packed_before(images, *found)
        if manifest is not None and _send_at_hand(images, client, manifest, destination):
            return Graph(root=manifest, configs={manifest.config.digest: found[1]})
    packed = _PackedThere(images, client, destination)
    for attempt in range(1, _ATTEMPTS + 1):
        stream = Pieces(engine.image_archive(engine_name(stage)))
        try:
            archived = read_archive(stream, put_into(client, destination), packed)
        except BrokenOffError as error:
            if attempt == _ATTEMPTS:
                error.what += f" {attempt} times on its way to {destination}"
                error.registry = destination.registry
                raise
            continue
        images.remember(archived.manifest, archived.config)
        configs = {archived.manifest.config.digest: archived.config}
        return Graph(root=archived.manifest, configs=configs)
    raise AssertionError


class _PackedThere(Packed):
    """Layers that were packed before and are in a repository, or get there from another one."""

    def __init__(
        self, images: EngineImages, client: RegistryClient, destination: Repository
    ) -> None:
        self._images = images
        self._client = client
        self._destination = destination

    def find(self, diff_id: Digest) -> Descriptor | None:
        """One that was packed on this machine, and is in the repository."""
        blob = self._images.packed(diff_id)
        if blob is None:
            return None
        if source := self._images.sent.get(blob.digest):
            self._client.copy_blobs([blob], source, self._destination)
        elif not self._client.blob_exists(self._destination, blob.digest):
            return None
        return blob

    def keep(self, diff_id: Digest, blob: Descriptor) -> None:
        """Note it for this run and the next one."""
        self._images.sent[blob.digest] = self._destination
        self._images.remember_packed(diff_id, blob)


def _packed_before(
    images: EngineImages, manifest: Manifest, config: ImageConfig
) -> Manifest | None:
    """The manifest of an image as it goes out, if all its layers were packed before."""
    if all(layer.media_type != types.DOCKER_LAYER for layer in manifest.layers):
        return manifest
    layers = [images.packed(Digest(diff_id)) for diff_id in config.diff_ids]
    if None in layers:
        return None
    return docker_image(config.raw, [layer for layer in layers if layer]).manifest


def _send_at_hand(
    images: EngineImages, client: RegistryClient, manifest: Manifest, destination: Repository
) -> bool:
    """Push the layers that are not there yet, if all of them came to the engine in this run."""
    lacking = [
        layer for layer in manifest.layers if not client.blob_exists(destination, layer.digest)
    ]
    if any(layer.digest not in images.layers for layer in lacking):
        return False
    for layer in lacking:
        client.push_blob(
            destination, BlobSource.of_file(images.layers[layer.digest], layer), look=False
        )
    return True


def _config(found: Mapping[str, Any]) -> dict[str, Any]:
    """An image config of what the engine tells about an image; empty settings left out."""
    run = {key: value for key, value in (found.get("Config") or {}).items() if value}
    config: dict[str, Any] = {
        "architecture": found.get("Architecture") or "unknown",
        "os": found.get("Os") or "unknown",
        "variant": found.get("Variant") or "",
        "created": found.get("Created") or "",
        "author": found.get("Author") or "",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": found["RootFS"].get("Layers") or []},
        "history": [],
    }
    optional = ("variant", "author")
    return {key: value for key, value in config.items() if value or key not in optional}
