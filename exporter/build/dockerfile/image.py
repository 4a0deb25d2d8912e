"""Dockerfile images: one stage ``dockerfile``, and ``imageSpec`` when something asks for it.

``staged: true`` is built like any other: BuildKit caches instruction by instruction anyway.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from posixpath import join
from typing import TYPE_CHECKING

from exporter.build.digest import (
    VARIANT_LABEL,
    content_digest,
    is_variant,
    stage_digest,
)
from exporter.build.dockerfile.added import list_added
from exporter.build.dockerfile.dockerignore import Dockerignore, parse_dockerignore
from exporter.build.dockerfile.inputs import DigestInputs, digest_inputs
from exporter.build.dockerfile.parse import Dockerfile, parse_dockerfile
from exporter.build.dockerfile.request import BuildContext, ImageRequest, RemoteSources
from exporter.build.images import Needed, PlannedImage, PlannedStage
from exporter.build.session import Session, dependency_labels, fact_of
from exporter.build.stages import LABEL_PARENT, Stage, StageId, StageImage, service_labels
from exporter.errors import ConfigError
from exporter.git.doublestar import clean
from exporter.oci.platform import Platform
from exporter.project.models.dockerfile import DockerfileImage
from exporter.value import dataclass

if TYPE_CHECKING:  # most images have none
    from exporter.build.secret import BuildSecret
    from exporter.project.models.secrets import Secret

STAGE = "dockerfile"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What building needs besides the plan."""

    request: ImageRequest
    context: BuildContext = field(repr=False)
    secrets: tuple["BuildSecret", ...]


