"""Stapel images: planned and built stage by stage.

All missing stages of an image are made by one solve, which pushes once; the stages themselves are
written at the registry.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exporter.build.images import Needed, PlannedImage
from exporter.build.publisher import Publisher
from exporter.build.session import Session
from exporter.build.stapel import imports
from exporter.build.stapel.chain import Chain, ChainRequest, plan_chain
from exporter.build.stapel.imports import Source, source_of
from exporter.build.stapel.mappings import Mapping as GitMapping
from exporter.build.stapel.mappings import Mappings
from exporter.build.stapel.small_patch import changes_files, small_patch
from exporter.errors import BuildError
from exporter.oci.platform import Platform
from exporter.project.models.imports import Import
from exporter.project.models.stapel import StapelImage

if TYPE_CHECKING:  # loaded only when something is built
    from exporter.build.stapel.ahead import Ahead
    from exporter.build.stapel.builder import Builder, Made

logger = logging.getLogger(__name__)

Say = Callable[[str], None]

_Key = tuple[str, Platform]

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What building needs besides the stages.

    ``patch`` is the layer of the one missing stage that changes files, when it is known already.
    """

    chain: Chain
    mappings: Sequence[GitMapping]
    patch: bytes | None = field(default=None, repr=False)


class StapelKind:
    """Plans and builds the stapel images of a run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._mappings = Mappings(session)
        self._checksums: dict[tuple[str, str], str] = {}
        self._importers: dict[str, dict[str, Import]] = {}
        self._planned: dict[_Key, tuple[StapelImage, PlannedImage, Mapping[str, Needed]]] = {}
        self._ahead: dict[_Key, Ahead | None] = {}
        self._builds_together = True
        self._warned: set[str] = set()

    def plan(
        self, image: StapelImage, platform: Platform, needed: Mapping[str, Needed]
    ) -> PlannedImage:
        """The chain of an image with everything that was found.

        Raises:
            BuildError: The image has ansible tasks.
            ConfigError: A git mapping selects nothing.
            GiterminismError: Files that it takes are not committed.
            GitError: A remote repository cannot give what is asked for.
        """
        _refuse_ansible(image)
        for entry in image.imports:
            if not entry.is_external and not entry.stage:
                self._importers.setdefault(entry.source, {})[imports.selection(entry)] = entry
        mappings = self._mappings.of(image.git)
        for mapping in mappings:
            self._mappings.check(mapping)
        chain = plan_chain(
            ChainRequest(
                session=self._session,
                image=image,
                platform=platform,
                mappings=mappings,
                needed=needed,
                checksum=self._checksum,
                warn=self._warn,
                checks_ancestry=self._mappings.checks_ancestry,
                base_config_digest=self._base_config_digest(image, platform),
            )
        )
        is_certain = chain.is_certain and all(each.plan.is_certain for each in needed.values())
        patch = None
        if is_certain and changes_files(chain) and isinstance(self._session.publisher, Publisher):
            patch = small_patch(chain, mappings, self._session.publisher.registry)
        plan = PlannedImage(
            name=image.name,
            platform=platform,
            stages=chain.stages,
            is_certain=is_certain,
            needs_engine=not is_certain or (patch is None and changes_files(chain)),
            build=Planned(chain=chain, mappings=mappings, patch=patch),
        )
        self._planned[image.name, platform] = image, plan, needed
        return plan

    def settle(
        self, image: StapelImage, plan: PlannedImage, needed: Mapping[str, Needed], say: Say
    ) -> PlannedImage:
        """The plan with the checksums of imports whose sources are built by now.

        Raises:
            BuildError: A source cannot be read.
        """
        unknown = _planned(plan).chain.unknown
        while unknown:
            found = self._builder().checksums(image, plan.platform, unknown, say)
            self._remember_all(
                [
                    (each.entry, each.source, checksum)
                    for each, checksum in zip(unknown, found, strict=True)
                ]
            )
            plan = self.plan(image, plan.platform, needed)
            unknown = _planned(plan).chain.unknown
        return plan

    def build(
        self,
        image: StapelImage,
        plan: PlannedImage,
        needed: Mapping[str, Needed],
        say: Say,
    ) -> PlannedImage:
        """Make and publish the missing stages of a certain plan.

        Raises:
            BuildError: A stage failed; those before it are published.
            RegistryError: A registry refused.
        """
        from exporter.build.stapel.job import SupersededError  # noqa: PLC0415 - builds only

        session = self._session
        while plan.missing:
            with session.claim(plan.missing[0].stage.digest, say):
                if better := self._better(image, plan, needed):  # another image has built it
                    plan = better
                    continue
                try:
                    made = self._made(image, plan, needed, say)
                except SupersededError as error:
                    plan = error.plan
                    continue
                plan = replace(plan, stages=made.stages)
                built = Needed(
                    plan=plan, repository=session.storages.primary.repository, image=plan.last.image
                )
                self._remember_all(
                    [
                        (entry, source_of(entry, {entry.source: built}), checksum)
                        for entry, checksum in made.checksums
                    ]
                )
        return plan

    def _better(
        self, image: StapelImage, plan: PlannedImage, needed: Mapping[str, Needed]
    ) -> PlannedImage | None:
        """The plan anew when somebody has published what it misses; None when it still does."""
        if not self._session.storages.primary.candidates(plan.missing[0].stage.digest):
            return None
        again = self.plan(image, plan.platform, needed)
        return again if len(again.missing) < len(plan.missing) else None

    def _made(
        self, image: StapelImage, plan: PlannedImage, needed: Mapping[str, Needed], say: Say
    ) -> "Made":
        """The stages of an image, made alone or together with images that import from it."""
        imported = self._not_summed_up(plan)
        ahead = self._ahead.pop((image.name, plan.platform), None)
        if ahead is None and imported and plan.needs_engine and self._builds_together:
            from exporter.build.stapel.ahead import Open, can_be_made  # noqa: PLC0415 - builds only
            from exporter.build.stapel.together import Together  # noqa: PLC0415 - the same

            builder = Together(self._session, self._better)
            others = [
                Open(image=other, plan=planned, needed=its)
                for key, (other, planned, its) in self._planned.items()
                if key[1] == plan.platform and key not in self._ahead
            ]
            others = [each for each in others if can_be_made(each, image.name)]
            if others and not plan.platform.variant and builder.is_possible:
                source = Open(image=image, plan=plan, needed=needed)
                made, found = builder.build_all(source, others, imported, say)
                self._builds_together = not builder.is_refused
                for each, ahead in zip(others, found, strict=True):
                    self._ahead[each.image.name, plan.platform] = ahead
                return made
        return self._builder().build(image, plan, needed, say, imported=imported, ahead=ahead)

    def _not_summed_up(self, plan: PlannedImage) -> list[Import]:
        """What images of this run import from an image and the repository has no checksum of."""
        built = Needed(plan=plan, repository=self._session.storages.primary.repository, image=None)
        return [
            entry
            for entry in self._importers.get(plan.name, {}).values()
            if self._checksum(entry, source_of(entry, {entry.source: built})) is None
        ]

    def _builder(self) -> "Builder":
        from exporter.build.stapel.builder import Builder  # noqa: PLC0415 - only builds need it

        return Builder(self._session, self._better)

    def _base_config_digest(self, image: StapelImage, platform: Platform) -> str:
        if not image.from_latest or image.base_is_image:
            return ""
        from exporter.build.stapel.base import read_base  # noqa: PLC0415 - rarely needed

        return str(read_base(self._session, image, platform).config.digest)

    def _warn(self, text: str) -> None:
        """Warn once, however often an image is planned."""
        if text not in self._warned:
            self._warned.add(text)
            logger.warning("%s", text)

    def _checksum(self, entry: Import, source: Source) -> str | None:
        """The checksum of an import's source when this run or the repository knows it."""
        number = imports.source_id(entry, source)
        key = (number, source.stage_id if source.has_variant else "")
        if key not in self._checksums:
            record = self._session.storages.record(imports.record_tag(entry, source))
            if record is None or not record.get("checksum"):
                return None
            if source.has_variant and record.get("source-stage-id") != source.stage_id:
                return None
            self._checksums[key] = record["checksum"]
        return self._checksums[key]

    def _remember_all(self, found: Sequence[tuple[Import, Source, str]]) -> None:
        if len(found) > 1:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - builds only

            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                list(pool.map(lambda each: self._remember(*each), found))
        elif found:
            self._remember(*found[0])

    def _remember(self, entry: Import, source: Source, checksum: str) -> None:
        number = imports.source_id(entry, source)
        self._checksums[number, source.stage_id if source.has_variant else ""] = checksum
        session = self._session
        session.publisher.write_record(
            session.storages.primary,
            imports.record_tag(entry, source),
            imports.record_labels(entry, source, checksum=checksum, project=session.config.project),
            renew=True,
        )


def _planned(plan: PlannedImage) -> Planned:
    if not isinstance(plan.build, Planned):
        raise TypeError
    return plan.build


def _refuse_ansible(image: StapelImage) -> None:
    if image.ansible is None:
        return
    raise BuildError(
        "ansible tasks cannot be run: they need werf's own Ansible, which the exporter does not"
        " bring along",
        place=image.ansible.place,
        remedy="Write the tasks as shell commands in a `shell` section, or build the image from a"
        " Dockerfile.",
    )
