"""The missing stages of one image: solved together, then written at the registry."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NoReturn

from exporter.build import image_spec
from exporter.build.buildkit import BuildKit
from exporter.build.images import PlannedImage, PlannedStage
from exporter.build.session import Session
from exporter.build.solve import Solve
from exporter.build.stages import LABEL_COMMIT, LABEL_PROJECT, StageId, StageImage, service_labels
from exporter.build.stapel import imports, instructions
from exporter.build.stapel import mappings as mapped
from exporter.build.stapel.base import SCRATCH, client_of, publisher_of
from exporter.build.stapel.chain import FROM, Work
from exporter.build.stapel.config import Change, changed_config, labelled_config, variables
from exporter.build.stapel.image import Planned
from exporter.build.stapel.layout import Waiting
from exporter.build.stapel.lines import name_of, plain_lines, seconds_by_stage, take_sum, title_of
from exporter.build.stapel.publication import (
    EMPTY_DIFF_ID,
    Blobs,
    Layer,
    Layers,
    layers_of,
    manifest_of,
    push_layer,
    without_roots,
    without_sums,
)
from exporter.build.stapel.recipe import SUMS, Recipe, Step
from exporter.build.stapel.where import command_at, failed_line, place_of, without_trace
from exporter.errors import BuildError, RegistryError
from exporter.naming.service_tags import REJECTED
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.document import Json
from exporter.oci.manifest import Manifest
from exporter.oci.reference import Reference, Repository
from exporter.project.models.stapel import StapelImage
from exporter.registry.client import RegistryClient

Say = Callable[[str], None]

DOCKERFILE = "the stages' Dockerfile"
"""What errors of BuildKit name the Dockerfile."""

_REFUSED = (400, 403, 405, 409, 412)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the first missing stage is made on.

    ``reference`` is what the engine starts from. ``repository`` holds the layers.
    ``parent`` is the stage before, if any.
    """

    reference: str
    repository: Repository | None
    layers: Layers
    config: ImageConfig
    parent: StageId | None

    @property
    def has_triggers(self) -> bool:
        """Whether BuildKit runs something of its own when it starts from it (``ONBUILD``)."""
        return bool(self.config.run.get("OnBuild"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A stage to make; ``step`` is what the engine has to do for it, if anything.

    ``layer`` is its layer when that is known already.
    """

    stage: PlannedStage
    work: Work
    step: Step | None
    layer: bytes | None = field(default=None, repr=False)
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A stage to write: its layers, those of the stages before included."""

    missing: Missing
    layers: Layers
    is_empty: bool


class SupersededError(Exception):
    """Others have published stages meanwhile that were to be; ``plan`` is what to go on with."""

    def __init__(self, plan: PlannedImage) -> None:
        super().__init__(f"{plan.name} was built by another run")
        self.plan = plan


class Job:
    """Makes the missing stages of one image."""

    def __init__(
        self,
        session: Session,
        image: StapelImage,
        plan: PlannedImage,
        start: Start,
        missing: Sequence[Missing],
        recipe: Recipe,
        say: Say,
        find_better: Callable[[], PlannedImage | None],
    ) -> None:
        """Take what there is to do; the recipe has the steps of the missing stages.

        ``find_better`` gives the plan anew when others have published what it misses.
        When the recipe also sums up what other images import, ``checksums`` has it afterwards, by
        number, unless the engine had done so before.
        """
        self._session = session
        self._client: RegistryClient = client_of(session)
        self._blobs: Blobs = self._client
        self._storage = session.storages.primary
        self._image = image
        self._plan = plan
        self._start = start
        self._missing = missing
        self._mappings = plan.build.mappings if isinstance(plan.build, Planned) else ()
        self._recipe = recipe
        self._find_better = find_better
        self._made: Waiting | None = None
        self._pushed: Reference | None = None
        self._seconds: Mapping[int, float] = {}
        self.checksums: dict[int, str] = {}
        names = {
            each.step.number: name_of(each.stage.stage.name, each.work)
            for each in missing
            if each.step
        }
        self._plain = plain_lines(say, names)

    def run(self) -> list[PlannedStage]:
        """Solve and publish.

        Raises:
            BuildError: A stage failed; those before it are published.
            SupersededError: Another run was faster; nothing is published.
        """
        try:
            layers = self._solve(self._missing, sums=self._recipe.sums_up)
        except BuildError as error:
            failed = self._failed(error)
            if failed is None:
                raise
            self._publish_before(failed)
            raise self._explained(error, failed) from error
        return self._publish(self._missing, layers)

    def publish(
        self, layers: Layers, waiting: Waiting, seconds: Mapping[int, float]
    ) -> list[PlannedStage]:
        """Publish what another solve has made: layers that wait on this machine.

        Raises:
            SupersededError: Another run was faster; nothing is published.
        """
        self._blobs = self._made = waiting
        self._seconds = seconds
        return self._publish(self._missing, layers)

    def fail(self, error: BuildError, number: int) -> NoReturn:
        """Publish the stages before the one that failed in another solve, and raise its error.

        Raises:
            BuildError: Always.
        """
        [failed] = [each for each in self._missing if each.step and each.step.number == number]
        self._publish_before(failed)
        raise self._explained(error, failed) from error

    def _say(self, line: str) -> None:
        if not take_sum(line, self.checksums):
            self._plain(line)

    def _solve(self, missing: Sequence[Missing], *, sums: bool = False) -> Layers | None:
        """Build up to the last stage that changes files; None when none does."""
        last = next((each for each in reversed(missing) if each.step is not None), None)
        if last is None or last.step is None:
            return None
        self._recipe.finish()
        session, image = self._session, self._image
        reference = self._storage.repository.tag(str(last.stage.id))
        secrets = {secret.build.id: secret.build for each in missing if each.step
                   for secret in each.step.secrets}  # fmt: skip
        layers = self._layers(
            Solve(
                name=title_of(self._plan),
                reference=reference,
                platform=self._plan.platform,
                open_context=lambda: iter(()),
                directory=self._recipe.folder,
                dockerfile=str(self._recipe.folder / "Dockerfile"),
                files=self._recipe.files,
                display_file=DOCKERFILE,
                target=SUMS if sums else self._recipe.target(last.step.number),
                labels=self._labels(last, self._start.config, self._start.parent),
                network=session.network or image.network,
                ssh=("default",) if session.env.get("SSH_AUTH_SOCK") else (),
                secrets=tuple(secrets.values()),
                contexts=self._recipe.contexts,
            )
        )
        return without_sums(layers) if sums else layers

    def _layers(self, solve: Solve) -> Layers:
        """The layers of what is built, which are where stages are kept from then on."""
        pushed = self._pushed = self._run(self._session.buildkit, solve)
        manifest = self._client.get_manifest(pushed)
        if not isinstance(manifest, Manifest):
            raise BuildError(f"{pushed} is an index where one image was expected")
        config = parse_config(self._client.read_blob(pushed.repository, manifest.config))
        return layers_of(manifest, config)

    def _run(self, buildkit: BuildKit, solve: Solve) -> Reference:
        solved = buildkit.solve(solve, say=self._say)
        self._seconds = seconds_by_stage(solved.steps)
        return solved.reference

    def _publish(self, missing: Sequence[Missing], built: Layers | None) -> list[PlannedStage]:
        """Write the stages to the repository."""
        start = self._start
        count = len(start.layers.all)
        known = start.layers if built is None else replace(built, all=built.of(count))
        added = list(built.all[count:]) if built is not None else []
        steps = sum(each.step is not None for each in missing)
        if built is not None and len(added) != steps:
            raise BuildError(
                f"BuildKit made {len(added)} layers for {steps} stages of {title_of(self._plan)}"
            )
        if built is None:
            self._bring_layers()
        contents: list[Content] = []
        is_first = True
        for each in missing:
            layer = None
            if each.step is not None:
                layer = self._cleaned(added.pop(0), is_first=is_first)
                is_first = False
            elif each.layer is not None:
                layer = push_layer(
                    self._blobs,
                    self._storage.repository,
                    each.layer,
                    is_docker="docker" in known.manifest_type,
                )
            if layer is not None:
                known = replace(known, all=(*known.all, layer))
            contents.append(Content(missing=each, layers=known, is_empty=layer is None))
        written = self._write_all(contents)
        for image in written:
            self._session.storages.fill_caches(image)
        return [
            replace(each.stage, id=image.id, image=image, seconds=self._seconds_of(each))
            for each, image in zip(missing, written, strict=True)
        ]

    def _images(
        self, contents: Sequence[Content], moments: Mapping[str, StageId]
    ) -> list[StageImage]:
        """The stages as they are going to be; ``moments`` has the new identities of some."""
        config, parent = self._start.config, self._start.parent
        images = []
        for each in contents:
            stage = each.missing.stage
            labels = self._labels(each.missing, config, parent)
            config = self._config(each.missing, config, labels, each.layers, is_empty=each.is_empty)
            parent = moments.get(stage.id.digest, stage.id).not_before(parent)
            images.append(
                StageImage(
                    id=parent,
                    repository=self._storage.repository,
                    manifest=manifest_of(each.layers, config),
                    config=config,
                )
            )
        return images

    def _write_all(self, contents: Sequence[Content]) -> Sequence[StageImage]:
        """Write the stages, the last one last.

        An engine that keeps images in a store of its own has pushed the last one by tag. A registry
        may refuse to write that again (immutable tags): then it is marked as rejected, as in werf,
        and the stage gets another moment.
        """
        publisher, storage = publisher_of(self._session), self._storage
        if self._made is not None:
            self._made.send(
                contents[-1].layers, self._client, storage.repository, beside=self._bring_layers
            )
        self._yield_to_others()
        images = self._images(contents, {})
        steps = [at for at, each in enumerate(contents) if each.missing.step is not None]
        last = steps[-1] if steps else len(images)
        first, following = images[: last + 1], images[last + 1 :]
        try:
            publisher.publish_images(storage, first)
        except RegistryError as error:
            is_last = all(str(image.id) in storage.tags for image in first[:-1])
            has_tag = self._pushed is not None and self._pushed.tag is not None
            if not has_tag or not is_last or error.status not in _REFUSED:
                raise
            refused = first[-1].id
            project = {LABEL_PROJECT: self._session.config.project}
            publisher.write_record(storage, f"{refused}{REJECTED}", project)
            moments = {refused.digest: self._session.new_id(refused.digest)}
            images = self._images(contents, moments)
            following = images[last:]
        publisher.publish_images(storage, following)
        return images

    def _yield_to_others(self) -> None:
        """Look once more whether others have published these stages."""
        self._storage.refresh()
        if better := self._find_better():
            raise SupersededError(better)

    def _cleaned(self, layer: Layer, *, is_first: bool) -> Layer | None:
        """The layer without what running leaves behind; None when it holds nothing."""
        if layer.diff_id == EMPTY_DIFF_ID:
            return None
        if is_first:
            return without_roots(self._blobs, self._storage.repository, layer)
        return layer

    def _bring_layers(self) -> None:
        """Have the layers of the base image in the repository of stages."""
        source = self._start.repository
        if source is None or source == self._storage.repository:
            return
        wanted = manifest_of(self._start.layers, self._start.config)
        self._client.copy_blobs(wanted.layers, source, self._storage.repository)

    def _labels(
        self, missing: Missing, config: ImageConfig, parent: StageId | None
    ) -> dict[str, str]:
        stage = missing.stage.stage
        commit = self._session.commit
        if stage.name == image_spec.STAGE:  # as in werf: the commit of the stage before
            commit = config.labels.get(LABEL_COMMIT, commit)
        service = service_labels(
            project=self._session.config.project,
            commit=commit,
            content_digest=stage.content_digest,
            parent=parent,
        )
        return {**config.labels, **stage.labels, **service}

    def _config(
        self,
        missing: Missing,
        config: ImageConfig,
        labels: Mapping[str, str],
        layers: Layers,
        *,
        is_empty: bool,
    ) -> ImageConfig:
        image, stage, commit = self._image, missing.stage.stage, self._session.git.head
        if stage.name == image_spec.STAGE and image.image_spec is not None:
            return image_spec.apply(
                image.image_spec,
                config,
                image=image.name,
                project=self._session.config.project,
                service_labels=labels,
            )
        run: dict[str, Json] = {}
        all_labels = dict(labels)
        if stage.name == instructions.STAGE and image.docker is not None:
            env = [f"{key}={value}" for key, value in variables(config, {}, commit).items()]
            run = instructions.changes(image.docker, config.run, env)
            more = run.pop("Labels", None)
            if isinstance(more, Mapping):
                all_labels |= {key: str(value) for key, value in more.items()}
        change = Change(
            created_by=_created_by(missing, image, self._mappings),
            labels=all_labels,
            env=missing.env,
            run=run,
        )
        if stage.name == FROM and image.base == SCRATCH and not image.base_is_image:
            return labelled_config(config, change, commit)
        return changed_config(
            config, change, commit=commit, diff_ids=layers.diff_ids, is_empty=is_empty
        )

    def _seconds_of(self, missing: Missing) -> float:
        return self._seconds.get(missing.step.number, 0.0) if missing.step else 0.0

    # failures

    def _failed(self, error: BuildError) -> Missing | None:
        """The stage that an error is about."""
        if error.place is None or error.place.path != DOCKERFILE:
            return None
        number = self._recipe.step_at(error.place.line)
        return next(
            (each for each in self._missing if each.step and each.step.number == number), None
        )

    def _publish_before(self, failed: Missing) -> None:
        """Publish the stages before a failed one; they are in BuildKit's cache."""
        before = list(self._missing[: self._missing.index(failed)])
        if before:
            with suppress(SupersededError):
                self._publish(before, self._solve(before))

    def _explained(self, error: BuildError, failed: Missing) -> BuildError:
        """The error with the place in werf.yaml."""
        stage = failed.stage.stage.name
        reason = error.what.rpartition(": ")[2]
        what = f"the stage {stage} of {title_of(self._plan)} failed: {reason}"
        place = self._image.place
        line = failed_line(error.output)
        if failed.work.commands and line is not None:
            index, text = command_at(failed.work.commands, line)
            place = place_of(self._image, stage, index, text)
            what += f": {text.strip()}"
        return BuildError(what, place=place, output=without_trace(error.output))


def _created_by(missing: Missing, image: StapelImage, mappings: Sequence[mapped.Mapping]) -> str:
    """The stage in the image's history: what it did, in plain words."""
    stage, work = missing.stage.stage, missing.work
    if stage.name == FROM:
        return f"from: {image.base}"
    if work.archive or (work.patch_from and not work.commands):
        titles = [
            mapping.title for mapping in mappings if work.archive or mapping.id in work.patch_from
        ]
        return f"{stage.name}: files of git: {'; '.join(titles)}"
    if work.commands:
        return "\n".join(work.commands)
    parts = [f"import {imports.title(each.entry)}" for each in work.imports]
    parts += [f"facts about {each.image}" for each in work.dependencies]
    return f"{stage.name}: {'; '.join(parts) or 'settings of werf.yaml'}"
