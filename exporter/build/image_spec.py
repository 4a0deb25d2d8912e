"""The imageSpec stage: the config of the stage before, edited at the registry.

No container runs and no layer is added (specification sections 11.1 row 14 and 11.5).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from exporter.build.digest import h256
from exporter.build.dockerfile.expand import ExpansionError, process_word
from exporter.build.stages import (
    LABEL_COMMIT,
    LABEL_CONTENT_DIGEST,
    LABEL_PARENT,
    LABEL_PROJECT,
)
from exporter.errors import ConfigError, Place
from exporter.gotemplate.failure import GoTemplateError
from exporter.naming.tag_language import fill_label
from exporter.oci.config import ImageConfig
from exporter.oci.document import Json
from exporter.oci.edit import edit_config
from exporter.project.models.image_spec import Healthcheck, ImageSpec

if TYPE_CHECKING:
    import re2

STAGE = "imageSpec"

_ESSENTIAL = frozenset({LABEL_PROJECT, LABEL_CONTENT_DIGEST, LABEL_PARENT, LABEL_COMMIT})
_ALWAYS_REMOVED = ("WERF_COMMIT_HASH", "WERF_COMMIT_TIME_HUMAN", "WERF_COMMIT_TIME_UNIX")
_NANOSECONDS = 1_000_000_000


def dependencies(spec: ImageSpec) -> str:
    """What the settings hash to; enters the stage's digest."""
    check = spec.healthcheck
    healthcheck = "<nil>"
    if check is not None:
        times = f"{check.interval} {check.timeout} {check.start_period} {check.retries}"
        healthcheck = f"&{{[{' '.join(check.test)}] {times}}}"
    return h256(
        spec.author,
        _flag(spec.clear_history),
        " ".join(spec.cmd or ()),
        " ".join(spec.entrypoint or ()),
        *_pairs(spec.env),
        *sorted(spec.expose or ()),
        healthcheck,
        *_pairs(spec.labels),
        spec.stop_signal,
        spec.user,
        *sorted(spec.volumes),
        spec.working_dir,
        *sorted(spec.remove_labels),
        *sorted(spec.remove_volumes),
        *sorted(spec.remove_env),
        _flag(spec.keep_essential_werf_labels),
        _flag(spec.clear_cmd),
        _flag(spec.clear_entrypoint),
        _flag(spec.clear_user),
        _flag(spec.clear_working_dir),
    )


def apply(
    spec: ImageSpec,
    config: ImageConfig,
    *,
    image: str,
    project: str,
    service_labels: Mapping[str, str],
) -> ImageConfig:
    """The config after the settings.

    Args:
        spec: The settings of werf.yaml.
        config: The config of the stage before.
        image: Value of ``%image%`` in labels.
        project: Value of ``%project%`` in labels.
        service_labels: werf's labels for the new stage.

    Raises:
        ConfigError: The template of a label is malformed or fails; the value of a variable
            has an open quote or brace; an expression is malformed.
    """
    run = dict(config.run)
    values = {"project": project, "image": image}
    labels = {**config.labels, **service_labels}
    is_removed = _listed(spec.remove_labels, spec.place)
    labels = {
        key: value for key, value in labels.items() if key in _ESSENTIAL or not is_removed(key)
    }
    for key, value in spec.labels.items():
        labels[_filled(key, values, spec.place)] = _filled(value, values, spec.place)
    change: dict[str, Json] = {
        "Labels": dict(sorted(labels.items())),
        "Env": _env(config.env, spec) or None,
        "Volumes": _volumes(run.get("Volumes"), spec),
    }
    # As in werf, an empty list counts as given here, though it replaces nothing below.
    if spec.clear_cmd or (spec.entrypoint is not None and spec.cmd is None):
        change["Cmd"] = None
    if spec.clear_entrypoint:
        change["Entrypoint"] = None
    if spec.clear_user:
        change["User"] = None
    if spec.clear_working_dir:
        change["WorkingDir"] = None
    given: dict[str, Json] = {
        "Cmd": list(spec.cmd or ()),
        "Entrypoint": list(spec.entrypoint or ()),
        "User": spec.user,
        "WorkingDir": spec.working_dir,
        "StopSignal": spec.stop_signal,
    }
    change |= {key: value for key, value in given.items() if value}
    if spec.expose is not None:
        change["ExposedPorts"] = {port: {} for port in spec.expose} or None
    if spec.healthcheck is not None:
        change["Healthcheck"] = _healthcheck(spec.healthcheck)
    top: dict[str, Json] = {"author": spec.author} if spec.author else {}
    if spec.clear_history:
        top["history"] = None
    return edit_config(config, run=change, top=top)


