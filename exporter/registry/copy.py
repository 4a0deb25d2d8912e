"""Images made present elsewhere: blobs streamed without touching the disk, each one once.

A copier remembers, for the life of the process, which repository holds which blob. So however many
images and tags need a blob, it crosses the wire once per registry and is mounted into the others.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from exporter.errors import RegistryError
from exporter.oci.config import parse_config
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import MalformedError
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index, Manifest
from exporter.oci.media_type import MediaType
from exporter.oci.reference import Reference, Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient
from exporter.registry.upload import PushResult
from exporter.value import dataclass

logger = logging.getLogger(__name__)

_LARGEST_STATEMENT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """An image to be made present somewhere: its graph, and where its layers are now."""

    graph: Graph
    source: Repository

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Everything that must be there before the first manifest."""
        return self.graph.blobs


def load_graph(
    client: RegistryClient,
    repository: Repository,
    root: Manifest | Index,
    *,
    with_configs: bool = True,
) -> Graph:
    """The root with its children, and the configs of its images when they are to be edited.

    A child of a type that is no manifest is left out of ``manifests`` and stays as it is.

    Raises:
        RegistryError: A child or a config is missing or malformed.
    """
    manifests: dict[Digest, Manifest | Index] = {}
    waiting = [root]
    images: list[Manifest] = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, Manifest):
            images.append(value)
            continue
        for child in value.manifests:
            if child.digest not in manifests and _is_manifest(child):
                found = client.get_manifest(repository.at(child.digest))
                manifests[child.digest] = found
                waiting.append(found)
    configs = {}
    if with_configs:
        for image in images:
            if image.is_image and image.config.digest not in configs:
                raw = client.read_blob(repository, image.config)
                try:
                    configs[image.config.digest] = parse_config(raw)
                except MalformedError as error:
                    raise RegistryError(
                        f"{repository}@{image.digest} has a broken config: {error}",
                        registry=repository.registry,
                    ) from error
    return Graph(root=root, manifests=manifests, configs=configs)


def load_statements(client: RegistryClient, repository: Repository, graph: Graph) -> Graph:
    """The graph with the statements of its attestations; very large ones are left out.

    Raises:
        RegistryError: One cannot be read.
    """
    documents = dict(graph.documents)
    for statement in graph.statements:
        if statement.size > _LARGEST_STATEMENT_BYTES:
            logger.warning(
                "An attestation of %s is too large to be read (%d MiB): it goes on naming the "
                "image by its digest there",
                repository,
                statement.size >> 20,
            )
        elif statement.digest not in documents:
            documents[statement.digest] = b"".join(client.pull_blob(repository, statement))
    return replace(graph, documents=documents)


class Copier:
    """Makes content present; shared by all threads of an export."""

    def __init__(self, client: RegistryClient) -> None:
        """Know nothing yet about what is where."""
        self.client = client
        self._lock = threading.Lock()
        self._holders: defaultdict[Digest, list[Repository]] = defaultdict(list)
        self._busy: defaultdict[tuple[str, Digest], threading.Lock] = defaultdict(threading.Lock)
        self._placed: set[tuple[Repository, Digest]] = set()

    def note(self, repository: Repository, blobs: Iterable[Descriptor]) -> None:
        """A manifest of this repository names these blobs, so it holds them."""
        with self._lock:
            for blob in blobs:
                if repository not in self._holders[blob.digest]:
                    self._holders[blob.digest].append(repository)

    def put_blob(
        self, content: Content, destination: Repository, blob: Descriptor, *, look: bool
    ) -> PushResult:
        """Make one blob of the content present, unless the destination is known to hold it.

        Args:
            content: Where to take it from.
            destination: Where it must be.
            blob: One of ``content.blobs``.
            look: Whether to ask first; else a mount, which is one request as well, tells.
        """
        with self._busy_with(destination.registry, blob.digest):
            holders = self._known_holders(blob.digest)
            if destination in holders:
                return PushResult(how="existing")
            near = next((r for r in holders if r.registry == destination.registry), None)
            if near is None and not look:
                if content.graph.known(blob.digest) is not None:
                    # A mount from itself asks and opens the upload in one request.
                    near = destination
                else:  # a layer from elsewhere: never sent unasked, tags are newer than layers
                    look = True
            result = self._push(content, destination, blob, near=near, look=look)
        self.note(destination, (blob,))
        return result

    def put_child(self, content: Content, destination: Repository, child: Manifest | Index) -> None:
        """Write a manifest that an index names, under its digest; once per repository."""
        key = (destination, child.digest)
        with self._busy_with(destination.registry, child.digest):
            if key in self._placed:
                return
            self.put_manifest(content, destination.at(child.digest), child)
            self._placed.add(key)

    def put_manifest(
        self, content: Content, reference: Reference, manifest: Manifest | Index
    ) -> Digest | None:
        """Write a manifest whose content is in place; what got lost meanwhile is sent again.

        Returns:
            The digest that the registry says it stored; None when it does not say.
        """
        destination = reference.repository
        return self.client.put_manifest_of(
            reference,
            manifest,
            repair=lambda turn: self._repair(content, destination, manifest, trusting=turn == 1),
        )

    def _repair(
        self,
        content: Content,
        destination: Repository,
        manifest: Manifest | Index,
        *,
        trusting: bool,
    ) -> None:
        """Make sure of everything that a manifest names; without trust, send it in any case."""
        if isinstance(manifest, Index):
            for child in manifest.manifests:
                value = content.graph.manifests.get(child.digest)
                if value is not None:
                    self._repair(content, destination, value, trusting=trusting)
                    self.client.put_manifest(destination.at(child.digest), value)
            return
        for blob in manifest.blobs:
            with self._busy_with(destination.registry, blob.digest):
                self._push(content, destination, blob, near=None, look=trusting)

    def _push(
        self,
        content: Content,
        destination: Repository,
        blob: Descriptor,
        *,
        near: Repository | None,
        look: bool,
    ) -> PushResult:
        source = self._source(content, destination, blob)
        return self.client.push_blob(destination, source, mount_from=near, look=look)

    def _source(self, content: Content, destination: Repository, blob: Descriptor) -> BlobSource:
        known = content.graph.known(blob.digest)
        if known is not None:
            return BlobSource.of(known, blob.media_type)
        source = content.source
        if source == destination:  # being repaired: any other place that has it
            others = [r for r in self._known_holders(blob.digest) if r != destination]
            source = others[0] if others else source
        return self.client.blob_source(source, blob)

    def _known_holders(self, digest: Digest) -> tuple[Repository, ...]:
        with self._lock:
            return tuple(self._holders[digest])

    def _busy_with(self, registry: str, digest: Digest) -> threading.Lock:
        with self._lock:
            return self._busy[registry, digest]


def copy_image(
    client: RegistryClient, source: Reference, destination: Reference
) -> Manifest | Index:
    """Copy an image of any shape, bytes unchanged, and write the destination's tag last.

    Returns:
        The root that was copied.
    """
    root = client.get_manifest(source)
    graph = load_graph(client, source.repository, root, with_configs=False)
    copier = Copier(client)
    content = Content(graph=graph, source=source.repository)
    copier.note(source.repository, content.blobs)
    for blob in content.blobs:
        copier.put_blob(content, destination.repository, blob, look=True)
    for value in graph.walk():
        if value is not root:
            copier.put_child(content, destination.repository, value)
    copier.put_manifest(content, destination, root)
    return root


def _is_manifest(child: Descriptor) -> bool:
    kind = MediaType(child.media_type)
    return kind.is_manifest or kind.is_index or not kind
