"""Destinations of an export: ``--tag`` templates, and the references they give (section 4).

A template is a Go template between percent signs: ``%image%``, ``%image_slug%``,
``%image_safe_slug%``, ``%image_content_based_tag%`` and what the language itself has.
It is executed once for all images, as in werf: the functions give places that are filled in for
each image, so ``%if eq image "app"%`` never holds.
"""

import re
from collections.abc import Sequence
from typing import Final

from exporter.errors import InputError
from exporter.gotemplate.quoting import quote
from exporter.naming.murmur import murmur
from exporter.naming.service_tags import is_service_tag, is_stage_tag
from exporter.naming.slug import TAG_LENGTH, docker_tag, slugify
from exporter.oci.reference import DOCKER_HUB, Reference, Repository
from exporter.value import dataclass

PLACES: Final = {
    "image": "%[1]s",
    "image_slug": "%[2]s",
    "image_safe_slug": "%[3]s",
    "image_content_based_tag": "%[4]s",
}
_CONTENT: Final = PLACES["image_content_based_tag"]
# As long as a stage's tag; no image has it.
_STUB: Final = "x" * 70
_HUB_PREFIXES: Final = (f"{DOCKER_HUB}/", "docker.io/")


_LOWER_CASE = (
    "Registries take names of repositories in lower case only, the owner's name of a GitHub"
    " repository included"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagTemplate:
    """One ``--tag``: its text, and what is left to be filled in for each image.

    ``repository`` and ``tag`` are Go format strings; the second begins with ``:`` or ``@``.
    """

    text: str
    repository: str
    tag: str

    def render(self, image: str, *, content_tag: str) -> str:
        """Give the reference's text for an image.

        Where the template puts a name into the repository, it is written in lower case, because no
        registry takes capitals there; the template's own text is left as it is.
        Where a name makes the tag longer than 128 characters, the tag is cut and ends in a hash.
        """
        lower = image.lower()
        repository = _fill(self.repository, lower, docker_tag(image).lower(), content_tag)
        tag = _fill(self.tag, image, docker_tag(image), content_tag)
        separator, word = tag[:1], tag[1:]
        generated = "%[" in self.tag and _CONTENT not in self.tag
        if separator == ":" and generated and len(word) > TAG_LENGTH:
            digest = murmur(word)
            word = f"{word[: TAG_LENGTH - len(digest) - 1]}-{digest}"
        return f"{repository}{separator}{word}"

    def reference(self, image: str, *, content_tag: str) -> Reference:
        """Give the reference for an image.

        Raises:
            InputError: The text is no reference, or names no registry.
        """
        text = self.render(image, content_tag=content_tag)
        _check_host(text)
        return Reference.parse(text)


def compile_tags(texts: Sequence[str]) -> tuple[TagTemplate, ...]:
    """Read the templates in their order.

    An empty one repeats the one before it, and a template can use what an earlier one defines.

    Raises:
        InputError: One problem for each template that does not parse or execute.
    """
    problems: list[str] = []
    simple = [_simple(text) for text in texts]
    if all(filled is not None for filled in simple):
        executed = [(text, filled or "") for text, filled in zip(texts, simple, strict=True)]
    else:
        from exporter.naming.tag_language import execute  # noqa: PLC0415 - few need the language

        executed, problems = execute(texts, PLACES)
    compiled = [
        TagTemplate(text=text, repository=repository, tag=tag)
        for text, filled in executed
        for repository, tag in [_split(filled)]
    ]
    if problems:
        raise InputError(*problems, remedy=f"Known names are {', '.join(PLACES)}")
    return tuple(compiled)


def check_tags(templates: Sequence[TagTemplate], images: Sequence[str]) -> None:
    """Check every template for every image before anything is built.

    Raises:
        InputError: A text is no reference or names no registry, or two images would get the same
            reference, be it by one template or by two.
    """
    problems = []
    remedies: dict[str, None] = {}
    taken: dict[Reference, tuple[int, TagTemplate]] = {}
    for template in templates:
        for number, image in enumerate(images):
            try:
                reference = template.reference(image, content_tag=_STUB)
            except InputError as error:
                problems.append(f"invalid tag template {quote(template.text)}: {error}")
                if template.repository != template.repository.lower():
                    remedies[_LOWER_CASE] = None
                break
            other, first = taken.setdefault(reference, (number, template))
            if other != number and reference.digest is None:
                problems.append(_collision(reference, images[other], first, image, template))
                remedies[_advice(template)] = None
                break
    if problems:
        raise InputError(*problems, remedy="; ".join(remedies))


def check_cleanup(reference: Reference, stages: Repository) -> None:
    """Refuse to export into the stages repository under a tag that has a meaning there.

    Raises:
        InputError: The tag would replace a stage, or ``werf cleanup`` would delete it.
    """
    tag = reference.tag
    if reference.repository != stages or tag is None:
        return
    if not is_stage_tag(tag) and not is_service_tag(tag):
        return
    what = "stages" if is_stage_tag(tag) else "its own records"
    raise InputError(
        f"{reference} is in the stages repository, where tags of this form are {what}: the export "
        "would replace them, or be deleted by the next cleanup",
        remedy="Export to another repository, or put a word before or behind the tag",
    )


def _collision(
    reference: Reference, image: str, template: TagTemplate, other: str, again: TagTemplate
) -> str:
    by = "" if again is template else f", the first one by {quote(template.text)}"
    return (
        f"invalid tag template {quote(again.text)}: images {quote(image)} and {quote(other)} would "
        f"both be exported as {reference}{by}"
    )


def _advice(template: TagTemplate) -> str:
    if PLACES["image_slug"] in template.repository + template.tag:
        return "Names that have the same slug are told apart by %image_safe_slug%"
    return (
        "The tag template must contain image name shortcut %image% or %image_slug% if multiple "
        "images are exported (e.g. REPO:TAG-%image% or REPO-%image%:TAG)"
    )


def _check_host(text: str) -> None:
    host, slash, _ = text.partition("/")
    if text.startswith(_HUB_PREFIXES) or (slash and ("." in host or ":" in host)):
        return
    # "localhost" alone is a name on Docker Hub to werf, as to Docker of old.
    Reference.parse(text)
    raise InputError(
        f"{text} names no registry",
        remedy=(
            f"The export goes to a registry, never to local images: write {DOCKER_HUB}/{text} for "
            f"Docker Hub, REGISTRY/{text} for another registry such as ghcr.io, or "
            f"localhost:5000/{text} for one on this machine"
        ),
    )


def _simple(text: str) -> str | None:
    """The text with its places when it holds nothing but the four names, else None.

    Such texts mean the same in the template language, which costs its time only where it is needed.
    """
    pieces = text.split("%")
    if not text or len(pieces) % 2 == 0 or any(name not in PLACES for name in pieces[1::2]):
        return None
    return "".join(PLACES[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def _fill(template: str, image: str, safe_slug: str, content_tag: str) -> str:
    if "%" not in template:
        return template
    values = (image, slugify(image), safe_slug, content_tag)
    pieces = re.split(r"%\[([1-4])\]s", template)
    if not any("%" in piece for piece in pieces[::2]):
        filled = (values[int(each) - 1] if at % 2 else each for at, each in enumerate(pieces))
        return "".join(filled)
    from exporter.gotemplate.printf import sprintf  # noqa: PLC0415 - few need the language

    return sprintf(template, *values)


def _split(text: str) -> tuple[str, str]:
    """Cut a reference before the colon of its tag, or before the ``@`` of its digest."""
    base = text.partition("@")[0]
    cut = base.rfind(":")
    if cut < 0 or "/" in base[cut:]:
        cut = len(base)
    return text[:cut], text[cut:]
