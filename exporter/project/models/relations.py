"""Which images of a config an image needs."""

from typing import TYPE_CHECKING

from exporter.value import dataclass

if TYPE_CHECKING:
    from exporter.project.models.config import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """The images of the config that an image needs: its base, and sources of files and facts."""

    base: str | None
    imports: tuple[str, ...]
    dependencies: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, each once, in the order base, imports, dependencies."""
        base = () if self.base is None else (self.base,)
        return tuple(dict.fromkeys((*base, *self.imports, *self.dependencies)))


def relations(image: "Image") -> Relations:
    """Which images of the config an image needs (spec section 3, item 7)."""
    dependencies = tuple(dict.fromkeys(dependency.image for dependency in image.dependencies))
    if image.kind == "dockerfile":
        return Relations(base=None, imports=(), dependencies=dependencies)
    return Relations(
        base=image.base if image.base_is_image else None,
        imports=tuple(entry.source for entry in image.imports if not entry.is_external),
        dependencies=dependencies,
    )
