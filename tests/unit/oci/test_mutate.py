import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import InputError
from exporter.oci import media_type as types
from exporter.oci.edit import edit_config, edit_labels, with_annotations, with_config, with_subject
from exporter.oci.graph import Graph
from exporter.oci.manifest import Index, Manifest, parse_manifest
from exporter.oci.media_type import IN_TOTO
from exporter.oci.mutate import Mutation, mutate
from tests.fakes.images import Image, make_attestation, make_image, make_index

LABELS = st.dictionaries(st.text(min_size=1, max_size=6), st.text(max_size=6), max_size=5)


def graph_of(root: Index, *images: Image, inner: tuple[Index, ...] = ()) -> Graph:
    manifests: list[Manifest | Index] = [*(image.manifest for image in images), *inner]
    return Graph(
        root=root,
        manifests={value.digest: value for value in manifests},
        configs={image.config.digest: image.config for image in images},
    )


def labels_of(graph: Graph, manifest: Manifest | Index) -> Mapping[str, str]:
    assert isinstance(manifest, Manifest)
    return graph.configs[manifest.config.digest].labels


# Labels and configs


def test_prefixed_labels_go_and_others_stay() -> None:
    config = make_image("x", labels={"werf": "1", "werfoo": "2", "Werf": "3", "a.werf": "4"}).config
    cleaned = edit_labels(config, remove_prefixes=["werf"], add={})
    assert dict(cleaned.labels) == {"Werf": "3", "a.werf": "4"}


def test_added_labels_come_after_removal() -> None:
    config = make_image("x", labels={"werf": "old", "a": "old"}).config
    added = edit_labels(config, remove_prefixes=["werf"], add={"werf": "new", "a": "new"})
    assert dict(added.labels) == {"a": "new", "werf": "new"}


def test_no_label_left_leaves_no_map() -> None:
    config = make_image("x", labels={"werf": "1"}).config
    assert "Labels" not in edit_labels(config, remove_prefixes=["werf"], add={}).run


def test_labels_are_added_where_there_was_no_config() -> None:
    config = edit_config(make_image("x").config, top={"config": None})
    assert "config" not in config.document
    assert dict(edit_labels(config, add={"a": "b"}).labels) == {"a": "b"}


@given(LABELS, LABELS)
def test_labels_are_edited_for_good(before: dict[str, str], add: dict[str, str]) -> None:
    config = make_image("x", labels=before).config
    edited = edit_labels(config, add=add)
    assert dict(edited.labels) == {**before, **add}
    assert edit_labels(edited, add=add) is edited
    rest = {key: value for key, value in edited.document.items() if key != "config"}
    assert rest == {key: value for key, value in config.document.items() if key != "config"}


def test_an_edit_of_nothing_keeps_the_bytes() -> None:
    image = make_image("x")
    assert edit_labels(image.config, remove_prefixes=["absent"], add={}) is image.config
    assert with_config(image.manifest, image.config) is image.manifest
    assert with_annotations(image.manifest, {}) is image.manifest
    assert mutate(image.graph, Mutation()).root is image.manifest


def test_config_keys_are_set_and_removed_in_place() -> None:
    config = make_image("x").config
    edited = edit_config(config, run={"Env": None, "User": "app"}, top={"author": "me"})
    assert list(edited.run) == ["Labels", "StopTimeout", "User"]
    assert list(edited.document) == [*config.document, "author"]


def test_a_manifest_keeps_what_it_does_not_know() -> None:
    image = make_image("x")
    config = edit_labels(image.config, add={"a": "b"})
    edited = with_config(image.manifest, config)
    old, new = json.loads(image.manifest.raw), json.loads(edited.raw)
    assert new["config"] == {**old["config"], "digest": config.digest, "size": len(config.raw)}
    assert {**new, "config": None} == {**old, "config": None}
    assert list(new) == list(old)


def test_embedded_data_of_a_replaced_config_goes() -> None:
    image = make_image("x")
    document = json.loads(image.manifest.raw)
    document["config"]["data"] = "e30="
    manifest = parse_manifest(json.dumps(document).encode())
    assert isinstance(manifest, Manifest)
    edited = with_config(manifest, edit_labels(image.config, add={"a": "b"}))
    assert "data" not in json.loads(edited.raw)["config"]


def test_a_subject_is_replaced() -> None:
    one, two = make_image("one"), make_image("two")
    proof = make_attestation(one.manifest).manifest
    moved = with_subject(proof, two.manifest.descriptor)
    assert moved.subject is not None
    assert moved.subject.same_content(two.manifest.descriptor)
    assert with_subject(moved, two.manifest.descriptor) is moved


# Whole images


@pytest.mark.parametrize("docker", [True, False], ids=["docker", "oci"])
def test_an_index_stays_what_it_was(docker: bool) -> None:  # noqa: FBT001 - a row of the table
    images = [make_image(name, architecture=name, docker=docker) for name in ("amd64", "arm64")]
    annotations = None if docker else {"kept": "yes"}
    index = make_index([i.manifest for i in images], docker=docker, annotations=annotations)
    done = mutate(graph_of(index, *images), Mutation(remove_label_prefixes=("werf",)))
    assert isinstance(done.root, Index)
    assert done.root.media_type == index.media_type
    assert dict(done.root.annotations) == dict(index.annotations)
    assert [child.platform for child in done.root.manifests] == [
        child.platform for child in index.manifests
    ]
    for child, image in zip(done.root.manifests, images, strict=True):
        manifest = done.manifests[child.digest]
        assert isinstance(manifest, Manifest)
        assert manifest.layers == image.manifest.layers
        assert child.size == len(manifest.raw)
        assert dict(labels_of(done, manifest)) == {"keep": "me"}


