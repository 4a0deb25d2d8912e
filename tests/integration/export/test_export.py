import json

import pytest

from exporter.errors import Interrupted, RegistryError
from exporter.export import Export, ExportJob, ExportPolicy
from exporter.oci.config import parse_config
from exporter.oci.digest import Digest
from exporter.oci.mutate import Mutation
from exporter.oci.reference import Reference, Repository
from exporter.registry.client import RegistryClient
from exporter.registry.copy import load_graph
from exporter.registry.keychain import Keychain, Login
from exporter.registry.settings import Settings
from tests.fakes.images import make_attestation, make_image, make_index
from tests.fakes.registry import VENDORS, FakeRegistry, Profile
from tests.fakes.registry_faults import ALWAYS
from tests.integration.export.conftest import World, publish


def exported_labels(fake: FakeRegistry, repository: str, tag: str) -> dict[str, str]:
    raw, _ = fake.manifests[repository][fake.tags[repository][tag]]
    config = fake.blobs[repository][json.loads(raw)["config"]["digest"]]
    return dict(parse_config(config).labels)


# What arrives


def test_the_exported_image_is_clean(world: World) -> None:
    world.export(world.job(0, "near/out/app:1"))
    assert exported_labels(world.near, "out/app", "1") == {"added": "label", "keep": "me"}


def test_only_labels_change(world: World) -> None:
    world.export(world.job(0, "near/out/app:1"))
    raw, media_type = world.near.manifests["out/app"][world.near.tags["out/app"]["1"]]
    source = world.images[0]
    assert media_type == source.manifest.media_type
    assert json.loads(raw)["layers"] == json.loads(source.manifest.raw)["layers"]
    assert json.loads(raw)["x-unknown"] == {"b": 1, "a": 2}
    config = json.loads(world.near.blobs["out/app"][json.loads(raw)["config"]["digest"]])
    expected = json.loads(source.config.raw)
    expected["config"]["Labels"] = {"added": "label", "keep": "me"}
    assert config == expected
    assert list(config) == list(expected)


def test_results_name_digest_platform_and_reference(world: World) -> None:
    (image,) = world.export(world.job(0, "near/out/app:1")).results
    digest = world.near.tags["out/app"]["1"]
    assert (image.image, image.digest, dict(image.platforms)) == (
        "image0",
        digest,
        {"linux/amd64": digest},
    )
    (reference,) = image.references
    assert (reference.status, reference.digest, reference.previous) == ("created", digest, None)


def test_nothing_to_change_keeps_the_digest(world: World) -> None:
    (image,) = world.export(world.job(0, "far/out/app:1", mutation=Mutation())).results
    assert image.digest == world.images[0].manifest.digest


# How many requests


def test_an_unchanged_export_reads_three_times_and_writes_nothing(world: World) -> None:
    world.export(world.job(0, "near/out/app:1"))
    world.forget()
    assert world.statuses(world.export(world.job(0, "near/out/app:1"))) == ["unchanged"]
    digest = world.images[0].config.digest
    assert world.near.requests() == [
        "GET /v2/project/stages/manifests/stage-0",
        f"GET /v2/project/stages/blobs/{digest}",
        "HEAD /v2/out/app/manifests/1",
    ]


def test_what_the_planner_has_loaded_is_not_read_again(world: World) -> None:
    world.export(world.job(0, "near/out/app:1"))
    job = world.job(0, "near/out/app:1")
    root = world.client.get_manifest(job.source)
    graph = load_graph(world.client, world.source, root)
    loaded = ExportJob(
        image=job.image,
        source=job.source,
        destinations=job.destinations,
        graph=graph,
        mutation=job.mutation,
    )
    world.forget()
    world.export(loaded)
    assert world.near.requests() == ["HEAD /v2/out/app/manifests/1"]


def test_a_first_export_in_the_same_registry_is_short(world: World) -> None:
    world.export(world.job(0, "near/out/app:1"))
    layers = len(world.images[0].layers)
    assert len(world.near.requests()) == 7 + layers  # the list of stages makes 8
    assert world.near.requests("GET .*blobs") == [
        f"GET /v2/project/stages/blobs/{world.images[0].config.digest}"
    ]


