"""Images as tar streams (``docker save``, BuildKit's ``type=oci``), sent on as they come.

Names and sizes stand in the headers, so layers pass through without touching disk or memory.
Only engines without the containerd store give layers unpacked; those are packed into a temporary
file first, since an upload ends with the digest.
"""

import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from posixpath import join, normpath
from typing import IO, Protocol

from exporter.errors import BuildError, RegistryError
from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import Json, write_object
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.registry.blob import BlobSource

_CHUNK = 1 << 20
_HELD_BYTES = 4 << 20
"""Files up to this size are read whole: configs and manifests are found among them."""
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_BLOBS = "blobs/sha256/"
_GZIP = 31

Put = Callable[[BlobSource], object]
"""Makes a blob present where the image goes; skips what is there already."""


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = ..., /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


class BrokenOffError(RegistryError):
    """An upload failed in the middle of a stream that cannot be read twice: send it all again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """What an archive holds: the image's manifest and config; its layers went to ``put``."""

    manifest: Manifest
    config: ImageConfig


class Packed:
    """What is known of layers that were packed before: nothing, unless somebody knows better."""

    def find(self, diff_id: Digest) -> Descriptor | None:
        """What the layer became, when that is present where the image goes."""
        del diff_id
        return None

    def keep(self, diff_id: Digest, blob: Descriptor) -> None:
        """Take note of what a layer has become."""


def read_archive(stream: Readable, put: Put, packed: Packed | None = None) -> Archived:
    """Send the layers of the archived image on, and give its manifest and config.

    Args:
        stream: The archive; read to its end.
        put: Called with each layer in the order of the archive.
        packed: Spares layers that need not be packed again.

    Raises:
        BrokenOffError: ``put`` asked for a layer again that is too large to be kept.
        BuildError: It is no image archive.
    """
    documents: dict[str, bytes] = {}
    layers: dict[str, Descriptor] = {}
    links: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as archive:  # type: ignore[call-overload]  # typeshed wants more than read()
            for member in archive:
                if member.issym() or member.islnk():
                    base = "" if member.islnk() else member.name.rpartition("/")[0]
                    links[member.name] = normpath(join(base, member.linkname))
                if not member.isreg():
                    continue
                content = archive.extractfile(member)
                if content is None:
                    raise TypeError
                first = content.read(min(member.size, _HELD_BYTES))
                if member.size <= _HELD_BYTES and first[:1] in (b"{", b"["):
                    documents[member.name] = first
                elif _is_layer(member):
                    layers[member.name] = _send(member, first, content, put, packed or Packed())
        while stream.read(_CHUNK):
            pass
    except tarfile.TarError as error:
        raise BuildError(f"the engine sent a broken image archive: {error}") from error
    layers |= {name: layers[target] for name, target in links.items() if target in layers}
    return _image(documents, layers)


def _is_layer(member: tarfile.TarInfo) -> bool:
    return member.name.startswith(_BLOBS) or member.name.endswith("/layer.tar")


def _send(
    member: tarfile.TarInfo, first: bytes, rest: IO[bytes], put: Put, packed: Packed
) -> Descriptor:
    pieces = _pieces(first, rest)
    if not first.startswith(_PACKED):
        has_digest = member.name.startswith(_BLOBS)  # not in archives of engines before 25
        known = packed.find(_digest_in(member)) if has_digest else None
        return known or _pack(pieces, put, packed)
    digest = _digest_in(member)
    blob = Descriptor(media_type=types.DOCKER_LAYER_GZIP, digest=digest, size=member.size)
    if member.size <= _HELD_BYTES:
        put(BlobSource(descriptor=blob, open=lambda offset: iter((first[offset:],))))
    else:
        put(BlobSource(descriptor=blob, open=_Once(digest, pieces).open))
    return blob


def _digest_in(member: tarfile.TarInfo) -> Digest:
    return Digest(f"sha256:{member.name.removeprefix(_BLOBS)}")


