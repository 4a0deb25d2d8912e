"""Pure edits of one value: unknown fields and the order of keys survive, nothing else changes.

An edit that changes nothing returns the value it was given, with the very same bytes.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.descriptor import REFERENCE_DIGEST, Descriptor
from exporter.oci.digest import Digest
from exporter.oci.document import Json, read_object, write_object
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.oci.media_type import MediaType

ManifestOrIndex = TypeVar("ManifestOrIndex", Manifest, Index)


def edit_labels(
    config: ImageConfig, *, remove_prefixes: Sequence[str] = (), add: Mapping[str, str]
) -> ImageConfig:
    """The config without labels whose key starts with one of the prefixes, then with ``add``.

    Removing comes first, so ``add`` may bring such a key back (specification 6.3).
    Changed labels are sorted by key, as Go writes maps.
    """
    prefixes = tuple(remove_prefixes)
    labels = {key: text for key, text in config.labels.items() if not key.startswith(prefixes)}
    labels |= add
    if labels == config.labels:
        return config
    return edit_config(config, run={"Labels": dict(sorted(labels.items())) or None})


def edit_config(
    config: ImageConfig,
    *,
    run: Mapping[str, Json] | None = None,
    top: Mapping[str, Json] | None = None,
) -> ImageConfig:
    """The config with keys set, or removed where the new value is None.

    Args:
        config: What to start from.
        run: Keys of the object under ``config``: ``Env``, ``Cmd``, ``User``, ``Labels``, …
        top: Keys of the document itself: ``author``, ``history``, …
    """
    document = read_object(config.raw)
    if run:
        old = document.get("config")
        document["config"] = _with_keys(old if isinstance(old, Mapping) else {}, run)
    document = _with_keys(document, top or {})
    if document == config.document:
        return config
    return parse_config(write_object(document))


def with_annotations(value: ManifestOrIndex, add: Mapping[str, str]) -> ManifestOrIndex:
    """The manifest or index with annotations added; existing keys are replaced in place."""
    annotations = {**value.annotations, **add}
    if annotations == value.annotations:
        return value
    return _rewritten(value, {"annotations": annotations})


def with_config(manifest: Manifest, config: ImageConfig) -> Manifest:
    """The manifest pointing to another config; the descriptor keeps its other fields."""
    if config.digest == manifest.config.digest:
        return manifest
    old = read_object(manifest.raw)["config"]
    # "data" would embed the bytes of the old config.
    change: dict[str, Json] = {"digest": str(config.digest), "size": len(config.raw), "data": None}
    return _rewritten(manifest, {"config": _with_keys(_object(old), change)})


def with_layers(manifest: Manifest, layers: Mapping[Digest, Descriptor]) -> Manifest:
    """The manifest with layers replaced by digest; descriptors keep their other fields."""
    entries: list[Json] = []
    old = read_object(manifest.raw).get("layers")
    for value, layer in zip(old if isinstance(old, list) else (), manifest.layers, strict=True):
        new = layers.get(layer.digest, layer)
        entry = _object(value)
        if new.digest != layer.digest:
            entry = _with_keys(entry, {"digest": str(new.digest), "size": new.size, "data": None})
        entries.append(entry)
    return manifest if entries == old or not entries else _rewritten(manifest, {"layers": entries})


def with_diff_ids(config: ImageConfig, names: Mapping[Digest, Digest]) -> ImageConfig:
    """The config with layers replaced by digest."""
    changed = [str(names.get(Digest(name), name)) for name in config.diff_ids]
    if changed == list(config.diff_ids):
        return config
    rootfs = _object(config.document.get("rootfs"))
    return edit_config(config, top={"rootfs": {**rootfs, "diff_ids": changed}})


def with_subject(value: ManifestOrIndex, subject: Descriptor) -> ManifestOrIndex:
    """The manifest or index attached to another subject."""
    if value.subject is not None and value.subject.same_content(subject):
        return value
    old = _object(read_object(value.raw).get("subject") or {})
    return _rewritten(value, {"subject": _with_keys(old, _identity(subject))})


def with_children(index: Index, children: Mapping[Digest, Descriptor | None]) -> Index:
    """The index with children replaced by digest, or dropped where the new one is None.

    Order, platforms and annotations stay; only digest, size and media type come from the new
    descriptor. Annotations that point from an attestation to a replaced child follow it.
    """
    entries: list[Json] = []
    old = read_object(index.raw)["manifests"]
    if isinstance(old, str) or not isinstance(old, Sequence):  # parse_manifest has checked it
        raise TypeError("an index without a list of manifests")
    for value, child in zip(old, index.manifests, strict=True):
        new = children.get(child.digest, child)
        if new is None:
            continue
        entry = _object(value)
        if new.digest != child.digest:
            entry = _with_keys(entry, {**_identity(new), "data": None})
        entries.append(_repointed(entry, child, children))
    if entries == list(old):
        return index
    return _rewritten(index, {"manifests": entries})


def with_media_types(
    value: ManifestOrIndex, names: Mapping[MediaType, MediaType]
) -> ManifestOrIndex:
    """The manifest or index with its own media type and those of its descriptors translated."""
    document = read_object(value.raw)
    media_type = names.get(value.media_type, value.media_type)
    changes: dict[str, Json] = {}
    for key, entry in document.items():
        if key == "config":
            changes[key] = _renamed(entry, names)
        elif key in ("layers", "manifests") and isinstance(entry, list):
            changes[key] = [_renamed(item, names) for item in entry]
    if media_type == value.media_type and all(document[key] == changes[key] for key in changes):
        return value
    return _rewritten(value, {**changes, "mediaType": str(media_type)}, media_type)


def _renamed(entry: Json, names: Mapping[MediaType, MediaType]) -> Json:
    descriptor = _object(entry)
    old = descriptor.get("mediaType")
    new = names.get(MediaType(old)) if isinstance(old, str) else None
    return _with_keys(descriptor, {"mediaType": str(new)}) if new else descriptor


def _repointed(
    entry: dict[str, Json], child: Descriptor, children: Mapping[Digest, Descriptor | None]
) -> dict[str, Json]:
    target = children.get(Digest(child.attests)) if child.attests else None
    if target is None:
        return entry
    annotations = _object(entry["annotations"])
    return _with_keys(
        entry, {"annotations": _with_keys(annotations, {REFERENCE_DIGEST: str(target.digest)})}
    )


def _identity(descriptor: Descriptor) -> dict[str, Json]:
    return {
        "mediaType": str(descriptor.media_type),
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }


def _rewritten(
    value: ManifestOrIndex, changes: Mapping[str, Json], media_type: MediaType | None = None
) -> ManifestOrIndex:
    raw = write_object(_with_keys(read_object(value.raw), changes))
    parsed = parse_manifest(raw, media_type or value.media_type)
    if not isinstance(parsed, type(value)):  # the edits above never turn one into the other
        raise TypeError("an edit changed the kind of a manifest")
    return parsed


def _with_keys(old: Mapping[str, Json], changes: Mapping[str, Json]) -> dict[str, Json]:
    """The object with keys replaced in place, appended, or removed where the value is None."""
    merged = {**old, **changes}
    removed = {key for key, value in changes.items() if value is None}
    return {key: value for key, value in merged.items() if key not in removed}


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, Mapping):  # parse_manifest has checked it
        raise TypeError("a descriptor is not an object")
    return dict(value)