def test_each_further_tag_is_one_request(world: World) -> None:
    world.export(world.job(0, "near/out/app:1", "near/out/app:2"))
    two = len(world.near.requests())
    world.forget()
    world.export(world.job(1, *(f"near/out/next:{tag}" for tag in range(5))))
    assert two == 8 + len(world.images[0].layers)
    assert len(world.near.requests()) == two + 3


def test_ten_images_with_five_tags_repeated_read_once_per_tag(world: World) -> None:
    jobs = [
        world.job(number, *(f"near/out/app{number}:{tag}" for tag in range(5)))
        for number in range(3)
    ]
    world.export(*jobs)
    world.forget()
    world.export(*jobs)
    assert len(world.near.requests("HEAD .*out/")) == 15
    assert len(world.near.requests()) == 15 + 2 * 3


def test_a_layer_crosses_once_however_many_need_it(world: World) -> None:
    world.export(
        world.job(0, "far/out/a:1", "far/out/a:2", "far/out/b:1"), world.job(0, "far/out/c:1")
    )
    for layer in world.images[0].manifest.layers:
        assert len(world.near.requests(f"GET .*{layer.digest}")) == 1
    assert set(world.far.tags) == {"out/a", "out/b", "out/c"}


def test_a_layer_that_is_there_already_does_not_cross(world: World) -> None:
    world.export(world.job(0, "far/out/app:commit-1"))
    world.forget()
    other = Mutation(remove_label_prefixes=("werf",), add_labels={"other": "label"})
    fresh = world.job(0, "far/out/app:commit-2", mutation=other)
    fresh_export = Export(world.client, [fresh], ExportPolicy())
    fresh_export.run()
    for layer in world.images[0].manifest.layers:
        assert world.near.requests(f"GET .*{layer.digest}") == []


# Order


def test_all_content_is_everywhere_before_the_first_tag(world: World) -> None:
    world.export(
        world.job(0, "near/out/a:1", "far/out/a:1"), world.job(1, "near/out/b:1", "far/out/b:1")
    )
    for fake in (world.near, world.far):
        lines = fake.writes()
        first = next(n for n, line in enumerate(lines) if "/manifests/" in line)
        assert all("/manifests/" in line for line in lines[first:])


def test_each_tag_is_written_once(world: World) -> None:
    world.export(*(world.job(n, f"near/out/a:{n}", f"far/out/a:{n}") for n in range(3)))
    for fake in (world.near, world.far):
        written = fake.writes("PUT .*manifests")
        assert sorted(written) == [f"PUT /v2/out/a/manifests/{n}" for n in range(3)]


def test_a_failing_destination_stops_every_tag(world: World) -> None:
    world.far.fault("POST", "status", status=403, times=ALWAYS)
    export = world.export(world.job(0, "near/out/a:1", "far/out/a:1"))
    assert sorted(world.statuses(export)) == ["failed", "skipped"]
    assert world.near.tags.get("out/a") is None
    assert world.near.requests("PUT .*manifests") == []


def test_with_continue_the_others_go_on(world: World) -> None:
    world.far.fault("POST", "status", status=403, times=ALWAYS)
    export = world.export(
        world.job(0, "near/out/a:1", "far/out/a:1"),
        world.job(1, "near/out/b:1"),
        on_error="continue",
    )
    assert world.statuses(export) == ["created", "failed", "created"]
    assert "far" not in str(export.error)
    assert f"{world.far_address}/out/a" in str(export.error)


# What is there already


def test_a_tag_is_moved_and_says_from_where(world: World) -> None:
    old = world.export(world.job(0, "near/out/a:1")).results[0].digest
    (image,) = world.export(world.job(1, "near/out/a:1")).results
    assert (image.references[0].status, image.references[0].previous) == ("moved", old)


