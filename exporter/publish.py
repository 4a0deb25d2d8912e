"""What is written to the repositories of stages besides the stages: indexes, copies, records."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from exporter.build.images import PlannedImage
from exporter.build.session import Session
from exporter.build.stages import LABEL_PROJECT
from exporter.build.storage import StageStorage
from exporter.errors import BuildError, GitError, InputError
from exporter.naming.service_tags import (
    custom_tag_metadata_tag,
    is_service_tag,
    is_stage_tag,
    managed_image_tag,
    metadata_tag,
)
from exporter.naming.tag_template import TagTemplate
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index
from exporter.oci.reference import Repository
from exporter.plan import content_id
from exporter.registry.client import RegistryClient
from exporter.sources import Source

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_ANY_STAGE = f"{'0' * 56}-{'0' * 13}"
"""As a stage's tag; what becomes of it in a custom tag is known before anything is built."""
_RECORDS_AT_ONCE = 8


def publish(session: Session, name: str, images: Sequence[PlannedImage]) -> Source:
    """The image as it can be exported: its last stage, or the index over several platforms.

    The index is written when it is not there yet.
    """
    source = published_source(session, name, images)
    if source is None:
        from exporter.build.index import index_of  # noqa: PLC0415 - for several platforms only

        storage, stage = session.storages.primary, content_id(images)
        parts = [image.last.image for image in images]
        session.publisher.publish_index(storage, index_of([part for part in parts if part]), stage)
        source = published_source(session, name, images)
    if source is None:
        raise TypeError
    return source


def published_source(session: Session, name: str, images: Sequence[PlannedImage]) -> Source | None:
    """The image when all of it is in the repository already, else None."""
    storage, stage = session.storages.primary, content_id(images)
    parts = [image.last.image for image in images if image.last.image is not None]
    if len(parts) < len(images):
        return None
    if session.is_local:  # what it really consists of is known when it leaves the engine
        return Source(
            image=name, content_tag=str(stage), reference=storage.repository.tag(str(stage))
        )
    configs = {part.config.digest: part.config for part in parts}
    if len(parts) == 1:
        graph = Graph(root=parts[0].manifest, configs=configs)
    else:
        index = storage.load_index(stage)
        if index is None:
            return None
        manifests = {part.manifest.digest: part.manifest for part in parts}
        graph = Graph(root=index, manifests=manifests, configs=configs)
    return Source(
        image=name,
        content_tag=str(stage),
        reference=storage.repository.tag(str(stage)),
        graph=graph,
    )


def publish_final(
    session: Session,
    source: Source,
    images: Sequence[PlannedImage],
    final: StageStorage,
    *,
    only_look: bool,
) -> Source:
    """The copy of a final image in ``--final-repo``, under the same tag; made when it is missing.

    Raises:
        BuildError: It is missing and ``only_look`` is set (``--require-built-images``).
    """
    copied = final.repository.tag(source.content_tag)
    if source.content_tag not in final.tags:
        if only_look:
            raise BuildError(
                f"{copied} is missing, but --require-built-images is set",
                remedy="Run without --require-built-images, or with --final-repo when building.",
            )
        root = source.graph.root if source.graph else None
        for image in images:
            if image.last.image is not None:
                session.publisher.copy(image.last.image, final, is_child=isinstance(root, Index))
        if isinstance(root, Index):
            session.publisher.publish_index(final, root, content_id(images))
    return replace(source, reference=copied)


def recorded_commits(session: Session, *, virtual_merge: bool) -> tuple[str, ...]:
    """The commits that use what is built: HEAD, and what a CI's own merge commit merges.

    Raises:
        GitError: HEAD is no merge commit, but ``--virtual-merge`` is set.
    """
    head = session.git.head
    if not virtual_merge:
        return (head.object_id,)
    if len(head.parents) != len(("into", "from")):
        raise GitError(
            f"--virtual-merge is set, but HEAD {head.object_id} is not the merge of two commits",
            remedy="Set it only for merge commits that the CI makes of a pull request.",
        )
    return (head.object_id, head.parents[1])


def write_records(
    session: Session, published: Mapping[str, Source], *, commits: Sequence[str], was_built: bool
) -> None:
    """The records by which werf's cleanup knows what is used (specification 6.2).

    None of them where the project has no cleanup, and none of commits where that does not ask git.
    """
    cleanup = session.config.meta.cleanup
    if cleanup is not None and cleanup.disabled:
        return
    if cleanup is not None and cleanup.git_history_policy_disabled:
        commits = ()
    storage = session.storages.primary
    labels = {LABEL_PROJECT: session.config.project}
    managed = [managed_image_tag(name) for name in published] if was_built else []
    used = [
        metadata_tag(name, commit=commit, stage_id=source.content_tag)
        for name, source in published.items()
        for commit in commits
    ]
    missing = [tag for tag in (*managed, *used) if tag not in storage.tags]
    if not missing:
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - few runs have records to write

    with ThreadPoolExecutor(max_workers=_RECORDS_AT_ONCE) as pool:
        list(pool.map(lambda tag: session.publisher.write_record(storage, tag, labels), missing))


def check_custom_tags(templates: Sequence[TagTemplate], images: Sequence[str]) -> None:
    """Check every custom tag of every image before anything is built.

    Raises:
        InputError: A text is no tag, has the form of werf's own, or is the tag of two images.
    """
    owners: dict[str, str] = {}
    for image in images:
        for tag in _custom_tags(templates, image, _ANY_STAGE):
            if not _TAG.fullmatch(tag) or is_stage_tag(tag) or is_service_tag(tag):
                raise InputError(
                    f"--add-custom-tag: {tag!r} cannot be a custom tag",
                    remedy="Use letters, digits, '_', '.' and '-', in a form that is no stage's.",
                )
            if owners.setdefault(tag, image) != image:
                raise InputError(
                    f"--add-custom-tag: {tag!r} would be the tag of {owners[tag]!r} and {image!r}",
                    remedy="Use %image% or %image_slug% in it.",
                )


def write_custom_tags(
    session: Session, source: Source, templates: Sequence[TagTemplate], repository: Repository
) -> None:
    """Tag an image where it is given away, and record the tags for cleanup beside the stages."""
    for tag in _custom_tags(templates, source.image, source.content_tag):
        if source.graph is not None:
            session.publisher.tag(repository.tag(tag), source.graph.root)
        labels = {
            LABEL_PROJECT: session.config.project,
            "stage-id": source.content_tag,
            "tag": tag,
        }
        session.publisher.write_record(
            session.storages.primary, custom_tag_metadata_tag(tag), labels, renew=True
        )


def check_custom_tags_exist(
    registry: RegistryClient,
    source: Source,
    templates: Sequence[TagTemplate],
    repository: Repository,
) -> None:
    """See that an image has its custom tags already, as ``--require-built-images`` wants.

    Raises:
        BuildError: One is missing, or is another image's.
    """
    for tag in _custom_tags(templates, source.image, source.content_tag):
        reference = repository.tag(tag)
        shown = registry.head_manifest(reference)
        if shown is None or (source.graph and shown.digest != source.graph.root.digest):
            state = "is missing" if shown is None else f"is not the image {source.content_tag}"
            raise BuildError(
                f"{reference} {state}, but --require-built-images is set",
                remedy="Run without --require-built-images.",
            )


def _custom_tags(templates: Sequence[TagTemplate], image: str, content_tag: str) -> list[str]:
    return [template.render(image, content_tag=content_tag) for template in templates]
