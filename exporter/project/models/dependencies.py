"""Facts about other images that an image is built with: the ``dependencies`` section."""

from dataclasses import dataclass
from typing import Literal, get_args

from exporter.errors import Place
from exporter.project.models.moment import Moment, moment_of
from exporter.project.models.shape import Key, Many, Shape, Values

Fact = Literal["ImageName", "ImageTag", "ImageRepo", "ImageID", "ImageDigest"]
FACTS: tuple[Fact, ...] = get_args(Fact)

DEPENDENCY_IMPORT = Shape(
    "dependencies.imports",
    (
        Key("type", "text", "which fact about the other image", FACTS),
        Key("targetBuildArg", "text", "build argument that gets it (Dockerfile images)"),
        Key("targetEnv", "text", "environment variable that gets it (stapel images)"),
    ),
)
DEPENDENCY = Shape(
    "dependencies",
    (
        Key("image", "text", "another image of this config"),
        Key("before", "text", "stage before which the facts are set", ("install", "setup")),
        Key("after", "text", "stage after which the facts are set", ("install", "setup")),
        Key("imports", Many(DEPENDENCY_IMPORT), "the facts to pass on"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyImport:
    """A fact about another image, and the build argument or variable that gets it."""

    fact: Fact
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Another image, which is built first; ``moment`` is None for Dockerfile images."""

    place: Place
    image: str
    moment: Moment | None
    imports: tuple[DependencyImport, ...]


def dependency_of(values: Values, *, of_dockerfile: bool) -> Dependency:
    """Read one entry of the ``dependencies`` section.

    Raises:
        ConfigError: A rule of spec section 2.5 is broken.
    """
    imports = [
        (entry, _import_of(entry, of_dockerfile=of_dockerfile))
        for entry in values.sections("imports")
    ]
    if not values.text("image"):
        raise values.error("image name is not specified for dependency")
    if of_dockerfile:
        _refuse_moment(values)
    moment = None if of_dockerfile else _moment_of(values)
    target = "targetBuildArg" if of_dockerfile else "targetEnv"
    seen: set[str] = set()
    for entry, dependency_import in imports:
        if dependency_import.target in seen:
            raise entry.error(
                f"each {target} for dependency import should be unique, but found duplicates for:"
                f" {dependency_import.target}",
                key=target,
            )
        seen.add(dependency_import.target)
    return Dependency(
        place=values.place,
        image=values.text("image"),
        moment=moment,
        imports=tuple(dependency_import for _, dependency_import in imports),
    )


def _import_of(values: Values, *, of_dockerfile: bool) -> DependencyImport:
    kind = values.text("type")
    fact = next((known for known in FACTS if known == kind), None)
    if fact is None:
        raise values.error(
            f"invalid `type: {kind}` for dependency import, expected one of: {', '.join(FACTS)}",
            key="type",
        )
    wanted, unwanted, image = (
        ("targetBuildArg", "targetEnv", "Dockerfile")
        if of_dockerfile
        else ("targetEnv", "targetBuildArg", "Stapel")
    )
    if not values.text(wanted):
        raise values.error(f"{wanted} directive cannot be empty for a {image} image")
    if values.text(unwanted):
        raise values.error(f"{unwanted} directive cannot be used for a {image} image", key=unwanted)
    return DependencyImport(fact=fact, target=values.text(wanted))


def _refuse_moment(values: Values) -> None:
    for key in ("before", "after"):
        if values.text(key):
            raise values.error(
                f"`{key}:` directive is not supported for dockerfile dependencies", key=key
            )


def _moment_of(values: Values) -> Moment:
    return moment_of(
        values,
        missing="dependency stage is not specified with `before: install|setup` or"
        " `after: install|setup`",
        both="only one dependency stage can be specified with `before: install|setup` or"
        " `after: install|setup`, but not both",
        invalid="invalid dependency stage `{}`: expected install or setup!",
    )
