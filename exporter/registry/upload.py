"""Uploads: mount, one PUT, or chunks; sessions restarted, resumed and cancelled."""

import logging
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import Literal
from urllib.parse import quote

from exporter.errors import DigestMismatchError, ExporterError, RegistryError
from exporter.oci.digest import Digest
from exporter.oci.reference import Repository
from exporter.registry.answer import Answer
from exporter.registry.blob import BlobSource
from exporter.registry.request import Request
from exporter.registry.retry import TransientError
from exporter.registry.transport import Transport
from exporter.registry.wire import Body, ending
from exporter.value import dataclass

logger = logging.getLogger(__name__)

_CREATED = 201
_NOT_FOUND = 404
_TOO_LARGE = 413
_DENIED = (401, 403)
# Sizes of one request, tried in turn when the whole blob in one PUT is refused.
_CHUNKS = (32 << 20, 8 << 20, 900_000, 256 << 10)
_FAILURES_UNTIL_SMALLER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """How a blob got into a repository, and the bytes that were sent for it."""

    how: Literal["existing", "mounted", "uploaded"]
    sent: int = 0


def start_request(repository: Repository, doing: str) -> Request:
    """The request that opens an upload session."""
    return Request(
        method="POST",
        url=f"/v2/{repository.name}/blobs/uploads/",
        repository=repository,
        doing=doing,
        push=True,
        body=Body.of(b""),
    )


def exists(transport: Transport, repository: Repository, digest: Digest) -> bool:
    """Whether the repository holds the blob.

    Raises:
        RegistryError: The answer is neither yes nor no.
    """
    request = Request(
        method="HEAD",
        url=f"/v2/{repository.name}/blobs/{digest}",
        repository=repository,
        doing=f"look for {repository}@{digest}",
        push=True,
    )
    answer = transport.perform(request)
    if answer.ok:
        return True
    # Quay, Docker Hub and old proxies answer HEAD in other ways: the upload will tell.
    if answer.status in (_NOT_FOUND, 400, 405, 406, 501):
        return False
    raise transport.refused(request, answer)


def push(
    transport: Transport,
    repository: Repository,
    source: BlobSource,
    *,
    mount_from: Repository | None = None,
) -> PushResult:
    """Make the blob present: mounted when possible, uploaded otherwise; does not look first.

    Raises:
        RegistryError: The registry refused after the last attempt.
        DigestMismatchError: The opened bytes are, twice, not what the descriptor says.
    """
    work = _Push(transport, repository, source)
    attempts = transport.attempts(work.start)
    mismatches = 0
    while True:
        try:
            if attempts.failures and exists(transport, repository, source.descriptor.digest):
                return PushResult(how="existing", sent=work.sent)  # only the answer was lost
            return work.once(mount_from if not attempts.failures else None, attempts.failures)
        except TransientError as problem:
            if attempts.failures >= _FAILURES_UNTIL_SMALLER - 1 and problem.at_once:
                work.shrink()  # proxies that limit requests may just close the connection
            attempts.again(problem)
        except DigestMismatchError:
            mismatches += 1
            if mismatches > 1:
                raise