def test_nested_indexes_are_mutated_too() -> None:
    image = make_image("x")
    inner = make_index([image.manifest], platforms=["linux/amd64"])
    outer = make_index([inner])
    done = mutate(graph_of(outer, image, inner=(inner,)), Mutation(add_labels={"a": "b"}))
    values = list(done.walk())
    assert [type(value) for value in values] == [Manifest, Index, Index]
    assert labels_of(done, values[0])["a"] == "b"


def with_proof() -> tuple[Image, Image, Graph]:
    image = make_image("x")
    proof = make_attestation(image.manifest)
    index = make_index(
        [image.manifest, proof.manifest],
        attests={proof.manifest.digest: image.manifest.digest},
    )
    return image, proof, graph_of(index, image, proof)


def test_attestations_follow_their_image() -> None:
    _, _, graph = with_proof()
    done = mutate(graph, Mutation(add_labels={"a": "b"}))
    assert isinstance(done.root, Index)
    image, proof = done.root.manifests
    assert proof.attests == image.digest
    manifest = done.manifests[proof.digest]
    assert manifest.subject is not None
    assert manifest.subject.digest == image.digest
    assert len(list(done.walk())) == 3


def test_statements_of_attestations_follow_their_image() -> None:
    """Digests of statement, config and manifest change; a verifier compares all of them."""
    _, old, graph = with_proof()
    statement = old.manifest.layers[0]
    graph = replace(graph, documents={statement.digest: old.layers[0]})
    done = mutate(graph, Mutation(add_labels={"a": "b"}))
    assert isinstance(done.root, Index)
    image, child = done.root.manifests
    proof = done.manifests[child.digest]
    assert isinstance(proof, Manifest)
    (layer,) = proof.layers
    raw = done.known(layer.digest)
    assert raw is not None
    assert (layer.size, layer.media_type) == (len(raw), IN_TOTO)
    assert json.loads(raw)["subject"][0]["digest"] == {"sha256": image.digest.hex}
    assert done.configs[proof.config.digest].diff_ids == (layer.digest,)
    assert mutate(graph, Mutation()).root is graph.root


def test_attestations_are_dropped() -> None:
    image, _, graph = with_proof()
    done = mutate(graph, Mutation(attestations="drop"))
    assert isinstance(done.root, Index)
    assert [child.digest for child in done.root.manifests] == [image.manifest.digest]


def test_an_index_of_one_is_unwrapped() -> None:
    image, _, graph = with_proof()
    assert mutate(graph, Mutation(unwrap_single=True)).root == image.manifest


def test_an_index_of_two_is_not_unwrapped() -> None:
    images = [make_image("one"), make_image("two")]
    index = make_index([image.manifest for image in images])
    assert mutate(graph_of(index, *images), Mutation(unwrap_single=True)).root == index


def test_annotations_reach_every_manifest_and_the_index() -> None:
    images = [make_image("one", annotations={"own": "1", "new": "old"}), make_image("two")]
    index = make_index([image.manifest for image in images])
    done = mutate(graph_of(index, *images), Mutation(annotations={"new": "yes"}))
    values = list(done.walk())
    assert [dict(value.annotations) for value in values] == [
        {"own": "1", "new": "yes"},
        {"new": "yes"},
        {"new": "yes"},
    ]


def test_docker_types_become_oci_types_and_back() -> None:
    image = make_image("x", docker=True)
    index = make_index([image.manifest], docker=True)
    graph = graph_of(index, image)
    oci = mutate(graph, Mutation(media_type="oci"))
    manifest = next(value for value in oci.walk() if isinstance(value, Manifest))
    assert oci.root.media_type == types.OCI_INDEX
    assert manifest.media_type == types.OCI_MANIFEST
    assert manifest.config.media_type == types.OCI_CONFIG
    assert {layer.media_type for layer in manifest.layers} == {types.OCI_LAYER_GZIP}
    assert isinstance(oci.root, Index)
    assert oci.root.manifests[0].media_type == types.OCI_MANIFEST
    back = mutate(
        Graph(root=oci.root, manifests=oci.manifests, configs=oci.configs),
        Mutation(media_type="docker"),
    )
    assert back.root.media_type == types.DOCKER_INDEX


def test_a_layer_without_a_docker_type_is_an_error() -> None:
    image = make_image("x")
    document = json.loads(image.manifest.raw)
    document["layers"][0]["mediaType"] = types.OCI_LAYER_ZSTD
    manifest = parse_manifest(json.dumps(document).encode())
    with pytest.raises(InputError, match="has no Docker media type"):
        mutate(Graph(root=manifest), Mutation(media_type="docker"))


def test_children_that_are_no_manifests_stay() -> None:
    other = {"mediaType": "application/x", "digest": "sha256:" + "0" * 64, "size": 1}
    index = parse_manifest(json.dumps({"schemaVersion": 2, "manifests": [other]}).encode())
    assert mutate(Graph(root=index), Mutation(add_labels={"a": "b"})).root == index


def test_mutation_is_deterministic_and_done_once() -> None:
    mutation = Mutation(remove_label_prefixes=("werf",), add_labels={"b": "1", "a": "2"})
    image = make_image("x")
    once = mutate(image.graph, mutation)
    again = mutate(
        image.graph, Mutation(remove_label_prefixes=("werf",), add_labels={"a": "2", "b": "1"})
    )
    assert once.root == again.root
    assert mutate(once, mutation).root == once.root
