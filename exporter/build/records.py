"""Service records of a repository, for werf's cleanup (specification section 6.2).

A record is a manifest without layers; its config's labels hold the data. Records with equal labels
share their config blob.
"""

from collections.abc import Mapping

from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.document import write_object
from exporter.oci.manifest import Manifest, parse_manifest


def record(labels: Mapping[str, str]) -> tuple[Manifest, ImageConfig]:
    """The manifest and config of a record; the same labels give the same bytes."""
    config = parse_config(
        write_object(
            {
                "architecture": "amd64",
                "created": "1970-01-01T00:00:00Z",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": []},
                "config": {"Labels": dict(sorted(labels.items()))},
            }
        )
    )
    manifest = parse_manifest(
        write_object(
            {
                "schemaVersion": 2,
                "mediaType": types.DOCKER_MANIFEST,
                "config": {
                    "mediaType": types.DOCKER_CONFIG,
                    "size": len(config.raw),
                    "digest": str(config.digest),
                },
                "layers": [],
            }
        )
    )
    if not isinstance(manifest, Manifest):
        raise TypeError
    return manifest, config
