"""What is written to the repositories of stages besides the stages: indexes, copies, records."""

from collections.abc import Mapping, Sequence

from exporter.build.images import PlannedImage
from exporter.build.index import index_of
from exporter.build.session import Session
from exporter.build.stages import LABEL_PROJECT
from exporter.naming.service_tags import managed_image_tag, metadata_tag
from exporter.oci.graph import Graph
from exporter.plan import content_id
from exporter.sources import Source


def publish(session: Session, name: str, images: Sequence[PlannedImage]) -> Source:
    """The image as it can be exported: its last stage, or the index over several platforms.

    The index is written when it is not there yet.
    """
    source = published_source(session, name, images)
    if source is None:
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


def write_records(session: Session, published: Mapping[str, Source], *, was_built: bool) -> None:
    """The records by which werf's cleanup knows what is used (specification 6.2)."""
    storage = session.storages.primary
    labels = {LABEL_PROJECT: session.config.project}
    for name, source in published.items():
        if was_built:
            session.publisher.write_record(storage, managed_image_tag(name), labels)
        tag = metadata_tag(name, commit=session.commit, stage_id=source.content_tag)
        session.publisher.write_record(storage, tag, labels)
