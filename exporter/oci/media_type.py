"""Media types: open text, with names for those that the program acts on."""


class MediaType(str):
    """A media type without parameters; unknown ones pass through."""

    __slots__ = ()

    @classmethod
    def parse(cls, header: str) -> "MediaType":
        """The media type of a Content-Type header: parameters dropped, lower-cased."""
        return cls(header.partition(";")[0].strip().lower())

    @property
    def is_index(self) -> bool:
        """An OCI index or a Docker manifest list."""
        return self in _INDEXES

    @property
    def is_manifest(self) -> bool:
        """A manifest of one image, OCI or Docker."""
        return self in _MANIFESTS

    @property
    def is_foreign(self) -> bool:
        """A layer that registries do not hold: fetched from the URLs of its descriptor."""
        return ".nondistributable." in self or ".foreign." in self

    @property
    def is_config(self) -> bool:
        """The config of a runnable image."""
        return self in (OCI_CONFIG, DOCKER_CONFIG)


OCI_INDEX = MediaType("application/vnd.oci.image.index.v1+json")
OCI_MANIFEST = MediaType("application/vnd.oci.image.manifest.v1+json")
OCI_CONFIG = MediaType("application/vnd.oci.image.config.v1+json")
OCI_LAYER = MediaType("application/vnd.oci.image.layer.v1.tar")
OCI_LAYER_GZIP = MediaType("application/vnd.oci.image.layer.v1.tar+gzip")
OCI_LAYER_ZSTD = MediaType("application/vnd.oci.image.layer.v1.tar+zstd")
OCI_FOREIGN_LAYER = MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar")
OCI_FOREIGN_LAYER_GZIP = MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
OCI_EMPTY = MediaType("application/vnd.oci.empty.v1+json")

DOCKER_INDEX = MediaType("application/vnd.docker.distribution.manifest.list.v2+json")
DOCKER_MANIFEST = MediaType("application/vnd.docker.distribution.manifest.v2+json")
DOCKER_CONFIG = MediaType("application/vnd.docker.container.image.v1+json")
DOCKER_LAYER = MediaType("application/vnd.docker.image.rootfs.diff.tar")
DOCKER_LAYER_GZIP = MediaType("application/vnd.docker.image.rootfs.diff.tar.gzip")
DOCKER_FOREIGN_LAYER_GZIP = MediaType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")

IN_TOTO = MediaType("application/vnd.in-toto+json")
"""Layer of an attestation manifest (provenance, SBOM) as BuildKit writes it."""

_INDEXES = frozenset((OCI_INDEX, DOCKER_INDEX))
_MANIFESTS = frozenset((OCI_MANIFEST, DOCKER_MANIFEST))

ACCEPTED = (OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST)
"""What a request for a manifest accepts, in the order in which we like it."""
