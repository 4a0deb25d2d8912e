"""All images of a run, in the order of their needs: planned first, then built where missing."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from exporter.build.graph import Outcome, run_graph
from exporter.build.images import Needed, PlannedImage
from exporter.build.session import Session
from exporter.oci.platform import Platform
from exporter.project.models.config import Image, relations
from exporter.project.models.dockerfile import DockerfileImage
from exporter.value import dataclass

if TYPE_CHECKING:
    from exporter.build.dockerfile.image import DockerfileKind
    from exporter.build.stapel.image import StapelKind

Key = tuple[str, Platform]
"""An image's name and one of its platforms."""

Plans = Mapping[Key, PlannedImage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One image on one platform, all stages in place; ``seconds`` is what building took."""

    plan: PlannedImage
    missing: int
    started: float
    seconds: float


Say = Callable[[str], None]
Watch = Callable[[PlannedImage, Callable[[Say], PlannedImage]], PlannedImage]
"""Runs a build and shows its lines; gets the plan, and the build to call."""


class Conveyor:
    """Plans and builds images of a session."""

    def __init__(
        self,
        session: Session,
        images: Mapping[str, Image],
        platforms: Mapping[str, Sequence[Platform]],
        *,
        limit: int,
    ) -> None:
        """Take the images and everything that they need, and their platforms."""
        self._session = session
        self._images = images
        self._needs: dict[Key, Collection[Key]] = {
            (name, platform): [(other, platform) for other in relations(image).names]
            for name, image in images.items()
            for platform in platforms[name]
        }
        self._limit = limit
        self._kinds = Kinds(session)

    def plan(self) -> Outcome[Key, PlannedImage]:
        """The plan of every image; what cannot be planned is among the errors."""

        def work(key: Key, done: Plans) -> PlannedImage:
            needed = {name: _needed(done[name, key[1]], self._session) for name in self._names(key)}
            return self._kinds.plan(self._images[key[0]], key[1], needed)

        return run_graph(self._needs, work, limit=self._limit)

    def build(self, plans: Plans, watch: Watch) -> Outcome[Key, Built]:
        """Build what the plans miss; what is there already costs nothing.

        A plan is made again when it hung on something that is known only now.
        """

        def work(key: Key, done: Mapping[Key, Built]) -> Built:
            started = time.time()
            image, plan = self._images[key[0]], plans[key]
            others = {name: done[name, key[1]].plan for name in self._names(key)}
            needed = {name: _needed(other, self._session) for name, other in others.items()}
            is_stale = any(
                other.last.id != plans[name, key[1]].last.id for name, other in others.items()
            )
            if is_stale or not plan.is_certain:
                plan = self._kinds.plan(image, key[1], needed)
            if not plan.is_certain:
                open_plan = plan
                plan = watch(
                    open_plan, lambda say: self._kinds.settle(image, open_plan, needed, say)
                )
            missing = len(plan.missing)
            if missing:
                ready = plan
                plan = watch(ready, lambda say: self._kinds.build(image, ready, needed, say))
            return Built(plan=plan, missing=missing, started=started, seconds=time.time() - started)

        return run_graph(self._needs, work, limit=self._limit)

    def _names(self, key: Key) -> list[str]:
        return [name for name, _ in self._needs[key]]


class Kinds:
    """Sends each image to what plans and builds its kind; each kind is loaded when it is needed."""

    def __init__(self, session: Session) -> None:
        """Take the session; nothing is loaded yet."""
        self._session = session

    def plan(self, image: Image, platform: Platform, needed: Mapping[str, Needed]) -> PlannedImage:
        """The chain of an image with everything that was found."""
        if isinstance(image, DockerfileImage):
            return self._dockerfile.plan(image, platform, needed)
        return self._stapel.plan(image, platform, needed)

    def settle(
        self, image: Image, plan: PlannedImage, needed: Mapping[str, Needed], say: Say
    ) -> PlannedImage:
        """A certain plan, now that everything that the image needs is built."""
        if isinstance(image, DockerfileImage):
            return plan
        return self._stapel.settle(image, plan, needed, say)

    def build(
        self, image: Image, plan: PlannedImage, needed: Mapping[str, Needed], say: Say
    ) -> PlannedImage:
        """Make and publish the missing stages of a certain plan."""
        if isinstance(image, DockerfileImage):
            return self._dockerfile.build(image, plan, needed, say)
        return self._stapel.build(image, plan, needed, say)

    @cached_property
    def _dockerfile(self) -> "DockerfileKind":
        from exporter.build.dockerfile.image import DockerfileKind  # noqa: PLC0415 - see above
        from exporter.build.dockerfile.remote import RemoteContent  # noqa: PLC0415 - see above

        return DockerfileKind(
            self._session,
            remote=RemoteContent.of(self._session.env, directory=self._session.git.work_tree),
        )

    @cached_property
    def _stapel(self) -> "StapelKind":
        from exporter.build.stapel.image import StapelKind  # noqa: PLC0415 - see above

        return StapelKind(self._session)


def _needed(plan: PlannedImage, session: Session) -> Needed:
    return Needed(plan=plan, repository=session.storages.primary.repository, image=plan.last.image)
