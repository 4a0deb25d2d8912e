"""Two fake registries with three published images, as an export meets them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from exporter.export import Export, ExportJob, ExportPolicy
from exporter.oci.mutate import Mutation
from exporter.oci.reference import Reference, Repository
from exporter.registry.client import RegistryClient
from exporter.registry.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.images import Image, make_image
from tests.fakes.registry import FakeRegistry, serve

CLEANED = Mutation(remove_label_prefixes=("werf",), add_labels={"added": "label"})


@dataclass(frozen=True, kw_only=True)
class World:
    """The registries, their addresses, and a way to export."""

    near: FakeRegistry
    far: FakeRegistry
    near_address: str
    far_address: str
    client: RegistryClient
    clock: FakeClock
    images: tuple[Image, ...]

    @property
    def source(self) -> Repository:
        return Repository(registry=self.near_address, name="project/stages")

    def job(self, number: int, *destinations: str, mutation: Mutation = CLEANED) -> ExportJob:
        """Export image ``number``; ``near/`` and ``far/`` stand for the registries."""
        texts = [
            text.replace("near/", f"{self.near_address}/", 1)
            if text.startswith("near/")
            else text.replace("far/", f"{self.far_address}/", 1)
            for text in destinations
        ]
        return ExportJob(
            image=f"image{number}",
            source=self.source.tag(f"stage-{number}"),
            destinations=tuple(map(Reference.parse, texts)),
            mutation=mutation,
        )

    def export(self, *jobs: ExportJob, **policy: object) -> Export:
        """Run an export and give what it knows afterwards."""
        export = Export(self.client, jobs, ExportPolicy(**policy))  # type: ignore[arg-type] # passed on
        export.run()
        return export

    def statuses(self, export: Export) -> list[str]:
        return [ref.status for image in export.results for ref in image.references]

    def forget(self) -> None:
        """Empty both journals."""
        self.near.journal.clear()
        self.far.journal.clear()


def publish(fake: FakeRegistry, image: Image, tag: str, repository: str = "project/stages") -> None:
    """Put an image into a fake registry."""
    for blob in (image.config.raw, *image.layers):
        fake.add_blob(repository, blob)
    fake.add_manifest(repository, image.manifest.raw, image.manifest.media_type, tag)


IMAGES = tuple(make_image(f"image{number}", layer_bytes=(900, 800, 700)) for number in range(3))


@pytest.fixture
def world() -> Iterator[World]:
    near, far = FakeRegistry(), FakeRegistry()
    clock = FakeClock()
    settings = Settings(connect_timeout_s=10, silence_timeout_s=30)  # requests are counted
    with (
        serve(near) as near_address,
        serve(far) as far_address,
        RegistryClient(settings=settings, clock=clock.clock) as client,
    ):
        for number, image in enumerate(IMAGES):
            publish(near, image, f"stage-{number}")
        yield World(
            near=near,
            far=far,
            near_address=near_address,
            far_address=far_address,
            client=client,
            clock=clock,
            images=IMAGES,
        )
