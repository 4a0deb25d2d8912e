"""Images made ahead: in one solve with the image that they import from.

What a stage is called hangs on the checksum of what it imports, what it is made of does not.
So an image whose stages have to be built in any case is built together with its source, and gets
its digests afterwards (docs/adr/019-images-built-ahead.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.build.images import Needed, PlannedImage, PlannedStage
from exporter.build.stapel.image import Planned
from exporter.build.stapel.job import Job, Missing, Start
from exporter.build.stapel.layout import Layout, Waiting
from exporter.build.stapel.publication import Layers
from exporter.errors import BuildError
from exporter.project.models.stapel import StapelImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An image as it is planned so far, with the images that it needs."""

    image: StapelImage
    plan: PlannedImage
    needed: Mapping[str, Needed]


class Folder:
    """A temporary folder that several images use; gone when all have done so."""

    def __init__(self, *, users: int) -> None:
        self._directory = TemporaryDirectory(prefix="exporter-layers-")
        self.layout = Layout(Path(self._directory.name))
        self._users = users

    def leave(self) -> None:
        """One image less that uses it."""
        self._users -= 1
        if not self._users:
            self.remove()

    def remove(self) -> None:
        """Nobody uses it."""
        self._directory.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What was made of an image: its layers, or the error that ended it at a stage.

    ``start`` is what it was made on, ``steps`` are the stages that changed files.
    """

    start: Start
    steps: Sequence[tuple[int, str]]
    folder: Folder | None = None
    layers: Layers | None = None
    seconds: Mapping[int, float] = field(default_factory=dict)
    error: BuildError | None = None
    failed: int = 0

    def fits(self, missing: Sequence[Missing]) -> bool:
        """Whether that is what has to be made, now that the image's digests are known."""
        return steps_of(missing) == list(self.steps)

    def finish(self, job: Job) -> list[PlannedStage]:
        """Publish it.

        Raises:
            BuildError: The one that ended it; the stages before are published.
        """
        if self.error is not None:
            job.fail(self.error, self.failed)
        if self.layers is None or self.folder is None:
            raise TypeError
        try:
            return job.publish(self.layers, Waiting(self.folder.layout), self.seconds)
        finally:
            self.leave()

    def leave(self) -> None:
        """It is not needed any more."""
        if self.folder is not None:
            self.folder.leave()


def steps_of(missing: Sequence[Missing]) -> list[tuple[int, str]]:
    """The numbers and names of the stages that change files."""
    return [(each.step.number, each.stage.stage.name) for each in missing if each.step is not None]


def can_be_made(candidate: Open, source: str) -> bool:
    """Whether an image can be made together with the one that it imports from.

    Only when its stages must be built whatever the checksums are, and everything else that it
    needs is there.
    """
    image, plan, needed = candidate.image, candidate.plan, candidate.needed
    planned = plan.build
    if not isinstance(planned, Planned) or plan.is_certain or planned.patch is not None:
        return False
    if image.base_is_image and needed[image.base].image is None:
        return False
    for work in planned.chain.work:
        if any(needed[each.image].image is None for each in work.dependencies):
            return False
        for each in work.imports:
            is_there = bool(each.source.reference)
            if not is_there and (each.entry.source != source or each.entry.stage):
                return False
    for stage, work in zip(plan.stages, planned.chain.work, strict=True):
        if any(each.checksum is None for each in work.imports):
            return False
        if stage.image is None:
            return True
    return False