class DockerfileKind:
    """Plans and builds the Dockerfile images of a run."""

    def __init__(self, session: Session, *, remote: RemoteSources) -> None:
        self._session = session
        self._remote = remote
        self._dockerfiles: dict[str, Dockerfile] = {}

    def plan(
        self, image: DockerfileImage, platform: Platform, needed: Mapping[str, Needed]
    ) -> PlannedImage:
        """Work out the digests and look the stages up.

        Raises:
            ConfigError: In the Dockerfile, its ignore file, or a file that it needs.
            GiterminismError: Something that it needs is not committed.
        """
        facts, is_certain = _dependency_arguments(image, needed)
        network = self._session.network or image.network
        secrets = tuple(self._secret(secret) for secret in image.secrets)
        context = self._context(image)
        request = ImageRequest(
            dockerfile=self._dockerfile(image),
            platform=platform,
            build_platform=self._session.build_platform,
            target=image.target,
            arguments=image.args,
            dependency_arguments=facts,
            add_hosts=image.add_host,
            network=network,
            cache_version=image.cache_version,
        )
        inputs = digest_inputs(request, context, remote=self._remote)
        for matcher in inputs.matchers:
            self._session.giterminism.check_build_context(matcher)
        stages = [self._stage(platform, inputs, needed)]
        if image.image_spec is not None and not self._session.skip_image_spec:
            stages.append(self._spec_stage(image, platform, stages[0]))
        return PlannedImage(
            name=image.name,
            platform=platform,
            stages=tuple(stages),
            is_certain=is_certain,
            build=Prepared(request=request, context=context, secrets=secrets),
        )

    def build(
        self, image: DockerfileImage, plan: PlannedImage, needed: Mapping[str, Needed], say: Say
    ) -> PlannedImage:
        """Build and publish what is missing of a certain plan.

        Raises:
            BuildError: A step failed.
            RegistryError: A registry refused.
        """
        from exporter.build.dockerfile.solve import build  # noqa: PLC0415 - most runs build nothing

        del needed  # its facts are build arguments already
        return build(self._session, image, plan, say)

    # planning

    def _stage(
        self, platform: Platform, inputs: DigestInputs, needed: Mapping[str, Needed]
    ) -> PlannedStage:
        digest = stage_digest(STAGE, inputs.dependencies, platform=platform)
        content = content_digest(STAGE, digest, platform=platform)
        labels = service_labels(
            project=self._session.config.project,
            commit=self._session.commit,
            content_digest=content,
        )
        labels |= {VARIANT_LABEL: inputs.variant, **dependency_labels(needed)}
        stage = Stage(
            name=STAGE, digest=digest, content_digest=content, platform=platform, labels=labels
        )
        found = self._session.storages.find(digest, same_variant(inputs.variant))
        return self._planned(stage, found)

    def _spec_stage(
        self, image: DockerfileImage, platform: Platform, before: PlannedStage
    ) -> PlannedStage:
        from exporter.build import image_spec  # noqa: PLC0415 - most images have none

        spec = image.image_spec
        if spec is None:
            raise TypeError
        digest = stage_digest(
            image_spec.STAGE,
            image_spec.dependencies(spec),
            platform=platform,
            previous=(before.stage.digest, before.stage.next_dependencies),
        )
        content = content_digest(image_spec.STAGE, digest, platform=platform)
        stage = Stage(
            name=image_spec.STAGE, digest=digest, content_digest=content, platform=platform
        )
        found = None
        if before.image is not None:
            found = self._session.storages.find(digest, made_of(before.id))
        return self._planned(stage, found)

    def _planned(self, stage: Stage, found: StageImage | None) -> PlannedStage:
        if found is not None:
            return PlannedStage(stage=stage, id=found.id, image=found)
        return PlannedStage(stage=stage, id=self._session.new_id(stage.digest), image=None)

    def _context(self, image: DockerfileImage) -> BuildContext:
        session = self._session
        directory = clean(join(session.project_directory, image.context))
        project = session.git.work_tree / session.project_directory
        added = list_added(project, image.context, image.context_add_files)
        return BuildContext(
            tree=session.git.tree(),
            directory=directory,
            dockerfile=clean(image.dockerfile),
            ignore=self._ignore(image),
            added=added,
            listed=image.context_add_files,
        )

    def _ignore(self, image: DockerfileImage) -> Dockerignore:
        dockerfile = clean(join(image.context, image.dockerfile))
        candidates = (f"{dockerfile}.dockerignore", clean(join(image.context, ".dockerignore")))
        found = self._session.giterminism.read_dockerignore(candidates)
        if found is None:
            return Dockerignore()
        text = found.content.decode("utf-8", "surrogateescape")
        ignore = parse_dockerignore(text, path=found.path)
        if ignore.ignores(clean(image.dockerfile)):
            ignore = ignore.with_exception(image.dockerfile)
        return ignore

    def _dockerfile(self, image: DockerfileImage) -> Dockerfile:
        path = clean(join(image.context, image.dockerfile))
        if path not in self._dockerfiles:
            try:
                content = self._session.giterminism.read_dockerfile(path)
            except ConfigError as error:
                if error.place is None:
                    error.place = image.place
                raise
            text = content.decode("utf-8", "surrogateescape")
            self._dockerfiles[path] = parse_dockerfile(text, path=path)
        return self._dockerfiles[path]

    def _secret(self, secret: "Secret") -> "BuildSecret":
        from exporter.build.secret import read_secret  # noqa: PLC0415 - most images have none

        session = self._session
        return read_secret(secret, env=session.env, host_path=session.giterminism.host_path)


def _dependency_arguments(
    image: DockerfileImage, needed: Mapping[str, Needed]
) -> tuple[dict[str, str], bool]:
    """The build arguments that other images give, and whether all of them are known already."""
    found: dict[str, str] = {}
    is_certain = True
    for dependency in image.dependencies:
        for entry in dependency.imports:
            value = fact_of(needed[dependency.image], entry.fact)
            is_certain = is_certain and value is not None
            found[entry.target] = value or ""
    return found, is_certain and all(other.plan.is_certain for other in needed.values())


def made_of(parent: StageId) -> Callable[[StageImage], bool]:
    """Accepts the stages that were made of this one; ``removeLabels`` may take a variant away."""
    return lambda image: image.config.labels.get(LABEL_PARENT) == str(parent)


def same_variant(variant: str) -> Callable[[StageImage], bool]:
    """Accepts the stages that were built from the inputs that a variant describes."""
    return lambda image: is_variant(image.config.labels, variant)
