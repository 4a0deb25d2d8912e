"""Which images the positional arguments ask for (section 3).

``NAME`` and globs select, ``!NAME`` and ``!GLOB`` leave out; without any that selects, all images
are taken.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from exporter.errors import InputError
from exporter.gotemplate.quoting import quote
from exporter.naming.patterns import PatternError, matches
from exporter.value import dataclass

_MAX_PATTERN: Final = 100


class Selectable(Protocol):
    """What the selection looks at: an image's name (``""`` for the nameless one) and finality."""

    @property
    def name(self) -> str:
        """What patterns are matched with."""

    @property
    def final(self) -> bool:
        """Whether the image may be exported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Names of the images asked for, in the order of the configuration.

    ``build`` does not hold what they depend on; ``export`` holds final images only.
    """

    build: tuple[str, ...]
    export: tuple[str, ...]


def select_images(
    images: Sequence[Selectable], patterns: Iterable[str], *, final_only: bool
) -> Selection:
    """Apply the positional arguments.

    Args:
        images: All images of the configuration, in its order.
        patterns: The arguments, in any order.
        final_only: Whether to build final images only; an image that is not final is never
            exported, whatever is asked for.

    Raises:
        InputError: Patterns are malformed, or select nothing.
    """
    names = [image.name for image in images]
    included, excluded = _parse(patterns)
    taken = _included(names, included)
    left_out = {name for pattern in excluded for name in taken if _matches(pattern, name)}
    # A name that is spelled out wins over patterns that would leave it out.
    taken -= left_out - set(included)
    export = tuple(image.name for image in images if image.name in taken and image.final)
    build = export if final_only else tuple(name for name in names if name in taken)
    return Selection(build=build, export=export)


def _parse(patterns: Iterable[str]) -> tuple[list[str], list[str]]:
    included: list[str] = []
    excluded: list[str] = []
    problems = []
    for pattern in patterns:
        problem = _problem(pattern)
        if problem:
            problems.append(f"image {quote(pattern)}: {problem}")
        elif pattern.startswith("!"):
            excluded.append(pattern[1:])
        else:
            included.append(pattern)
    if problems:
        raise InputError(*problems, remedy="Patterns know *, ?, [a-z] and \\, and ! in front")
    return included, excluded


def _problem(pattern: str) -> str:
    if "**" in pattern:
        return "recursive glob (**) not supported"
    if len(pattern.encode("utf-8", "surrogateescape")) > _MAX_PATTERN:
        return f"pattern too long, {_MAX_PATTERN} bytes are allowed"
    if any(char in pattern for char in "&|$"):
        return "special characters not allowed: &, | and $"
    return ""


def _included(names: Sequence[str], patterns: Sequence[str]) -> set[str]:
    if not patterns:
        return set(names)
    taken: set[str] = set()
    unmatched = []
    for pattern in patterns:
        found = {name for name in names if _matches(pattern, name)}
        if not found:
            unmatched.append(pattern)
        taken |= found
    if unmatched:
        problems = [f"no image matches pattern {quote(pattern)}" for pattern in unmatched]
        raise InputError(*problems, remedy=_remedy(names, unmatched))
    return taken


def _remedy(names: Sequence[str], unmatched: Sequence[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for errors only

    near = {name for pattern in unmatched for name in get_close_matches(pattern, names)}
    if near:
        return f"Did you mean {' or '.join(map(quote, sorted(near)))}?"
    if not names:
        return "The configuration has no images"
    return f"The images are {', '.join(map(quote, sorted(names)))}; * does not match '/'"


def _matches(pattern: str, name: str) -> bool:
    try:
        return matches(pattern, name)
    except PatternError as error:
        raise InputError(f"invalid pattern {quote(pattern)}: {error}") from None
