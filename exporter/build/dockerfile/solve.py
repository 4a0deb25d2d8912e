"""Building Dockerfile images: one solve each, then the config of ``imageSpec``."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from exporter.build.digest import VARIANT_LABEL
from exporter.build.dockerfile.context import open_context
from exporter.build.dockerfile.image import Prepared, made_of, same_variant
from exporter.build.dockerfile.tree import ContextTree
from exporter.build.durations import busy
from exporter.build.images import PlannedImage, PlannedStage
from exporter.build.session import Session, ssh_of
from exporter.build.solve import NO_IGNORE, Files, Solve
from exporter.build.stages import service_labels
from exporter.buildkit import MemoryTree
from exporter.project.models.dockerfile import DockerfileImage

Say = Callable[[str], None]


def build(session: Session, image: DockerfileImage, plan: PlannedImage, say: Say) -> PlannedImage:
    """Build and publish the missing stages of a plan.

    Raises:
        BuildError: A step failed.
        RegistryError: A registry refused.
    """
    first, *rest = plan.stages
    with session.claim(plan.missing[0].stage.digest, say):
        if first.image is None:
            first = _found(session, first) or _solve(session, image, plan, say)
        specs = [_apply_spec(session, image, stage, first) for stage in rest]
    return replace(plan, stages=(first, *specs))


def _found(session: Session, planned: PlannedStage) -> PlannedStage | None:
    """The stage when another image of this run has built it meanwhile."""
    variant = planned.stage.labels[VARIANT_LABEL]
    storage = session.storages.primary
    found = storage.find(planned.stage.digest, same_variant(variant))
    return None if found is None else replace(planned, id=found.id, image=found)


def _solve(session: Session, image: DockerfileImage, plan: PlannedImage, say: Say) -> PlannedStage:
    planned, prepared = plan.stages[0], plan.build
    if not isinstance(prepared, Prepared):
        raise TypeError
    storage = session.storages.primary
    context, dockerfile = prepared.context, prepared.request.dockerfile
    text = dockerfile.text.encode("utf-8", "surrogateescape")
    tree = ContextTree(
        context,
        text,
        folder=session.home / "contexts",
        names=(
            session.config.project,
            str(session.git.work_tree),
            context.directory,
            context.dockerfile,
            image.target,
        ),
    )
    own_name = Path(context.dockerfile).name
    solve = Solve(
        name=_title(plan),
        reference=storage.repository.tag(str(planned.id)),
        platform=plan.platform,
        open_context=lambda: _permitted(session, open_context(context, dockerfile)),
        dockerfile=context.dockerfile,
        files=Files(
            context=tree,
            dockerfile=MemoryTree(
                {own_name: text, f"{own_name}.dockerignore": NO_IGNORE}, before=session.permit
            ),
            key=tree.key,
        ),
        display_file=dockerfile.path,
        target=image.target,
        arguments={**image.args, **prepared.request.dependency_arguments},
        labels=planned.stage.labels,
        network=prepared.request.network,
        add_hosts=image.add_host,
        ssh=ssh_of(image.ssh, session),
        secrets=prepared.secrets,
    )
    try:
        solved = session.buildkit.solve(solve, say=say)
    finally:
        tree.remember()
    accept = same_variant(planned.stage.labels[VARIANT_LABEL])
    stage = session.publisher.publish_built(storage, planned.id, solved.reference, accept)
    session.storages.fill_caches(stage)
    return PlannedStage(stage=planned.stage, id=stage.id, image=stage, seconds=busy(solved.steps))


def _permitted(session: Session, context: Iterator[bytes]) -> Iterator[bytes]:
    """The context as soon as the checks are over."""
    session.permit()
    yield from context


def _apply_spec(
    session: Session,
    image: DockerfileImage,
    planned: PlannedStage,
    before: PlannedStage,
) -> PlannedStage:
    from exporter.build import image_spec  # noqa: PLC0415 - most images have none

    if planned.image is not None:
        return planned
    session.permit()
    spec = image.image_spec
    if spec is None or before.image is None:
        raise TypeError
    storage = session.storages.primary
    found = session.storages.find(planned.stage.digest, made_of(before.id))
    if found is not None:
        return PlannedStage(stage=planned.stage, id=found.id, image=found)
    labels = service_labels(
        project=session.config.project,
        commit=session.commit,
        content_digest=planned.stage.content_digest,
        parent=before.id,
    )
    config = image_spec.apply(
        spec,
        before.image.config,
        image=image.name,
        project=session.config.project,
        service_labels=labels,
    )
    identity = planned.id.not_before(before.id)  # that may come from another image or run
    published = session.publisher.publish_config(storage, before.image, config, identity)
    session.storages.fill_caches(published)
    return PlannedStage(stage=planned.stage, id=published.id, image=published)


def _title(plan: PlannedImage) -> str:
    name = plan.name or "(nameless)"
    return name if str(plan.platform) == "linux/amd64" else f"{name} ({plan.platform})"
