"""Stages of the engine for builders that do not see them."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from exporter.build.delivery import Deliveries, KeepInEngine
from exporter.build.documents import Documents
from exporter.build.engine import Engine
from exporter.build.engine_images import EngineImages
from exporter.build.local import LocalPublisher
from exporter.build.session import Session
from exporter.build.stapel.engine_contexts import engine_contexts
from exporter.errors import EngineError
from exporter.registry.client import RegistryClient

DIGEST = f"sha256:{'a' * 64}"


class _Engine:
    """Saves images that consist of one file."""

    def __init__(self, name: str, content: str) -> None:
        self._file = (name, content.encode())

    def image_archive(self, name: str) -> Iterator[bytes]:
        assert name == "app:stage"
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as archive:
            info = tarfile.TarInfo(self._file[0])
            info.size = len(self._file[1])
            archive.addfile(info, io.BytesIO(self._file[1]))
        yield sink.getvalue()


def _session(engine: _Engine, folder: Path) -> Session:
    images = EngineImages(cast("Engine", engine), Documents(folder), folder)
    deliveries = Deliveries([KeepInEngine(is_engine=False)], lambda _: None)
    made = SimpleNamespace(
        publisher=LocalPublisher(images, cast("RegistryClient", None)),
        buildkit=SimpleNamespace(deliveries=deliveries),
        storages=SimpleNamespace(primary=SimpleNamespace(repository="app")),
    )
    return cast("Session", made)


def test_only_stages_are_handed_over_and_only_while_they_are_needed(tmp_path: Path) -> None:
    engine = _Engine("index.json", f'{{"manifests": [{{"digest": "{DIGEST}"}}]}}')
    session = _session(engine, tmp_path)
    references = ["app:stage", "debian@sha256:1", "app:stage", "scratch"]
    with engine_contexts(session, references) as contexts:
        [(name, place)] = contexts.items()
        assert name == "app:stage"
        assert place.endswith(f"@{DIGEST}")
        folder = Path(place.removeprefix("oci-layout://").removesuffix(f"@{DIGEST}"))
        assert [path.name for path in folder.iterdir()] == ["index.json"]
    assert not folder.exists()


def test_an_engine_that_saves_no_layouts_is_an_error(tmp_path: Path) -> None:
    session = _session(_Engine("manifest.json", "[]"), tmp_path)
    with (
        pytest.raises(EngineError, match="the builder needs app:stage") as raised,
        engine_contexts(session, ["app:stage"]),
    ):
        pass
    assert raised.value.remedy == (
        "Use an engine of version 25 or newer, its own builder, or --repo."
    )
