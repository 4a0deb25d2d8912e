"""Each finding of the study of misbehaving registries, as a test on the fake's journal."""

from collections.abc import Iterator

import pytest

from exporter.errors import DigestMismatchError, RegistryError
from exporter.oci import media_type as types
from exporter.oci.reference import Repository
from exporter.registry import client as client_module
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient
from exporter.registry.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.images import make_image
from tests.fakes.registry import FakeRegistry, Profile, serve
from tests.fakes.registry_faults import ALWAYS

CONTENT = bytes(range(256)) * 8000  # 2 MB: several pieces on the wire
SOURCE = BlobSource.of(CONTENT, types.OCI_LAYER)
IMAGE = make_image("fault")


@pytest.fixture
def fake() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def repository(fake: FakeRegistry) -> Iterator[Repository]:
    with serve(fake) as address:
        yield Repository(registry=address, name="a/b")


@pytest.fixture
def client(clock: FakeClock) -> Iterator[RegistryClient]:
    """One that waits for as long as a busy machine takes: requests are counted."""
    settings = Settings(connect_timeout_s=10, silence_timeout_s=30)
    with RegistryClient(settings=settings, clock=clock.clock) as opened:
        yield opened


@pytest.fixture
def impatient(clock: FakeClock) -> Iterator[RegistryClient]:
    """One that gives up an answer soon."""
    with RegistryClient(settings=Settings(silence_timeout_s=0.5), clock=clock.clock) as opened:
        yield opened


def with_profile(fake: FakeRegistry, profile: Profile) -> None:
    fake.profile = profile


def seed(fake: FakeRegistry) -> None:
    fake.add_blob("a/b", IMAGE.config.raw)
    for layer in IMAGE.layers:
        fake.add_blob("a/b", layer)


# Answers that say: later


@pytest.mark.parametrize("status", [408, 429, 499, 500, 502, 503, 504, 522])
def test_a_passing_status_is_waited_out(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, status: int
) -> None:
    fake.fault("GET .*tags", "status", status=status, times=2)
    assert client.list_tags(repository) == ()
    assert len(fake.requests("tags")) == 3


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("match", ["POST ", "PUT .*uploads"])
def test_a_body_is_sent_anew_after_a_passing_status(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, status: int, match: str
) -> None:
    fake.fault(match, "status", status=status, times=2)
    assert client.push_blob(repository, SOURCE).how == "uploaded"
    assert fake.blobs["a/b"][SOURCE.descriptor.digest] == CONTENT


