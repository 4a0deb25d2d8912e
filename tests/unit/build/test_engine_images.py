"""Images of the engine: what is known of them, and archives that it takes."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from exporter.build.documents import Documents
from exporter.build.engine import Engine
from exporter.build.engine_images import EngineImages, archive_of
from exporter.errors import BuildError
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.digest import Digest
from exporter.oci.manifest import Manifest, parse_manifest

DIFF_ID = f"sha256:{'d' * 64}"
LAYER = Digest(f"sha256:{'a' * 64}")
OTHER = Digest(f"sha256:{'b' * 64}")
CONFIG = parse_config(
    b'{"architecture":"amd64","os":"linux","config":{},'
    b'"rootfs":{"type":"layers","diff_ids":["%s","%s"]}}' % (DIFF_ID.encode(), DIFF_ID.encode())
)


def _manifest(config: ImageConfig) -> Manifest:
    layer = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": len(config.raw),
            "digest": config.digest,
        },
        "layers": [
            {"mediaType": layer, "size": 3, "digest": LAYER},
            {"mediaType": layer, "size": 5, "digest": OTHER},
        ],
    }
    manifest = parse_manifest(json.dumps(document).encode())
    assert isinstance(manifest, Manifest)
    return manifest


MANIFEST = _manifest(CONFIG)


class _Engine:
    """An engine with one image; it counts how often it is asked for all of it."""

    def __init__(self, identity: Digest, documents: list[bytes]) -> None:
        self.saves = 0
        self.loaded = b""
        self._identity = identity
        self._documents = documents

    def inspect_image(self, name: str) -> Mapping[str, Any] | None:
        return {"Id": str(self._identity)} if name == "there:tag" else None

    def image_archive(self, name: str) -> Iterator[bytes]:
        assert name == "there:tag"
        self.saves += 1
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as archive:
            for number, content in enumerate(self._documents):
                info = tarfile.TarInfo(str(number))
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        yield sink.getvalue()

    def load_image(self, open_archive: Callable[[], Iterator[bytes]]) -> None:
        self.loaded = b"".join(open_archive())


def _images(engine: _Engine, folder: Path) -> EngineImages:
    return EngineImages(cast("Engine", engine), Documents(folder), folder)


INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": f"sha256:{'c' * 64}",
                "size": 1,
                "platform": {"architecture": "arm64", "os": "linux"},
            },
            {
                "mediaType": MANIFEST.media_type,
                "digest": MANIFEST.digest,
                "size": len(MANIFEST.raw),
                "platform": {"architecture": "amd64", "os": "linux"},
            },
        ],
    }
).encode()


@pytest.mark.parametrize(
    ("identity", "documents"),
    [
        (MANIFEST.digest, [CONFIG.raw, MANIFEST.raw]),
        (Digest.of(INDEX), [CONFIG.raw, INDEX, MANIFEST.raw]),
    ],
    ids=["a manifest", "an index of which it has one platform"],
)
def test_an_image_is_read_whole_once(
    tmp_path: Path, identity: Digest, documents: list[bytes]
) -> None:
    engine = _Engine(identity, documents)
    images = _images(engine, tmp_path)
    assert images.known("there:tag") is None
    for _ in range(2):
        assert images.find("there:tag") == (MANIFEST, CONFIG)
    assert images.known("there:tag") == (MANIFEST, CONFIG)
    assert engine.saves == 1
    assert images.find("not:there") is None


def test_an_engine_that_knows_configs_only_has_layers_under_their_diff_ids(tmp_path: Path) -> None:
    engine = _Engine(CONFIG.digest, [CONFIG.raw])
    found = _images(engine, tmp_path).find("there:tag")
    assert found is not None
    manifest, config = found
    assert config == CONFIG
    assert [str(layer.digest) for layer in manifest.layers] == [DIFF_ID, DIFF_ID]
    assert manifest.config.digest == CONFIG.digest


def test_an_archive_without_the_image_is_an_error(tmp_path: Path) -> None:
    engine = _Engine(MANIFEST.digest, [b"{}"])
    with pytest.raises(BuildError, match="does not show the manifest of there:tag"):
        _images(engine, tmp_path).find("there:tag")


def test_an_archive_holds_only_the_layers_that_are_given(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(b"12345")
    engine = _Engine(MANIFEST.digest, [])
    images = _images(engine, tmp_path / "documents")
    images.write("there:tag", MANIFEST, CONFIG, {OTHER: layer})
    with tarfile.open(fileobj=io.BytesIO(engine.loaded)) as archive:
        files = {
            member.name: opened.read()
            for member in archive
            if (opened := archive.extractfile(member))
        }
    index = json.loads(files.pop("index.json"))
    assert index["manifests"][0]["digest"] == MANIFEST.digest
    assert index["manifests"][0]["annotations"] == {
        "io.containerd.image.name": "docker.io/library/there:tag",
        "org.opencontainers.image.ref.name": "tag",
    }
    assert json.loads(files.pop("manifest.json")) == [
        {
            "Config": f"blobs/sha256/{CONFIG.digest.hex}",
            "RepoTags": ["there:tag"],
            "Layers": [f"blobs/sha256/{'a' * 64}", f"blobs/sha256/{'b' * 64}"],
        }
    ]
    assert files == {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        f"blobs/sha256/{MANIFEST.digest.hex}": MANIFEST.raw,
        f"blobs/sha256/{CONFIG.digest.hex}": CONFIG.raw,
        f"blobs/sha256/{'b' * 64}": b"12345",
    }
    assert images.known("there:tag") == (MANIFEST, CONFIG)
    assert images.layers == {OTHER: layer}


def test_names_with_a_slash_are_not_of_the_library() -> None:
    archive = b"".join(archive_of("werf-import-metadata/app:1", MANIFEST, CONFIG, {}))
    assert b'"docker.io/werf-import-metadata/app:1"' in archive
