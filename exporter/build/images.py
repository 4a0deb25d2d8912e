"""From images of werf.yaml to stages: what each needs, what is there, what must be built.

An image on a platform is a chain of stages. Planning walks the chain and looks each stage up;
building makes the missing ones. Both are done by the image's kind: Dockerfile or stapel.
"""

from dataclasses import field

from exporter.build.stages import Stage, StageId, StageImage
from exporter.oci.platform import Platform
from exporter.oci.reference import Repository
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """A stage, where it is or will be, and its image when it is already there.

    ``seconds`` is what building it took in this run, 0 when nothing had to run.
    """

    stage: Stage
    id: StageId
    image: StageImage | None
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedImage:
    """The chain of one image on one platform.

    ``is_certain`` is false when a digest hangs on something that is only known after another image
    was built; the plan is then made again at that time. ``needs_engine`` is false
    when what is missing can be made at the registry. ``build`` is what the image's kind needs
    to make the missing stages; nobody else looks into it.
    """

    name: str
    platform: Platform
    stages: tuple[PlannedStage, ...]
    is_certain: bool = True
    needs_engine: bool = True
    build: object = field(default=None, repr=False, compare=False)

    @property
    def last(self) -> PlannedStage:
        """The stage that is the image."""
        return self.stages[-1]

    @property
    def missing(self) -> tuple[PlannedStage, ...]:
        """The stages that must be built, in the order of the chain."""
        return tuple(stage for stage in self.stages if stage.image is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What an image sees of another one that it is made from, on the same platform.

    ``image`` is None until it is built; ``plan`` is always there.
    """

    plan: PlannedImage
    repository: Repository
    image: StageImage | None

    @property
    def name(self) -> str:
        """``repository:tag``, as in ``ImageName``."""
        return f"{self.repository}:{self.plan.last.id}"
