"""Manifests and configs that are kept by digest."""

import io
import os
import tarfile
import time
from pathlib import Path

from exporter.build.archive import Pieces
from exporter.build.documents import Documents, read_documents
from exporter.oci import media_type as types
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest

CONFIG = b'{"rootfs": {}}'


def _archive(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        folder = tarfile.TarInfo("blobs")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def test_what_was_kept_is_found_in_the_next_run(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "engine"
    assert Documents(folder).find(Digest.of(CONFIG)) is None
    assert Documents(folder).keep(CONFIG) == Digest.of(CONFIG)
    assert Documents(folder).find(Digest.of(CONFIG)) == CONFIG
    assert [path.name for path in folder.iterdir()] == [Digest.of(CONFIG).hex]


def test_a_document_that_somebody_changed_is_not_found(tmp_path: Path) -> None:
    documents = Documents(tmp_path)
    digest = documents.keep(CONFIG)
    (tmp_path / digest.hex).write_bytes(b"{}")
    assert documents.find(digest) is None


def test_what_a_layer_has_become_is_known_in_the_next_run(tmp_path: Path) -> None:
    layer, other = Digest.of(b"layer"), Digest.of(b"other")
    blob = Descriptor(media_type=types.DOCKER_LAYER_GZIP, digest=Digest.of(b"packed"), size=6)
    Documents(tmp_path).note(layer, blob)
    assert Documents(tmp_path).noted(layer) == blob
    assert Documents(tmp_path).noted(other) is None
    [path] = tmp_path.iterdir()
    path.rename(tmp_path / path.name.replace(layer.hex, other.hex))
    assert Documents(tmp_path).noted(other) is None


def test_what_was_not_used_for_a_month_is_removed(tmp_path: Path) -> None:
    documents = Documents(tmp_path)
    old, used = documents.keep(b'{"a": 1}'), documents.keep(b'{"a": 2}')
    then = time.time() - 31 * 86_400
    for digest in (old, used):
        os.utime(tmp_path / digest.hex, (then, then))
    assert documents.find(used) == b'{"a": 2}'
    documents.keep(CONFIG)
    assert documents.find(old) is None
    assert documents.find(used) == b'{"a": 2}'


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    documents = Documents(tmp_path / "file" / "engine")
    assert documents.find(documents.keep(CONFIG)) is None


def test_the_documents_of_an_archive_are_found_whatever_their_names() -> None:
    archive = _archive(
        {
            "blobs/sha256/1234": CONFIG,
            "5678.json": b'{"config": {}}',
            "layer.tar": b"\x1f\x8b layer",
            "looks-like": b"{ no json",
            "manifest.json": b"[]",
        }
    )
    found = read_documents(Pieces([archive[:700], archive[700:]]))
    assert sorted(found.values()) == [b'{"config": {}}', CONFIG]
    assert all(Digest.of(content) == digest for digest, content in found.items())
