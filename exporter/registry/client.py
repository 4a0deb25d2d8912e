"""The registry client: tags, manifests and blobs of any registry."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

from exporter.errors import DigestMismatchError, RegistryError
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import MalformedError, View, read_object
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.oci.media_type import ACCEPTED, OCI_INDEX, MediaType
from exporter.oci.reference import Reference, Repository
from exporter.registry import upload
from exporter.registry.answer import Answer
from exporter.registry.blob import BlobSource, download, verified
from exporter.registry.keychain import Credential, Keychain
from exporter.registry.request import Request
from exporter.registry.retry import Attempts, TransientError
from exporter.registry.settings import (
    LIST_LIMIT_BYTES,
    MANIFEST_LIMIT_BYTES,
    Clock,
    Journal,
    Settings,
)
from exporter.registry.transport import Transport
from exporter.registry.upload import PushResult
from exporter.registry.wire import Body

_NOT_FOUND = 404
_NO_HEAD = (400, 403, 401, 405, 406, 501)
_PAGE_TAGS = 1000  # ECR takes no more
_MOST_PAGES = 1000
_MOST_PAGES_BYTES = 256 << 20
# Codes by which a registry says that something that was just written is not there (yet).
_LOST = frozenset(("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "DIGEST_INVALID"))
_MOST_ROUNDS = 4
_ACCEPT = {"Accept": ", ".join(ACCEPTED)}
_Found = TypeVar("_Found")


class RegistryClient:
    """All requests to all registries; thread-safe, closes with ``with``.

    Every method may raise RegistryError (refused, or out of reach after the last attempt) and
    Interrupted (after ``cancel``).
    """

    def __init__(
        self,
        *,
        keychain: Keychain | None = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Prepare; nothing is connected before the first request.

        Args:
            keychain: Where credentials come from; None means anonymous everywhere.
            settings: Trust, time-outs, limits.
            clock: Time and chance.
            journal: Called with every request made, from any thread.
        """
        self._transport = Transport(
            keychain=keychain or Keychain(),
            settings=settings or Settings(),
            clock=clock or Clock(),
            journal=journal,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transport.close()

    def cancel(self) -> None:
        """End all waits and transfers: every method raises Interrupted from now on."""
        self._transport.patience.cancelled.set()

    def attempts(self, reference: Reference) -> Attempts:
        """The attempts of an operation on a reference, for those who repeat more than a request."""
        return self._transport.attempts(
            replace(self._manifest_request("PUT", reference), doing=f"push {reference}")
        )

    def wait(self, seconds: float) -> None:
        """Sleep, unless the program is asked to stop: then Interrupted."""
        self._transport.patience.wait(seconds)

    def want(self, repository: Repository, *, push: bool) -> None:
        """Say early what will be done, so that one token covers all of it."""
        self._transport.want(repository, push=push)

    def account(self, repository: Repository) -> Credential | None:
        """The account that is used for a repository; None means anonymous."""
        return self._transport.account(repository)

    def list_tags(self, repository: Repository) -> tuple[str, ...]:
        """All tags, in the registry's order; none when the repository does not exist."""
        request = Request(
            method="GET",
            url=f"/v2/{repository.name}/tags/list?n={_PAGE_TAGS}",
            repository=repository,
            doing=f"list the tags of {repository}",
            limit=LIST_LIMIT_BYTES,
        )
        tags: dict[str, None] = {}
        for answer in self._pages(request):
            page = _read(request, answer, lambda view: view.texts("tags"))
            before = len(tags)
            tags.update(dict.fromkeys(page))
            if len(tags) == before:  # a Link header that leads nowhere new
                break
        return tuple(tags)

    def head_manifest(self, reference: Reference) -> Descriptor | None:
        """What a reference shows at the moment; None when it does not exist.

        The descriptor's size is 0 when the registry does not tell it.
        """
        request = self._manifest_request("HEAD", reference)
        answer = self._transport.perform(request)
        if answer.status == _NOT_FOUND:
            return None
        if answer.ok:
            digest = _digest(answer.header("Docker-Content-Digest")) or reference.digest
            if digest is not None:
                length = answer.header("Content-Length")
                return Descriptor(
                    media_type=MediaType.parse(answer.header("Content-Type")),
                    digest=digest,
                    size=int(length) if length.isdecimal() else 0,
                )
        elif answer.status not in _NO_HEAD:
            raise self._transport.refused(request, answer)
        # No digest, no HEAD here, or a refusal whose reason only a body can tell.
        found = self.find_manifest(reference)
        return None if found is None else found.descriptor

    def find_manifest(self, reference: Reference) -> Manifest | Index | None:
        """The manifest or index behind a reference, its digest checked; None when there is none."""
        request = self._manifest_request("GET", reference)
        answer = self._transport.perform(request)
        if answer.status == _NOT_FOUND:
            return None
        if not answer.ok:
            raise self._transport.refused(request, answer)
        try:
            found = _manifest(reference, answer)
        except DigestMismatchError:
            answer = self._transport.perform(request)  # once more: bytes may break on the way
            if not answer.ok:
                raise self._transport.refused(request, answer) from None
            found = _manifest(reference, answer)
        return found

    def get_manifest(self, reference: Reference) -> Manifest | Index:
        """The manifest or index behind a reference; RegistryError when there is none."""
        found = self.find_manifest(reference)
        if found is None:
            registry = reference.repository.registry
            raise RegistryError(f"{reference} does not exist", registry=registry, status=_NOT_FOUND)
        return found

    def put_manifest(self, reference: Reference, manifest: Manifest | Index) -> Digest | None:
        """Write a manifest under a tag or its digest; returns when the registry confirmed it.

        Returns:
            The digest that the registry says it stored; None when it does not say.
        """
        request = self._manifest_request("PUT", reference)
        request = replace(
            request,
            push=True,
            doing=f"push {reference}",
            headers={"Content-Type": manifest.media_type},
            body=Body.of(manifest.raw),
        )
        answer = self._transport.perform(request)
        if not answer.ok:
            raise self._transport.refused(request, answer)
        stored = _digest(answer.header("Docker-Content-Digest"))
        if stored is not None and stored != manifest.digest:
            registry = reference.repository.registry
            raise DigestMismatchError(
                f"cannot push {reference}: {registry} stored {stored} instead of {manifest.digest}",
                registry=registry,
                remedy="The registry converts manifests: try another --media-type",
            )
        return stored

    def put_manifest_of(
        self, reference: Reference, manifest: Manifest | Index, *, repair: Callable[[int], object]
    ) -> Digest | None:
        """Write a manifest whose content was just sent; what is said to be missing is repaired.

        Distribution rewrites its links in place, so that a manifest may be refused while another
        process commits an identical blob: such a refusal is worth another round of checks.

        Args:
            reference: Its tag or digest.
            manifest: What is written.
            repair: Makes sure of its content; gets the number of the refusal, from 1 on.

        Returns:
            The digest that the registry says it stored; None when it does not say.
        """
        attempts = self.attempts(reference)
        refusals = 0
        while True:
            try:
                return self.put_manifest(reference, manifest)
            except RegistryError as error:
                refusals += 1
                if not _LOST.intersection(error.codes) or refusals == _MOST_ROUNDS:
                    raise
                problem = TransientError.of(error, "content just sent is said to be missing")
            attempts.again(problem)
            repair(refusals)

    def blob_exists(self, repository: Repository, digest: Digest) -> bool:
        """Whether the repository holds the blob."""
        return upload.exists(self._transport, repository, digest)

    def pull_blob(self, repository: Repository, blob: Descriptor) -> Iterator[bytes]:
        """The bytes of a blob in pieces of at most 128 KiB; broken transfers are taken up again.

        Raises:
            DigestMismatchError: At the end, before the last piece: they are not the blob's.
        """
        return verified(download(self._transport, repository, blob, 0), blob, repository)

    def read_blob(self, repository: Repository, blob: Descriptor) -> bytes:
        """The bytes of a small blob (a config), verified; RegistryError above 8 MiB."""
        if blob.size > MANIFEST_LIMIT_BYTES:
            raise RegistryError(
                f"{repository}@{blob.digest} has {blob.size} bytes: too many for a config",
                registry=repository.registry,
            )
        try:
            return b"".join(self.pull_blob(repository, blob))
        except DigestMismatchError:
            return b"".join(self.pull_blob(repository, blob))  # bytes may break on the way

    def blob_source(self, repository: Repository, blob: Descriptor) -> BlobSource:
        """A blob of a registry as the source of an upload; verified when read from its start."""

        def open_at(offset: int) -> Iterator[bytes]:
            if offset == 0:
                return self.pull_blob(repository, blob)
            return download(self._transport, repository, blob, offset)

        return BlobSource(descriptor=blob, open=open_at)

    def push_blob(
        self,
        repository: Repository,
        source: BlobSource,
        *,
        mount_from: Repository | None = None,
        look: bool = True,
    ) -> PushResult:
        """Make the blob present in ``repository``; does nothing when it already is.

        Tries, in order: HEAD (unless ``look`` is False), mount, upload in one PUT, upload in
        chunks. A refused mount falls back to upload.

        Args:
            repository: Where the blob must be.
            source: Descriptor and a way to open the bytes; opened again for each attempt.
            mount_from: Repository of the same registry known to hold the blob.
            look: Whether to ask first whether it is there.

        Raises:
            DigestMismatchError: The opened bytes are not what the descriptor says.
        """
        if look and self.blob_exists(repository, source.descriptor.digest):
            return PushResult(how="existing")
        return upload.push(self._transport, repository, source, mount_from=mount_from)

    def push_bytes(self, repository: Repository, content: bytes, blob: Descriptor) -> None:
        """Make a small blob present; does nothing when it already is."""
        self.push_blob(repository, BlobSource.of(content, blob.media_type))

    def copy_blobs(
        self, blobs: Iterable[Descriptor], source: Repository, destination: Repository
    ) -> None:
        """Make blobs of one repository present in another; mounted when they share a registry."""
        near = source if source.registry == destination.registry else None
        for blob in blobs:
            self.push_blob(destination, self.blob_source(source, blob), mount_from=near)

    def referrers(self, repository: Repository, digest: Digest) -> tuple[Descriptor, ...]:
        """What refers to a manifest (signatures, SBOMs): by the API, else by the fallback tag."""
        request = Request(
            method="GET",
            url=f"/v2/{repository.name}/referrers/{digest}",
            repository=repository,
            doing=f"list what refers to {repository}@{digest}",
            headers={"Accept": OCI_INDEX},
            limit=MANIFEST_LIMIT_BYTES,
        )
        found: dict[Digest, Descriptor] = {}
        supported = False
        for answer in self._pages(request):
            if MediaType.parse(answer.header("Content-Type")) != OCI_INDEX:
                break  # some old registries answer every path
            supported = True
            before = len(found)
            for descriptor in _read(request, answer, _descriptors):
                found[descriptor.digest] = descriptor
            if len(found) == before:
                break
        if supported:
            return tuple(found.values())
        fallback = self.find_manifest(repository.tag(f"{digest.algorithm}-{digest.hex}"))
        return fallback.manifests if isinstance(fallback, Index) else ()

    def can_push(self, repository: Repository) -> None:
        """Open an upload and cancel it; RegistryError says why pushing is not possible."""
        request = upload.start_request(repository, f"push to {repository}")
        answer = self._transport.perform(request)
        if not answer.ok:
            raise self._transport.refused(request, answer)
        location = answer.header("Location")
        if location:
            url = self._transport.resolve(request, answer, location)
            cancel = replace(request, method="DELETE", url=url, body=None)
            self._transport.perform(cancel)

    def _manifest_request(self, method: str, reference: Reference) -> Request:
        repository = reference.repository
        return Request(
            method=method,
            url=f"/v2/{repository.name}/manifests/{reference.identifier}",
            repository=repository,
            doing=f"read {reference}",
            headers=_ACCEPT,
            limit=MANIFEST_LIMIT_BYTES,
        )

    def _pages(self, request: Request) -> Iterator[Answer]:
        """The answers along the Link headers, loops cut; nothing when the first one is 404.

        Raises:
            RegistryError: They do not end, or a page is refused.
        """
        seen: set[str] = set()
        url = request.url
        received = 0
        while url and url not in seen:
            if len(seen) == _MOST_PAGES or received > _MOST_PAGES_BYTES:
                registry = request.repository.registry
                raise RegistryError(
                    f"cannot {request.doing}: the list of {registry} does not end"
                    f" ({len(seen)} pages so far)",
                    registry=registry,
                    remedy="Remove old tags, or use another repository",
                )
            seen.add(url)
            asked = replace(request, url=url)
            answer = self._transport.perform(asked)
            if answer.status == _NOT_FOUND and len(seen) == 1:
                return
            if not answer.ok:
                raise self._transport.refused(asked, answer)
            received += len(answer.body)
            yield answer
            url = self._next_page(asked, answer)

    def _next_page(self, request: Request, answer: Answer) -> str:
        for link in answer.header("Link").split(","):
            target, _, parameters = link.partition(";")
            if "next" in parameters.replace('"', "").split("rel=")[-1]:
                return self._transport.resolve(request, answer, target.strip().strip("<>"))
        return ""


def _manifest(reference: Reference, answer: Answer) -> Manifest | Index:
    registry = reference.repository.registry
    promised = _digest(answer.header("Docker-Content-Digest"))
    try:
        found = parse_manifest(answer.body, answer.header("Content-Type"))
    except MalformedError as error:
        raise DigestMismatchError(
            f"cannot read {reference}: what {registry} sent is no image: {error}",
            registry=registry,
        ) from error
    wanted = reference.digest or promised
    if wanted is not None and wanted.algorithm == "sha256" and wanted != found.digest:
        raise DigestMismatchError(
            f"cannot read {reference}: {registry} sent {found.digest} instead of {wanted}",
            registry=registry,
        )
    return found


def _digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except ValueError:
        return None


def _descriptors(view: View) -> list[Descriptor]:
    return [Descriptor.read(entry) for entry in view.views("manifests")]


def _read(request: Request, answer: Answer, what: Callable[[View], _Found]) -> _Found:
    try:
        return what(View(read_object(answer.body)))
    except MalformedError as error:
        registry = request.repository.registry
        raise RegistryError(
            f"cannot {request.doing}: the answer of {registry} is no list: {error}",
            registry=registry,
            status=answer.status,
        ) from error
