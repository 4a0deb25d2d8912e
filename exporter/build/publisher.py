"""Writing to repositories of stages: stages, copies, service records."""

import logging
from collections.abc import Mapping, Sequence
from threading import Lock

from exporter.build.stages import StageId, StageImage
from exporter.build.storage import Accept, StageStorage
from exporter.errors import BuildError, RegistryError
from exporter.oci.config import ImageConfig
from exporter.oci.edit import with_config
from exporter.oci.manifest import Index, Manifest
from exporter.oci.reference import Reference, Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient

logger = logging.getLogger(__name__)

_FORBIDDEN = 403
_AT_ONCE = 8


class Publisher:
    """Writes to one registry client; knows nothing of how images are built."""

    def __init__(self, registry: RegistryClient) -> None:
        self._registry = registry
        self._lock = Lock()
        self._with_empty_layer: set[Repository] = set()

    @property
    def registry(self) -> RegistryClient:
        """The client, for those who read base images and push layers."""
        return self._registry

    def publish_built(
        self, storage: StageStorage, stage: StageId, pushed: Reference, accept: Accept
    ) -> StageImage:
        """The stage that was pushed, by digest or by its tag; it has its tag afterwards.

        When another run has published such a stage meanwhile, that one is taken.

        Raises:
            BuildError: The registry does not show what was pushed.
        """
        image = storage.read(stage, pushed)
        if image is None:
            raise BuildError(
                f"{pushed} was pushed, but the registry does not show it",
                remedy="Check that the engine and the exporter reach the same registry.",
            )
        storage.refresh()
        found = storage.find(stage.digest, accept)
        if found is not None:
            return found
        if pushed.tag is None:
            self._put(storage, image)
        return image

    def publish_config(
        self, storage: StageStorage, base: StageImage, config: ImageConfig, stage: StageId
    ) -> StageImage:
        """A stage that differs from ``base`` in its config only; the layers are there already."""
        return self.publish_image(storage, with_config(base.manifest, config), config, stage)

    def publish_image(
        self, storage: StageStorage, manifest: Manifest, config: ImageConfig, stage: StageId
    ) -> StageImage:
        """A stage of layers that are in the repository already."""
        image = StageImage(
            id=stage, repository=storage.repository, manifest=manifest, config=config
        )
        self._push_new_config(storage, image)
        self._put(storage, image)
        return image

    def publish_images(self, storage: StageStorage, images: Sequence[StageImage]) -> None:
        """Stages of layers that are in the repository already; the last one is written last."""
        if len(images) == 1:
            [image] = images
            self.publish_image(storage, image.manifest, image.config, image.id)
        if len(images) <= 1:
            return
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - builds only

        *others, last = images
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            list(pool.map(lambda image: self._push_new_config(storage, image), images))
            list(pool.map(lambda image: self._put(storage, image), others))
        self._put(storage, last)

    def publish_index(self, storage: StageStorage, index: Index, stage: StageId) -> None:
        """The index of an image with several platforms, under its tag."""
        self._registry.put_manifest(storage.repository.tag(str(stage)), index)
        storage.remember(str(stage))

    def copy(
        self, image: StageImage, destination: StageStorage, *, is_child: bool = False
    ) -> StageImage:
        """The same stage in another repository: under the same tag, or for an index to name it."""
        target = destination.repository
        copied = StageImage(
            id=image.id, repository=target, manifest=image.manifest, config=image.config
        )
        self._registry.copy_blobs(image.manifest.blobs, image.repository, target)
        if is_child:
            self._registry.put_manifest(target.at(image.manifest.digest), image.manifest)
        else:
            self._registry.put_manifest(target.tag(str(image.id)), image.manifest)
            destination.add(copied)
        return copied

    def tag(self, reference: Reference, root: Manifest | Index) -> None:
        """Another tag for what is in the reference's repository already."""
        self._registry.put_manifest(reference, root)

    def write_record(
        self, storage: StageStorage, tag: str, labels: Mapping[str, str], *, renew: bool = False
    ) -> bool:
        """Write a service record unless it is there already.

        Records serve cleanup only, so a registry that forbids them is a warning
        (specification 6.2).

        Returns:
            Whether the record is in place now.
        """
        if tag in storage.tags and not renew:
            return True
        from exporter.build.records import empty_layer, record  # noqa: PLC0415 - most runs find all

        layer = empty_layer()
        manifest, config = record(tag, labels, layer=layer)
        try:
            self._share_layer(storage.repository, layer)
            self._push_config(storage, manifest, config, look=False)
            self._put_manifest(storage, tag, manifest, config)
        except RegistryError as error:
            if error.status != _FORBIDDEN:
                raise
            logger.warning("Could not write the record %s for cleanup: %s", tag, error)
            return False
        storage.remember(tag)
        return True

    def _share_layer(self, repository: Repository, layer: BlobSource) -> None:
        with self._lock:
            if repository not in self._with_empty_layer:
                self._registry.push_blob(repository, layer)
                self._with_empty_layer.add(repository)

    def _push_new_config(self, storage: StageStorage, image: StageImage) -> None:
        """Push the config of a new stage; nobody has it already, so that is not asked."""
        self._push_config(storage, image.manifest, image.config, look=False)

    def _put(self, storage: StageStorage, image: StageImage) -> None:
        self._put_manifest(storage, str(image.id), image.manifest, image.config)
        storage.add(image)

    def _put_manifest(
        self, storage: StageStorage, tag: str, manifest: Manifest, config: ImageConfig
    ) -> None:
        """Write a manifest whose config, the same for every run, others may be writing as well."""
        self._registry.put_manifest_of(
            storage.repository.tag(tag),
            manifest,
            repair=lambda turn: self._push_config(storage, manifest, config, look=turn == 1),
        )

    def _push_config(
        self, storage: StageStorage, manifest: Manifest, config: ImageConfig, *, look: bool
    ) -> None:
        source = BlobSource.of(config.raw, manifest.config.media_type)
        self._registry.push_blob(storage.repository, source, look=look)
