"""Layers that come to this machine as an OCI layout."""

import json
from pathlib import Path

from exporter.build.stapel.layout import Layout, Waiting
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import View
from exporter.oci.reference import parse_repository
from exporter.registry.blob import BlobSource

_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_REPOSITORY = parse_repository("127.0.0.1:5000/test/stages")


def _put(folder: Path, content: bytes) -> dict[str, object]:
    digest = Digest.of(content)
    path = folder / "blobs" / "sha256" / digest.hex
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"digest": str(digest), "size": len(content)}


def _image(folder: Path, *layers: bytes) -> dict[str, object]:
    """A manifest in the layout; the diff ID of a layer is its own digest here."""
    listed = [{"mediaType": _LAYER, **_put(folder, layer)} for layer in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in listed]},
    }
    document = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            **_put(folder, json.dumps(config).encode()),
        },
        "layers": listed,
    }
    return {"mediaType": _MANIFEST, **_put(folder, json.dumps(document).encode())}


def _index(folder: Path, root: dict[str, object]) -> None:
    document = {"schemaVersion": 2, "manifests": [root]}
    (folder / "index.json").write_text(json.dumps(document))


def _blob(content: bytes) -> Descriptor:
    digest, size = str(Digest.of(content)), len(content)
    return Descriptor.read(View({"mediaType": _LAYER, "digest": digest, "size": size}))


def test_the_images_of_an_index_go_by_the_variants_of_their_platforms(tmp_path: Path) -> None:
    children = [
        {**_image(tmp_path, *layers), "platform": {"os": "linux", "architecture": "amd64", **more}}
        for layers, more in (((b"a",), {}), ((b"a", b"b"), {"variant": "x1"}))
    ]
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": children}
    _index(tmp_path, {"mediaType": _INDEX, **_put(tmp_path, json.dumps(index).encode())})
    found = Layout(tmp_path).images()
    assert {variant: layers.diff_ids for variant, layers in found.items()} == {
        "": [str(Digest.of(b"a"))],
        "x1": [str(Digest.of(b"a")), str(Digest.of(b"b"))],
    }


def test_a_single_image_has_no_variant(tmp_path: Path) -> None:
    _index(tmp_path, _image(tmp_path, b"a"))
    assert list(Layout(tmp_path).images()) == [""]


def test_only_layers_that_came_or_were_made_wait(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.expect([Digest.of(b"base")])
    _put(tmp_path, b"built")
    waiting = Waiting(layout)
    waiting.push_blob(_REPOSITORY, BlobSource.of(b"made", _blob(b"made").media_type))
    assert waiting.source(_blob(b"base")) is None
    assert waiting.source(_blob(b"elsewhere")) is None
    for content in (b"built", b"made"):
        source = waiting.source(_blob(content))
        assert source is not None
        assert b"".join(source.open(2)) == content[2:]
    assert b"".join(waiting.pull_blob(_REPOSITORY, _blob(b"built"))) == b"built"
