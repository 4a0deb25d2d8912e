"""A root manifest or index with every manifest and config below it; the layers stay outside."""

from collections.abc import Iterator, Mapping
from dataclasses import field

from exporter.oci.config import ImageConfig
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.manifest import Index, Manifest
from exporter.oci.media_type import IN_TOTO
from exporter.oci.platform import Platform
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """An image of any shape.

    ``manifests`` holds the children of every index by digest; ``configs`` the image configs by
    digest, at least those that are going to be edited. ``documents`` holds other small blobs whose
    bytes are known: statements of attestations.
    """

    root: Manifest | Index
    manifests: Mapping[Digest, Manifest | Index] = field(default_factory=dict)
    configs: Mapping[Digest, ImageConfig] = field(default_factory=dict)
    documents: Mapping[Digest, bytes] = field(default_factory=dict, repr=False)

    def known(self, digest: Digest) -> bytes | None:
        """The bytes of a blob that need not be fetched, None for any other."""
        config = self.configs.get(digest)
        return self.documents.get(digest) if config is None else config.raw

    @property
    def statements(self) -> tuple[Descriptor, ...]:
        """The in-toto statements of its attestations, each digest once."""
        children = self.root.manifests if isinstance(self.root, Index) else ()
        values = [self.manifests.get(child.digest) for child in children if child.is_attestation]
        found = {
            layer.digest: layer
            for value in values
            if isinstance(value, Manifest)
            for layer in value.layers
            if layer.media_type == IN_TOTO
        }
        return tuple(found.values())

    def walk(self) -> Iterator[Manifest | Index]:
        """Everything, each digest once, children before the index that names them."""
        yield from self._walk(self.root, set())

    def _walk(self, value: Manifest | Index, seen: set[Digest]) -> Iterator[Manifest | Index]:
        if value.digest in seen:
            return
        seen.add(value.digest)
        if isinstance(value, Index):
            for child in value.manifests:
                if child.digest in self.manifests:
                    yield from self._walk(self.manifests[child.digest], seen)
        yield value

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Configs and layers of all manifests, each digest once."""
        found = {
            blob.digest: blob
            for value in self.walk()
            if isinstance(value, Manifest)
            for blob in value.blobs
        }
        return tuple(found.values())

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms of its images in order; attestations have none."""
        if isinstance(self.root, Manifest):
            config = self.configs.get(self.root.config.digest)
            return (config.platform,) if config else ()
        children = (self.manifests.get(child.digest) for child in self.root.manifests)
        found: dict[Platform, None] = {}
        for child, value in zip(self.root.manifests, children, strict=True):
            if child.is_attestation:
                continue
            if child.platform is not None:
                found[child.platform] = None
            elif isinstance(value, Manifest) and value.config.digest in self.configs:
                found[self.configs[value.config.digest].platform] = None
        return tuple(found)
