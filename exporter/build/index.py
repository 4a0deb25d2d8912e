"""The index of an image with several platforms, in the repository of stages (specification 5.2)."""

from collections.abc import Sequence

from exporter.build.stages import StageImage
from exporter.oci import media_type as types
from exporter.oci.document import Json, write_object
from exporter.oci.manifest import Index, parse_manifest


def index_of(images: Sequence[StageImage]) -> Index:
    """The index of these images, sorted by platform.

    A Docker list when all of them are Docker images, else an OCI index.
    """
    ordered = sorted(images, key=lambda image: str(image.config.platform))
    is_docker = all(image.manifest.media_type == types.DOCKER_MANIFEST for image in ordered)
    index = parse_manifest(
        write_object(
            {
                "schemaVersion": 2,
                "mediaType": types.DOCKER_INDEX if is_docker else types.OCI_INDEX,
                "manifests": [_child(image) for image in ordered],
            }
        )
    )
    if not isinstance(index, Index):
        raise TypeError
    return index


def _child(image: StageImage) -> dict[str, Json]:
    platform = image.config.platform
    shown: dict[str, Json] = {"architecture": platform.architecture, "os": platform.os}
    if platform.variant:
        shown["variant"] = platform.variant
    return {
        "mediaType": image.manifest.media_type,
        "size": len(image.manifest.raw),
        "digest": str(image.manifest.digest),
        "platform": shown,
    }