def test_a_tag_is_kept(world: World) -> None:
    old = world.export(world.job(0, "near/out/a:1")).results[0].digest
    export = world.export(world.job(1, "near/out/a:1", "near/out/a:2"), if_exists="keep")
    assert world.statuses(export) == ["kept", "created"]
    assert world.near.tags["out/a"]["1"] == old


def test_an_existing_tag_fails_before_anything_is_written(world: World) -> None:
    world.export(world.job(0, "near/out/a:1"))
    world.forget()
    export = world.export(world.job(1, "near/out/a:1", "near/out/a:2"), if_exists="fail")
    assert world.statuses(export) == ["refused", "skipped"]
    assert world.near.writes() == []
    assert "exists already" in str(export.error)


def test_the_same_digest_is_a_success_whatever_the_policy(world: World) -> None:
    world.export(world.job(0, "near/out/a:1"))
    export = world.export(world.job(0, "near/out/a:1"), if_exists="fail")
    assert world.statuses(export) == ["unchanged"]


def test_an_immutable_tag_with_the_same_digest_is_a_success(world: World) -> None:
    world.export(world.job(0, "near/out/a:1"))
    world.near.profile = Profile(immutable=True)
    assert world.statuses(world.export(world.job(0, "near/out/a:1"))) == ["unchanged"]
    export = world.export(world.job(1, "near/out/a:1"))
    assert world.statuses(export) == ["failed"]
    assert "the tag exists already and may not be moved" in str(export.error)


def test_a_lost_answer_from_an_immutable_registry_is_a_success(world: World) -> None:
    world.near.profile = Profile(immutable=True)
    world.near.fault("PUT .*manifests/1", "drop-after")
    assert world.statuses(world.export(world.job(0, "near/out/a:1"))) == ["created"]


def test_a_tag_is_not_moved_to_an_older_commit(world: World) -> None:
    newer = Mutation(add_labels={"org.opencontainers.image.revision": "c0ffee"})
    world.export(world.job(0, "near/out/a:1", mutation=newer))
    asked: list[str] = []

    def may_move(revision: str) -> bool:
        asked.append(revision)
        return False

    export = world.export(world.job(1, "near/out/a:1"), may_move=may_move)
    assert (world.statuses(export), asked) == (["kept"], ["c0ffee"])


def test_a_plan_only_reads(world: World) -> None:
    export = Export(world.client, [world.job(0, "near/out/a:1")], ExportPolicy())
    export.look()
    assert world.near.writes() == []
    assert export.results[0].references[0].digest is not None


# Registries that answer too early, lose things, or pretend


def test_a_tag_is_read_back_until_it_shows(world: World) -> None:
    world.near.profile = Profile(tag_lag=3)
    assert world.statuses(world.export(world.job(0, "near/out/a:1"))) == ["created"]
    assert len(world.near.requests("HEAD .*out/a")) == 5


def test_a_tag_that_goes_on_showing_the_old_image_is_unverified(world: World) -> None:
    world.export(world.job(0, "near/out/a:1"))
    world.near.profile = Profile(tag_lag=1000)
    export = world.export(world.job(1, "near/out/a:1"))
    assert world.statuses(export) == ["unverified"]
    assert "still shows" in str(export.error)


def test_a_pretended_tag_beside_one_that_moves_is_a_failure(world: World) -> None:
    world.export(world.job(1, "near/out/app:1"))
    world.near.fault("PUT .*manifests/2", "pretend", times=ALWAYS)
    export = world.export(world.job(0, "near/out/app:1", "near/out/app:2"))
    assert world.statuses(export) == ["moved", "failed"]
    assert list(world.near.tags["out/app"]) == ["1"]


def test_a_first_tag_is_read_back_where_tags_are_not_listed(world: World) -> None:
    world.near.fault("GET .*tags/list", "status", status=405, times=ALWAYS)
    world.near.fault("PUT .*manifests/1", "pretend", times=ALWAYS)
    export = world.export(world.job(0, "near/out/app:1", "near/out/app:2"), on_error="continue")
    assert world.statuses(export)[0] == "failed"


