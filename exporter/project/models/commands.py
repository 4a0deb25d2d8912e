"""Commands that build a stapel image: the ``shell`` section."""

from dataclasses import dataclass

from exporter.errors import Place
from exporter.project.models.shape import Key, Shape, Values

STAGES = ("beforeInstall", "install", "beforeSetup", "setup")
CACHE_VERSION_KEYS = (
    Key("cacheVersion", "text", "changing it rebuilds every stage that has commands"),
    *(
        Key(f"{stage}CacheVersion", "text", f"changing it rebuilds the {stage} stage")
        for stage in STAGES
    ),
)
SHELL = Shape(
    "shell",
    (
        *(Key(stage, "text or texts", f"commands of the {stage} stage") for stage in STAGES),
        *CACHE_VERSION_KEYS,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheVersions:
    """Digest salts of the stages; ``common`` enters all of them."""

    common: str
    before_install: str
    install: str
    before_setup: str
    setup: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Shell commands by stage."""

    place: Place
    before_install: tuple[str, ...]
    install: tuple[str, ...]
    before_setup: tuple[str, ...]
    setup: tuple[str, ...]
    cache_versions: CacheVersions


def cache_versions_of(values: Values) -> CacheVersions:
    """Read the keys of ``CACHE_VERSION_KEYS``."""
    return CacheVersions(
        common=values.text("cacheVersion"),
        before_install=values.text("beforeInstallCacheVersion"),
        install=values.text("installCacheVersion"),
        before_setup=values.text("beforeSetupCacheVersion"),
        setup=values.text("setupCacheVersion"),
    )


def shell_of(values: Values | None) -> Shell | None:
    """Read a ``shell`` section; None when there is none.

    Raises:
        ConfigError: Commands are neither a string nor a list of strings.
    """
    if values is None:
        return None
    return Shell(
        place=values.place,
        before_install=values.text_or_texts("beforeInstall"),
        install=values.text_or_texts("install"),
        before_setup=values.text_or_texts("beforeSetup"),
        setup=values.text_or_texts("setup"),
        cache_versions=cache_versions_of(values),
    )
