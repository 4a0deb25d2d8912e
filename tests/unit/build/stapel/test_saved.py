"""New layers out of the archives of engines that keep them unpacked."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from exporter.build.archive import Pieces
from exporter.build.stapel.saved import unpack
from exporter.oci.digest import Digest

BASE = Digest(f"sha256:{'a' * 64}")
FIRST = Digest(f"sha256:{'b' * 64}")
SECOND = Digest(f"sha256:{'c' * 64}")
CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [BASE, FIRST, SECOND]},
    }
).encode()


def _archive(layers: dict[str, bytes], config: str, names: list[str], link: str = "") -> bytes:
    listed = [{"Config": config, "RepoTags": ["a:b"], "Layers": names}]
    files = {**layers, config: CONFIG, "manifest.json": json.dumps(listed).encode()}
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo(names[-1])
            info.type, info.linkname = tarfile.SYMTYPE, link
            archive.addfile(info)
    return sink.getvalue()


NEW_NAMES = [f"blobs/sha256/{each.hex}" for each in (BASE, FIRST, SECOND)]
OLD_NAMES = ["1/layer.tar", "2/layer.tar", "3/layer.tar"]


@pytest.mark.parametrize(
    ("archive", "files"),
    [
        (
            _archive(
                dict(zip(NEW_NAMES, (b"base", b"first", b"second"), strict=True)),
                f"blobs/sha256/{Digest.of(CONFIG).hex}",
                NEW_NAMES,
            ),
            {FIRST: b"first", SECOND: b"second"},
        ),
        (
            _archive(
                {"1/layer.tar": b"base", "2/layer.tar": b"first"},
                f"{Digest.of(CONFIG).hex}.json",
                OLD_NAMES,
                link="../2/layer.tar",
            ),
            {FIRST: b"first", SECOND: b"first"},
        ),
    ],
    ids=["engine 25", "engine before 25, with equal layers"],
)
def test_only_new_layers_are_taken(
    tmp_path: Path, archive: bytes, files: dict[Digest, bytes]
) -> None:
    saved = unpack(Pieces([archive]), tmp_path, {BASE})
    assert saved.config.raw == CONFIG
    assert {digest: path.read_bytes() for digest, path in saved.layers.items()} == files
    layer = "application/vnd.docker.image.rootfs.diff.tar"
    assert saved.descriptor(FIRST) == {"mediaType": layer, "size": 5, "digest": FIRST}
    assert saved.descriptor(BASE) == {"mediaType": layer, "size": 0, "digest": BASE}