def test_blobs_that_are_there_only_by_their_head_are_sent(world: World) -> None:
    world.far.fault("HEAD .*blobs", "status", status=200, times=ALWAYS)
    export = world.export(world.job(0, "far/out/app:1"))
    assert world.statuses(export) == ["created"]
    assert len(world.far.blobs["out/app"]) == 4


def test_a_pretended_tag_is_a_failure(world: World) -> None:
    world.near.fault("PUT .*manifests/1", "pretend", times=ALWAYS)
    export = world.export(world.job(0, "near/out/a:1"))
    assert world.statuses(export) == ["failed"]
    assert "does not show it" in str(export.error)


def test_content_that_got_lost_is_sent_once_more(world: World) -> None:
    lost = b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}'
    world.near.fault("PUT .*manifests/1", "status", status=400, body=lost)
    assert world.statuses(world.export(world.job(0, "near/out/a:1"))) == ["created"]


def test_a_mount_that_was_a_lie_is_repaired(world: World) -> None:
    lie = {"Location": "/v2/out/a/blobs/x"}
    world.near.fault("POST .*mount=", "status", status=201, headers=lie, times=ALWAYS)
    assert world.statuses(world.export(world.job(0, "near/out/a:1"))) == ["created"]
    assert world.near.incomplete == []


@pytest.mark.parametrize("rate", [5, 2])
def test_a_rate_limit_slows_the_export_down(world: World, rate: int) -> None:
    allowed: dict[int, int] = {}
    seen = iter(range(10**6))

    def before(_line: str) -> None:
        second = int(world.clock.elapsed)
        allowed[second] = allowed.get(second, 0) + 1
        if allowed[second] > rate and next(seen) < 10**6:
            world.near.fault(".*", "status", status=429, headers={"Retry-After": "1"})

    world.near.before = before
    export = world.export(
        world.job(0, "near/out/a:1", "near/out/a:2"), world.job(1, "near/out/b:1")
    )
    assert set(world.statuses(export)) == {"created"}


# Shapes


def publish_index(world: World) -> Reference:
    amd = make_image("amd", architecture="amd64")
    arm = make_image("arm", architecture="arm64")
    proof = make_attestation(amd.manifest)
    for image in (amd, arm, proof):
        publish(world.near, image, "")
    index = make_index(
        [amd.manifest, arm.manifest, proof.manifest],
        attests={proof.manifest.digest: amd.manifest.digest},
        annotations={"org.example": "kept"},
    )
    world.near.add_manifest("project/stages", index.raw, index.media_type, "multi")
    return world.source.tag("multi")


def export_index(world: World, mutation: Mutation) -> dict[str, object]:
    job = ExportJob(
        image="multi",
        source=publish_index(world),
        destinations=(Repository(registry=world.far_address, name="out/multi").tag("1"),),
        mutation=mutation,
    )
    (image,) = world.export(job).results
    assert image.references[0].status == "created"
    raw, _ = world.far.manifests["out/multi"][world.far.tags["out/multi"]["1"]]
    document = json.loads(raw)
    assert isinstance(document, dict)
    return document


