"""Changes to an image's configuration: the ``imageSpec`` section of images and of ``build``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from exporter.errors import Place
from exporter.project.models.shape import Key, Shape, Values

HEALTHCHECK = Shape(
    "imageSpec.config.healthcheck",
    (
        Key("test", "texts", "the command, e.g. [CMD, curl, http://localhost]"),
        Key("interval", "integer", "seconds between two checks"),
        Key("timeout", "integer", "seconds until a check has failed"),
        # The original's struct has no yaml tag, so only this spelling is known (spec section 2.7).
        Key("startperiod", "integer", "seconds in which failures do not count"),
        Key("retries", "integer", "failures until the container is unhealthy"),
    ),
    go_type="config.healthConfig",
)
_COMMON_KEYS = (
    Key("keepEssentialWerfLabels", "flag", "keep the labels that werf itself needs"),
    Key("clearWerfLabels", "flag", "accepted without effect"),
    Key("removeLabels", "texts", "labels to remove, names or /regular expressions/"),
    Key("labels", "text map", "labels to set; %image% and %project% are replaced"),
)
CONFIG = Shape(
    "imageSpec.config",
    (
        *_COMMON_KEYS,
        Key("clearCmd", "flag", "remove the command"),
        Key("clearEntrypoint", "flag", "remove the entrypoint"),
        Key("clearUser", "flag", "remove the user"),
        Key("clearWorkingDir", "flag", "remove the working directory"),
        Key("removeVolumes", "texts", "volumes to remove"),
        Key("removeEnv", "texts", "variables to remove, names or /regular expressions/"),
        Key("volumes", "texts", "volumes to add"),
        Key("env", "text map", "variables to set, written as in ENV: $NAME is the base image's"),
        Key("expose", "texts", "ports, replacing those of the base image"),
        Key("user", "text", "user of the container"),
        Key("cmd", "texts", "command of the container"),
        Key("entrypoint", "texts", "entrypoint of the container"),
        Key("workingDir", "text", "working directory of the container"),
        Key("stopSignal", "text", "signal that stops the container"),
        Key("healthcheck", HEALTHCHECK, "how to find out that the container works"),
    ),
)
_SPEC_KEYS = (
    Key("author", "text", "author of the image"),
    Key("clearHistory", "flag", "empty the image's history"),
)
IMAGE_SPEC = Shape(
    "imageSpec", (*_SPEC_KEYS, Key("config", CONFIG, "the container's configuration"))
)
COMMON_IMAGE_SPEC = Shape(
    "build.imageSpec",
    (
        *_SPEC_KEYS,
        Key("config", Shape("build.imageSpec.config", _COMMON_KEYS), "for every final image"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck:
    """A check of the running container; times are seconds."""

    test: tuple[str, ...]
    interval: int
    timeout: int
    start_period: int
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """Changes to the configuration, in the order in which they are applied (spec section 11.5).

    Of lists that may be None, an empty one is not the same: it was written down.
    """

    place: Place
    author: str
    clear_history: bool
    keep_essential_werf_labels: bool
    remove_labels: tuple[str, ...]
    remove_volumes: tuple[str, ...]
    remove_env: tuple[str, ...]
    clear_cmd: bool
    clear_entrypoint: bool
    clear_user: bool
    clear_working_dir: bool
    volumes: tuple[str, ...]
    labels: Mapping[str, str]
    env: Mapping[str, str]
    expose: tuple[str, ...] | None
    user: str
    cmd: tuple[str, ...] | None
    entrypoint: tuple[str, ...] | None
    working_dir: str
    stop_signal: str
    healthcheck: Healthcheck | None


def image_spec_of(values: Values) -> ImageSpec:
    """Read an ``imageSpec`` section."""
    config = values.section("config") or Values.nothing(values.place)
    return ImageSpec(
        place=values.place,
        author=values.text("author"),
        clear_history=values.flag("clearHistory"),
        keep_essential_werf_labels=config.flag("keepEssentialWerfLabels"),
        remove_labels=config.texts("removeLabels"),
        remove_volumes=config.texts("removeVolumes"),
        remove_env=config.texts("removeEnv"),
        clear_cmd=config.flag("clearCmd"),
        clear_entrypoint=config.flag("clearEntrypoint"),
        clear_user=config.flag("clearUser"),
        clear_working_dir=config.flag("clearWorkingDir"),
        volumes=config.texts("volumes"),
        labels=config.text_map("labels"),
        env=config.text_map("env"),
        expose=_list_of(config, "expose"),
        user=config.text("user"),
        cmd=_list_of(config, "cmd"),
        entrypoint=_list_of(config, "entrypoint"),
        working_dir=config.text("workingDir"),
        stop_signal=config.text("stopSignal"),
        healthcheck=_healthcheck_of(config.section("healthcheck")),
    )


def merge_image_spec(common: ImageSpec | None, own: ImageSpec | None) -> ImageSpec | None:
    """What ``build.imageSpec`` and an image's own one mean together (spec section 2.1).

    The common author and labels win, flags add up, and labels to remove are joined, where those of
    the project count once.
    """
    if common is None:
        return own
    if own is None:
        return replace(common, remove_labels=_joined((), common.remove_labels))
    return replace(
        own,
        author=common.author or own.author,
        clear_history=common.clear_history or own.clear_history,
        keep_essential_werf_labels=common.keep_essential_werf_labels
        or own.keep_essential_werf_labels,
        labels={**own.labels, **common.labels},
        remove_labels=_joined(own.remove_labels, common.remove_labels),
    )


def _list_of(config: Values, key: str) -> tuple[str, ...] | None:
    return config.texts(key) if config.has(key) else None


def _joined(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    kept = tuple(first)
    return (*kept, *dict.fromkeys(item for item in second if item not in kept))


def _healthcheck_of(values: Values | None) -> Healthcheck | None:
    if values is None:
        return None
    return Healthcheck(
        test=values.texts("test"),
        interval=values.integer("interval") or 0,
        timeout=values.integer("timeout") or 0,
        start_period=values.integer("startperiod") or 0,
        retries=values.integer("retries") or 0,
    )
