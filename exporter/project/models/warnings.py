"""What to tell a user whose config works, but uses what is deprecated or easily misread."""

from collections.abc import Iterable, Iterator

from exporter.project.models.config import Config, Image

ARTIFACT = (
    "DEPRECATION WARNING! The 'artifact', 'fromArtifact' and 'import.artifact' directives are"
    " deprecated and will be completely removed in version v3. Use `image` with `final: false`"
    " instead, and `disableGitAfterPatch: true` when its git files shall not be updated after the"
    " setup stage."
)
NAMELESS = (
    "DEPRECATION WARNING! Support for the nameless image (`image: ~`) is deprecated and will be"
    " removed in v3!"
)
DOCKER = (
    "DEPRECATION WARNING! The `docker` directive is deprecated and will be removed in v3. Please"
    " use the `imageSpec` directive instead."
)
ANSIBLE = "DEPRECATION WARNING! The `ansible` directive is deprecated and will be removed in v3!"


def warnings_of(config: Config) -> tuple[str, ...]:
    """The warnings about a config, each once, in the order of the images (spec section 2.9)."""
    return tuple(dict.fromkeys(_warnings(config.images)))


def _warnings(images: Iterable[Image]) -> Iterator[str]:
    for image in images:
        if image.kind != "stapel":
            continue
        exports = [mapping.export for mapping in image.git]
        for export in (*exports, *(entry.export for entry in image.imports)):
            written, to = export.written_to, export.written_to.removesuffix("/")
            if written not in ("", "/", to):
                yield (
                    f"WARNING: `to: {written}` will be treated like `to: {to}`, i.e. file/directory"
                    f" from `add: {export.written_add}` will NOT be copied inside of the"
                    f' "{written}", instead it will be copied as "{to}"! To hide this warning,'
                    f" change `to: {written}` to `to: {to}`."
                )
        uses_artifact = image.is_artifact or image.base_is_artifact
        if uses_artifact or any(entry.from_artifact for entry in image.imports):
            yield ARTIFACT
        if image.ansible:
            yield ANSIBLE
        if image.docker:
            yield DOCKER
        if not image.name:
            yield NAMELESS
