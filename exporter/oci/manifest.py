"""Manifests and indexes: the bytes received, and views on them."""

from collections.abc import Mapping
from dataclasses import field

from exporter.oci import media_type as types
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import MalformedError, View, read_object
from exporter.oci.media_type import MediaType
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of one image or artifact; ``raw`` is the truth, the rest a view on it."""

    raw: bytes = field(repr=False)
    media_type: MediaType
    digest: Digest
    config: Descriptor = field(compare=False)
    layers: tuple[Descriptor, ...] = field(compare=False)
    annotations: Mapping[str, str] = field(compare=False)
    subject: Descriptor | None = field(compare=False, default=None)
    artifact_type: str = field(compare=False, default="")

    @property
    def descriptor(self) -> Descriptor:
        """How an index or a HEAD request describes this manifest."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.raw))

    @property
    def is_image(self) -> bool:
        """Whether its config is an image config: labels can be edited."""
        return self.config.media_type.is_config

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Config and layers that a registry must hold, each digest once; no foreign layers."""
        wanted = {
            blob.digest: blob for blob in (self.config, *self.layers) if not _is_foreign(blob)
        }
        return tuple(wanted.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An OCI index or a Docker manifest list; ``raw`` is the truth, the rest a view on it."""

    raw: bytes = field(repr=False)
    media_type: MediaType
    digest: Digest
    manifests: tuple[Descriptor, ...] = field(compare=False)
    annotations: Mapping[str, str] = field(compare=False)
    subject: Descriptor | None = field(compare=False, default=None)
    artifact_type: str = field(compare=False, default="")

    @property
    def descriptor(self) -> Descriptor:
        """How an outer index or a HEAD request describes this index."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.raw))


def parse_manifest(
    raw: bytes, media_type: str = "", *, digest: Digest | None = None
) -> Manifest | Index:
    """The manifest or index in these bytes.

    Args:
        raw: The body as received.
        media_type: The Content-Type; parameters are ignored, and so is a type that says nothing
            about manifests (``application/json``, ``text/plain``).
        digest: What the bytes must hash to, when known.

    Raises:
        MalformedError: Not a manifest, a type that is not supported (Docker schema 1), header and
            body that contradict each other (CVE-2021-41190), or another digest than asked for.
    """
    actual = Digest.of(raw) if digest is None else _digest_like(digest, raw)
    if digest is not None and actual != digest:
        raise MalformedError(f"the digest is {actual}, expected {digest}")
    view = View(read_object(raw))
    kind = _type_of(view, MediaType.parse(media_type))
    subject = view.view("subject")
    if kind.is_index:
        return Index(
            raw=raw,
            media_type=kind,
            digest=actual,
            manifests=tuple(map(Descriptor.read, view.views("manifests"))),
            annotations=view.text_map("annotations"),
            subject=None if subject is None else Descriptor.read(subject),
            artifact_type=view.text("artifactType", ""),
        )
    config = view.view("config")
    if config is None:
        raise MalformedError("config is missing")
    return Manifest(
        raw=raw,
        media_type=kind,
        digest=actual,
        config=Descriptor.read(config),
        layers=tuple(map(Descriptor.read, view.views("layers"))),
        annotations=view.text_map("annotations"),
        subject=None if subject is None else Descriptor.read(subject),
        artifact_type=view.text("artifactType", ""),
    )


def _digest_like(wanted: Digest, raw: bytes) -> Digest:
    if wanted.algorithm == "sha256":
        return Digest.of(raw)
    import hashlib  # noqa: PLC0415 - almost never needed

    return Digest(f"{wanted.algorithm}:{hashlib.new(wanted.algorithm, raw).hexdigest()}")


def _type_of(view: View, header: MediaType) -> MediaType:
    version = view.values.get("schemaVersion")
    if version == 1:
        raise MalformedError("a Docker schema 1 manifest; such images must be pushed again")
    has_children, has_layers = "manifests" in view.values, "layers" in view.values
    if has_children and (has_layers or "config" in view.values):
        raise MalformedError("both an index and a manifest: it has 'manifests' and 'layers'")
    stated = MediaType(view.text("mediaType", ""))
    known = [kind for kind in (stated, header) if kind.is_index or kind.is_manifest]
    if stated and not known:
        raise MalformedError(f"the manifest type {stated} is not supported")
    guess = types.OCI_INDEX if has_children else types.OCI_MANIFEST
    kind = known[0] if known else guess
    if any(other.is_index != kind.is_index for other in known) or kind.is_index != has_children:
        raise MalformedError(f"called {kind}, but the content is not that")
    return kind


def _is_foreign(blob: Descriptor) -> bool:
    return blob.media_type.is_foreign and bool(blob.urls)
