"""Manifests and configs of images in the engine, which tells neither of them to anybody.

An engine shows settings and labels of an image. Its bytes come only with the whole image
(``docker save``), so what was written or read once is kept on disk under its digest.
"""

import json
import os
import tarfile
import time
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from exporter.build.archive import Readable
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import View

_LARGEST = 4 << 20
_CHUNK = 1 << 20
_KEPT_S = 30 * 86_400


class Documents:
    """JSON documents by digest, in a folder of their own; those unused for a month are removed.

    What somebody has changed or removed is not found; nothing depends on them but speed.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made when the first document is kept."""
        self._folder = folder

    def keep(self, content: bytes) -> Digest:
        """Keep a document; its digest. A full or read-only disk is no reason to fail."""
        digest = Digest.of(content)
        self._write(digest.hex, content)
        return digest

    def find(self, digest: Digest) -> bytes | None:
        """The document, or None."""
        content = self._read(digest.hex)
        return content if Digest.of(content) == digest else None

    def note(self, key: Digest, blob: Descriptor) -> None:
        """Keep what something with this digest, which is not here, has become."""
        text = json.dumps(blob.entry)
        self._write(f"{key.hex}.packed", f"{Digest.of(f'{key} {text}'.encode())} {text}".encode())

    def noted(self, key: Digest) -> Descriptor | None:
        """What it has become, or None."""
        proof, _, text = self._read(f"{key.hex}.packed").decode("utf-8", "replace").partition(" ")
        if proof != Digest.of(f"{key} {text}".encode()):
            return None
        return Descriptor.read(View(json.loads(text)))

    def _write(self, name: str, content: bytes) -> None:
        with suppress(OSError):
            if not self._folder.is_dir():
                self._folder.mkdir(parents=True)
            self._sweep()
            with NamedTemporaryFile(dir=self._folder, prefix="new-", delete=False) as file:
                file.write(content)
            Path(file.name).replace(self._folder / name)

    def _read(self, name: str) -> bytes:
        """What is in a file; nothing when it is not there."""
        try:
            content = (self._folder / name).read_bytes()
            os.utime(self._folder / name)
        except OSError:
            return b""
        return content

    def _sweep(self) -> None:
        oldest = time.time() - _KEPT_S
        for entry in os.scandir(self._folder):
            if entry.stat().st_mtime < oldest:
                Path(entry.path).unlink(missing_ok=True)


def read_documents(stream: Readable) -> dict[Digest, bytes]:
    """The manifests and configs in an archive of ``docker save``, by digest."""
    found = {}
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as archive:  # type: ignore[call-overload]  # typeshed wants more than read()
        for member in archive:
            if not member.isreg() or member.size > _LARGEST:
                continue
            opened = archive.extractfile(member)
            content = opened.read() if opened else b""
            if content.startswith(b"{") and _is_json(content):
                found[Digest.of(content)] = content
    while stream.read(_CHUNK):
        pass
    return found


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True
