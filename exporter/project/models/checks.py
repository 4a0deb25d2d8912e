"""Rules between the images of a config (spec section 2.8)."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from exporter.errors import ConfigError, Place
from exporter.project.models.relations import relations

if TYPE_CHECKING:
    from exporter.project.models.config import Image


def check_names(images: "Sequence[Image]") -> None:
    """Refuse two images of one name, and a nameless one beside other final images.

    Raises:
        ConfigError: Names the second image's place.
    """
    seen: dict[str, Image] = {}
    several = sum(image.final for image in images) > 1
    for image in images:
        if not image.name and several:
            raise ConfigError(
                "conflict between images names: a nameless image cannot be specified in the"
                " config with multiple images!",
                place=image.place,
                remedy="Give it a name",
            )
        if image.name in seen:
            raise ConfigError(
                "conflict between images names!",
                place=image.place,
                remedy=f'"{image.name}" is also the image at {seen[image.name].place}',
            )
        seen[image.name] = image


def check_related(images: "Sequence[Image]") -> None:
    """Refuse imports from and dependencies on images that are not there.

    Raises:
        ConfigError: Names the place where the image is used.
    """
    known = {image.name for image in images}
    for image in images:
        for name in relations(image).names:
            if name not in known:
                raise ConfigError(
                    f'image "{name}" not found!',
                    place=_place_of_use(image, name),
                    remedy=_nearest(name, known),
                )


def _place_of_use(image: "Image", name: str) -> Place:
    if image.kind == "stapel":
        for entry in image.imports:
            if entry.source == name:
                return entry.place
    for dependency in image.dependencies:
        if dependency.image == name:
            return dependency.place
    return image.place


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for errors only

    matches = get_close_matches(name, known, n=1)
    return f"Did you mean {matches[0]!r}?" if matches else ""


def check_loops(images: "Sequence[Image]") -> None:
    """Refuse images that need each other, also through their bases, which the original misses.

    Raises:
        ConfigError: Names the images on the way round.
    """
    needed = {image.name: relations(image).names for image in images}
    places = {image.name: image.place for image in images}
    finished: set[str] = set()
    for start, names in needed.items():
        if start in finished:
            continue
        chain = [start]
        pending = [(start, iter(names))]
        while pending:
            name, rest = pending[-1]
            following = next(rest, None)
            if following is None:
                finished.add(name)
                pending.pop()
                chain.pop()
            elif following in chain:
                loop = [*chain, following]
                raise ConfigError(
                    f"infinite loop detected: {' -> '.join(loop)}",
                    place=places[start],
                    remedy="None of these images can be built before the others",
                )
            elif following not in finished:
                pending.append((following, iter(needed[following])))
                chain.append(following)
