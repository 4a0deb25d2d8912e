"""Makes the missing stages of an image: one solve, then manifests at the registry.

Stages that change only the config need no engine; when no stage needs it, none is contacted.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory

from exporter.build.delivery import Deliveries, QuietDelivery
from exporter.build.images import Needed, PlannedImage, PlannedStage
from exporter.build.local import LocalPublisher
from exporter.build.secret import read_secret
from exporter.build.session import Session, fact_of
from exporter.build.solve import Solve
from exporter.build.stapel import git_files, import_files, mounts
from exporter.build.stapel.ahead import Ahead
from exporter.build.stapel.base import SCRATCH, client_of, read_base
from exporter.build.stapel.chain import (
    FROM,
    SHELL_STAGES,
    Imported,
    Work,
)
from exporter.build.stapel.config import (
    LOCALE,
    commit_env,
    empty_config,
)
from exporter.build.stapel.engine_contexts import engine_contexts
from exporter.build.stapel.image import Planned
from exporter.build.stapel.job import Job, Missing, Start
from exporter.build.stapel.lines import plain_lines
from exporter.build.stapel.publication import (
    layers_of,
    no_layers,
)
from exporter.build.stapel.recipe import SUMS, Recipe, Secret, Step
from exporter.build.stapel.small_patch import needs_engine
from exporter.build.stapel.tools import tools_for
from exporter.build.storage import StageStorage
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference
from exporter.project.models.imports import Import
from exporter.project.models.secrets import Secret as ConfiguredSecret
from exporter.project.models.stapel import StapelImage
from exporter.registry.client import RegistryClient

Say = Callable[[str], None]

FindBetter = Callable[[StapelImage, PlannedImage, Mapping[str, Needed]], PlannedImage | None]
"""Gives the plan of an image anew when others have published what it misses."""

_SHELL_MODE = 0o7777


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """All stages of an image, and what some imports from it hash to."""

    stages: tuple[PlannedStage, ...]
    checksums: Sequence[tuple[Import, str]]


class Builder:
    """Builds stapel images of a session."""

    def __init__(self, session: Session, find_better: FindBetter) -> None:
        """Take what tells whether others have published what a plan misses."""
        self._session = session
        self._find_better = find_better
        self._client: RegistryClient = client_of(session)
        self._storage: StageStorage = session.storages.primary

    def build(
        self,
        image: StapelImage,
        plan: PlannedImage,
        needed: Mapping[str, Needed],
        say: Say,
        *,
        imported: Sequence[Import] = (),
        ahead: Ahead | None = None,
    ) -> Made:
        """All stages of the image, the missing ones made and published.

        Args:
            image: The image.
            plan: Its plan, in which stages are missing.
            needed: The images that it needs.
            say: Gets the lines of the build.
            imported: What others import from its last stage, to be summed up by the way.
            ahead: What is made of it already.

        Raises:
            BuildError: A stage failed; those before it are published.
        """
        planned = plan.build
        if not isinstance(planned, Planned):
            raise TypeError
        found = [stage for stage in plan.stages if stage.image is not None]
        first = len(found)
        start = self._start(image, plan, needed)
        if start.has_triggers and not found and not image.mounts:
            if ahead is not None:
                ahead.leave()
            plan = self._begun(image, plan, needed, start, say)
            return self.build(image, plan, needed, say, imported=imported)
        with recipe_for(plan.platform, self._session.config.project) as recipe:
            # on the same layers as before, so that BuildKit knows the steps
            is_same = ahead is not None and ahead.start.layers.diff_ids == start.layers.diff_ids
            recipe.begin(ahead.start.reference if ahead and is_same else start.reference)
            missing = [
                self._missing(number, image, plan, needed, recipe)
                for number in range(first, len(plan.stages))
            ]
            if ahead is not None and not (is_same and ahead.fits(missing)):
                ahead.leave()
                return self.build(image, plan, needed, say, imported=imported)
            if ahead is not None:
                job = self._job(image, plan, needed, start, missing, recipe, say)
                return Made(stages=(*found, *ahead.finish(job)), checksums=())
            if imported and any(each.step is not None for each in missing):
                sum_up(recipe, imported)
            job = self._job(image, plan, needed, start, missing, recipe, say)
            sources = [each for one in missing if one.step for each in one.step.sources]
            with engine_contexts(self._session, [start.reference, *sources]) as contexts:
                recipe.contexts |= contexts
                stages = (*found, *job.run())
        return Made(
            stages=stages,
            checksums=[(imported[number], found) for number, found in job.checksums.items()],
        )

    def checksums(
        self, image: StapelImage, platform: Platform, unknown: Sequence[Imported], say: Say
    ) -> list[str]:
        """The checksums of what imports select in images that exist.

        Raises:
            BuildError: An image cannot be read.
        """
        project = self._session.config.project
        sources = list(dict.fromkeys(each.source.reference for each in unknown))
        with (
            recipe_for(platform, project) as recipe,
            TemporaryDirectory(prefix="exporter-checksums-") as directory,
            engine_contexts(self._session, sources) as contexts,
        ):
            lines = [
                import_files.checksum_line(
                    recipe.work(0), number, each.entry, sources.index(each.source.reference)
                )
                + " >>/checksums"
                for number, each in enumerate(unknown)
            ]
            recipe.begin(SCRATCH if recipe.has_tools else sources[0])
            recipe.add(Step(number=0, lines=lines, sources=sources))
            recipe.output("/checksums")
            buildkit = replace(
                self._session.buildkit,
                deliveries=Deliveries([_ToFolder(directory)], lambda _: None),
            )
            buildkit.solve(
                Solve(
                    name=f"{image.name or '(nameless)'}: checksums of imports",
                    reference=self._storage.repository.tag("checksums"),
                    platform=platform,
                    open_context=lambda: iter(()),
                    directory=recipe.folder,
                    dockerfile=str(recipe.folder / "Dockerfile"),
                    contexts=contexts,
                ),
                say=plain_lines(say, {0: "sum up what is imported"}),
            )
            return Path(directory, "checksums").read_text("ascii").split()

    def _begun(
        self,
        image: StapelImage,
        plan: PlannedImage,
        needed: Mapping[str, Needed],
        start: Start,
        say: Say,
    ) -> PlannedImage:
        """The plan with its first stage made: without triggers, which BuildKit would run."""
        with recipe_for(plan.platform, self._session.config.project) as recipe:
            missing = [self._missing(0, image, plan, needed, recipe)]
            [made] = self._job(image, plan, needed, start, missing, recipe, say).run()
        return replace(plan, stages=(made, *plan.stages[1:]))

    def _job(
        self,
        image: StapelImage,
        plan: PlannedImage,
        needed: Mapping[str, Needed],
        start: Start,
        missing: Sequence[Missing],
        recipe: Recipe,
        say: Say,
    ) -> Job:
        kind = Job
        if self._session.is_local:
            from exporter.build.stapel.local import LocalJob  # noqa: PLC0415 - only without --repo

            kind = LocalJob
        find_better = partial(self._find_better, image, plan, needed)
        return kind(self._session, image, plan, start, missing, recipe, say, find_better)

    # what there is to do

    def _start(self, image: StapelImage, plan: PlannedImage, needed: Mapping[str, Needed]) -> Start:
        found = [stage.image for stage in plan.stages if stage.image is not None]
        before = found[-1] if found else None
        if before is None and image.base_is_image:
            before = needed[image.base].image
            if before is None:
                raise TypeError
        if before is not None:
            if isinstance(self._session.publisher, LocalPublisher):
                before = self._session.publisher.whole(before)
            is_empty = not before.manifest.layers
            return Start(
                reference=SCRATCH if is_empty else before.pinned,
                repository=before.repository,
                layers=layers_of(before.manifest, before.config),
                config=before.config,
                parent=before.id,
            )
        if image.base == SCRATCH:
            return Start(
                reference=SCRATCH,
                repository=None,
                layers=no_layers(),
                config=empty_config(plan.platform),
                parent=None,
            )
        base = read_base(self._session, image, plan.platform)
        return Start(
            reference=str(base.reference),
            repository=base.reference.repository,
            layers=layers_of(base.manifest, base.config),
            config=base.config,
            parent=None,
        )

    def _missing(
        self,
        number: int,
        image: StapelImage,
        plan: PlannedImage,
        needed: Mapping[str, Needed],
        recipe: Recipe,
    ) -> Missing:
        planned = plan.build
        if not isinstance(planned, Planned):
            raise TypeError
        stage, work = plan.stages[number], planned.chain.work[number]
        env = {
            fact.target: value
            for dependency in work.dependencies
            for fact in dependency.imports
            if (value := fact_of(needed[dependency.image], fact.fact)) is not None
        }
        name = stage.stage.name
        identity = self._session.new_id(stage.stage.digest)
        if planned.patch is not None and needs_engine(stage, work):
            return Missing(
                stage=replace(stage, id=identity), work=work, step=None, layer=planned.patch
            )
        lines = self._lines(number, image, name, work, planned, recipe)
        step = None
        if lines or work.commands:
            is_shell = name in SHELL_STAGES
            step = Step(
                number=number,
                lines=lines,
                commands=work.commands,
                env={**LOCALE, **commit_env(self._session.git.head), **env},
                sources=list(dict.fromkeys(each.source.reference for each in work.imports)),
                mounts=() if name == FROM else self._mounted(stage.stage.labels),
                secrets=[self._secret(each) for each in image.secrets] if is_shell else (),
                ssh=bool(self._session.env.get("SSH_AUTH_SOCK")),
            )
            recipe.add(step)
        elif env:
            recipe.set_env(env)
        return Missing(stage=replace(stage, id=identity), work=work, step=step, env=env)

    def _lines(
        self,
        number: int,
        image: StapelImage,
        name: str,
        work: Work,
        planned: Planned,
        recipe: Recipe,
    ) -> list[str]:
        """The lines of the script that make the files of a stage, its commands aside."""
        if name == FROM:
            targets = [quote(mounts.target_of(mount)) for mount in image.mounts]
            return [f"$B rm -rf {' '.join(targets)}"] if targets else []
        folder = recipe.work(number)
        lines: list[str] = []
        for index, mapping in enumerate(planned.mappings):
            if work.archive:
                lines += git_files.archive_lines(folder, index, mapping)
            elif mapping.id in work.patch_from:
                base = work.patch_from[mapping.id]
                lines += git_files.patch_lines(folder, index, mapping, base)
        sources = list(dict.fromkeys(each.source.reference for each in work.imports))
        lines += [
            import_files.copy_line(folder, index, each.entry, sources.index(each.source.reference))
            for index, each in enumerate(work.imports)
        ]
        if work.imports:
            time = int(self._session.git.head.committer_time.timestamp())
            lines.append(f"fix_times {time}")
        return lines

    def _mounted(self, labels: Mapping[str, str]) -> list[mounts.Mounted]:
        found = []
        for mount in mounts.mounted(labels):
            source = mount.source
            if source:
                path = self._session.giterminism.host_path(source)
                path.mkdir(parents=True, exist_ok=True)
                source = str(path)
            found.append(replace(mount, source=source))
        return found

    def _secret(self, secret: ConfiguredSecret) -> Secret:
        session = self._session
        build = read_secret(secret, env=session.env, host_path=session.giterminism.host_path)
        if build.file is None:
            return Secret(build=build)
        facts = build.file.stat()
        return Secret(
            build=build,
            mode=facts.st_mode & _SHELL_MODE,
            uid=facts.st_uid,
            gid=facts.st_gid,
        )


@dataclass(frozen=True, slots=True)
class _ToFolder(QuietDelivery):
    """Writes the files of an image to a folder; a delivery."""

    folder: str

    def output(self, reference: Reference) -> str:
        """Files on our side."""
        del reference
        return f"type=local,dest={self.folder}"


def sum_up(recipe: Recipe, imported: Sequence[Import]) -> None:
    """Have the checksums of imports from the last stage told by their numbers."""
    folder = recipe.work(SUMS)
    recipe.sum_up(
        [
            import_files.told_checksum_line(folder, number, entry)
            for number, entry in enumerate(imported)
        ]
    )


@contextmanager
def recipe_for(platform: Platform, project: str, *, is_common: bool = False) -> Iterator[Recipe]:
    """A recipe in a temporary folder, of one image or one that several have in common."""
    with TemporaryDirectory(prefix="exporter-stages-") as directory:
        yield Recipe(
            Path(directory),
            tools_for(platform),
            project=project,
            unique=uuid.uuid4().hex,
            platform=str(platform) if is_common else "",
        )
