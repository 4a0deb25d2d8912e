"""A whole config: its documents as models, and the rules between documents."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, cast

from exporter.errors import ConfigError, Place
from exporter.project.documents import Document, split_documents
from exporter.project.excerpt import excerpt_at
from exporter.project.models.checks import check_loops, check_names, check_related
from exporter.project.models.meta import META, Meta, meta_of
from exporter.project.models.names import image_names
from exporter.project.models.relations import Relations, relations
from exporter.project.models.shape import Shape, Values, read
from exporter.project.yaml_decode import Decoder
from exporter.project.yaml_nodes import Node, YamlError, compose
from exporter.value import dataclass

if TYPE_CHECKING:
    from exporter.project.models.dockerfile import DockerfileImage, DockerfileRules
    from exporter.project.models.stapel import StapelImage, StapelRules

    class Rules(DockerfileRules, StapelRules, Protocol):
        """What giterminism says about the config's directives."""


__all__ = ["Config", "Image", "ReadOptions", "Relations", "read_config", "relations"]

# A config seldom has images of both kinds, and start-up time counts: their modules come late.
Image: TypeAlias = "DockerfileImage | StapelImage"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What a config is read with, besides its text.

    Attributes:
        path: What errors call the file.
        project_name: Replaces the written project name when not empty (``WERF_PROJECT_NAME``).
        default_project: Gives the name suggested when the project's document is missing.
        host_platform: Platform of images that name none, e.g. ``linux/amd64``.
        force_staged: Every Dockerfile image is staged (``WERF_FORCE_STAGED_DOCKERFILE``).
    """

    path: str
    project_name: str = ""
    default_project: Callable[[], str]
    host_platform: str = "linux/amd64"
    force_staged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A valid config; ``images`` are in the order of their documents."""

    project: str
    meta: Meta
    images: tuple[Image, ...]

    def image(self, name: str) -> "Image | None":
        """The image of that name, None when there is none."""
        return next((image for image in self.images if image.name == name), None)


def read_config(text: str, rules: "Rules", *, options: ReadOptions) -> Config:
    """Read a rendered config.

    Faults are reported in werf's order: first everything that makes a document unreadable, then
    platforms, the missing project, the rules of each image, the rules between images.

    Raises:
        ConfigError: Something is wrong; has the place in ``text`` and the lines around it.
        GiterminismError: Something is not allowed.
    """
    try:
        return _config(text, rules, options)
    except ConfigError as error:
        error.excerpt = error.excerpt or excerpt_at(text, error.place)
        raise


def _config(text: str, rules: "Rules", options: ReadOptions) -> Config:
    documents: list[_Read] = []
    project: _Read | None = None
    for document in split_documents(text):
        found = _read(document, options.path)
        if found.kind == "meta":
            if project:
                raise found.values.error(
                    "duplicate meta config section definition",
                    key="configVersion",
                    remedy=f"The first one is at {project.values.place}",
                )
            project = found
        documents.append(found)
    _check_platforms(documents, options.host_platform)
    if project is None:
        raise _missing_meta(options)
    meta = meta_of(project.values, project_name=options.project_name)
    images = list(_images(documents, meta, rules, options))
    names = {image.name for image in images}
    images = [_resolved(image, names) for image in images]
    check_names(images)
    check_related(images)
    check_loops(images)
    images.sort(key=lambda image: image.place.line)
    return Config(project=meta.project, meta=meta, images=tuple(images))


class _Read(NamedTuple):
    """A document that could be read."""

    kind: Literal["meta", "dockerfile", "stapel"]
    values: Values
    text: str


def _read(document: Document, path: str) -> _Read:
    """Decode a document.

    As in the original, twice: as anything, which finds its kind and repeated keys, and as its kind.
    """
    try:
        node = compose(document.text, first_line=document.first_line, name=path)
        kind = _kind(document, node, path)
        decoder = Decoder(name=path, first_line=document.first_line)
        values = read(_shape(kind), cast("Node", node), decoder)  # nothing at all has no kind
        decoder.finish()
    except YamlError as error:
        raise _worded(error, document) from error
    return _Read(kind, values, document.text)


def _shape(kind: Literal["meta", "dockerfile", "stapel"]) -> Shape:
    match kind:
        case "meta":
            return META
        case "dockerfile":
            from exporter.project.models.dockerfile import DOCKERFILE_IMAGE  # noqa: PLC0415 - see Image

            return DOCKERFILE_IMAGE
        case "stapel":
            from exporter.project.models.stapel import STAPEL_IMAGE  # noqa: PLC0415 - see Image

            return STAPEL_IMAGE


