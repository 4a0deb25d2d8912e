"""Blobs as streams: where their bytes come from, and that they are the right ones."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import field
from pathlib import Path

from exporter.errors import DigestMismatchError, RegistryError
from exporter.oci.descriptor import Descriptor
from exporter.oci.media_type import MediaType
from exporter.oci.reference import Repository
from exporter.registry.answer import Answer, Stream
from exporter.registry.request import Request
from exporter.registry.retry import TransientError
from exporter.registry.transport import Transport
from exporter.registry.wire import ending
from exporter.value import dataclass

_PARTIAL = 206
_OUT_OF_RANGE = 416
_PROGRESS_BYTES = 1 << 20
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobSource:
    """A descriptor, and a way to open its bytes from an offset, as often as needed."""

    descriptor: Descriptor
    open: Callable[[int], Iterator[bytes]] = field(repr=False)

    @classmethod
    def of(cls, content: bytes, media_type: MediaType) -> "BlobSource":
        """The source that holds these bytes."""
        return cls(
            descriptor=Descriptor.of(content, media_type),
            open=lambda offset: iter((content[offset:],)),
        )

    @classmethod
    def of_file(cls, path: Path, descriptor: Descriptor) -> "BlobSource":
        """The source that a file holds."""

        def open_at(offset: int) -> Iterator[bytes]:
            with path.open("rb") as file:
                file.seek(offset)
                while piece := file.read(_PIECE_BYTES):
                    yield piece

        return cls(descriptor=descriptor, open=open_at)


def verified(pieces: Iterator[bytes], blob: Descriptor, repository: Repository) -> Iterator[bytes]:
    """The pieces, the last one held back until size and digest are known to be right.

    Raises:
        DigestMismatchError: They are not what the descriptor says; the last piece never came out.
    """
    hashed = hashlib.new(blob.digest.algorithm)
    size = 0
    held = b""
    with ending(pieces):
        for piece in pieces:
            if held:
                yield held
            hashed.update(piece)
            size += len(piece)
            if size > blob.size:
                raise _mismatch(repository, blob, f"more than its {blob.size} bytes")
            held = piece
    if size != blob.size:
        raise _mismatch(repository, blob, f"only {size} of its {blob.size} bytes")
    actual = hashed.hexdigest()
    if actual != blob.digest.hex:
        raise _mismatch(repository, blob, f"{blob.digest.algorithm}:{actual} instead of it")
    if held:
        yield held


def _mismatch(repository: Repository, blob: Descriptor, found: str) -> DigestMismatchError:
    registry = repository.registry
    return DigestMismatchError(
        f"cannot read {repository}@{blob.digest}: {registry} sent {found}",
        registry=registry,
        remedy="Run again; when it stays, the blob is damaged there and must be pushed anew",
    )


def download(
    transport: Transport, repository: Repository, blob: Descriptor, offset: int
) -> Iterator[bytes]:
    """The bytes of a blob from an offset, broken transfers taken up where they broke; not verified.

    Raises:
        RegistryError: The registry refused or patience ended.
    """
    request = Request(
        method="GET",
        url=f"/v2/{repository.name}/blobs/{blob.digest}",
        repository=repository,
        doing=f"read {repository}@{blob.digest}",
    )
    attempts = transport.attempts(request)
    position = good = offset
    while position < blob.size:
        ranged = {"Range": f"bytes={position}-"} if position else {}
        asked = Request(
            method="GET",
            url=request.url,
            repository=repository,
            doing=request.doing,
            headers=ranged,
        )
        try:
            answer, stream = transport.open(asked, number=attempts.failures)
            with transport.reading(asked, stream):
                for piece in _wanted(answer, stream, position, blob.size):
                    position += len(piece)
                    yield piece
            if position < blob.size:
                raise _cut(request, repository.registry)
        except TransientError as problem:
            if position - good >= _PROGRESS_BYTES:
                attempts.progress()
                good = position
            attempts.again(problem)
        except RegistryError as error:
            if error.status != _OUT_OF_RANGE or not position:
                raise
            attempts.again(_cut(request, repository.registry))


def _wanted(answer: Answer, stream: Stream, position: int, size: int) -> Iterator[bytes]:
    """The pieces of the body from ``position`` on; what a server sends again is skipped."""
    starts = 0
    if answer.status == _PARTIAL:
        first = answer.header("Content-Range").removeprefix("bytes ").partition("-")[0]
        starts = int(first) if first.isdecimal() else position
    length = answer.header("Content-Length")
    ends_itself = length.isdecimal() and starts + int(length) == size
    if ends_itself:
        stream.packed = False  # stored packed and labelled so: these bytes are the blob
    for piece in stream:
        skipped = min(max(position - starts, 0), len(piece))
        starts += len(piece)
        if skipped < len(piece):
            yield piece[skipped:] if skipped else piece
        if starts >= size and not ends_itself and length:
            return  # the announced length is a lie: all is here, the connection is dropped


def _cut(request: Request, registry: str) -> TransientError:
    return TransientError(
        f"cannot {request.doing}: {registry} ended the transfer early",
        registry=registry,
        reason="the transfer ended early",
    )
