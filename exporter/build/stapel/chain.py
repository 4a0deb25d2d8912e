"""The chain of stages of an image: which there are, their digests, and which of them exist.

Only registries and git are read; checksums of imports that the repository does not know yet are
asked of the caller.
Source: spec/werf-behaviour.md, sections 5.1, 5.7 and 11.1; spec/stapel-observed.md, sections 4, 5.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from exporter.build import image_spec
from exporter.build.digest import VARIANT_LABEL, content_digest, h256, is_variant, stage_digest
from exporter.build.images import Needed, PlannedStage
from exporter.build.session import Session, dependency_labels, fact_of
from exporter.build.stages import LABEL_CONTENT_DIGEST, Stage, StageImage
from exporter.build.stapel import imports, instructions, mounts
from exporter.build.stapel.imports import Source, source_of
from exporter.build.stapel.mappings import Mapping as GitMapping
from exporter.git.diff import PATCH_CACHE_BYTES, patch_size, patch_text
from exporter.oci.platform import Platform
from exporter.project.models.commands import CacheVersions
from exporter.project.models.dependencies import Dependency
from exporter.project.models.imports import Import
from exporter.project.models.moment import Moment
from exporter.project.models.stapel import StapelImage

FROM = "from"
GIT_ARCHIVE = "gitArchive"
GIT_CACHE = "gitCache"
GIT_PATCH = "gitLatestPatch"
SHELL_STAGES = ("beforeInstall", "install", "beforeSetup", "setup")

_SCRATCH = "scratch"
_ANSWERS_FOR_COMMITS = frozenset(
    {GIT_ARCHIVE, "install", "beforeSetup", "setup", GIT_CACHE, GIT_PATCH}
)
_MOMENTS: Mapping[Moment, str] = {
    "before install": "dependenciesBeforeInstall",
    "after install": "dependenciesAfterInstall",
    "before setup": "dependenciesBeforeSetup",
    "after setup": "dependenciesAfterSetup",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An import with where its files come from and what they hash to; None when not known yet."""

    entry: Import
    source: Source
    checksum: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What has to be done for a stage, besides what its name says.

    ``patch_from`` has, for each mapping that must be brought up to date, the commit that the stage
    before holds. ``archive`` says that all files of the mappings are added. ``labels`` are those
    that the stage adds to the ones of the stage before.
    """

    commands: tuple[str, ...] = ()
    archive: bool = False
    patch_from: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[Imported, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The stages in order, and the work of each.

    ``is_certain`` is false when a digest is not final. ``unknown`` are the imports whose checksums
    are missing.
    """

    stages: tuple[PlannedStage, ...]
    work: tuple[Work, ...]
    is_certain: bool
    unknown: tuple[Imported, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRequest:
    """An image on a platform, and what it is made from.

    ``base_config_digest`` is that of the base's config when ``fromLatest`` asks for it.
    ``checksum`` gives the checksum of an import's source when it is known. ``warn`` is told what
    the user should know, every time.
    """

    session: Session
    image: StapelImage
    platform: Platform
    mappings: Sequence[GitMapping]
    needed: Mapping[str, Needed]
    checksum: Callable[[Import, Source], str | None]
    warn: Callable[[str], None]
    checks_ancestry: bool = True
    base_config_digest: str = ""


def plan_chain(request: ChainRequest) -> Chain:
    """The chain of an image with everything that exists looked up."""
    return _Planner(request).chain()


class _Planner:
    """Adds stage after stage; knows the digest and the labels of the last one."""

    def __init__(self, request: ChainRequest) -> None:
        self._request = request
        self._image = request.image
        self._stages: list[PlannedStage] = []
        self._work: list[Work] = []
        self._unknown: list[Imported] = []
        self._is_certain = True
        base = request.needed[self._image.base] if self._image.base_is_image else None
        self._labels: dict[str, str] = {} if base is None else labels_of(base.plan.last)
        self._variant = self._labels.get(VARIANT_LABEL, "")
        self._before: tuple[str, str] | None = None

    def chain(self) -> Chain:
        image = self._image
        self._from()
        self._shell("beforeInstall")
        self._others("before install")
        if self._request.mappings:
            self._archive()
        self._shell("install")
        self._others("after install")
        self._shell("beforeSetup")
        self._others("before setup")
        self._shell("setup")
        self._others("after setup")
        if not image.disable_git_after_patch:
            if self._request.mappings:
                self._cache()
                self._patch()
            if image.docker is not None:
                self._add(instructions.STAGE, instructions.dependencies(image.docker), Work())
        if image.image_spec is not None and not self._request.session.skip_image_spec:
            self._add(image_spec.STAGE, image_spec.dependencies(image.image_spec), Work())
        return Chain(
            stages=tuple(self._stages),
            work=tuple(self._work),
            is_certain=self._is_certain,
            unknown=tuple(self._unknown),
        )

    # the stages

    def _from(self) -> None:
        image, needed = self._image, self._request.needed
        parts = [image.cache_version, image.from_cache_version, self._request.base_config_digest]
        parts = [part for part in parts if part]
        for mount in image.mounts:
            parts += [mounts.source_of(mount), mounts.target_of(mount), mount.kind]
        if image.base_is_image:
            parts.append(needed[image.base].plan.last.stage.content_digest)
        else:
            parts.append(image.base)
        labels = mounts.labels(image.mounts, self._labels) if image.base != _SCRATCH else {}
        self._add(FROM, h256(*parts), Work(labels=labels))

    def _shell(self, stage: str) -> None:
        commands, checksum = shell_checksum(self._image, stage)
        if not commands:
            self._warn_of_idle_dependencies(stage)
        if checksum is None:
            return
        if stage == "beforeInstall":
            self._add(stage, checksum, Work(commands=commands))
            return
        checksums = []
        for mapping in self._request.mappings:
            found, missing = mapping.checksum(stage)
            checksums.append(found)
            for glob in missing:
                place, add = mapping.configured.place, mapping.configured.export.add
                self._request.warn(
                    f"{place}: stageDependencies.{stage} {glob!r} selects no files below {add}"
                )
        bases = self._outdated()
        labels = self._commit_labels() if bases else {}
        work = Work(commands=commands, patch_from=bases, labels=labels)
        self._add(stage, h256(checksum, h256(*checksums)), work)

    def _warn_of_idle_dependencies(self, stage: str) -> None:
        for mapping in self._request.mappings:
            if mapping.depends(stage):
                self._request.warn(
                    f"{mapping.configured.place}: stageDependencies.{stage} has no effect: "
                    f"the image {self._image.name!r} has no commands for {stage}"
                )

    def _others(self, moment: Moment) -> None:
        """The stage that imports files and sets facts about other images."""
        image, needed = self._image, self._request.needed
        entries = [entry for entry in image.imports if entry.moment == moment]
        dependencies = tuple(each for each in image.dependencies if each.moment == moment)
        if not entries and not dependencies:
            return
        imported = tuple(self._imported(entry) for entry in entries)
        parts: list[str] = []
        labels: dict[str, str] = {}
        for each in imported:
            checksum = each.checksum or ""
            parts += imports.digest_parts(each.entry, checksum)
            labels |= imports.labels(each.entry, checksum=checksum, stage_id=each.source.stage_id)
            if checksum == imports.NOTHING:
                self._request.warn(
                    f"{each.entry.place}: this import does nothing: {imports.title(each.entry)}"
                )
            if each.checksum is None:
                self._unknown.append(each)
                self._is_certain = False
        for dependency in dependencies:
            other = needed[dependency.image]
            parts += ["Dependency", other.name]
            for fact in dependency.imports:
                parts += ["DependencyImport", h256("Type", fact.fact, "TargetEnv", fact.target)]
                if fact_of(other, fact.fact) is None:
                    self._is_certain = False
        labels |= dependency_labels({each.image: needed[each.image] for each in dependencies})
        work = Work(imports=imported, dependencies=dependencies, labels=labels)
        self._add(_MOMENTS[moment], h256(*parts), work)

    def _imported(self, entry: Import) -> Imported:
        source = source_of(entry, self._request.needed)
        return Imported(entry=entry, source=source, checksum=self._request.checksum(entry, source))

    def _archive(self) -> None:
        labels = self._commit_labels()
        for mapping in self._request.mappings:
            labels |= mapping.type_label()
        parts = sorted(mapping.id for mapping in self._request.mappings)
        self._add(GIT_ARCHIVE, h256(*parts), Work(archive=True, labels=labels))

    def _cache(self) -> None:
        bases = self._outdated()
        size = 0
        for mapping in self._request.mappings:
            base = mapping.commit_in(self._labels)
            if base is None or not mapping.repository.has_commit(base):
                return
            if mapping.id in bases:
                size += patch_size(
                    mapping.repository, base, mapping.commit.object_id, mapping.files
                )
        if size >= PATCH_CACHE_BYTES:
            work = Work(patch_from=bases, labels=self._commit_labels())
            self._add(GIT_CACHE, h256(str(size // PATCH_CACHE_BYTES)), work)

    def _patch(self) -> None:
        bases = self._outdated()
        texts = [
            patch_text(
                mapping.repository, bases[mapping.id], mapping.commit.object_id, mapping.files
            ).decode("utf-8", "surrogateescape")
            if mapping.id in bases
            else ""
            for mapping in self._request.mappings
        ]
        if any(texts):
            work = Work(patch_from=bases, labels=self._commit_labels())
            self._add(GIT_PATCH, h256(*texts), work)

    # what they have in common

    def _outdated(self) -> dict[str, str]:
        """By id of the mapping, the commits of the last stage that are not those to build."""
        found = {}
        for mapping in self._request.mappings:
            commit = mapping.commit_in(self._labels)
            if commit is not None and commit != mapping.commit.object_id:
                found[mapping.id] = commit
        return found

    def _commit_labels(self) -> dict[str, str]:
        labels: dict[str, str] = {}
        for mapping in self._request.mappings:
            labels |= mapping.labels()
        return labels

    def _add(self, name: str, dependencies: str, work: Work) -> None:
        request, session = self._request, self._request.session
        digest = stage_digest(name, dependencies, platform=request.platform, previous=self._before)
        holds_commits = name in _ANSWERS_FOR_COMMITS
        is_reachable = self._is_certain and (not self._stages or self._stages[-1].image is not None)
        found = None
        if is_reachable:
            found = session.storages.find(digest, self.accept(holds_commits=holds_commits))
        if found is None:
            self._labels |= work.labels
            if self._variant:
                self._labels[VARIANT_LABEL] = self._variant
        else:
            self._labels = dict(found.config.labels)
        following = self._commits() if holds_commits else ""
        content = content_digest(
            name, digest, platform=request.platform, next_stage_dependencies=following
        )
        if found is not None:
            content = found.config.labels.get(LABEL_CONTENT_DIGEST, content)
        stage = Stage(
            name=name,
            digest=digest,
            content_digest=content,
            platform=request.platform,
            next_dependencies=following,
            labels=dict(self._labels),
        )
        self._stages.append(
            PlannedStage(
                stage=stage,
                id=session.new_id(digest) if found is None else found.id,
                image=found,
            )
        )
        self._work.append(work)
        self._before = (digest, following)

    def _commits(self) -> str:
        """What the next stage's digest takes from a stage that holds git files."""
        mappings = self._request.mappings
        commits = (mapping.commit_in(self._labels) for mapping in mappings)
        return h256(*sorted(commit or "" for commit in commits))

    def accept(self, *, holds_commits: bool) -> Callable[[StageImage], bool]:
        request = self._request
        return acceptance(
            variant=self._variant,
            mappings=request.mappings if holds_commits and request.checks_ancestry else (),
        )


def acceptance(*, variant: str, mappings: Sequence[GitMapping]) -> Callable[[StageImage], bool]:
    """Which stages with the right digest may be used.

    Args:
        variant: What the base's variant is.
        mappings: Mappings whose commits in the stage must be in the history of those to build.
    """

    def accept(stage: StageImage) -> bool:
        labels = stage.config.labels
        return (
            LABEL_CONTENT_DIGEST in labels
            and is_variant(labels, variant)
            and all(mapping.is_ancestor(labels) for mapping in mappings)
        )

    return accept


def shell_checksum(image: StapelImage, stage: str) -> tuple[tuple[str, ...], str | None]:
    """The commands of a stage, and what they and its cache versions hash to; None for no stage."""
    shell = image.shell
    if shell is None:
        return (), None
    commands, version = {
        "beforeInstall": (shell.before_install, shell.cache_versions.before_install),
        "install": (shell.install, shell.cache_versions.install),
        "beforeSetup": (shell.before_setup, shell.cache_versions.before_setup),
        "setup": (shell.setup, shell.cache_versions.setup),
    }[stage]
    versions = _versions(version, shell.cache_versions)
    if not commands and not versions:
        return (), None
    return commands, h256(*commands, *((h256(*versions),) if versions else ()))


def _versions(version: str, versions: CacheVersions) -> list[str]:
    return [each for each in (version, versions.common) if each]


def labels_of(stage: PlannedStage) -> dict[str, str]:
    """The labels that a stage has, or will have as far as they are known."""
    return dict(stage.stage.labels if stage.image is None else stage.image.config.labels)