class _Once:
    """The pieces of a blob, which can be had only once."""

    def __init__(self, digest: Digest, pieces: Iterator[bytes]) -> None:
        self._digest = digest
        self._pieces: Iterator[bytes] | None = pieces

    def open(self, offset: int) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, None
        if pieces is None or offset:
            raise BrokenOffError(f"the upload of {self._digest} broke off", registry="")
        return pieces


def _pieces(first: bytes, rest: IO[bytes]) -> Iterator[bytes]:
    yield first
    while piece := rest.read(_CHUNK):
        yield piece


def _pack(pieces: Iterable[bytes], put: Put, packed: Packed) -> Descriptor:
    """Compress an unpacked layer; the same bytes always give the same blob."""
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    unpacked, hashed = hashlib.sha256(), hashlib.sha256()
    size = 0

    def compressed() -> Iterator[bytes]:
        for piece in pieces:
            unpacked.update(piece)
            yield packer.compress(piece)
        yield packer.flush()

    with tempfile.TemporaryFile(prefix="exporter-layer-") as file:
        for piece in compressed():
            hashed.update(piece)
            size += file.write(piece)

        def open_at(offset: int) -> Iterator[bytes]:
            file.seek(offset)
            while piece := file.read(_CHUNK):
                yield piece

        digest = Digest(f"sha256:{hashed.hexdigest()}")
        blob = Descriptor(media_type=types.DOCKER_LAYER_GZIP, digest=digest, size=size)
        put(BlobSource(descriptor=blob, open=open_at))
    packed.keep(Digest(f"sha256:{unpacked.hexdigest()}"), blob)
    return blob


def _image(documents: Mapping[str, bytes], layers: Mapping[str, Descriptor]) -> Archived:
    manifest = _listed(documents)
    if manifest is not None:
        found = [layers.get(_BLOBS + layer.digest.hex) for layer in manifest.layers]
        config = documents[_BLOBS + manifest.config.digest.hex]
        if [blob.digest for blob in found if blob] == [layer.digest for layer in manifest.layers]:
            return Archived(manifest=manifest, config=parse_config(config))
    else:
        if "manifest.json" not in documents:
            raise BuildError("the engine sent an image archive without a manifest")
        [entry, *_] = json.loads(documents["manifest.json"])
        config = documents[entry["Config"]]
        found = [layers.get(name) for name in entry["Layers"]]
    if None in found:
        raise BuildError("the engine sent an image archive that lacks a layer")
    return docker_image(config, [blob for blob in found if blob])


def _listed(documents: Mapping[str, bytes]) -> Manifest | None:
    """The manifest that the archive's index leads to; None in archives of engines before 25."""
    if "index.json" not in documents:
        return None
    value = parse_manifest(documents["index.json"])
    while isinstance(value, Index):
        child = next((each for each in value.manifests if not each.is_attestation), None)
        if child is None:
            return None
        value = parse_manifest(documents[_BLOBS + child.digest.hex], child.media_type)
    return value


def docker_image(config: bytes, layers: Iterable[Descriptor]) -> Archived:
    """An image of packed layers; its manifest is of Docker's kind."""
    parts: list[Json] = [layer.entry for layer in layers]
    document: dict[str, Json] = {
        "schemaVersion": 2,
        "mediaType": types.DOCKER_MANIFEST,
        "config": Descriptor.of(config, types.DOCKER_CONFIG).entry,
        "layers": parts,
    }
    manifest = parse_manifest(write_object(document))
    if not isinstance(manifest, Manifest):
        raise TypeError
    return Archived(manifest=manifest, config=parse_config(config))


class Pieces:
    """A stream over pieces of bytes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, all that is left without one; none at the end."""
        while size < 0 or len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        found, self._held = (
            (self._held, b"") if size < 0 else (self._held[:size], self._held[size:])
        )
        return found
