"""The stages and service records of a repository: look-up, publication, copies.

A repository's tags are listed once and remembered; whoever must know better asks for ``refresh``.
Source: specification sections 5.7, 5.8 and 6.2.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from exporter.build.stages import LABEL_PARENT, StageId, StageImage
from exporter.errors import BuildError, RegistryError
from exporter.oci.config import parse_config
from exporter.oci.descriptor import Descriptor
from exporter.oci.manifest import Index, Manifest
from exporter.oci.reference import Reference, Repository

logger = logging.getLogger(__name__)

_REJECTED = "-rejected"


Accept = Callable[[StageImage], bool]
"""Whether a stage with the right digest may be used: its variant, the ancestry of its commits."""


class Registry(Protocol):
    """What a storage needs from the registry client."""

    def list_tags(self, repository: Repository) -> tuple[str, ...]:
        """All tags; empty when the repository does not exist."""
        ...

    def find_manifest(self, reference: Reference) -> Manifest | Index | None:
        """What the reference shows, or None."""
        ...

    def read_blob(self, repository: Repository, blob: Descriptor) -> bytes:
        """The verified bytes of a small blob."""
        ...


class StageStorage:
    """One repository of stages."""

    def __init__(self, registry: Registry, repository: Repository) -> None:
        self.repository = repository
        self._registry = registry
        self._lock = threading.Lock()
        self._tags: frozenset[str] | None = None
        self._images: dict[StageId, StageImage | None] = {}

    @property
    def tags(self) -> frozenset[str]:
        """All tags of the repository, as of the first time they were asked for."""
        with self._lock:
            if self._tags is None:
                self._tags = frozenset(self._registry.list_tags(self.repository))
            return self._tags

    def refresh(self) -> None:
        """Forget the list of tags: somebody may have published something meanwhile."""
        with self._lock:
            self._tags = None

    def remember(self, tag: str) -> None:
        """Note a tag that was just written."""
        with self._lock:
            self._tags = (self._tags or frozenset()) | {tag}

    def candidates(self, digest: str) -> tuple[StageId, ...]:
        """The published stages with this digest that nobody rejected, oldest first."""
        tags = self.tags
        found = (
            stage
            for tag in tags
            if tag.startswith(digest) and (stage := StageId.parse(tag)) and stage.digest == digest
        )
        return tuple(sorted(stage for stage in found if f"{stage}{_REJECTED}" not in tags))

    def find(self, digest: str, accept: Accept) -> StageImage | None:
        """The oldest usable stage with this digest, or None.

        A stage whose parent is newer than itself is not usable (specification 5.7).
        """
        for candidate in self.candidates(digest):
            image = self.load(candidate)
            if image is not None and not _has_newer_parent(image) and accept(image):
                return image
        return None

    def load(self, stage: StageId) -> StageImage | None:
        """The stage's manifest and config, or None when it has vanished."""
        if stage not in self._images:
            self._images[stage] = self.read(stage, self.repository.tag(str(stage)))
        return self._images[stage]

    def read(self, stage: StageId, reference: Reference) -> StageImage | None:
        """What a reference of this repository shows, as the stage that it is or will be."""
        manifest = self._registry.find_manifest(reference)
        if isinstance(manifest, Index):
            raise BuildError(
                f"{reference} is an index where the stage of one platform was expected",
                remedy="Remove the tag, or use another --repo.",
            )
        if manifest is None:
            return None
        config = parse_config(self._registry.read_blob(self.repository, manifest.config))
        return StageImage(id=stage, repository=self.repository, manifest=manifest, config=config)

    def load_index(self, stage: StageId) -> Index | None:
        """The index of an image with several platforms, or None when it is not there."""
        if str(stage) not in self.tags:
            return None
        found = self._registry.find_manifest(self.repository.tag(str(stage)))
        return found if isinstance(found, Index) else None

    def record(self, tag: str) -> Mapping[str, str] | None:
        """What a service record holds, or None when there is none."""
        if tag not in self.tags:
            return None
        manifest = self._registry.find_manifest(self.repository.tag(tag))
        if not isinstance(manifest, Manifest):
            return None
        return parse_config(self._registry.read_blob(self.repository, manifest.config)).labels

    def add(self, image: StageImage) -> None:
        """Note a stage that was just published."""
        self.remember(str(image.id))
        self._images[image.id] = image


def _has_newer_parent(image: StageImage) -> bool:
    parent = StageId.parse(image.config.labels.get(LABEL_PARENT, ""))
    return parent is not None and parent.created_ms > image.id.created_ms


class Storages:
    """The repositories of a run: where stages are looked up, in which order, and kept.

    A stage found in a secondary repository is copied into the primary one under the same tag;
    cache repositories get what was built or copied, and a failure there is only a warning.
    ``has_copied`` says whether that happened in this run.
    """

    def __init__(
        self,
        primary: StageStorage,
        *,
        secondary: Sequence[StageStorage] = (),
        caches: Sequence[StageStorage] = (),
        copy: Callable[[StageImage, StageStorage], StageImage],
    ) -> None:
        """Take the repositories; ``copy`` copies a stage into another one under its own tag."""
        self.primary = primary
        self.has_copied = False
        self._secondary = secondary
        self._caches = caches
        self._copy = copy

    def find(self, digest: str, accept: Accept) -> StageImage | None:
        """The stage to use for a digest, or None when it must be built."""
        found = self.primary.find(digest, accept)
        if found is not None:
            return found
        for source in (*self._caches, *self._secondary):
            found = source.find(digest, accept)
            if found is not None:
                logger.info("Taking stage %s from %s", found.id, source.repository)
                mine = self._copy(found, self.primary)
                self.has_copied = True
                self.fill_caches(mine)
                return mine
        return None

    def record(self, tag: str) -> Mapping[str, str] | None:
        """What a service record holds, wherever it is; None when there is none."""
        for storage in (self.primary, *self._caches, *self._secondary):
            found = storage.record(tag)
            if found is not None:
                return found
        return None

    def fill_caches(self, image: StageImage) -> None:
        """Put a stage into the cache repositories that lack it."""
        for cache in self._caches:
            try:
                if str(image.id) not in cache.tags:
                    cache.add(self._copy(image, cache))
            except RegistryError as error:
                logger.warning(
                    "Could not fill the cache repository %s: %s", cache.repository, error
                )
