"""What only real registries can tell: memory over large blobs, and races of several processes."""

import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.oci import media_type as types
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.reference import Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient
from tests.fakes.images import make_image, push_image
from tests.integration.registry.conftest import OTHER_REAL, REAL

ROOT = Path(__file__).resolve().parents[3]
CRASHING = ROOT / "tests" / "integration" / "export" / "crashing.py"
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}
COPY = """
import sys
from pathlib import Path
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.media_type import OCI_LAYER
from exporter.oci.reference import parse_repository
from exporter.registry.client import RegistryClient
source, destination, digest, size = sys.argv[1:]
blob = Descriptor(media_type=OCI_LAYER, digest=Digest(digest), size=int(size))
with RegistryClient() as client:
    client.copy_blobs((blob,), parse_repository(source), parse_repository(destination))
# Not getrusage: its peak goes on from that of the process that started this one.
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""
pytestmark = pytest.mark.registry
# 1 GiB is what the promise is about; memory does not depend on it, so tests take less.
SIZE = int(os.environ.get("EXPORTER_LARGE_BLOB_MIB", "192")) << 20


def unique(kind: str) -> str:
    return f"suite/{kind}{secrets.token_hex(6)}"


def test_a_large_blob_is_copied_in_little_memory() -> None:
    seed = secrets.token_bytes(1 << 20)

    def pieces(_offset: int) -> Iterator[bytes]:
        return (seed[number:] + seed[:number] for number in range(SIZE >> 20))

    hashed = hashlib.sha256()
    for piece in pieces(0):
        hashed.update(piece)
    digest = Digest(f"sha256:{hashed.hexdigest()}")
    blob = Descriptor(media_type=types.OCI_LAYER, digest=digest, size=SIZE)
    source = Repository(registry=REAL, name=unique("large"))
    destination = Repository(registry=OTHER_REAL, name=unique("large"))
    with RegistryClient() as client:
        client.push_blob(source, BlobSource(descriptor=blob, open=pieces))
        done = subprocess.run(
            [sys.executable, "-c", COPY, str(source), str(destination), digest, str(SIZE)],
            env=ENV,
            check=True,
            capture_output=True,
            text=True,
        )
        assert client.blob_exists(destination, digest)
    assert int(done.stdout) < 100


def test_four_exports_of_the_same_images_at_once_end_well() -> None:
    images = [make_image(secrets.token_hex(8), layer_bytes=(90_000, 700)) for _ in range(3)]
    source, out = Repository(registry=REAL, name=unique("stages")), unique("out")
    with RegistryClient() as client:
        for number, image in enumerate(images):
            push_image(client, source.tag(f"stage-{number}"), image)
        command = [sys.executable, str(CRASHING), REAL, OTHER_REAL, source.name, out]
        exports = [subprocess.Popen(command, env=ENV) for _ in range(4)]
        assert [export.wait(120) for export in exports] == [0, 0, 0, 0]
        for registry, tags in ((REAL, ("a0", "a1", "a2", "b0")), (OTHER_REAL, ("a0", "a2"))):
            for tag in tags:
                repository = Repository(registry=registry, name=out)
                found = client.get_manifest(repository.tag(tag))
                layer = images[int(tag[1])].manifest.layers[0].digest
                assert layer.encode() in found.raw
                assert client.blob_exists(repository, layer)
