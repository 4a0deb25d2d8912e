"""What goes out of a run: which images, changed how, to which destinations, by which rules."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from exporter.errors import InputError
from exporter.export import REVISION, Export, ExportJob, ExportPolicy
from exporter.naming.labels import parse_labels
from exporter.oci.mutate import Mutation
from exporter.oci.reference import Repository
from exporter.options import Options
from exporter.plan import destinations
from exporter.project.loader import Project
from exporter.registry.client import RegistryClient
from exporter.sources import Source

WERF_LABELS = "werf"
"""Labels whose key starts so are removed from exported images (specification 6.3)."""


def export_of(
    client: RegistryClient,
    sources: Sequence[Source],
    stages: Repository | None,
    *,
    options: Options,
    project: Project | None,
) -> Export:
    """The export of these images, ready to look or to run.

    Raises:
        InputError: A label, an annotation or a destination is wrong.
    """
    goals = destinations(options, {each.image: each.content_tag for each in sources}, stages)
    mutation = mutation_of(options)
    if options.monotonic and project:
        # The images say which commit they show, so that the next run knows.
        marks = {REVISION: project.commit.object_id}
        mutation = replace(mutation, annotations={**marks, **mutation.annotations})
    jobs = [
        ExportJob(
            image=source.image,
            source=source.reference,
            destinations=goals[source.image],
            graph=source.graph,
            mutation=mutation,
            referrers=True,
        )
        for source in sources
    ]
    policy = ExportPolicy(
        if_exists=options.if_exists,  # type: ignore[arg-type]  # one of its choices
        on_error=options.on_error,  # type: ignore[arg-type]  # one of its choices
        may_move=_forward_only(project) if options.monotonic and project else None,
        parallel=options.tasks_limit,
    )
    return Export(client, jobs, policy)


def mutation_of(options: Options) -> Mutation:
    """What is changed on the way out.

    Raises:
        InputError: A label or an annotation is malformed.
    """
    return Mutation(
        remove_label_prefixes=(WERF_LABELS,),
        add_labels=parse_labels(options.add_label, separator=options.add_label_separator),
        annotations=_annotations(options.annotation),
        attestations=options.attestations,  # type: ignore[arg-type]  # one of its choices
        media_type=options.media_type,  # type: ignore[arg-type]  # one of its choices
        unwrap_single=options.unwrap_single,
    )


def _forward_only(project: Project) -> Callable[[str], bool]:
    """Whether a tag may move away from a commit: not when ours is one of its ancestors."""

    def may_move(shown: str) -> bool:
        repository, ours = project.repository, project.commit.object_id
        return ours == shown or not (
            repository.has_commit(shown) and repository.is_ancestor(ours, shown)
        )

    return may_move


def _annotations(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise InputError(f"--annotation {text!r} is not KEY=VALUE")
        found[key] = value
    return found
