"""Stapel images: planned and built stage by stage."""

from collections.abc import Callable, Mapping

from exporter.build.images import Needed, PlannedImage
from exporter.build.session import Session
from exporter.errors import BuildError
from exporter.oci.platform import Platform
from exporter.project.models.stapel import StapelImage


class StapelKind:
    """Plans and builds the stapel images of a run."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def plan(
        self, image: StapelImage, platform: Platform, needed: Mapping[str, Needed]
    ) -> PlannedImage:
        """The chain of an image with everything that was found."""
        del platform, needed
        raise BuildError("stapel images cannot be built yet", place=image.place)

    def build(
        self,
        image: StapelImage,
        plan: PlannedImage,
        needed: Mapping[str, Needed],
        say: Callable[[str], None],
    ) -> PlannedImage:
        """Make and publish the missing stages of a certain plan."""
        del plan, needed, say
        raise BuildError("stapel images cannot be built yet", place=image.place)