def _worded(error: YamlError, document: Document) -> ConfigError:
    """The error in yaml.v2's words, with line numbers of the whole file."""
    text = re.sub(
        r"line ([0-9]+)",
        lambda found: f"line {int(found[1]) + document.first_line}",
        error.go_text,
    )
    if "line " not in text and error.place:
        text = text.replace("yaml: ", f"yaml: line {error.place.line}: ", 1)
    return ConfigError(text, place=error.place)


def _kind(
    document: Document, node: Node | None, path: str
) -> Literal["meta", "dockerfile", "stapel"]:
    decoder = Decoder(name=path, first_line=document.first_line)
    keys = decoder.any_map(node)
    decoder.finish()
    if "configVersion" in keys:
        return "meta"
    if "dockerfile" in keys:
        return "dockerfile"
    if "image" in keys or "artifact" in keys:
        return "stapel"
    raise ConfigError(
        "cannot recognize type of config section (part of YAML stream separated by three hyphens,"
        " https://yaml.org/spec/1.2/spec.html#id2800132):\n"
        " * 'configVersion' required for meta config section;\n"
        " * 'image' required for the image config sections;\n"
        " * 'artifact' required for the artifact config sections;",
        place=Place(path=path, line=document.first_line + 1, column=1),
    )


def _missing_meta(options: ReadOptions) -> ConfigError:
    return ConfigError(
        "meta config section (part of YAML stream separated by three hyphens,"
        " https://yaml.org/spec/1.2/spec.html#id2800132) is not defined: add following example"
        " config section with required fields, e.g:\n\n"
        f"configVersion: 1\nproject: {options.default_project()}\n---\n\n"
        "Choose the project name with care: changing it later means rebuilding every image.",
        place=Place(path=options.path),
    )


def _images(
    documents: Sequence[_Read], meta: Meta, rules: "Rules", options: ReadOptions
) -> Iterable[Image]:
    """The images of all documents, those of Dockerfiles first, as the original checks them."""
    yield from _dockerfile_images(
        [found for found in documents if found.kind == "dockerfile"], meta, rules, options
    )
    yield from _stapel_images([found for found in documents if found.kind == "stapel"], meta, rules)


def _dockerfile_images(
    documents: Sequence[_Read], meta: Meta, rules: "Rules", options: ReadOptions
) -> Iterable[Image]:
    for found in documents:
        from exporter.project.models.dockerfile import dockerfile_image_of  # noqa: PLC0415 - see Image

        for name in image_names(found.values):
            yield dockerfile_image_of(
                found.values,
                name,
                document=found.text,
                meta=meta,
                rules=rules,
                force_staged=options.force_staged,
            )


def _stapel_images(documents: Sequence[_Read], meta: Meta, rules: "Rules") -> Iterable[Image]:
    for found in documents:
        from exporter.project.models.stapel import stapel_image_of  # noqa: PLC0415 - see Image

        artifact = found.values.text("artifact")
        for name in (artifact,) if artifact else image_names(found.values):
            yield stapel_image_of(
                found.values,
                name,
                is_artifact=bool(artifact),
                document=found.text,
                meta=meta,
                rules=rules,
            )


def _resolved(image: Image, names: set[str]) -> Image:
    """The image, knowing whether its base is another image of the config."""
    if image.kind == "stapel" and (image.base_is_artifact or image.base in names):
        return replace(image, base_is_image=True)
    return image


def _check_platforms(documents: Sequence[_Read], host: str) -> None:
    """Every source of facts or files has to exist for the platforms of the image that uses it."""
    images = [
        (found, image_names(found.values), found.values.texts("platform") or (host,))
        for found in documents
        if found.kind != "meta"
    ]
    # Stapel documents first, as in the original.
    images.sort(key=lambda item: item[0].kind != "stapel")
    available = {
        (name, platform)
        for _, names, platforms in images
        for name in names
        for platform in platforms
    }
    known = {name for name, _ in available}
    for found, names, platforms in images:
        name = next(iter(names), found.values.text("artifact"))
        sources = [
            ("dependency", entry, entry.text("image"))
            for entry in found.values.sections("dependencies")
        ]
        for entry in found.values.sections("import"):
            source = entry.text("from") or entry.text("image")
            if source in known:
                sources.append(("import", entry, source))
        for word, entry, source in sources:
            missing = [each for each in platforms if (source, each) not in available]
            if missing:
                raise entry.error(
                    f'invalid image platform cross-references: image="{name}"'
                    f' platform="{missing[0]}" requires {word} image="{source}"'
                    f' platform="{missing[0]}" which is not present in configuration',
                    key="image",
                    remedy=f"Declare the image {source!r} with this platform, or correct the name",
                )
