"""What a run is going to do, worked out before anything is written.

Per image and platform the chain of stages, found or missing; per image its content tag; per
destination which image goes there. Registries are read, nothing is written.
"""

from collections.abc import Mapping, Sequence

from exporter.build.conveyor import Conveyor, Plans
from exporter.build.digest import index_digest
from exporter.build.images import PlannedImage
from exporter.build.session import Session
from exporter.build.stages import StageId
from exporter.errors import BuildError, InputError
from exporter.naming.tag_template import check_cleanup, compile_tags
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference, Repository
from exporter.options import Options
from exporter.project.models.config import Config, Image, relations
from exporter.project.selection import select_images
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The images to work on: ``needed`` holds what must be there, ``exported`` what goes out.

    ``needed`` is closed under bases, imports and dependencies.
    """

    needed: Mapping[str, Image]
    asked: tuple[str, ...]
    exported: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The stages of every image on every platform."""

    session: Session
    conveyor: Conveyor
    selection: Selection
    platforms: Mapping[str, Sequence[Platform]]
    images: Plans

    def of(self, name: str) -> list[PlannedImage]:
        """The plans of an image, one per platform."""
        return [self.images[name, platform] for platform in self.platforms[name]]

    @property
    def missing(self) -> tuple[PlannedImage, ...]:
        """The images that must be built."""
        return tuple(plan for plan in self.images.values() if plan.missing)


def select(config: Config, options: Options) -> Selection:
    """The images that the options ask for, with everything that they need.

    Raises:
        InputError: A pattern is malformed or matches nothing, or nothing is selected.
    """
    images = {image.name: image for image in config.images}
    chosen = select_images(config.images, options.image, final_only=options.final_images_only)
    wanted = chosen.build if options.command == "build" else chosen.export
    if not wanted and not options.allow_empty:
        kind = "image" if options.command == "build" else "final image"
        raise InputError(
            f"nothing is selected: no {kind} matches",
            remedy="exporter config list shows the images; --allow-empty makes this a success.",
        )
    needed: dict[str, Image] = {}
    waiting = list(chosen.build)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = images[name]
            waiting += relations(images[name]).names
    return Selection(needed=needed, asked=chosen.build, exported=tuple(sorted(chosen.export)))


def platforms_of(
    selection: Selection, config: Config, options: Options, default: Platform
) -> dict[str, list[Platform]]:
    """The platforms of every needed image, sorted (specification 5.6).

    Raises:
        InputError: A platform is malformed.
    """
    given = [part for text in options.platform for part in text.split(",") if part.strip()]
    try:
        chosen = {
            name: [
                Platform.parse(text.strip())
                for text in given or image.platforms or config.meta.platforms
            ]
            or [default]
            for name, image in selection.needed.items()
        }
    except ValueError as error:
        raise InputError(str(error), remedy="As in linux/arm64.") from error
    return {name: sorted(set(found), key=str) for name, found in chosen.items()}


def make_plan(session: Session, selection: Selection, options: Options, default: Platform) -> Plan:
    """Look everything up.

    Raises:
        InputError: Several platforms are asked for, but there is no repository.
        ExporterError: What keeps an image from being planned; the first in the order of images.
    """
    platforms = platforms_of(selection, session.config, options, default)
    if session.is_local and any(len(each) > 1 for each in platforms.values()):
        raise InputError(
            "images of several platforms need a repository for their stages",
            remedy="Set --repo, or build for one --platform.",
        )
    conveyor = Conveyor(session, selection.needed, platforms, limit=options.tasks_limit)
    outcome = conveyor.plan()
    if outcome.errors:
        raise next(iter(outcome.errors.values()))
    return Plan(
        session=session,
        conveyor=conveyor,
        selection=selection,
        platforms=platforms,
        images=outcome.results,
    )


def content_id(images: Sequence[PlannedImage]) -> StageId:
    """The content tag of an image: its last stage, or the index of all platforms' last stages."""
    if len(images) == 1:
        return images[0].last.id
    digest = index_digest([(image.platform, str(image.last.id)) for image in images])
    return StageId(digest=digest, created_ms=0)


def destinations(
    options: Options, tags: Mapping[str, str], stages: Repository | None
) -> dict[str, tuple[Reference, ...]]:
    """Where each exported image goes; ``tags`` are the content tags by image.

    Raises:
        InputError: A destination would replace a stage or be deleted by cleanup.
    """
    templates = compile_tags(options.tag)
    found = {
        name: tuple(dict.fromkeys(each.reference(name, content_tag=tag) for each in templates))
        for name, tag in tags.items()
    }
    for references in found.values():
        for reference in references:
            reference.check_strict()
            if stages is not None:
                check_cleanup(reference, stages)
    return found


def check_nothing_missing(plan: Plan) -> None:
    """With ``--require-built-images`` a missing stage is an error that lists all of them.

    Raises:
        BuildError: Something is missing.
    """
    missing = [
        f"{image.name or '(nameless)'} ({image.platform}): {stage.stage.name} {stage.stage.digest}"
        for image in plan.missing
        for stage in image.missing
    ]
    if missing:
        what = "1 stage is" if len(missing) == 1 else f"{len(missing)} stages are"
        where = plan.session.storages.primary.repository
        raise BuildError(
            f"{what} not built in {where}, but --require-built-images is set: "
            + "; ".join(missing),
            remedy="Run without --require-built-images, or build them first.",
        )