def _env(base: Sequence[str], spec: ImageSpec) -> list[Json]:
    """The base's variables less those to remove, changed in place, new ones behind by name.

    As in ``ENV`` of a Dockerfile, variables are replaced, quotes and backslashes taken away.
    """
    old = dict(entry.partition("=")[::2] for entry in base)
    is_removed = _listed(spec.remove_env, spec.place)
    env = {
        name: value
        for name, value in old.items()
        if name not in _ALWAYS_REMOVED and not is_removed(name)
    }
    for name, value in sorted(spec.env.items()):
        try:
            env[name] = process_word(value, old)
        except ExpansionError as error:
            raise ConfigError(
                f"imageSpec.config.env.{name}: {value!r} cannot be expanded: {error}",
                place=spec.place,
                remedy="Quotes, $ and \\ mean what they mean in ENV of a Dockerfile;"
                " a backslash in front keeps them.",
            ) from error
    return [f"{name}={value}" for name, value in env.items()]


def _volumes(old: Json, spec: ImageSpec) -> Json:
    volumes = dict(old) if isinstance(old, Mapping) else {}
    for path in spec.remove_volumes:
        volumes.pop(path, None)
    volumes |= {path: {} for path in spec.volumes}
    return dict(sorted(volumes.items())) or None


def _healthcheck(check: Healthcheck) -> dict[str, Json]:
    times = {
        "Interval": check.interval,
        "Timeout": check.timeout,
        "StartPeriod": check.start_period,
    }
    found: dict[str, Json] = {"Test": list(check.test)} if check.test else {}
    found |= {key: value * _NANOSECONDS for key, value in times.items() if value}
    if check.retries:
        found["Retries"] = check.retries
    return found


def _listed(entries: Sequence[str], place: Place) -> Callable[[str], bool]:
    """Tells whether a name is listed as it is, or matched by a listed ``/expression/``.

    As in werf the expression is ``^…$``, so in ``/a|b/`` each end is bound to one side only.
    """
    names = frozenset(entries)
    expressions = [
        _compiled(entry, place)
        for entry in entries
        if len(entry) > 1 and entry.startswith("/") and entry.endswith("/")
    ]
    return lambda name: name in names or any(each.search(name) for each in expressions)


def _compiled(entry: str, place: Place) -> "re2._Regexp":
    import re2  # noqa: PLC0415 - Go's syntax, rarely needed

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"^{entry[1:-1]}$", options)
    except re2.error as error:
        raise ConfigError(
            f"imageSpec: {entry} is no regular expression: {error}", place=place
        ) from error


def _filled(text: str, values: Mapping[str, str], place: Place) -> str:
    try:
        return fill_label(text, values)
    except GoTemplateError as error:
        raise ConfigError(
            f"the label text {text!r} of imageSpec cannot be filled in: {error}",
            place=place,
            remedy='Known are %image% and %project%; a plain % is written %print "%"%.',
        ) from error


def _pairs(mapping: Mapping[str, str]) -> list[str]:
    return [text for pair in sorted(mapping.items()) for text in pair]


def _flag(value: bool) -> str:  # noqa: FBT001 - one value, printed as Go prints it
    return "true" if value else "false"
