"""Images to where third parties pull them: all content of all images first, then each tag once.

A tag never points to anything that is not completely there, however the run ends, and a tag that
shows the right digest already is not written.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from exporter.errors import ExporterError, Interrupted, RegistryError
from exporter.exported import (
    ExportedImage,
    ExportedReference,
    ExportJob,
    ExportPolicy,
    Group,
    Status,
    Target,
    result_of,
)
from exporter.oci.config import parse_config
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.manifest import Index, Manifest
from exporter.oci.mutate import mutate
from exporter.oci.reference import Reference, Repository
from exporter.registry.client import RegistryClient
from exporter.registry.copy import Content, Copier, load_graph, load_statements

__all__ = [
    "REVISION",
    "Export",
    "ExportJob",
    "ExportPolicy",
    "ExportedImage",
    "ExportedReference",
    "Status",
]

logger = logging.getLogger(__name__)

REVISION = "org.opencontainers.image.revision"
_READ_BACK_WAITS_S = (0.0, 0.2, 0.4, 0.8, 1.6, 3.0, 4.0)
_Item = TypeVar("_Item")


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
        self._targets = [[Target(job, ref) for ref in job.destinations] for job in jobs]
        self._stop = threading.Event()
        self._looked = False

    @property
    def results(self) -> tuple[ExportedImage, ...]:
        """What is known so far; destinations that nothing was done about are ``skipped``."""
        return tuple(map(result_of, self._jobs, self._targets))

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
        first: list[Target] = []
        rest: list[tuple[Target, Target]] = []
        for targets in self._targets:
            leaders: dict[Repository, Target] = {}
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
        self._each([group for group in groups if group.job.referrers], self._place_referrers)
        self._each(groups, self._write_tags)

    # Looking

    @property
    def _must_know(self) -> bool:
        """Whether every tag must be known before anything is written."""
        return self._policy.if_exists != "move" or self._policy.may_move is not None

    def _load(self, pair: tuple[ExportJob, list[Target]]) -> None:
        job, targets = pair
        repository = job.source.repository
        graph = job.graph
        if graph is None:
            root = self._client.get_manifest(job.source)
            graph = load_graph(self._client, repository, root)
        original = graph.root.digest
        changed = mutate(graph, job.mutation)
        if changed.root.digest != original and changed.statements:
            graph = load_statements(self._client, repository, graph)
            changed = mutate(graph, job.mutation)
        content = Content(graph=changed, source=repository)
        self._copier.note(repository, graph.blobs)
        for target in targets:
            target.content = content
            target.original = original

    def _see(self, target: Target) -> None:
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

    def _decide(self, target: Target) -> None:
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

    def _groups(self) -> list[Group]:
        """The destinations that may have to be written, by image and repository."""
        groups: dict[tuple[int, Repository], list[Target]] = {}
        for number, targets in enumerate(self._targets):
            for target in targets:
                if target.status is None:
                    groups.setdefault((number, target.asked.repository), []).append(target)
        return [Group(targets) for targets in groups.values()]

    def _place_blob(self, task: tuple[Group, Descriptor]) -> None:
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

    def _place_children(self, group: Group) -> None:
        try:
            for value in group.content.graph.walk():
                if self._stop.is_set() or group.failed:
                    return
                if value.digest != group.content.graph.root.digest:
                    self._copier.put_child(group.content, group.repository, value)
        except RegistryError as error:
            self._group_failed(group, error)
        else:
            logger.info("%s: %s", group.job.image or group.repository, group.summary)

    def _place_referrers(self, group: Group) -> None:
        """Signatures and SBOMs, before the tag that makes them findable."""
        if self._stop.is_set() or group.failed:
            return
        from exporter.registry.referrers import (  # noqa: PLC0415 - unchanged images need none
            copy_referrers,
            find_referrers,
        )

        source, original = group.content.source, group.original
        try:
            if group.content.graph.root.digest == original:
                count = copy_referrers(self._copier, source, group.repository, original)
                if count:
                    logger.info("%s: %d signatures or SBOMs followed", group.job.image, count)
            elif any(find_referrers(self._client, source, original)):
                logger.warning(
                    "%s: its signatures and SBOMs stay behind, because its digest changes; "
                    "sign %s anew",
                    group.job.image or source,
                    group.repository.at(group.content.graph.root.digest),
                )
        except RegistryError as error:
            self._group_failed(group, error)

    # Tags

    def _write_tags(self, group: Group) -> None:
        for target in group.targets:
            if not target.looked and not self._stop.is_set():
                self._see_late(group, target)
            if target.status is None and not self._stop.is_set() and not group.failed:
                self._write_tag(group, target)

    def _see_late(self, group: Group, target: Target) -> None:
        """Decide about a tag whose sibling was new: one list tells about all of them."""
        repository = group.repository
        first = group.targets[0]
        try:
            if repository not in self._tags:
                self._tags[repository] = frozenset(self._client.list_tags(repository))
        except RegistryError as error:
            logger.debug("%s does not list its tags: %s", repository, error)
        listed = self._tags.get(repository, frozenset())
        if first.status == "created" and first.asked.tag not in listed:
            self._read_back(first)
        self._see(target)

    def _write_tag(self, group: Group, target: Target) -> None:
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
        first, *others = group.targets
        listed_next = target is first and others and not others[0].looked
        # Of a repository that is new, the first tag shows that what is confirmed is true.
        one_of_several = target is not first and first.status == "created" and not self._must_know
        if target.previous or not confirmed or not (listed_next or one_of_several):
            self._read_back(target)
        logger.info("%s %s %s", reference, target.status, wanted)

    def _read_back(self, target: Target) -> None:
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

    def _failed(self, target: Target, error: ExporterError, status: Status = "failed") -> None:
        target.status, target.error = status, error
        logger.debug("%s %s: %s", target.asked, status, error)
        if self._policy.on_error == "fail-fast":
            self._stop.set()

    def _group_failed(self, group: Group, error: RegistryError) -> None:
        group.failed = True
        for target in group.targets:
            if target.status is None:
                self._failed(target, error)

    def _all(self) -> Iterable[Target]:
        return (target for targets in self._targets for target in targets)

    def _each(self, items: Sequence[_Item], work: Callable[[_Item], None]) -> None:
        """Do the work for every item, in threads; the first exception ends it."""
        if len(items) <= 1 or self._policy.parallel == 1:
            for item in items:
                work(item)
            return
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - most runs need no threads

        with ThreadPoolExecutor(max_workers=min(self._policy.parallel, len(items))) as pool:
            futures = [pool.submit(work, item) for item in items]
            try:
                for future in futures:
                    future.result()
            except BaseException as error:
                pool.shutdown(wait=False, cancel_futures=True)
                if not isinstance(error, ExporterError) or isinstance(error, Interrupted):
                    self._client.cancel()  # ends the transfers, which cancel their uploads
                raise


def _largest_first(groups: Sequence[Group]) -> list[tuple[Group, Descriptor]]:
    """Every blob of every group; the largest ones start first, so that none is left alone late."""
    tasks = [(group, blob) for group in groups for blob in group.content.blobs]
    return sorted(tasks, key=lambda task: -task[1].size)