def test_a_manifest_is_sent_anew_after_a_passing_status(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    seed(fake)
    fake.fault("PUT .*manifests", "status", status=503, times=3)
    client.put_manifest(repository.tag("x"), IMAGE.manifest)
    assert fake.tags["a/b"]["x"] == IMAGE.manifest.digest


@pytest.mark.parametrize(
    ("header", "waits"),
    [
        ("2", [2.1]),
        ("1.5", [1.6]),
        ("Tue, 24 Nov 2026 12:00:07 GMT", [7.1]),
        ("300", [19.5]),
        ("0", [0.25]),
        ("-1", [0.5]),
        ("soon", [0.5]),
        ("Mon, 23 Nov 2026 12:00:00 GMT", [0.25]),
    ],
    ids=["seconds", "fraction", "date", "capped", "zero", "negative", "garbage", "past"],
)
def test_retry_after_is_obeyed_within_reason(
    fake: FakeRegistry,
    client: RegistryClient,
    repository: Repository,
    clock: FakeClock,
    header: str,
    waits: list[float],
) -> None:
    fake.fault("GET .*tags", "status", status=503, headers={"Retry-After": header})
    client.list_tags(repository)
    assert clock.slept == waits


def test_an_outage_of_thirty_seconds_is_survived(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, clock: FakeClock
) -> None:
    fake.fault("GET .*tags", "status", status=502, times=ALWAYS)
    fake.before = lambda _line: fake.faults.clear() if clock.elapsed > 30 else None
    assert client.list_tags(repository) == ()
    assert 30 < clock.elapsed < 39


def test_a_dead_registry_is_given_up_within_a_minute(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, clock: FakeClock
) -> None:
    fake.fault(".*", "status", status=503, times=ALWAYS)
    with pytest.raises(RegistryError, match="503") as caught:
        client.list_tags(repository)
    assert 35 < clock.elapsed <= 39
    assert str(repository) in str(caught.value)
    assert caught.value.status == 503


def test_all_waits_together_have_a_budget(
    fake: FakeRegistry, repository: Repository, clock: FakeClock
) -> None:
    fake.fault(".*", "status", status=503, times=ALWAYS)
    settings = Settings(retry_timeout_s=3, request_retry_timeout_s=60)
    with RegistryClient(settings=settings, clock=clock.clock) as client:
        with pytest.raises(RegistryError):
            client.list_tags(repository)
        with pytest.raises(RegistryError):
            client.list_tags(repository)
    assert clock.elapsed <= 3


def test_requests_keep_a_distance_after_too_many(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, clock: FakeClock
) -> None:
    fake.fault("GET .*tags", "status", status=429)
    client.list_tags(repository)
    client.list_tags(repository)
    assert clock.slept[0] == 0.5
    assert sum(clock.slept[1:]) > 0


# Connections that break


@pytest.mark.parametrize("how", ["drop-before", "drop-after"])
def test_a_lost_answer_to_a_tag_is_no_success(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, how: str
) -> None:
    seed(fake)
    fake.fault("PUT .*manifests", how, times=ALWAYS)  # type: ignore[arg-type] # one of How
    with pytest.raises(RegistryError, match="the connection was closed before the answer"):
        client.put_manifest(repository.tag("x"), IMAGE.manifest)


@pytest.mark.parametrize("how", ["drop-before", "drop-mid-request", "drop-after"])
@pytest.mark.parametrize("match", ["POST ", "PUT .*uploads"])
def test_a_broken_upload_is_started_anew(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, how: str, match: str
) -> None:
    fake.fault(match, how)  # type: ignore[arg-type] # one of How
    client.push_blob(repository, SOURCE)
    assert fake.blobs["a/b"][SOURCE.descriptor.digest] == CONTENT


def test_a_blob_whose_answer_was_lost_is_not_sent_twice(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.fault("PUT .*uploads", "drop-after")
    assert client.push_blob(repository, SOURCE).how == "existing"
    assert len(fake.requests("PUT .*uploads")) == 1


def test_connections_that_close_after_each_answer_cost_no_wait(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, clock: FakeClock
) -> None:
    fake.fault("GET .*tags", "drop-before", times=1, skip=1)
    client.list_tags(repository)
    client.list_tags(repository)
    assert clock.slept == []


@pytest.mark.parametrize("how", ["drop-mid-answer", "truncate", "stall-mid-answer"])
@pytest.mark.parametrize("profile", [Profile(), Profile(ranges=False)], ids=["ranges", "no-ranges"])
def test_a_broken_download_is_taken_up_again(
    fake: FakeRegistry,
    impatient: RegistryClient,
    repository: Repository,
    how: str,
    profile: Profile,
) -> None:
    with_profile(fake, profile)
    fake.add_blob("a/b", CONTENT)
    fake.fault("GET .*blobs", how)  # type: ignore[arg-type] # one of How
    assert b"".join(impatient.pull_blob(repository, SOURCE.descriptor)) == CONTENT


def test_a_stalled_answer_is_given_up_and_asked_for_again(
    fake: FakeRegistry, impatient: RegistryClient, repository: Repository
) -> None:
    fake.fault("GET .*tags", "stall")
    assert impatient.list_tags(repository) == ()


def test_an_answer_that_trickles_counts_as_stalled(
    fake: FakeRegistry, repository: Repository
) -> None:
    fake.add_manifest("a/b", IMAGE.manifest.raw, IMAGE.manifest.media_type, "x")
    fake.fault("GET .*manifests", "trickle")
    with RegistryClient(settings=Settings(silence_timeout_s=0.2)) as client:
        assert client.get_manifest(repository.tag("x")) == IMAGE.manifest
    assert len(fake.requests("manifests")) == 2


def test_a_head_that_trickles_counts_as_stalled(fake: FakeRegistry, repository: Repository) -> None:
    """Each byte comes in time, the head as a whole does not."""
    fake.add_manifest("a/b", IMAGE.manifest.raw, IMAGE.manifest.media_type, "x")
    fake.fault("GET .*manifests", "trickle-head")
    with RegistryClient(settings=Settings(silence_timeout_s=0.2)) as client:
        assert client.get_manifest(repository.tag("x")) == IMAGE.manifest
    assert len(fake.requests("manifests")) == 2


def test_a_registry_that_only_stalls_is_an_error(
    fake: FakeRegistry, repository: Repository, clock: FakeClock
) -> None:
    fake.fault(".*", "stall", times=ALWAYS)
    settings = Settings(silence_timeout_s=0.1, request_retry_timeout_s=2)
    with (
        RegistryClient(settings=settings, clock=clock.clock) as client,
        pytest.raises(RegistryError, match="no answer in time"),
    ):
        client.list_tags(repository)


def test_nothing_listens(clock: FakeClock) -> None:
    repository = Repository(registry="127.0.0.1:1", name="a/b")
    with (
        RegistryClient(clock=clock.clock) as client,
        pytest.raises(RegistryError, match="nothing listens there"),
    ):
        client.list_tags(repository)
    assert clock.elapsed > 30


# Sessions, chunks, sizes


def test_a_lost_upload_session_is_started_anew(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.fault("POST ", "forget")
    assert client.push_blob(repository, SOURCE).how == "uploaded"


def test_a_blob_goes_in_chunks_when_one_put_is_too_large(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    with_profile(fake, Profile(most_bytes=1_000_000))
    client.push_blob(repository, SOURCE)
    assert fake.blobs["a/b"][SOURCE.descriptor.digest] == CONTENT
    assert len(fake.requests("PATCH")) == 3


def test_chunks_are_not_smaller_than_the_registry_asks_for(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    with_profile(fake, Profile(most_bytes=1_500_000, least_chunk=1_200_000))
    with pytest.raises(RegistryError, match="limits the size of a request"):
        client.push_blob(repository, SOURCE)
    assert fake.uploads == {}


def test_a_registry_that_takes_no_body_with_the_last_put_gets_chunks(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    with_profile(fake, Profile(whole_put=False))
    assert client.push_blob(repository, SOURCE).how == "uploaded"


def test_a_broken_chunk_is_sent_again_from_where_the_session_stands(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    with_profile(fake, Profile(most_bytes=1_000_000))
    fake.fault("PATCH ", "drop-after", skip=1)
    fake.fault("PATCH ", "drop-mid-request", skip=2)
    client.push_blob(repository, SOURCE)
    assert fake.blobs["a/b"][SOURCE.descriptor.digest] == CONTENT
    assert len(fake.requests("POST")) == 2  # the whole, then one session of chunks


def test_too_large_for_any_chunk_is_a_clear_error(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    with_profile(fake, Profile(most_bytes=1000))
    with pytest.raises(RegistryError, match="limits the size of a request") as caught:
        client.push_blob(repository, SOURCE)
    assert "client_max_body_size" in str(caught.value)
    assert fake.uploads == {}


@pytest.mark.parametrize("mount", ["session", "refuse"])
def test_a_refused_mount_falls_back_to_upload(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, mount: str
) -> None:
    with_profile(fake, Profile(mount=mount))  # type: ignore[arg-type] # one of the literals
    fake.add_blob("other", CONTENT)
    other = Repository(registry=repository.registry, name="other")
    assert client.push_blob(repository, SOURCE, mount_from=other).how == "uploaded"


@pytest.mark.parametrize("location", ["relative", "absolute", "other"])
def test_uploads_go_where_the_registry_says(
    fake: FakeRegistry, client: RegistryClient, repository: Repository, location: str
) -> None:
    with_profile(fake, Profile(location=location))  # type: ignore[arg-type] # one of the literals
    assert client.push_blob(repository, SOURCE).how == "uploaded"


# Lies


def test_a_corrupt_blob_is_an_error_after_a_second_try(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.add_blob("a/b", IMAGE.config.raw)
    fake.fault("GET .*blobs", "corrupt")
    assert client.read_blob(repository, IMAGE.manifest.config) == IMAGE.config.raw
    fake.fault("GET .*blobs", "corrupt", times=ALWAYS)
    with pytest.raises(DigestMismatchError, match="instead of"):
        client.read_blob(repository, IMAGE.manifest.config)


def test_a_corrupt_blob_is_never_committed_elsewhere(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.add_blob("a/b", CONTENT)
    fake.fault("GET .*blobs", "corrupt", times=ALWAYS)
    other = Repository(registry=repository.registry, name="other")
    source = client.blob_source(repository, SOURCE.descriptor)
    with pytest.raises(DigestMismatchError):
        client.push_blob(other, source)
    assert fake.blobs.get("other", {}) == {}
    assert fake.uploads == {}


def test_a_corrupt_manifest_is_asked_for_again(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.add_manifest("a/b", IMAGE.manifest.raw, IMAGE.manifest.media_type, "x")
    fake.fault("GET .*manifests", "corrupt")
    assert client.get_manifest(repository.tag("x")) == IMAGE.manifest


@pytest.mark.parametrize(
    "headers",
    [
        {"Docker-Content-Digest": None},
        {"Content-Type": "application/vnd.oci.image.manifest.v1+json; charset=utf-8"},
        {"Content-Type": "text/plain"},
        {"Content-Type": None},
        {"Docker-Content-Digest": "nonsense"},
    ],
    ids=["no-digest", "charset", "text", "no-type", "no-sense"],
)
def test_odd_headers_of_a_manifest_do_no_harm(
    fake: FakeRegistry,
    client: RegistryClient,
    repository: Repository,
    headers: dict[str, str | None],
) -> None:
    fake.add_manifest("a/b", IMAGE.manifest.raw, IMAGE.manifest.media_type, "x")
    fake.fault(".*manifests", "headers", headers=headers, times=ALWAYS)
    assert client.get_manifest(repository.tag("x")) == IMAGE.manifest
    found = client.head_manifest(repository.tag("x"))
    assert found is not None
    assert found.digest == IMAGE.manifest.digest


def test_a_registry_without_head_is_asked_by_get(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    with_profile(fake, Profile(head_manifests=False))
    fake.add_manifest("a/b", IMAGE.manifest.raw, IMAGE.manifest.media_type, "x")
    found = client.head_manifest(repository.tag("x"))
    assert found is not None
    assert found.digest == IMAGE.manifest.digest
    assert client.head_manifest(repository.tag("absent")) is None


def test_another_digest_stored_than_sent_is_an_error(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    seed(fake)
    lie = {"Docker-Content-Digest": "sha256:" + "0" * 64}
    fake.fault("PUT .*manifests", "headers", headers=lie)
    with pytest.raises(DigestMismatchError, match="stored sha256:0000"):
        client.put_manifest(repository.tag("x"), IMAGE.manifest)


def test_a_manifest_without_bounds_is_not_read_to_its_end(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.fault("GET .*manifests", "status", status=200, body=b" " * (9 << 20))
    with pytest.raises(RegistryError, match="where only a small document belongs"):
        client.get_manifest(repository.tag("x"))


def test_links_that_lead_in_a_circle_are_cut(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.tags["a/b"] = {"one": "x", "two": "y"}
    link = {"Link": '</v2/a/b/tags/list?n=1000&last=two>; rel="next"'}
    fake.fault("GET .*tags", "headers", headers=link, times=ALWAYS)
    assert client.list_tags(repository) == ("one", "two")
    assert len(fake.requests("tags")) == 2


def test_pages_that_do_not_end_are_an_error(
    fake: FakeRegistry,
    client: RegistryClient,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Never half a list: a stage that is there would be built again, and nobody would know."""
    monkeypatch.setattr(client_module, "_MOST_PAGES", 3)
    with_profile(fake, Profile(page_size=1))
    fake.tags["a/b"] = dict.fromkeys("abcde", "x")
    with pytest.raises(RegistryError, match=r"list the tags .* does not end \(3 pages so far\)"):
        client.list_tags(repository)
    fake.tags["a/b"] = dict.fromkeys("abc", "x")
    assert client.list_tags(repository) == ("a", "b", "c")


def test_pages_are_followed(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    with_profile(fake, Profile(page_size=2))
    fake.tags["a/b"] = dict.fromkeys("abcde", "x")
    assert client.list_tags(repository) == tuple("abcde")


def test_redirects_that_lead_in_a_circle_are_cut(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    blob = SOURCE.descriptor
    loop = {"Location": f"/v2/a/b/blobs/{blob.digest}"}
    fake.fault("GET .*blobs", "status", status=307, headers=loop, times=ALWAYS)
    with pytest.raises(RegistryError, match="redirects without end"):
        b"".join(client.pull_blob(repository, blob))
    assert len(fake.requests("blobs")) == 6


# What strangers say


def test_a_refusal_is_one_harmless_line(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    said = (
        '{"errors":[{"code":"DENIED","message":"no\\n::set-output name=x::y\\u001b[2J ##vso[x]"}]}'
    )
    fake.fault(".*", "status", status=403, body=said.encode(), times=ALWAYS)
    with pytest.raises(RegistryError) as caught:
        client.list_tags(repository)
    text = str(caught.value)
    assert text.isprintable()
    assert "::" not in text
    assert "##" not in text


def test_a_huge_refusal_is_cut(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.fault(".*", "status", status=400, body=b"x" * 5_000_000, times=ALWAYS)
    with pytest.raises(RegistryError) as caught:
        client.list_tags(repository)
    assert len(str(caught.value)) < 600


def test_upload_keys_are_in_no_message(
    fake: FakeRegistry, client: RegistryClient, repository: Repository
) -> None:
    fake.fault("PUT .*uploads", "drop-before", times=ALWAYS)
    fake.fault("PATCH .*uploads", "drop-before", times=ALWAYS)
    with pytest.raises(RegistryError) as caught:
        client.push_blob(repository, SOURCE)
    assert "_state" not in str(caught.value)
    assert "key-" not in str(caught.value)
