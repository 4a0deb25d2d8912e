"""One mutation of a whole image: labels, annotations, media types, attestations.

An index stays what it was: platforms, order, media type and annotations are kept
(werf turns every index into a Docker list, specification 6.3).
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from exporter.errors import InputError
from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.edit import (
    ManifestOrIndex,
    edit_labels,
    with_annotations,
    with_children,
    with_config,
    with_diff_ids,
    with_layers,
    with_media_types,
    with_subject,
)
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index, Manifest
from exporter.oci.media_type import MediaType
from exporter.oci.statement import with_subjects
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """What is changed on the way out; the default changes nothing.

    Attributes:
        remove_label_prefixes: Labels whose key starts so are removed from every image config.
        add_labels: Then set in every image config.
        annotations: Set on every image manifest and on the index.
        attestations: Whether attestation manifests stay, re-pointed to the changed children; so are
            their statements as far as the graph knows them.
        media_type: Whether Docker types become OCI types or the other way round.
        unwrap_single: Whether an index of exactly one image becomes that image.
    """

    remove_label_prefixes: tuple[str, ...] = ()
    add_labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    attestations: Literal["keep", "drop"] = "keep"
    media_type: Literal["keep", "oci", "docker"] = "keep"
    unwrap_single: bool = False


def mutate(graph: Graph, mutation: Mutation) -> Graph:
    """The graph after the mutation; the very same bytes where nothing changes.

    Raises:
        InputError: A layer cannot be expressed in the media types that were asked for.
    """
    work = _Work(graph, mutation)
    root = graph.root
    if mutation.unwrap_single and isinstance(root, Index):
        root = _only_image(graph, root) or root
    root = work.changed(root)
    return Graph(
        root=root, manifests=work.manifests, configs=work.configs, documents=work.documents
    )


def _only_image(graph: Graph, index: Index) -> Manifest | Index | None:
    images = [child for child in index.manifests if not child.is_attestation]
    return graph.manifests.get(images[0].digest) if len(images) == 1 else None


class _Work:
    """The results of one mutation by the digests they replace."""

    def __init__(self, graph: Graph, mutation: Mutation) -> None:
        self.graph = graph
        self.mutation = mutation
        self.manifests: dict[Digest, Manifest | Index] = {}
        self.configs: dict[Digest, ImageConfig] = {}
        self.documents: dict[Digest, bytes] = {}

    def changed(self, value: Manifest | Index) -> Manifest | Index:
        if isinstance(value, Index):
            return self._changed_index(value)
        return self._changed_manifest(value)

    def _changed_manifest(self, manifest: Manifest) -> Manifest:
        config = self.graph.configs.get(manifest.config.digest)
        if config is not None:
            config = edit_labels(
                config,
                remove_prefixes=self.mutation.remove_label_prefixes,
                add=self.mutation.add_labels,
            )
            self.configs[config.digest] = config
            manifest = with_config(manifest, config)
        manifest = _translated(manifest, self.mutation.media_type)
        return with_annotations(manifest, self.mutation.annotations)

    def _changed_index(self, index: Index) -> Index:
        children: dict[Digest, Descriptor | None] = {}
        images = [child for child in index.manifests if not child.is_attestation]
        attestations = [child for child in index.manifests if child.is_attestation]
        for child in images:
            value = self.graph.manifests.get(child.digest)
            if value is not None:  # else an unknown kind of child, kept as it is
                new = self.changed(value)
                self.manifests[new.digest] = new
                children[child.digest] = new.descriptor
        for child in attestations:
            children[child.digest] = self._attestation(child, children)
        index = _translated(with_children(index, children), self.mutation.media_type)
        return with_annotations(index, self.mutation.annotations)

    def _attestation(
        self, child: Descriptor, images: Mapping[Digest, Descriptor | None]
    ) -> Descriptor | None:
        if self.mutation.attestations == "drop":
            return None
        value = self.graph.manifests.get(child.digest)
        if not isinstance(value, Manifest):
            return child
        subject = images.get(value.subject.digest) if value.subject else None
        if subject:
            value = with_subject(value, subject)
        value = self._restated(value, images)
        value = _translated(value, self.mutation.media_type)
        self.manifests[value.digest] = value
        return value.descriptor

    def _restated(
        self, attestation: Manifest, images: Mapping[Digest, Descriptor | None]
    ) -> Manifest:
        """The attestation whose statements are about the changed images."""
        moved = {old: new.digest for old, new in images.items() if new and new.digest != old}
        replaced: dict[Digest, Descriptor] = {}
        for layer in attestation.layers:
            raw = self.graph.documents.get(layer.digest)
            if raw is not None:
                new = with_subjects(raw, moved)
                replaced[layer.digest] = Descriptor.of(new, layer.media_type)
                self.documents[replaced[layer.digest].digest] = new
        attestation = with_layers(attestation, replaced)
        config = self.graph.configs.get(attestation.config.digest)
        if config is not None:
            config = with_diff_ids(config, {old: new.digest for old, new in replaced.items()})
            self.configs[config.digest] = config
            attestation = with_config(attestation, config)
        return attestation


_TO_OCI = {
    types.DOCKER_INDEX: types.OCI_INDEX,
    types.DOCKER_MANIFEST: types.OCI_MANIFEST,
    types.DOCKER_CONFIG: types.OCI_CONFIG,
    types.DOCKER_LAYER: types.OCI_LAYER,
    types.DOCKER_LAYER_GZIP: types.OCI_LAYER_GZIP,
    types.DOCKER_FOREIGN_LAYER_GZIP: types.OCI_FOREIGN_LAYER_GZIP,
}
_TO_DOCKER = {oci: docker for docker, oci in _TO_OCI.items()}
_OCI_LAYERS = "application/vnd.oci.image.layer."
_TRANSLATIONS: Mapping[str, Mapping[MediaType, MediaType]] = {
    "keep": {},
    "oci": _TO_OCI,
    "docker": _TO_DOCKER,
}


def _translated(value: ManifestOrIndex, wanted: str) -> ManifestOrIndex:
    if wanted == "docker":
        _check_docker_layers(value)
    return with_media_types(value, _TRANSLATIONS[wanted])


def _check_docker_layers(value: Manifest | Index) -> None:
    for layer in value.layers if isinstance(value, Manifest) else ():
        if layer.media_type.startswith(_OCI_LAYERS) and layer.media_type not in _TO_DOCKER:
            raise InputError(
                f"a layer of type {layer.media_type} has no Docker media type",
                remedy="Leave the media type as it is, or build with gzip layers",
            )
