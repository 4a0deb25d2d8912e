"""Images to where third parties pull them: all content of all images first, then each tag once.

A tag never points to anything that is not completely there, however the run ends, and a tag that
shows the right digest already is not written.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from exporter.errors import ExporterError, Interrupted, RegistryError
from exporter.oci.config import parse_config
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index, Manifest
from exporter.oci.mutate import Mutation, mutate
from exporter.oci.reference import Reference, Repository
from exporter.registry.client import RegistryClient
from exporter.registry.copy import Content, Copier, load_graph
from exporter.registry.upload import PushResult

logger = logging.getLogger(__name__)

Status = Literal[
    "created", "moved", "unchanged", "kept", "refused", "failed", "skipped", "unverified"
]
REVISION = "org.opencontainers.image.revision"
_READ_BACK_WAITS_S = (0.0, 0.2, 0.4, 0.8, 1.6, 3.0, 4.0)
_Item = TypeVar("_Item")


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


class _Target:
    """One destination on its way; only the thread that works on it touches it."""

    def __init__(self, job: ExportJob, reference: Reference) -> None:
        self.job = job
        self.asked = reference
        self.content: Content | None = None
        self.looked = False
        self.previous: Digest | None = None
        self.status: Status | None = None
        self.error: ExporterError | None = None

    @property
    def root(self) -> Manifest | Index:
        if self.content is None:
            raise TypeError("the image has not been loaded")
        return self.content.graph.root

    @property
    def reference(self) -> Reference:
        """Where it is written: under the tag, or under the digest that it has now."""
        if self.asked.digest is not None:
            return self.asked.repository.at(self.root.digest)
        return self.asked


class _Group:
    """The destinations of one image in one repository: they share their content."""

    def __init__(self, targets: list[_Target]) -> None:
        self.targets = targets
        self.failed = False
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def repository(self) -> Repository:
        return self.targets[0].asked.repository

    @property
    def content(self) -> Content:
        content = self.targets[0].content
        if content is None:
            raise TypeError("the image has not been loaded")
        return content

    @property
    def is_new(self) -> bool:
        """Whether the repository most likely holds nothing of the image."""
        return not any(target.previous for target in self.targets)

    def placed(self, result: PushResult) -> None:
        with self._lock:
            self._counts[result.how] += 1
            self._counts["bytes"] += result.sent

    @property
    def summary(self) -> str:
        counts = self._counts
        return (
            f"content in place at {self.repository}: {counts['uploaded']} blobs uploaded "
            f"({counts['bytes'] / 1e6:.1f} MB), {counts['mounted']} mounted, "
            f"{counts['existing']} there already"
        )


class Export:
    """One export; ``results`` may be asked for at any time, also after an exception.

    Use ``look`` for a plan (reads only) and ``run`` for the export.
    """

    def __init__(
        self,
        client: RegistryClient,
        jobs: Sequence[ExportJob],
        policy: ExportPolicy,
        *,
        known_tags: Mapping[Repository, frozenset[str]] | None = None,
    ) -> None:
        """Prepare.

        Args:
            client: Open for as long as this is used.
            jobs: In the order of the results.
            policy: How tags are treated.
            known_tags: Lists of tags that were just read: what is not in them need not be asked.
        """
        self._client = client
        self._copier = Copier(client)
        self._jobs = jobs
        self._policy = policy
        self._tags = dict(known_tags or {})
        self._targets = [[_Target(job, ref) for ref in job.destinations] for job in jobs]
        self._stop = threading.Event()
        self._looked = False

    @property
    def results(self) -> tuple[ExportedImage, ...]:
        """What is known so far; destinations that nothing was done about are ``skipped``."""
        return tuple(map(_result, self._jobs, self._targets))

    @property
    def error(self) -> ExporterError | None:
        """The first failure or refusal, in the order of the jobs."""
        return next((target.error for target in self._all() if target.error), None)

    def look(self) -> None:
        """Load the images and see what the destinations show; nothing is written.

        Afterwards a target's status is ``unchanged``, ``kept`` or ``refused`` where that is clear,
        and ``results`` of the others say ``skipped`` with their digests.

        Raises:
            RegistryError: A source cannot be read.
            InputError: A mutation is not possible.
        """
        self._looked = True
        for target in self._all():
            self._client.want(target.asked.repository, push=True)
        self._each(list(zip(self._jobs, self._targets, strict=True)), self._load)
        # When the first tag of a repository is new, most likely the others are, too, and one list
        # will tell (in ``run``); else each one is asked for.
        first: list[_Target] = []
        rest: list[tuple[_Target, _Target]] = []
        for targets in self._targets:
            leaders: dict[Repository, _Target] = {}
            for target in targets:
                leader = leaders.setdefault(target.asked.repository, target)
                if self._must_know or leader is target:
                    first.append(target)
                else:
                    rest.append((target, leader))
        self._each(first, self._see)
        self._each([target for target, leader in rest if leader.previous], self._see)

    def run(self) -> None:
        """Export; every destination has its status afterwards.

        Raises:
            RegistryError: A source cannot be read; a refused destination is a status instead.
            InputError: A mutation is not possible.
            Interrupted: The program was asked to stop; uploads were cancelled.
        """
        if not self._looked:
            self.look()
        if self._policy.on_error == "fail-fast" and self.error is not None:
            return
        groups = self._groups()
        self._each(_largest_first(groups), self._place_blob)
        self._each(groups, self._place_children)
        self._each(groups, self._write_tags)

    # Looking

    @property
    def _must_know(self) -> bool:
        """Whether every tag must be known before anything is written."""
        return self._policy.if_exists != "move" or self._policy.may_move is not None

    def _load(self, pair: tuple[ExportJob, list[_Target]]) -> None:
        job, targets = pair
        repository = job.source.repository
        graph = job.graph
        if graph is None:
            root = self._client.get_manifest(job.source)
            graph = load_graph(self._client, repository, root)
        content = Content(graph=mutate(graph, job.mutation), source=repository)
        self._copier.note(repository, graph.blobs)
        for target in targets:
            target.content = content

    def _see(self, target: _Target) -> None:
        """Find out what the destination shows, and decide what that means."""
        known = self._tags.get(target.asked.repository)
        try:
            if known is None or target.asked.tag is None or target.asked.tag in known:
                shown = self._client.head_manifest(target.reference)
                target.previous = shown.digest if shown else None
            target.looked = True
            self._decide(target)
        except RegistryError as error:
            self._failed(target, error)

    def _decide(self, target: _Target) -> None:
        if target.previous is None:
            return
        if target.previous == target.root.digest:
            target.status = "unchanged"
        elif self._policy.if_exists == "keep":
            target.status = "kept"
        elif self._policy.if_exists == "fail":
            error = RegistryError(
                f"{target.reference} exists already with {target.previous}",
                registry=target.reference.repository.registry,
                remedy="Use another tag, or --if-exists move or keep",
            )
            self._failed(target, error, "refused")
        elif self._policy.may_move is not None:
            revision = self._revision(target.reference.repository.at(target.previous))
            if not revision:
                logger.warning("%s does not say which commit it shows: moved", target.reference)
            elif not self._policy.may_move(revision):
                logger.info("%s shows the newer commit %s: kept", target.reference, revision[:12])
                target.status = "kept"

    def _revision(self, shown: Reference) -> str:
        """The commit that an exported image says it was built from; empty when it does not."""
        manifest = self._client.find_manifest(shown)
        while isinstance(manifest, Index):
            if REVISION in manifest.annotations or not manifest.manifests:
                break
            child = manifest.manifests[0].digest
            manifest = self._client.find_manifest(shown.repository.at(child))
        if manifest is None:
            return ""
        revision = manifest.annotations.get(REVISION, "")
        if not revision and isinstance(manifest, Manifest) and manifest.is_image:
            config = parse_config(self._client.read_blob(shown.repository, manifest.config))
            revision = config.labels.get(REVISION, "")
        return revision

    # Content

    def _groups(self) -> list[_Group]:
        """The destinations that may have to be written, by image and repository."""
        groups: dict[tuple[int, Repository], list[_Target]] = {}
        for number, targets in enumerate(self._targets):
            for target in targets:
                if target.status is None:
                    groups.setdefault((number, target.asked.repository), []).append(target)
        return [_Group(targets) for targets in groups.values()]

    def _place_blob(self, task: tuple[_Group, Descriptor]) -> None:
        group, blob = task
        if self._stop.is_set() or group.failed:
            return
        try:
            result = self._copier.put_blob(
                group.content, group.repository, blob, look=not group.is_new
            )
        except RegistryError as error:
            self._group_failed(group, error)
        else:
            group.placed(result)

    def _place_children(self, group: _Group) -> None:
        try:
            for value in group.content.graph.walk():
                if self._stop.is_set() or group.failed:
                    return
                if value.digest != group.content.graph.root.digest:
                    self._copier.put_child(group.content, group.repository, value)
        except RegistryError as error:
            self._group_failed(group, error)
        else:
            logger.info("%s: %s", group.targets[0].job.image or group.repository, group.summary)

    # Tags

    def _write_tags(self, group: _Group) -> None:
        for target in group.targets:
            if not target.looked and not self._stop.is_set():
                self._see_late(group, target)
            if target.status is None and not self._stop.is_set() and not group.failed:
                self._write_tag(group, target)

    def _see_late(self, group: _Group, target: _Target) -> None:
        """Decide about a tag whose sibling was new: one list tells about all of them."""
        repository = group.repository
        first = group.targets[0]
        try:
            if repository not in self._tags:
                self._tags[repository] = frozenset(self._client.list_tags(repository))
            if first.status == "created" and first.asked.tag not in self._tags[repository]:
                self._read_back(first)
        except RegistryError as error:
            logger.debug("%s does not list its tags: %s", repository, error)
        self._see(target)

    def _write_tag(self, group: _Group, target: _Target) -> None:
        reference, wanted = target.reference, target.root.digest
        try:
            confirmed = self._copier.put_manifest(group.content, reference, target.root) == wanted
        except RegistryError as error:
            # An immutable tag that shows the right digest, or a lost answer: what is there counts.
            if self._shown(reference) != wanted:
                self._failed(target, error)
                return
            confirmed = True
        target.status = "moved" if target.previous else "created"
        others = group.targets[1:]
        listed_next = target is group.targets[0] and others and not others[0].looked
        one_of_several = others and target is not group.targets[0]
        if target.previous or not confirmed or not (listed_next or one_of_several):
            self._read_back(target)
        logger.info("%s %s %s", reference, target.status, wanted)

    def _read_back(self, target: _Target) -> None:
        """Look until the tag shows what was written: some registries answer too early."""
        shown: Digest | None = None
        for wait_s in _READ_BACK_WAITS_S:
            if wait_s:
                self._client.wait(wait_s)
            shown = self._shown(target.reference)
            if shown == target.root.digest:
                return
        if shown is None and self._client.find_manifest(target.reference) == target.root:
            return  # its HEAD does not tell the truth
        registry = target.reference.repository.registry
        found = f"still shows {shown}" if shown else "does not show it"
        error = RegistryError(
            f"{registry} confirmed that {target.reference} was written, but {found}",
            registry=registry,
            remedy="Look at the tag in a minute; run again when it is not right then",
        )
        self._failed(target, error, "unverified" if shown else "failed")

    def _shown(self, reference: Reference) -> Digest | None:
        try:
            found = self._client.head_manifest(reference)
        except RegistryError as error:
            logger.debug("%s cannot be read back: %s", reference, error)
            return None
        return found.digest if found else None

    # Failures and threads

    def _failed(self, target: _Target, error: ExporterError, status: Status = "failed") -> None:
        target.status, target.error = status, error
        logger.debug("%s %s: %s", target.asked, status, error)
        if self._policy.on_error == "fail-fast":
            self._stop.set()

    def _group_failed(self, group: _Group, error: RegistryError) -> None:
        group.failed = True
        for target in group.targets:
            if target.status is None:
                self._failed(target, error)

    def _all(self) -> Iterable[_Target]:
        return (target for targets in self._targets for target in targets)

    def _each(self, items: Sequence[_Item], work: Callable[[_Item], None]) -> None:
        """Do the work for every item, in threads; the first exception ends it."""
        if len(items) == 1 or self._policy.parallel == 1:
            for item in items:
                work(item)
            return
        with ThreadPoolExecutor(max_workers=min(self._policy.parallel, len(items) or 1)) as pool:
            futures = [pool.submit(work, item) for item in items]
            try:
                for future in futures:
                    future.result()
            except BaseException as error:
                pool.shutdown(wait=False, cancel_futures=True)
                if not isinstance(error, ExporterError) or isinstance(error, Interrupted):
                    self._client.cancel()  # ends the transfers, which cancel their uploads
                raise


def _largest_first(groups: Sequence[_Group]) -> list[tuple[_Group, Descriptor]]:
    """Every blob of every group; the largest ones start first, so that none is left alone late."""
    tasks = [(group, blob) for group in groups for blob in group.content.blobs]
    return sorted(tasks, key=lambda task: -task[1].size)


def _result(job: ExportJob, targets: Sequence[_Target]) -> ExportedImage:
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
