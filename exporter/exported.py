"""What an export works on: jobs, destinations on their way, and what became of them."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Literal

from exporter.errors import ExporterError
from exporter.oci.digest import Digest
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index, Manifest
from exporter.oci.mutate import Mutation
from exporter.oci.reference import Reference, Repository
from exporter.registry.copy import Content
from exporter.registry.upload import PushResult
from exporter.value import dataclass

Status = Literal[
    "created", "moved", "unchanged", "kept", "refused", "failed", "skipped", "unverified"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One image and where it goes.

    Attributes:
        image: Its name, for logs and results.
        source: Where it is now; a tag is read once.
        destinations: By tag; a destination with a digest is written under the new digest.
        graph: What was already loaded of the source, so that it is not asked for again.
        mutation: What is changed on the way.
        referrers: Whether signatures and SBOMs follow when the digest does not change.
    """

    image: str
    source: Reference
    destinations: tuple[Reference, ...]
    graph: Graph | None = None
    mutation: Mutation = field(default_factory=Mutation)
    referrers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPolicy:
    """How tags are treated.

    Attributes:
        if_exists: What happens to a tag that shows something else.
        on_error: Whether the first failure ends the export.
        may_move: Given the commit that a tag shows (its revision label or annotation), whether it
            may be moved; None lets every tag move (``--monotonic`` is off).
        parallel: Threads.
    """

    if_exists: Literal["move", "keep", "fail"] = "move"
    on_error: Literal["fail-fast", "continue"] = "fail-fast"
    may_move: Callable[[str], bool] | None = None
    parallel: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedReference:
    """What became of one destination; ``previous`` is what it showed before, if anything."""

    reference: Reference
    status: Status
    digest: Digest | None = None
    previous: Digest | None = None
    error: ExporterError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedImage:
    """What became of one job; ``platforms`` maps each platform to its digest, ``size`` is bytes."""

    image: str
    digest: Digest | None
    platforms: Mapping[str, Digest]
    size: int
    references: tuple[ExportedReference, ...]


class Target:
    """One destination on its way; only the thread that works on it touches it."""

    def __init__(self, job: ExportJob, reference: Reference) -> None:
        self.job = job
        self.asked = reference
        self.content: Content | None = None
        self.original: Digest | None = None
        self.looked = False
        self.previous: Digest | None = None
        self.status: Status | None = None
        self.error: ExporterError | None = None

    @property
    def root(self) -> Manifest | Index:
        """What is written there."""
        if self.content is None:
            raise TypeError("the image has not been loaded")
        return self.content.graph.root

    @property
    def reference(self) -> Reference:
        """Where it is written: under the tag, or under the digest that it has now."""
        if self.asked.digest is not None:
            return self.asked.repository.at(self.root.digest)
        return self.asked


class Group:
    """The destinations of one image in one repository: they share their content."""

    def __init__(self, targets: list[Target]) -> None:
        self.targets = targets
        self.failed = False
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def repository(self) -> Repository:
        """Where all of them are."""
        return self.targets[0].asked.repository

    @property
    def content(self) -> Content:
        """What must be there before the first of them is written."""
        content = self.targets[0].content
        if content is None:
            raise TypeError("the image has not been loaded")
        return content

    @property
    def job(self) -> ExportJob:
        """Whose destinations they are."""
        return self.targets[0].job

    @property
    def original(self) -> Digest:
        """The digest of the source, before anything was changed."""
        return self.targets[0].original or self.content.graph.root.digest

    @property
    def is_new(self) -> bool:
        """Whether the repository most likely holds nothing of the image."""
        return not any(target.previous for target in self.targets)

    def placed(self, result: PushResult) -> None:
        """Count a blob that is in place."""
        with self._lock:
            self._counts[result.how] += 1
            self._counts["bytes"] += result.sent

    @property
    def summary(self) -> str:
        """What placing the content took, for the log."""
        counts = self._counts
        return (
            f"content in place at {self.repository}: {counts['uploaded']} blobs uploaded "
            f"({counts['bytes'] / 1e6:.1f} MB), {counts['mounted']} mounted, "
            f"{counts['existing']} there already"
        )


def result_of(job: ExportJob, targets: Sequence[Target]) -> ExportedImage:
    """What became of a job, as far as it is known."""
    graph = targets[0].content.graph if targets and targets[0].content else None
    references = tuple(
        ExportedReference(
            reference=target.reference if target.content else target.asked,
            status=target.status or "skipped",
            digest=target.content.graph.root.digest if target.content else None,
            previous=target.previous,
            error=target.error,
        )
        for target in targets
    )
    return ExportedImage(
        image=job.image,
        digest=graph.root.digest if graph else None,
        platforms=_platforms(graph) if graph else {},
        size=sum(blob.size for blob in graph.blobs) if graph else 0,
        references=references,
    )


def _platforms(graph: Graph) -> Mapping[str, Digest]:
    if isinstance(graph.root, Manifest):
        return {str(platform): graph.root.digest for platform in graph.platforms}
    return {
        str(child.platform): child.digest
        for child in graph.root.manifests
        if child.platform is not None and not child.is_attestation
    }
