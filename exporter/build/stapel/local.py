"""Stapel stages without ``--repo``: the layers go into the engine, which keeps every stage.

What BuildKit makes comes as an OCI layout: a folder in which the layers of the image to start from
are there already, as empty files, so that only new layers are sent. The stages are then loaded one
by one, each with the layers that the engine lacks (docs/adr/020-stapel-stages-in-the-engine.md).
An engine without the containerd store has no such output; its image is saved instead.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from exporter.build.archive import Pieces
from exporter.build.delivery import Deliveries
from exporter.build.images import PlannedStage
from exporter.build.local import LocalPublisher, engine_name
from exporter.build.solve import Solve
from exporter.build.stages import StageImage
from exporter.build.stapel.engine_contexts import builds_in_engine
from exporter.build.stapel.job import Content, Job
from exporter.build.stapel.layout import Layout
from exporter.build.stapel.publication import Layer, Layers
from exporter.build.stapel.saved import unpack
from exporter.errors import BuildError, EngineError
from exporter.oci import media_type as types
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import View
from exporter.oci.manifest import Manifest
from exporter.oci.reference import Repository
from exporter.registry.blob import BlobSource


class LocalJob(Job):
    """Makes the missing stages of one image in the engine."""

    def run(self) -> list[PlannedStage]:
        """Solve and load.

        Raises:
            BuildError: A stage failed; those before it are in the engine.
        """
        with ExitStack() as self._stack:
            self._folder = self._publisher.images.folder / uuid.uuid4().hex
            self._folder.mkdir()
            self._blobs = self._waiting = _Waiting(self._folder)
            self._loaded: set[Digest] = set()
            return super().run()

    # what Job asks for

    def _layers(self, solve: Solve) -> Layers:
        if self._has_layouts:
            return self._from_layout(solve)
        return self._from_engine(solve)

    def _bring_layers(self) -> None:
        """Nothing: they are brought when the engine lacks them."""

    def _write_all(self, contents: Sequence[Content]) -> Sequence[StageImage]:
        self._yield_to_others()
        images = self._images(contents, {})
        return [self._write(image) for image in images]

    def _write(self, wanted: StageImage) -> StageImage:
        manifest, config = wanted.manifest, wanted.config
        publisher = self._publisher
        listed = {layer.digest for layer in manifest.layers}
        new = {
            digest: path
            for digest, path in self._waiting.files.items()
            if digest in listed - self._loaded
        }
        try:
            image = publisher.publish_image(self._storage, manifest, config, wanted.id, new)
        except EngineError:
            if not self._fetch_base():
                raise
            files = self._waiting.files
            image = publisher.publish_image(self._storage, manifest, config, wanted.id, files)
        self._loaded |= listed
        return image

    # the ways of layers

    @property
    def _publisher(self) -> LocalPublisher:
        publisher = self._session.publisher
        if not isinstance(publisher, LocalPublisher):
            raise TypeError
        return publisher

    @cached_property
    def _has_layouts(self) -> bool:
        """Whether BuildKit gives OCI layouts: not that of an engine without containerd's store."""
        if not builds_in_engine(self._session):
            return True
        return self._publisher.images.engine.facts().containerd_store

    def _from_layout(self, solve: Solve) -> Layers:
        layout = Layout(self._folder / uuid.uuid4().hex)
        known = {Digest(str(layer.descriptor["digest"])) for layer in self._start.layers.all}
        layout.expect(known)
        buildkit = replace(self._session.buildkit, deliveries=Deliveries([layout], lambda _: None))
        self._run(buildkit, solve)
        manifest = layout.root()
        if not isinstance(manifest, Manifest):
            raise BuildError("BuildKit made an index where one image was expected")
        for layer in manifest.layers:
            if layer.digest not in known:
                self._waiting.files[layer.digest] = layout.path(layer.digest)
        return layout.layers(manifest)

    def _from_engine(self, solve: Solve) -> Layers:
        """Through an image of the engine that has another name until its stages are there."""
        engine = self._publisher.images.engine
        reference = self._storage.repository.tag(f"exporter-{uuid.uuid4().hex}")
        name = engine_name(reference)
        self._stack.callback(engine.remove_image, name)
        self._run(self._session.buildkit, replace(solve, reference=reference))
        folder = self._folder / uuid.uuid4().hex
        folder.mkdir()
        known = {Digest(layer.diff_id) for layer in self._start.layers.all}
        saved = unpack(Pieces(engine.image_archive(name)), folder, known)
        self._waiting.files |= saved.layers
        return Layers(
            all=tuple(
                Layer(descriptor=saved.descriptor(Digest(diff_id)), diff_id=diff_id)
                for diff_id in saved.config.diff_ids
            ),
            manifest_type=types.DOCKER_MANIFEST,
            config_type=types.DOCKER_CONFIG,
        )

    def _fetch_base(self) -> bool:
        """Have the layers of a base image here; False when they come from no registry."""
        repository = self._start.repository
        if repository is None or not repository.registry:
            return False
        for layer in self._start.layers.all:
            blob = Descriptor.read(View(dict(layer.descriptor)))
            self._waiting.take(blob.digest, self._client.pull_blob(repository, blob))
        return True


class _Waiting:
    """Layers on their way into the engine, each a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[Digest, Path] = {}

    def take(self, digest: Digest, pieces: Iterator[bytes]) -> None:
        """Write a layer."""
        path = self._folder / digest.hex
        with path.open("wb") as file:
            file.writelines(pieces)
        self.files[digest] = path

    def pull_blob(self, repository: Repository, blob: Descriptor) -> Iterator[bytes]:
        """The bytes of a layer that was built."""
        del repository
        yield self.files[blob.digest].read_bytes()

    def push_blob(self, repository: Repository, source: BlobSource) -> None:
        """Take a layer that was made here."""
        del repository
        self.take(source.descriptor.digest, source.open(0))
