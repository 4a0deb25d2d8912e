"""Service records of a repository, for werf's cleanup (specification section 6.2).

A record is an image with one layer that is empty, because some registries take no manifest without
layers; its config's labels hold the data.

No two records of a repository are the same bytes: registries delete by digest, and with it every
tag that shows it, so that the end of one record would be the end of all its likes.
"""

import gzip
import hashlib
from collections.abc import Mapping

from exporter.build.archive import docker_image
from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig
from exporter.oci.document import write_object
from exporter.oci.manifest import Manifest
from exporter.registry.blob import BlobSource

_EMPTY_TAR = bytes(1024)


def record(
    tag: str, labels: Mapping[str, str], *, layer: BlobSource | None
) -> tuple[Manifest, ImageConfig]:
    """The manifest and config of a record; the same tag and labels give the same bytes.

    Args:
        tag: The record's tag, which makes it differ from others.
        labels: Its data.
        layer: What ``empty_layer`` gives; None for an engine, which has images without layers.
    """
    diff_id = f"sha256:{hashlib.sha256(_EMPTY_TAR).hexdigest()}"
    config = write_object(
        {
            "architecture": "amd64",
            "comment": tag,
            "created": "1970-01-01T00:00:00Z",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [diff_id] if layer else []},
            "config": {"Labels": dict(sorted(labels.items()))},
        }
    )
    image = docker_image(config, [layer.descriptor] if layer else [])
    return image.manifest, image.config


def empty_layer() -> BlobSource:
    """The layer that all records share: a tar archive without entries."""
    return BlobSource.of(gzip.compress(_EMPTY_TAR, mtime=0), types.DOCKER_LAYER_GZIP)
