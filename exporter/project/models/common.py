"""The sections that images of both kinds have, read when an image has them."""

from typing import TYPE_CHECKING

from exporter.project.models.shape import Key, Later, Many, Values

if TYPE_CHECKING:  # start-up time counts, and most images have none of them
    from exporter.project.models.dependencies import Dependency
    from exporter.project.models.image_spec import ImageSpec
    from exporter.project.models.meta import Meta
    from exporter.project.models.secrets import Secret, SecretRules

COMMON_KEYS = (
    Key("image", "any", "the image's name, or a list of names"),
    Key("final", "flag", "whether the image is a result (the default) or only used by others"),
    Key("cacheVersion", "text", "digest salt"),
    Key("platform", "texts", "platforms, e.g. linux/amd64"),
    Key("network", "text", "network of the build commands"),
    Key(
        "dependencies",
        Many(Later("dependencies", "DEPENDENCY")),
        "other images that this one is built with",
    ),
    Key("secrets", Many(Later("secrets", "SECRET")), "secrets that the build may read"),
    Key("imageSpec", Later("image_spec", "IMAGE_SPEC"), "changes to the image's configuration"),
)


def dependencies_of(values: Values, *, of_dockerfile: bool) -> tuple["Dependency", ...]:
    """Read the ``dependencies`` of an image.

    Raises:
        ConfigError: A rule of spec section 2.5 is broken.
    """
    entries = values.sections("dependencies")
    if not entries:
        return ()
    from exporter.project.models.dependencies import dependency_of  # noqa: PLC0415 - see above

    return tuple(dependency_of(entry, of_dockerfile=of_dockerfile) for entry in entries)


def secrets_of(values: Values, rules: "SecretRules") -> tuple["Secret", ...]:
    """Read the ``secrets`` of an image.

    Raises:
        ConfigError: A rule of spec section 2.6 is broken.
        GiterminismError: A secret is not allowed.
    """
    entries = values.sections("secrets")
    if not entries:
        return ()
    from exporter.project.models.secrets import read_secrets  # noqa: PLC0415 - see above

    return read_secrets(entries, rules)


def image_spec_of(values: Values, meta: "Meta", *, final: bool) -> "ImageSpec | None":
    """What the image's own ``imageSpec`` and, for a final image, the project's mean together."""
    section, common = values.section("imageSpec"), meta.image_spec if final else None
    if section is None and common is None:
        return None
    from exporter.project.models import image_spec  # noqa: PLC0415 - see above

    own = None if section is None else image_spec.image_spec_of(section)
    return image_spec.merge_image_spec(common, own)
