"""The image config after a stage.

What users rely on stays as werf leaves it: user, working directory, ``LANG``, ``LC_ALL`` and
``WERF_COMMIT_*``. Variables keep their order, new ones come behind.
Source: spec/stapel-observed.md, section 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.git.commits import Commit
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.document import Json, read_object, write_object
from exporter.oci.edit import edit_config
from exporter.oci.platform import Platform

LOCALE = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a stage does to the config of the one before.

    ``created_by`` is its entry in the history. ``env`` are variables that the stage sets,
    ``labels`` all labels of the new stage. ``run`` are further keys of the ``config`` object.
    """

    created_by: str
    labels: Mapping[str, str]
    env: Mapping[str, str]
    run: Mapping[str, Json]


def commit_env(commit: Commit) -> dict[str, str]:
    """The variables about the commit; the time is the author's, as in werf."""
    time = commit.author_time
    zone = f"{time:%z}"
    return {
        "WERF_COMMIT_HASH": commit.object_id,
        "WERF_COMMIT_TIME_HUMAN": f"{time:%Y-%m-%d %H:%M:%S} {zone} {zone}",
        "WERF_COMMIT_TIME_UNIX": str(int(time.timestamp())),
    }


def empty_config(platform: Platform) -> ImageConfig:
    """The config of ``scratch``."""
    document: dict[str, Json] = {"architecture": platform.architecture, "os": platform.os}
    if platform.variant:
        document["variant"] = platform.variant
    document["config"] = {}
    document["rootfs"] = {"type": "layers", "diff_ids": []}
    document["history"] = []
    return parse_config(write_object(document))


def variables(config: ImageConfig, more: Mapping[str, str], commit: Commit) -> dict[str, str]:
    """The variables after a stage.

    A locale that the base has set stays.
    """
    found = dict(entry.partition("=")[::2] for entry in config.env)
    for key, value in LOCALE.items():
        found.setdefault(key, value)
    return {**found, **commit_env(commit), **more}


def changed_config(
    config: ImageConfig, change: Change, *, commit: Commit, diff_ids: Sequence[str], is_empty: bool
) -> ImageConfig:
    """The config after a stage.

    Args:
        config: That of the stage before.
        change: What the stage does.
        commit: The commit that is built; its time is that of the image.
        diff_ids: The layers' diff IDs, those of the stage before included.
        is_empty: Whether the stage adds no layer.
    """
    env = variables(config, change.env, commit)
    run: dict[str, Json] = {
        "Env": [f"{key}={value}" for key, value in env.items()],
        "User": config.run.get("User") or "0:0",
        "WorkingDir": config.run.get("WorkingDir") or "/",
        **change.run,
        "OnBuild": None,  # as in werf: triggers are for builds of Dockerfiles
        "Labels": dict(sorted(change.labels.items())),
    }
    changed = edit_config(config, run=run)
    return _with_layers(changed, change.created_by, commit, diff_ids, is_empty=is_empty)


def labelled_config(config: ImageConfig, change: Change, commit: Commit) -> ImageConfig:
    """The config with labels only, for ``from: scratch``."""
    changed = edit_config(config, run={"Labels": dict(sorted(change.labels.items()))})
    return edit_config(changed, top={"created": _moment(commit)})


def _with_layers(
    config: ImageConfig,
    created_by: str,
    commit: Commit,
    diff_ids: Sequence[str],
    *,
    is_empty: bool,
) -> ImageConfig:
    document = read_object(config.raw)
    old = document.get("history")
    history: list[Json] = list(old) if isinstance(old, list) else []
    entry: dict[str, Json] = {"created": _moment(commit), "created_by": created_by}
    if is_empty:
        entry["empty_layer"] = True
    top: dict[str, Json] = {
        "created": _moment(commit),
        "history": [*history, entry],
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
    }
    return edit_config(config, top=top)


def _moment(commit: Commit) -> str:
    moment: datetime = commit.committer_time.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
