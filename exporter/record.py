"""What a run has found and done so far, told by its steps, for the report at its end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from exporter.build.conveyor import Built, Key
from exporter.errors import ExporterError, Interrupted, PartialExportError
from exporter.exported import ExportedImage, ExportedReference
from exporter.oci.reference import Reference
from exporter.options import Command
from exporter.plan import Plan, content_id
from exporter.project.loader import Project
from exporter.report import (
    ImageResult,
    Phase,
    ReferenceResult,
    Report,
    Result,
    StageResult,
    Status,
)
from exporter.sources import Source


class Record:
    """The images by name, the phases, and the error that ended the run."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.error: ExporterError | None = None
        self._now = now
        self._started = now()
        self._images: dict[str, ImageResult] = {}
        self._phases: list[Phase] = []

    def phase(self, name: str, started: float) -> None:
        """A step ended that began at this moment."""
        self._phases.append(Phase(name=name, started=started, seconds=self._now() - started))

    def planned(self, plan: Plan, name: str, *, may_build: bool) -> None:
        """An image was looked up; ``may_build`` says that what is missing may be built now."""
        stages = plan.session.storages.primary.repository
        images = plan.of(name)
        # What is missing has a name only in a plan: a build may find another one, or fail.
        is_named = not may_build or not any(image.missing for image in images)
        tag = str(content_id(images)) if is_named else ""
        self._images[name] = ImageResult(
            name=name,
            content_tag=tag,
            stage=f"{stages}:{tag}" if is_named else "",
            stages=tuple(
                StageResult(
                    name=stage.stage.name,
                    platform=str(image.platform),
                    reference=f"{stages}:{stage.id}",
                    built=stage.image is None,
                )
                for image in images
                for stage in image.stages
                if is_named or stage.image is not None
            ),
        )

    def goals(self, name: str, references: Sequence[Reference]) -> None:
        """Where an image shall go; until more is known it is not there."""
        skipped = tuple(_to_do(reference, "skipped") for reference in references)
        self._images[name] = replace(self._images[name], references=skipped)

    def would(self, name: str, changes: Sequence[tuple[Reference, Status, str]]) -> None:
        """What a plan does with the destinations of an image, each with the digest it shows."""
        references = tuple(_to_do(*change) for change in changes)
        self._images[name] = replace(self._images[name], references=references)

    def built(self, name: str, plan: Plan, built: Mapping[Key, Built], source: Source) -> None:
        """An image is in the repository of stages on all its platforms."""
        parts = [built[name, platform] for platform in plan.platforms[name]]
        self._images[name] = replace(
            self._images[name],
            content_tag=source.content_tag,
            stage=str(source.reference),
            started=min(part.started for part in parts),
            seconds=sum(part.seconds for part in parts),
            stages=tuple(
                StageResult(
                    name=stage.stage.name,
                    platform=str(part.plan.platform),
                    reference=f"{source.reference.repository}:{stage.id}",
                    built=number >= len(part.plan.stages) - part.missing,
                    seconds=stage.seconds,
                )
                for part in parts
                for number, stage in enumerate(part.plan.stages)
            ),
        )

    def exported(self, results: Sequence[ExportedImage], *, only_looked: bool = False) -> None:
        """What became of destinations, or would."""
        for result in results:
            known = self._images.get(result.image, ImageResult(name=result.image))
            self._images[result.image] = replace(
                known,
                digest=result.digest or "",
                platforms={str(key): str(value) for key, value in result.platforms.items()},
                size=result.size,
                references=tuple(
                    _reference(ref, only_looked=only_looked) for ref in result.references
                ),
            )

    def report(
        self, command: Command, project: Project | None, problems: Sequence[tuple[str, str]]
    ) -> Report:
        """The report of a run that ends now."""
        return Report(
            result=self._result(command),
            command=command,
            project=project.config.project if project else "",
            commit=project.commit.object_id if project else "",
            images=tuple(self._images.values()),
            problems=tuple(problems),
            phases=tuple(self._phases),
            exit_code=self.error.exit_code if self.error else 0,
            started=self._started,
            seconds=self._now() - self._started,
        )

    def _result(self, command: Command) -> Result:
        match self.error:
            case None:
                return "planned" if command == "plan" else "success"
            case PartialExportError():
                return "partial"
            case Interrupted():
                return "interrupted"
            case _:
                return "failure"


def _reference(ref: ExportedReference, *, only_looked: bool) -> ReferenceResult:
    status: Status = ref.status
    if only_looked and status == "skipped":
        status = "planned"
    return ReferenceResult(
        reference=str(ref.reference),
        registry=ref.reference.repository.registry,
        repository=ref.reference.repository.name,
        tag=ref.reference.tag or "",
        status=status,
        digest=(ref.previous if ref.status == "kept" else ref.digest) or "",
        previous_digest=ref.previous or "",
        error=str(ref.error) if ref.error else "",
    )


def _to_do(reference: Reference, status: Status, previous: str = "") -> ReferenceResult:
    return ReferenceResult(
        reference=str(reference),
        registry=reference.repository.registry,
        repository=reference.repository.name,
        tag=reference.tag or "",
        status=status,
        digest=previous if status == "kept" else "",
        previous_digest=previous,
    )
