"""Directories mounted while commands run: labels, digests, and how BuildKit mounts them.

Mounts are inherited by everything that is built on an image, hence the labels.
Source: spec/werf-behaviour.md, sections 6.1 and 11.4.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import normpath

from exporter.project.models.mounts import Mount

_TMP = "werf-mount-type-tmp-dir"
_BUILD = "werf-mount-type-build-dir"
_CUSTOM = "werf-mount-type-custom-dir-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """Where a directory is mounted; ``source`` is the host's path of a ``custom_dir``."""

    kind: str
    source: str
    target: str


def source_of(mount: Mount) -> str:
    """The host's path as it enters digests and labels, ``.`` for the others."""
    return normpath(mount.from_path) if mount.from_path else "."


def target_of(mount: Mount) -> str:
    """The path in the image."""
    return normpath(mount.to)


def labels(configured: Sequence[Mount], inherited: Mapping[str, str]) -> dict[str, str]:
    """The labels for an image's mounts and those of its base."""
    found: dict[str, list[str]] = dict(_labelled(inherited))
    for mount in configured:
        key = _key(mount)
        targets = found.setdefault(key, [])
        if target_of(mount) not in targets:
            targets.append(target_of(mount))
    return {key: ";".join(targets) for key, targets in found.items()}


def mounted(stage_labels: Mapping[str, str]) -> tuple[Mounted, ...]:
    """The mounts that a stage with these labels has, by target."""
    found = []
    for key, targets in _labelled(stage_labels):
        source = ""
        kind = {_TMP: "tmp_dir", _BUILD: "build_dir"}.get(key, "custom_dir")
        if kind == "custom_dir":
            source = key.removeprefix(_CUSTOM).replace("--", "/")
        found += [Mounted(kind=kind, source=source, target=target) for target in targets]
    return tuple(sorted(found, key=lambda each: each.target))


def _labelled(stage_labels: Mapping[str, str]) -> Iterable[tuple[str, list[str]]]:
    for key, value in sorted(stage_labels.items()):
        if key in (_TMP, _BUILD) or key.startswith(_CUSTOM):
            yield key, [target for target in dict.fromkeys(value.split(";")) if target]


def _key(mount: Mount) -> str:
    match mount.kind:
        case "tmp_dir":
            return _TMP
        case "build_dir":
            return _BUILD
        case "custom_dir":
            return _CUSTOM + source_of(mount).replace("/", "--")