class _Push:
    """One blob on its way into one repository."""

    def __init__(self, transport: Transport, repository: Repository, source: BlobSource) -> None:
        blob = source.descriptor
        self.transport = transport
        self.repository = repository
        self.source = source
        self.start = start_request(repository, f"upload {blob.digest} to {repository}")
        self.sent = 0
        self._chunk_bytes = 0
        self._least_bytes = 0
        self._restarts = 0

    def once(self, mount_from: Repository | None, number: int) -> PushResult:
        """One try from the start of a session to its commit."""
        location = self._open(mount_from, number)
        if not location:
            return PushResult(how="mounted")
        try:
            if self._chunk_bytes:
                self._send_chunks(location)
            else:
                self._send_whole(location, number)
        except BaseException:
            self._cancel(location)
            raise
        return PushResult(how="uploaded", sent=self.sent)

    def shrink(self) -> bool:
        """Send smaller requests from now on; False when they are as small as they get."""
        current = self._chunk_bytes or self.source.descriptor.size
        smaller = next((size for size in _CHUNKS if size < current), 0)
        if not smaller or smaller < self._least_bytes:
            return False
        self._chunk_bytes = smaller
        return True

    def _open(self, mount_from: Repository | None, number: int) -> str:
        """The URL of a new session; empty when the blob was mounted."""
        if mount_from is not None:
            location = self._mount(mount_from, number)
            if location is not None:
                return location
        answer = self.transport.attempt(self.start, number=number)
        if not answer.ok:
            raise self.transport.refused(self.start, answer)
        if not answer.header("Location"):
            raise self._strange("opened an upload without saying where")
        return self._session(self.start, answer)

    def _mount(self, mount_from: Repository, number: int) -> str | None:
        """Empty when mounted, the URL of the session opened instead, None when refused.

        Any refusal falls back to an upload: go-containerregistry issues 1404, 1679, 1741.
        """
        digest = quote(self.source.descriptor.digest, safe="")
        request = replace(
            self.start,
            url=f"{self.start.url}?mount={digest}&from={quote(mount_from.name, safe='')}",
            mount_from=mount_from.name,
        )
        try:
            answer = self.transport.attempt(request, number=number)
        except TransientError:
            raise
        except RegistryError as error:  # no token for both repositories together
            logger.debug("%s: mount refused: %s", self.repository, error)
            return None
        if answer.status == _CREATED:
            return ""
        if answer.ok and answer.header("Location"):
            return self._session(request, answer)
        logger.debug("%s: mount refused with %d", self.repository, answer.status)
        return None

    def _session(self, request: Request, answer: Answer) -> str:
        least = answer.header("OCI-Chunk-Min-Length")
        self._least_bytes = int(least) if least.isdecimal() else 0
        return self.transport.resolve(request, answer, answer.header("Location"))

    def _send_whole(self, location: str, number: int) -> None:
        blob = self.source.descriptor
        request = self._request(
            "PUT",
            _with_digest(location, blob.digest),
            Body(blob.size, lambda: self.source.open(0)),
        )
        answer = self.transport.attempt(request, number=number)
        self.sent += blob.size
        if not answer.ok:
            raise self._judged(request, answer)

    def _send_chunks(self, location: str) -> None:
        blob = self.source.descriptor
        with closing(_Cursor(self.source)) as cursor:
            location = self._send_pieces(location, cursor)
        commit = self._request("PUT", _with_digest(location, blob.digest), Body.of(b""))
        answer = self.transport.attempt(commit)
        if not answer.ok:
            raise self._judged(commit, answer)

    def _send_pieces(self, location: str, cursor: "_Cursor") -> str:
        """Send the blob in chunks; returns the URL by which the upload is committed."""
        blob = self.source.descriptor
        attempts = self.transport.attempts(self.start)
        position = 0
        while position < blob.size:
            length = min(max(self._chunk_bytes, self._least_bytes), blob.size - position)
            request = self._request(
                "PATCH",
                location,
                Body(length, lambda p=position, n=length: cursor.read(p, n)),  # type: ignore[misc] # mypy: defaults
                {"Content-Range": f"{position}-{position + length - 1}"},
            )
            try:
                answer = self.transport.attempt(request, number=attempts.failures)
                if not answer.ok:
                    raise self._judged(request, answer)
                position += length
                self.sent += length
                attempts.progress()
                if answer.header("Location"):
                    location = self.transport.resolve(request, answer, answer.header("Location"))
            except TransientError as problem:
                attempts.again(problem)
                location, position = self._resumed(location)
        return location

    def _resumed(self, location: str) -> tuple[str, int]:
        """Where to go on: the session's URL and the number of bytes that it holds."""
        request = self._request("GET", location, None)
        answer = self.transport.attempt(request)
        if not answer.ok:
            raise self._judged(request, answer)
        last = answer.header("Range").rpartition("-")[2]
        position = int(last) + 1 if last.isdecimal() and last != "0" else 0
        if answer.header("Location"):
            location = self.transport.resolve(request, answer, answer.header("Location"))
        return location, position

    def _judged(self, request: Request, answer: Answer) -> RegistryError:
        """What a refusal in mid-upload means: smaller requests, a new session, or the end."""
        error = self.transport.refused(request, answer)
        if answer.status in _DENIED:
            return error
        if answer.status == _TOO_LARGE:
            return self._transient(error, "the request was too large") if self.shrink() else error
        # A lost session, bytes out of order, a digest that did not arrive whole; once by chunks
        # for registries that take no body with the last PUT.
        self._restarts += 1
        if self._restarts > _FAILURES_UNTIL_SMALLER:
            return error
        if self._restarts == _FAILURES_UNTIL_SMALLER and not self._chunk_bytes:
            self._chunk_bytes = _CHUNKS[0]
        return self._transient(error, f"the upload was refused with {answer.status}")

    def _transient(self, error: RegistryError, reason: str) -> TransientError:
        problem = TransientError.of(error, reason)
        problem.at_once = True
        return problem

    def _cancel(self, location: str) -> None:
        with suppress(ExporterError):  # it expires by itself, too
            self.transport.attempt(replace(self._request("DELETE", location, None), farewell=True))

    def _request(
        self, method: str, url: str, body: Body | None, headers: dict[str, str] | None = None
    ) -> Request:
        typed = {"Content-Type": "application/octet-stream"} if body else {}
        return replace(
            self.start, method=method, url=url, body=body, headers={**typed, **(headers or {})}
        )

    def _strange(self, what: str) -> RegistryError:
        registry = self.repository.registry
        return RegistryError(f"cannot {self.start.doing}: {registry} {what}", registry=registry)


class _Cursor:
    """Reads a source piecewise without opening it anew as long as the reading goes straight on."""

    def __init__(self, source: BlobSource) -> None:
        self._source = source
        self._position = -1
        self._pieces: Iterator[bytes] = iter(())
        self._rest = b""

    def read(self, position: int, length: int) -> Iterator[bytes]:
        if position != self._position:
            self.close()
            self._pieces, self._rest = self._source.open(position), b""
        self._position = -1  # until this reading has come to its end
        left = length
        while left:
            piece = self._rest or next(self._pieces)
            self._rest = piece[left:]
            yield piece[:left]
            left -= min(left, len(piece))
        self._position = position + length

    def close(self) -> None:
        with ending(self._pieces):
            return


def _with_digest(location: str, digest: Digest) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={quote(digest, safe=':')}"
