"""Layers that come from BuildKit to this machine, as a folder with an OCI layout."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from exporter.build.delivery import QuietDelivery
from exporter.build.stapel.publication import Layers, layers_of
from exporter.oci.config import parse_config
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import View
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.oci.reference import Reference, Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient

_BLOBS = "blobs/sha256"
_AT_ONCE = 8
_SMALL = 64 << 10
"""Bytes of a layer that is sent sooner than asked for."""


@dataclass(frozen=True, slots=True)
class Layout(QuietDelivery):
    """Images written to a folder, blobs that are in it aside; a delivery."""

    folder: Path

    def expect(self, digests: Iterable[Digest]) -> None:
        """Have BuildKit leave out blobs that are not wanted: for it they are there already."""
        blobs = self.folder / _BLOBS
        blobs.mkdir(parents=True, exist_ok=True)
        for digest in digests:
            (blobs / digest.hex).touch()

    def output(self, reference: Reference) -> str:
        """A folder on our side."""
        del reference
        return f"type=oci,oci-mediatypes=false,tar=false,dest={self.folder}"

    def root(self) -> Manifest | Index:
        """The manifest of the one image, or the index over several."""
        [listed] = json.loads((self.folder / "index.json").read_bytes())["manifests"]
        return self._manifest(Digest(listed["digest"]))

    def images(self) -> dict[str, Layers]:
        """The layers of every image by the variant of its platform."""
        root = self.root()
        if isinstance(root, Manifest):
            return {"": self.layers(root)}
        found = {}
        for child in root.manifests:
            manifest = self._manifest(child.digest)
            if isinstance(manifest, Manifest) and child.platform is not None:
                found[child.platform.variant] = self.layers(manifest)
        return found

    def layers(self, manifest: Manifest) -> Layers:
        """The layers of one of the images, with what its config says of them."""
        return layers_of(manifest, parse_config(self.path(manifest.config.digest).read_bytes()))

    def path(self, digest: Digest) -> Path:
        """Where a blob is."""
        return self.folder / _BLOBS / digest.hex

    def _manifest(self, digest: Digest) -> Manifest | Index:
        return parse_manifest(self.path(digest).read_bytes())


class Waiting:
    """Layers of a layout on their way into a repository."""

    def __init__(self, layout: Layout) -> None:
        """Take the layout; layers that are made here are added to it."""
        self._layout = layout

    def pull_blob(self, repository: Repository, blob: Descriptor) -> Iterator[bytes]:
        """The bytes of a layer that was built."""
        del repository
        yield self._layout.path(blob.digest).read_bytes()

    def push_blob(self, repository: Repository, source: BlobSource) -> None:
        """Take a layer that was made here."""
        del repository
        with self._layout.path(source.descriptor.digest).open("wb") as file:
            file.writelines(source.open(0))

    def send(
        self,
        layers: Layers,
        client: RegistryClient,
        repository: Repository,
        *,
        beside: Callable[[], None],
    ) -> None:
        """Push those of the layers that wait here, and do something else beside it."""
        blobs = [Descriptor.read(View(dict(layer.descriptor))) for layer in layers.all]
        sources = [source for blob in blobs if (source := self.source(blob)) is not None]

        def push(source: BlobSource) -> None:
            is_worth_a_look = source.descriptor.size > _SMALL
            client.push_blob(repository, source, look=is_worth_a_look)

        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            other = pool.submit(beside)
            list(pool.map(push, sources))
            other.result()

    def source(self, blob: Descriptor) -> BlobSource | None:
        """A layer that waits here, to be pushed; None when it was not wanted."""
        path = self._layout.path(blob.digest)
        if not path.exists() or path.stat().st_size != blob.size:
            return None
        return BlobSource.of_file(path, blob)
