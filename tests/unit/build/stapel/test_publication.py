"""Layers on their way from BuildKit to stages."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from typing import cast

from exporter.build.stapel.publication import Layer, without_roots
from exporter.oci.descriptor import Descriptor
from exporter.oci.reference import Repository, parse_repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient

_REPOSITORY = parse_repository("127.0.0.1:5000/test/stages")


class _Client:
    """Holds one blob, and takes another one."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.pushed: bytes | None = None

    def pull_blob(self, repository: Repository, blob: Descriptor) -> Iterator[bytes]:
        del repository, blob
        yield self._content

    def push_blob(self, repository: Repository, source: BlobSource) -> None:
        del repository
        self.pushed = b"".join(source.open(0))


def _archive(*names: str) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name.rstrip("/"))
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
            else:
                info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
    return sink.getvalue()


def _layer(content: bytes) -> Layer:
    return Layer(
        descriptor={
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": len(content),
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        },
        diff_id="sha256:old",
    )


def _names(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def _cleaned(*names: str) -> tuple[Layer, Layer | None, _Client]:
    content = gzip.compress(_archive(*names))
    client, layer = _Client(content), _layer(content)
    return layer, without_roots(cast("RegistryClient", client), _REPOSITORY, layer), client


def test_mount_points_that_running_leaves_are_taken_out() -> None:
    _, cleaned, client = _cleaned("app", "dev/", "long/" + "x" * 150, "proc/", "sys/", "tail")
    assert client.pushed is not None
    archive = gzip.decompress(client.pushed)
    assert _names(archive) == ["app", "long/" + "x" * 150, "tail"]
    assert cleaned is not None
    assert cleaned.diff_id == f"sha256:{hashlib.sha256(archive).hexdigest()}"
    assert cleaned.descriptor["size"] == len(client.pushed)


def test_a_layer_of_mount_points_only_is_no_layer() -> None:
    assert _cleaned("dev/", "proc/", "sys/")[1] is None


def test_other_layers_stay_as_they_are() -> None:
    layer, cleaned, client = _cleaned("app", "opt/dev/", "dev/", "dev/made-by-a-command")
    assert cleaned == layer
    assert client.pushed is None