def test_an_index_stays_an_index_with_clean_children(world: World) -> None:
    document = export_index(world, Mutation(remove_label_prefixes=("werf",)))
    assert document["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert document["annotations"] == {"org.example": "kept"}
    children = document["manifests"]
    assert isinstance(children, list)
    assert [child["platform"]["architecture"] for child in children] == [
        "amd64",
        "arm64",
        "unknown",
    ]
    for child in children[:2]:
        manifest = json.loads(world.far.manifests["out/multi"][child["digest"]][0])
        config = parse_config(world.far.blobs["out/multi"][manifest["config"]["digest"]])
        assert dict(config.labels) == {"keep": "me"}
    proof = children[2]
    assert proof["annotations"]["vnd.docker.reference.digest"] == children[0]["digest"]
    attestation = json.loads(world.far.manifests["out/multi"][proof["digest"]][0])
    assert attestation["subject"]["digest"] == children[0]["digest"]
    statement = json.loads(world.far.blobs["out/multi"][attestation["layers"][0]["digest"]])
    assert f"sha256:{statement['subject'][0]['digest']['sha256']}" == children[0]["digest"]


def test_attestations_are_dropped_on_purpose(world: World) -> None:
    document = export_index(world, Mutation(attestations="drop"))
    children = document["manifests"]
    assert isinstance(children, list)
    assert len(children) == 2


def test_an_index_is_copied_unchanged_when_nothing_changes(world: World) -> None:
    source = publish_index(world)
    job = ExportJob(
        image="multi",
        source=source,
        destinations=(Repository(registry=world.far_address, name="out/multi").tag("1"),),
    )
    (image,) = world.export(job).results
    assert image.digest == world.near.tags["project/stages"]["multi"]
    assert set(image.platforms) == {"linux/amd64", "linux/arm64"}


def test_a_destination_by_digest_is_written_under_the_new_digest(world: World) -> None:
    (image,) = world.export(world.job(0, f"near/out/a@{Digest.of(b'')}")).results
    (reference,) = image.references
    assert reference.reference == Repository(registry=world.near_address, name="out/a").at(
        image.digest or Digest.of(b"")
    )
    assert image.digest in world.near.manifests["out/a"]


# Interrupted


def test_an_interrupt_leaves_no_upload_and_no_tag(world: World) -> None:
    def before(line: str) -> None:
        if line.startswith("PUT") and "uploads" in line:
            world.client.cancel()

    world.near.before = before
    jobs = [world.job(n, f"near/out/a:{n}", f"far/out/a:{n}") for n in range(3)]
    export = Export(world.client, jobs, ExportPolicy())
    with pytest.raises(Interrupted):
        export.run()
    assert set(world.statuses(export)) == {"skipped"}
    assert world.near.tags.get("out/a") is None
    assert (world.near.uploads, world.far.uploads) == ({}, {})


# What refers to an image


def publish_signature(world: World, subject: str) -> str:
    config = b"{}"
    payload = json.dumps({"signs": subject}).encode()
    digests = [world.near.add_blob("project/stages", content) for content in (config, payload)]
    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.example.signature",
        "config": {"mediaType": "application/x", "digest": digests[0], "size": len(config)},
        "layers": [{"mediaType": "application/y", "digest": digests[1], "size": len(payload)}],
        "subject": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": subject,
            "size": 1,
        },
    }
    raw = json.dumps(document).encode()
    return world.near.add_manifest("project/stages", raw, str(document["mediaType"]))


def promotion(world: World, mutation: Mutation | None = None) -> ExportJob:
    job = world.job(0, "far/out/app:1", mutation=mutation or Mutation())
    return ExportJob(
        image=job.image,
        source=job.source,
        destinations=job.destinations,
        mutation=job.mutation,
        referrers=True,
    )


@pytest.mark.parametrize("api", [True, False], ids=["api", "fallback-tag"])
def test_signatures_follow_an_unchanged_image(world: World, api: bool) -> None:  # noqa: FBT001 - a row of the table
    world.far.profile = Profile(referrers=api)
    subject = world.images[0].manifest.digest
    signature = publish_signature(world, subject)
    of_the_signature = publish_signature(world, signature)
    old_style = f"sha256-{subject.hex}.sig"
    publish(world.near, make_image("cosign"), old_style)
    world.export(promotion(world))
    far = Repository(registry=world.far_address, name="out/app")
    assert [found.digest for found in world.client.referrers(far, subject)] == [signature]
    second = world.client.referrers(far, Digest(signature))
    assert [found.digest for found in second] == [of_the_signature]
    assert old_style in world.far.tags["out/app"]


