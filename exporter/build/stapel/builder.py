"""Makes the missing stages of an image: one solve, then manifests at the registry.

Stages that change only the config need no engine; when no stage needs it, none is contacted.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory

from exporter.build import image_spec
from exporter.build.buildkit import Solve
from exporter.build.delivery import Deliveries
from exporter.build.images import Needed, PlannedImage, PlannedStage
from exporter.build.secret import read_secret
from exporter.build.session import Session, fact_of
from exporter.build.stages import LABEL_COMMIT, StageId, StageImage, service_labels
from exporter.build.stapel import git_files, import_files, imports, instructions, mounts
from exporter.build.stapel import mappings as mapped
from exporter.build.stapel.base import SCRATCH, client_of, read_base
from exporter.build.stapel.chain import (
    FROM,
    SHELL_STAGES,
    Imported,
    Work,
)
from exporter.build.stapel.config import (
    LOCALE,
    Change,
    changed_config,
    commit_env,
    empty_config,
    labelled_config,
    variables,
)
from exporter.build.stapel.image import Planned
from exporter.build.stapel.publication import (
    EMPTY_DIFF_ID,
    Layer,
    Layers,
    layers_of,
    manifest_of,
    no_layers,
    push_layer,
    without_roots,
)
from exporter.build.stapel.recipe import Recipe, Secret, Step
from exporter.build.stapel.small_patch import needs_engine
from exporter.build.stapel.tools import tools_for
from exporter.build.stapel.where import command_at, failed_line, place_of, without_trace
from exporter.build.storage import StageStorage
from exporter.errors import BuildError
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.digest import Digest
from exporter.oci.document import Json
from exporter.oci.manifest import Manifest
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference, Repository
from exporter.project.models.secrets import Secret as ConfiguredSecret
from exporter.project.models.stapel import StapelImage
from exporter.registry.client import RegistryClient

Say = Callable[[str], None]

_DOCKERFILE = "the stages' Dockerfile"
_RUN = re.compile(r"^\[stage(\d+) \d+/\d+\] RUN .*?\](?=$|: )")
_OTHER = re.compile(r"^\[(?:stage|source)\d* (?:\d+/\d+)?\] ?")
_SHELL_MODE = 0o7777
_NO_LOCALE = "cannot change locale (C.UTF-8)"  # a static bash has no locales: no news to anybody


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """What the first missing stage is made on.

    ``reference`` is what the engine starts from. ``repository`` holds the layers.
    ``parent`` is the stage before, if any.
    """

    reference: str
    repository: Repository | None
    layers: Layers
    config: ImageConfig
    parent: StageId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missing:
    """A stage to make; ``step`` is what the engine has to do for it, if anything.

    ``layer`` is its layer when that is known already.
    """

    stage: PlannedStage
    work: Work
    step: Step | None
    layer: bytes | None = field(default=None, repr=False)
    env: Mapping[str, str] = field(default_factory=dict)


class Builder:
    """Builds stapel images of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client: RegistryClient = client_of(session)
        self._storage: StageStorage = session.storages.primary

    def build(
        self, image: StapelImage, plan: PlannedImage, needed: Mapping[str, Needed], say: Say
    ) -> tuple[PlannedStage, ...]:
        """All stages of the image, the missing ones made and published.

        Raises:
            BuildError: A stage failed; those before it are published.
        """
        planned = plan.build
        if not isinstance(planned, Planned):
            raise TypeError
        found = [stage for stage in plan.stages if stage.image is not None]
        first = len(found)
        start = self._start(image, plan, needed)
        with _recipe(plan.platform, self._session.config.project) as recipe:
            recipe.begin(start.reference)
            missing = [
                self._missing(number, image, plan, needed, recipe)
                for number in range(first, len(plan.stages))
            ]
            job = _Job(self, image, plan, start, missing, recipe, say)
            return (*found, *job.run())

    def checksums(
        self, image: StapelImage, platform: Platform, unknown: Sequence[Imported], say: Say
    ) -> list[str]:
        """The checksums of what imports select in images that exist.

        Raises:
            BuildError: An image cannot be read.
        """
        project = self._session.config.project
        with (
            _recipe(platform, project) as recipe,
            TemporaryDirectory(prefix="exporter-checksums-") as directory,
        ):
            sources = list(dict.fromkeys(each.source.reference for each in unknown))
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
            self._session.buildkit  # noqa: B018 - opened before it is copied
            buildkit = replace(
                self._session.buildkit,
                deliveries=Deliveries([_ToFolder(directory)], lambda _: None),
            )
            buildkit.solve(
                Solve(
                    name=f"{image.name or '(nameless)'}: checksums of imports",
                    reference=self._storage.repository.tag("checksums"),
                    platform=platform,
                    open_context=recipe.open,
                ),
                say=_plain(say, {0: "sum up what is imported"}),
            )
            return Path(directory, "checksums").read_text("ascii").split()

    # what there is to do

    def _start(
        self, image: StapelImage, plan: PlannedImage, needed: Mapping[str, Needed]
    ) -> _Start:
        found = [stage.image for stage in plan.stages if stage.image is not None]
        before = found[-1] if found else None
        if before is None and image.base_is_image:
            before = needed[image.base].image
            if before is None:
                raise TypeError
        if before is not None:
            is_empty = not before.manifest.layers
            return _Start(
                reference=SCRATCH if is_empty else _pinned(before),
                repository=before.repository,
                layers=layers_of(before.manifest, before.config),
                config=before.config,
                parent=before.id,
            )
        if image.base == SCRATCH:
            return _Start(
                reference=SCRATCH,
                repository=None,
                layers=no_layers(),
                config=empty_config(plan.platform),
                parent=None,
            )
        base = read_base(self._session, image, plan.platform)
        return _Start(
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
    ) -> _Missing:
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
            return _Missing(
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
        return _Missing(stage=replace(stage, id=identity), work=work, step=step, env=env)

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


class _Job:
    """The missing stages of one image."""

    def __init__(
        self,
        builder: Builder,
        image: StapelImage,
        plan: PlannedImage,
        start: _Start,
        missing: Sequence[_Missing],
        recipe: Recipe,
        say: Say,
    ) -> None:
        self._builder = builder
        self._session = builder._session  # noqa: SLF001 - of the same module
        self._client = builder._client  # noqa: SLF001
        self._storage = builder._storage  # noqa: SLF001
        self._image = image
        self._plan = plan
        self._start = start
        self._missing = missing
        self._mappings = plan.build.mappings if isinstance(plan.build, Planned) else ()
        self._recipe = recipe
        names = {each.step.number: _name(each) for each in missing if each.step}
        self._say = _plain(say, names)

    def run(self) -> list[PlannedStage]:
        """Solve and publish.

        Raises:
            BuildError: A stage failed; those before it are published.
        """
        try:
            layers = self._solve(self._missing)
        except BuildError as error:
            failed = self._failed(error)
            if failed is None:
                raise
            self._publish_before(failed)
            raise self._explained(error, failed) from error
        return self._publish(self._missing, layers)

    def _solve(self, missing: Sequence[_Missing]) -> Layers | None:
        """Build up to the last stage that changes files; None when none does."""
        last = next((each for each in reversed(missing) if each.step is not None), None)
        if last is None or last.step is None:
            return None
        self._recipe.finish()
        session, image = self._session, self._image
        reference = self._storage.repository.tag(str(last.stage.id))
        secrets = {secret.build.id: secret.build for each in missing if each.step
                   for secret in each.step.secrets}  # fmt: skip
        session.buildkit.solve(
            Solve(
                name=_title(self._plan),
                reference=reference,
                platform=self._plan.platform,
                open_context=self._recipe.open,
                display_file=_DOCKERFILE,
                target=self._recipe.target(last.step.number),
                labels=self._labels(last, self._start.config, self._start.parent),
                network=session.network or image.network,
                ssh=("default",) if session.env.get("SSH_AUTH_SOCK") else (),
                secrets=tuple(secrets.values()),
                contexts=self._recipe.contexts,
            ),
            say=self._say,
        )
        pushed = self._client.get_manifest(reference)
        if not isinstance(pushed, Manifest):
            raise BuildError(f"{reference} is an index where one image was expected")
        config = parse_config(self._client.read_blob(reference.repository, pushed.config))
        return layers_of(pushed, config)

    def _publish(self, missing: Sequence[_Missing], built: Layers | None) -> list[PlannedStage]:
        """Write the stages to the repository, in order."""
        start = self._start
        config, parent = start.config, start.parent
        count = len(start.layers.all)
        known = start.layers if built is None else replace(built, all=built.of(count))
        added = list(built.all[count:]) if built is not None else []
        steps = sum(each.step is not None for each in missing)
        if built is not None and len(added) != steps:
            raise BuildError(
                f"BuildKit made {len(added)} layers for {steps} stages of {_title(self._plan)}"
            )
        if built is None:
            self._bring_layers()
        stages: list[PlannedStage] = []
        is_first = True
        for each in missing:
            layer = None
            if each.step is not None:
                layer = self._cleaned(added.pop(0), is_first=is_first)
                is_first = False
            elif each.layer is not None:
                layer = push_layer(
                    self._client,
                    self._storage.repository,
                    each.layer,
                    is_docker="docker" in known.manifest_type,
                )
            if layer is not None:
                known = replace(known, all=(*known.all, layer))
            labels = self._labels(each, config, parent)
            config = self._config(each, config, labels, known, is_empty=layer is None)
            published = self._session.publisher.publish_image(  # type: ignore[union-attr]  # no local mode
                self._storage, manifest_of(known, config), config, each.stage.id
            )
            self._session.storages.fill_caches(published)
            stages.append(replace(each.stage, image=published))
            parent = each.stage.id
        return stages

    def _cleaned(self, layer: Layer, *, is_first: bool) -> Layer | None:
        """The layer without what running leaves behind; None when it holds nothing."""
        if layer.diff_id == EMPTY_DIFF_ID:
            return None
        if is_first:
            return without_roots(self._client, self._storage.repository, layer)
        return layer

    def _bring_layers(self) -> None:
        """Have the layers of the base image in the repository of stages."""
        source = self._start.repository
        if source is None or source == self._storage.repository:
            return
        wanted = manifest_of(self._start.layers, self._start.config)
        for blob in wanted.layers:
            self._client.push_blob(
                self._storage.repository,
                self._client.blob_source(source, blob),
                mount_from=source if source.registry == self._storage.repository.registry else None,
            )

    def _labels(
        self, missing: _Missing, config: ImageConfig, parent: StageId | None
    ) -> dict[str, str]:
        stage = missing.stage.stage
        service = service_labels(
            project=self._session.config.project,
            commit=self._session.commit,
            content_digest=stage.content_digest,
            parent=parent,
        )
        if stage.name == image_spec.STAGE and LABEL_COMMIT in config.labels:
            del service[LABEL_COMMIT]  # as in werf: the commit of the stage before
        return {**config.labels, **stage.labels, **service}

    def _config(
        self,
        missing: _Missing,
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

    # failures

    def _failed(self, error: BuildError) -> _Missing | None:
        """The stage that an error is about."""
        if error.place is None or error.place.path != _DOCKERFILE:
            return None
        number = self._recipe.step_at(error.place.line)
        return next(
            (each for each in self._missing if each.step and each.step.number == number), None
        )

    def _publish_before(self, failed: _Missing) -> None:
        """Publish the stages before a failed one; they are in BuildKit's cache."""
        before = list(self._missing[: self._missing.index(failed)])
        if before:
            self._publish(before, self._solve(before))

    def _explained(self, error: BuildError, failed: _Missing) -> BuildError:
        """The error with the place in werf.yaml."""
        stage = failed.stage.stage.name
        reason = error.what.rpartition(": ")[2]
        what = f"the stage {stage} of {_title(self._plan)} failed: {reason}"
        place = self._image.place
        line = failed_line(error.output)
        if failed.work.commands and line is not None:
            index, text = command_at(failed.work.commands, line)
            place = place_of(self._image, stage, index, text)
            what += f": {text.strip()}"
        return BuildError(what, place=place, output=without_trace(error.output))


@dataclass(frozen=True, slots=True)
class _ToFolder:
    """Writes the files of an image to a folder; a delivery."""

    folder: str

    def output(self, reference: Reference) -> str:
        """Files on our side."""
        del reference
        return f"type=local,dest={self.folder}"

    def receive(self, stream: object, reference: Reference) -> None:
        """Nothing comes."""
        del reference
        stream.read()  # type: ignore[attr-defined]  # a stream

    def finish(self, reference: Reference) -> Digest:
        """No manifest."""
        del reference
        return Digest.of(b"")


@contextmanager
def _recipe(platform: Platform, project: str) -> Iterator[Recipe]:
    with TemporaryDirectory(prefix="exporter-stages-") as directory:
        yield Recipe(Path(directory), tools_for(platform), project=project, unique=uuid.uuid4().hex)


def _pinned(stage: StageImage) -> str:
    """The stage by its digest.

    By its tag the engine may take its own image, which it pushed before we wrote the stage.
    """
    return str(stage.repository.at(stage.manifest.digest))


def _created_by(missing: _Missing, image: StapelImage, mappings: Sequence[mapped.Mapping]) -> str:
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


def _name(missing: _Missing) -> str:
    stage, work = missing.stage.stage, missing.work
    if work.imports:
        return f"{stage.name}: {'; '.join(imports.title(each.entry) for each in work.imports)}"
    return stage.name


def _plain(say: Say, names: Mapping[int, str]) -> Say:
    """Says stages' names instead of the instructions that make them."""

    def plain(line: str) -> None:
        found = _RUN.match(line)
        if found:
            number = int(found[1])
            say(f"stage {names.get(number, number)}{line[found.end() :]}")
        elif not line.endswith(_NO_LOCALE):
            say(_OTHER.sub("", line))

    return plain


def _title(plan: PlannedImage) -> str:
    name = plan.name or "(nameless)"
    return name if str(plan.platform) == "linux/amd64" else f"{name} ({plan.platform})"
