"""Descriptors: what is known about some content before it is fetched."""

from collections.abc import Mapping
from dataclasses import field
from typing import Self

from exporter.oci.digest import Digest
from exporter.oci.document import Json, MalformedError, View
from exporter.oci.media_type import MediaType
from exporter.oci.platform import Platform
from exporter.value import dataclass

# Annotations by which BuildKit ties an attestation manifest to its image in an index.
REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
ATTESTATION = "attestation-manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """Digest, size in bytes and media type of some content; the optional fields when given."""

    media_type: MediaType
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    urls: tuple[str, ...] = ()
    platform: Platform | None = None
    artifact_type: str = ""

    @classmethod
    def of(cls, content: bytes, media_type: MediaType) -> Self:
        """The descriptor of these bytes."""
        return cls(media_type=media_type, digest=Digest.of(content), size=len(content))

    @classmethod
    def read(cls, view: View) -> Self:
        """The descriptor in a JSON object.

        Raises:
            MalformedError: A field is missing or of a wrong type.
        """
        digest = view.text("digest")
        try:
            parsed = Digest.parse(digest)
        except ValueError as error:
            raise MalformedError(f"{view.path}.digest: {error}") from error
        platform = view.view("platform")
        return cls(
            media_type=MediaType(view.text("mediaType", "")),
            digest=parsed,
            size=view.size("size"),
            annotations=view.text_map("annotations"),
            urls=view.texts("urls"),
            platform=None if platform is None else read_platform(platform),
            artifact_type=view.text("artifactType", ""),
        )

    @property
    def entry(self) -> dict[str, Json]:
        """The fields that every descriptor has, as a manifest lists them."""
        return {"mediaType": self.media_type, "size": self.size, "digest": self.digest}

    def same_content(self, other: "Descriptor") -> bool:
        """Whether both describe the same bytes; ``==`` compares every field."""
        return self.digest == other.digest and self.size == other.size

    @property
    def is_attestation(self) -> bool:
        """Whether an index says that this child attests another one (provenance, SBOM)."""
        return self.annotations.get(REFERENCE_TYPE) == ATTESTATION

    @property
    def attests(self) -> str:
        """The digest that an attestation is about; empty when it is none."""
        return self.annotations.get(REFERENCE_DIGEST, "") if self.is_attestation else ""


def read_platform(view: View) -> Platform:
    """The platform in a descriptor or at the top of a config; ``unknown`` for what is absent."""
    return Platform.of(
        os=view.text("os", "") or "unknown",
        architecture=view.text("architecture", "") or "unknown",
        variant=view.text("variant", ""),
    )