def test_signatures_that_stay_behind_are_a_warning(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    publish_signature(world, world.images[0].manifest.digest)
    world.export(promotion(world, Mutation(add_labels={"a": "b"})))
    assert "signatures and SBOMs stay behind" in caplog.text
    assert len(world.far.manifests["out/app"]) == 1


# Vendors


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_export_suits_every_vendor(world: World, vendor: str) -> None:
    world.far.profile = VENDORS[vendor]
    if not world.far.profile.creates_repositories:
        world.far.manifests["out/app"] = {}
    logins = [Login(scope=world.far_address, username="user", password="secret")]
    job = world.job(0, "far/out/app:1", "far/out/app:2")
    settings = Settings(silence_timeout_s=30)
    with RegistryClient(
        keychain=Keychain(logins=logins), settings=settings, clock=world.clock.clock
    ) as client:
        export = Export(client, [job], ExportPolicy())
        export.run()
        assert [ref.status for ref in export.results[0].references] == ["created", "created"]
        again = Export(client, [job], ExportPolicy(if_exists="fail"))
        again.run()
        assert [ref.status for ref in again.results[0].references] == ["unchanged", "unchanged"]


def test_a_repository_that_must_be_created_first_is_named(world: World) -> None:
    world.far.profile = Profile(creates_repositories=False)
    export = world.export(world.job(0, "far/out/app:1"))
    assert world.statuses(export) == ["failed"]
    assert "the repository does not exist there" in str(export.error)


def test_answers_without_a_length_do_no_harm(world: World) -> None:
    for fake in (world.near, world.far):
        fake.fault(".*", "chunked", times=ALWAYS)
    export = world.export(*(world.job(n, f"far/out/a{n}:1", f"near/out/a{n}:1") for n in range(3)))
    assert set(world.statuses(export)) == {"created"}


def test_connections_that_close_after_each_answer_do_no_harm(world: World) -> None:
    world.far.fault(".*", "close-after", times=ALWAYS)
    world.near.fault(".*", "close-after", times=ALWAYS)
    export = world.export(*(world.job(n, f"far/out/a{n}:1", f"near/out/a{n}:1") for n in range(3)))
    assert set(world.statuses(export)) == {"created"}


# Commits


@pytest.mark.parametrize("where", ["annotation", "index-annotation", "child-label"])
def test_the_commit_that_a_tag_shows_is_found(world: World, where: str) -> None:
    revision = {"org.opencontainers.image.revision": "c0ffee"}
    child = make_image("child", labels=revision if where == "child-label" else {})
    annotated = make_image("annotated", annotations=revision)
    index = make_index(
        [child.manifest],
        platforms=["linux/amd64"],
        annotations=revision if where == "index-annotation" else None,
    )
    publish(world.near, child, "", "out/a")
    if where == "annotation":
        publish(world.near, annotated, "1", "out/a")
    else:
        world.near.add_manifest("out/a", index.raw, index.media_type, "1")
    export = world.export(world.job(0, "near/out/a:1"), may_move="c0ffee".__ne__)
    assert world.statuses(export) == ["kept"]


def test_a_tag_that_shows_no_commit_is_moved_with_a_warning(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    publish(world.near, make_image("foreign"), "1", "out/a")
    export = world.export(world.job(0, "near/out/a:1"), may_move=lambda _revision: False)
    assert world.statuses(export) == ["moved"]
    assert "does not say which commit it shows" in caplog.text


def test_a_lost_index_is_sent_once_more_with_its_children(world: World) -> None:
    lost = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
    world.far.fault("PUT .*manifests/1", "status", status=404, body=lost)
    document = export_index(world, Mutation())
    assert document["annotations"] == {"org.example": "kept"}


def test_one_thread_is_enough(world: World) -> None:
    export = world.export(
        world.job(0, "near/out/a:1", "far/out/a:1"), world.job(1, "near/out/b:1"), parallel=1
    )
    assert set(world.statuses(export)) == {"created"}


def test_a_source_that_is_gone_is_an_error(world: World) -> None:
    with pytest.raises(RegistryError, match="stage-9 does not exist"):
        world.export(world.job(9, "near/out/a:1"), world.job(0, "near/out/b:1"))
    assert world.near.writes() == []
