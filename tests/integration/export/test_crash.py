"""Killed at each request, an export leaves nothing half-done, and the next run completes it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.oci.manifest import Manifest, parse_manifest
from tests.fakes.images import make_image
from tests.fakes.registry import FakeRegistry, Profile, serve
from tests.integration.export.conftest import publish

SCRIPT = Path(__file__).with_name("crashing.py")
ENV = {"PYTHONPATH": str(SCRIPT.parents[3])}
IMAGES = tuple(make_image(f"crash{number}", layer_bytes=(900, 700)) for number in range(3))


class Pair:
    """Two registries that accept incomplete manifests, and the process that exports."""

    def __init__(self, near: FakeRegistry, far: FakeRegistry, addresses: tuple[str, str]) -> None:
        self.fakes = (near, far)
        self.addresses = addresses
        self.process: subprocess.Popen[bytes] | None = None
        self.left = -1
        for number, image in enumerate(IMAGES):
            publish(near, image, f"stage-{number}")
        for fake in self.fakes:
            fake.before = self._count

    def run(self, *, kill_at: int | None = None) -> int:
        self.left = -1 if kill_at is None else kill_at
        self.process = subprocess.Popen([sys.executable, str(SCRIPT), *self.addresses], env=ENV)
        return self.process.wait(60)

    def _count(self, _line: str) -> None:
        self.left -= 1
        if self.left == 0 and self.process is not None:
            self.process.kill()

    def broken_tags(self) -> list[str]:
        """Tags that point to a manifest or to blobs that are not there."""
        broken = []
        for fake in self.fakes:
            for tag, digest in fake.tags.get("out/app", {}).items():
                raw, kind = fake.manifests["out/app"][digest]
                manifest = parse_manifest(raw, kind)
                assert isinstance(manifest, Manifest)
                held = fake.blobs.get("out/app", {})
                if any(blob.digest not in held for blob in manifest.blobs):
                    broken.append(tag)
        return broken


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = (FakeRegistry(Profile(checks_content=False)) for _ in range(2))
    with serve(near) as one, serve(far) as other:
        yield Pair(near, far, (one, other))


# A run makes about 54 requests; the last ones are the tags.
@pytest.mark.parametrize("request_number", [*range(1, 40, 6), *range(40, 62, 2)])
def test_a_killed_export_converges(pair: Pair, request_number: int) -> None:
    pair.run(kill_at=request_number)
    assert pair.broken_tags() == []
    assert pair.run() == 0
    assert pair.broken_tags() == []
    assert [len(fake.tags["out/app"]) for fake in pair.fakes] == [6, 3]
    for fake in pair.fakes:
        assert fake.incomplete == []


def test_two_exports_at_once_end_well(pair: Pair) -> None:
    command = [sys.executable, str(SCRIPT), *pair.addresses]
    first, second = (subprocess.Popen(command, env=ENV) for _ in range(2))
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert [len(fake.tags["out/app"]) for fake in pair.fakes] == [6, 3]
    assert pair.broken_tags() == []
