"""``config render``, ``config list``, ``config graph``, ``config schema``: what they print."""

from collections.abc import Sequence

from exporter.project.loader import Project
from exporter.project.models.config import Config, Image, relations

_NAMELESS = "~"


def config_render(project: Project, patterns: Sequence[str]) -> str:
    """The rendered config, or the documents of the images that the patterns select.

    Raises:
        InputError: A pattern is invalid or selects nothing.
    """
    if not patterns:
        return project.rendered.text
    return "---\n".join(image.document for image in _selected(project.config, patterns))


def config_list(config: Config, *, final_only: bool) -> str:
    """The names of the images, one a line, ``~`` for the nameless one."""
    names = (image.name or _NAMELESS for image in config.images if image.final or not final_only)
    return "".join(f"{name}\n" for name in names)


def config_graph(config: Config, patterns: Sequence[str], *, final_only: bool) -> str:
    """The images and what they depend on, as YAML.

    Raises:
        InputError: A pattern is invalid or selects nothing.
    """
    images = _selected(config, patterns) if patterns else config.images
    entries = (_entry(image) for image in images if image.final or not final_only)
    return "".join(entries) or "[]\n"


def config_schema() -> str:
    """The JSON schema of werf.yaml."""
    from exporter.project.schema import json_schema  # noqa: PLC0415 - for this command only

    return json_schema()


def _selected(config: Config, patterns: Sequence[str]) -> list[Image]:
    from exporter.project.selection import select_images  # noqa: PLC0415 - only with patterns

    names = select_images(config.images, patterns, final_only=False).build
    return [image for image in config.images if image.name in names]


def _entry(image: Image) -> str:
    needs = relations(image)
    lines = [f"image: {_scalar(image.name)}"] if image.name else []
    if needs.names:
        lines.append("dependsOn:")
    if needs.base is not None:
        lines.append(f"  from: {_scalar(needs.base)}")
    for key, names in (("import", needs.imports), ("dependencies", needs.dependencies)):
        if names:
            lines.append(f"  {key}:")
            lines += [f"  - {_scalar(name)}" for name in names]
    first, *rest = lines or ["{}"]
    return "".join([f"- {first}\n", *(f"  {line}\n" for line in rest)])


def _scalar(text: str) -> str:
    from exporter.project.yaml_emit import to_yaml  # noqa: PLC0415 - for this command only

    return to_yaml(text).removesuffix("\n")
