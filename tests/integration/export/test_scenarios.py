"""Every fault at every request: once, the export succeeds; always, it fails cleanly.

Clean means: an error that names the reference or its repository, the tag as it was, no tag that
points at missing content (the registries here would accept it), and no upload left open.
"""

import time
from collections.abc import Iterator

import pytest

from exporter.errors import DigestMismatchError
from exporter.export import Export, ExportJob, ExportPolicy
from exporter.oci.mutate import Mutation
from exporter.oci.reference import Repository
from exporter.registry.client import RegistryClient
from exporter.registry.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.images import make_image
from tests.fakes.registry import FakeRegistry, Profile, serve
from tests.fakes.registry_faults import ALWAYS, How
from tests.integration.export.conftest import publish

OLD = make_image("old")
NEW = make_image("new", layer_bytes=(700_000, 600))
REQUESTS = {
    "source-manifest": ("near", r"GET .*manifests"),
    "source-config": ("near", rf"GET .*{NEW.config.digest}"),
    "source-layer": ("near", rf"GET .*{NEW.manifest.layers[0].digest}"),
    "tag-head": ("far", r"HEAD .*manifests/1"),
    "blob-head": ("far", r"HEAD .*blobs"),
    "upload-start": ("far", r"POST .*uploads"),
    "upload-data": ("far", r"PUT .*uploads"),
    "tag-put": ("far", r"PUT .*manifests"),
}
STATUSES = (400, 401, 403, 404, 405, 408, 409, 413, 416, 429, 500, 501, 502, 503, 504, 522)
PASSING = (408, 429, 500, 502, 503, 504, 522)
BREAKS: tuple[How, ...] = (
    "drop-before",
    "drop-mid-request",
    "drop-after",
    "drop-mid-answer",
    "truncate",
    "corrupt",
    "stall",
    "stall-mid-answer",
)


class Scene:
    """A published image, a destination whose tag shows an older one, and an export."""

    def __init__(self) -> None:
        self.near = FakeRegistry(Profile(checks_content=False))
        self.far = FakeRegistry(Profile(checks_content=False))
        publish(self.near, NEW, "stage")
        publish(self.far, OLD, "1", "out/app")
        self.export: Export | None = None
        self.error: Exception | None = None
        self.addresses = ("", "")
        self.lost_sessions = 0  # those whose opening was never answered

    def fault(self, where: str, how: How, *, times: int, status: int = 500) -> None:
        place, match = REQUESTS[where]
        fake = self.near if place == "near" else self.far
        fake.fault(match, how, times=times, status=status)
        if (where, how) == ("upload-start", "drop-after"):
            self.lost_sessions = min(times, 30)

    def run(self) -> None:
        near, far = self.addresses
        job = ExportJob(
            image="app",
            source=Repository(registry=near, name="project/stages").tag("stage"),
            destinations=(Repository(registry=far, name="out/app").tag("1"),),
            mutation=Mutation(remove_label_prefixes=("werf",)),
        )
        settings = Settings(connect_timeout_s=1, silence_timeout_s=0.15, request_retry_timeout_s=4)
        with RegistryClient(settings=settings, clock=FakeClock().clock) as client:
            self.export = Export(client, [job], ExportPolicy())
            try:
                self.export.run()
                self.error = self.export.error
            except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
                self.error = error

    def check_success(self) -> None:
        assert self.error is None, str(self.error)
        assert self.export is not None
        (reference,) = self.export.results[0].references
        assert self.far.tags["out/app"]["1"] == reference.digest
        assert reference.status in ("moved", "created")
        self.check_integrity()

    def check_clean_failure(self) -> None:
        assert self.error is not None
        assert self.far.tags["out/app"]["1"] == OLD.manifest.digest
        near, far = self.addresses
        assert any(f"{address}/" in str(self.error) for address in (near, far))
        assert str(self.error).isprintable()
        self.check_integrity()

    def check_integrity(self) -> None:
        assert self.far.incomplete == []
        patience = time.monotonic() + 5  # a registry on a busy machine may be late to close them
        while len(self.far.uploads) > self.lost_sessions:
            assert time.monotonic() < patience, self.far.uploads
            time.sleep(0.05)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    with serve(made.near) as near, serve(made.far) as far:
        made.addresses = (near, far)
        yield made


@pytest.mark.parametrize("status", PASSING)
@pytest.mark.parametrize("where", REQUESTS)
def test_a_passing_status_does_no_harm(scene: Scene, where: str, status: int) -> None:
    scene.fault(where, "status", times=2, status=status)
    scene.run()
    scene.check_success()


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("where", REQUESTS)
def test_a_single_break_does_no_harm(scene: Scene, where: str, how: How) -> None:
    scene.fault(where, how, times=1)
    scene.run()
    scene.check_success()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("where", REQUESTS)
def test_a_lasting_status_fails_cleanly(scene: Scene, where: str, status: int) -> None:
    scene.fault(where, "status", times=ALWAYS, status=status)
    scene.run()
    if (where, status) in HARMLESS:
        scene.check_success()
    else:
        scene.check_clean_failure()


# HEAD that does not work, or says that nothing is there: the upload or a GET tells.
HARMLESS = {("blob-head", status) for status in (400, 404, 405, 501)} | {
    ("tag-head", status) for status in (400, 401, 403, 404, 405, 501)
}


@pytest.mark.parametrize("how", ["drop-before", "drop-mid-request", "drop-after", "stall"])
@pytest.mark.parametrize("where", REQUESTS)
def test_a_lasting_break_fails_cleanly(scene: Scene, where: str, how: How) -> None:
    scene.fault(where, how, times=ALWAYS)
    scene.run()
    if (where, how) == ("tag-put", "drop-after"):
        # The tag was written each time, and reading it back says so.
        scene.check_success()
    elif (where, how) == ("upload-data", "drop-after"):
        scene.check_success()  # the blob was stored, and HEAD says so
    else:
        scene.check_clean_failure()


@pytest.mark.parametrize("how", ["drop-mid-answer", "truncate", "corrupt", "stall-mid-answer"])
@pytest.mark.parametrize("where", ["source-manifest", "source-config", "source-layer"])
def test_a_source_that_is_always_broken_fails_cleanly(scene: Scene, where: str, how: How) -> None:
    scene.fault(where, how, times=ALWAYS)
    scene.run()
    scene.check_clean_failure()
    if how == "corrupt":
        assert isinstance(scene.error, DigestMismatchError)
