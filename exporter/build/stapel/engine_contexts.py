"""Images of the engine for a builder that does not see them, as OCI layouts.

The engine's own BuildKit takes them by name.
Any other builder (``--builder``) gets what the engine saves as a named context of the same name.
"""

import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.build.archive import Pieces
from exporter.build.delivery import KeepInEngine
from exporter.build.engine import Engine
from exporter.build.local import LocalPublisher
from exporter.build.session import Session
from exporter.errors import EngineError

_CHUNK = 1 << 20


def builds_in_engine(session: Session) -> bool:
    """Whether the builder is the BuildKit of the engine that keeps the stages."""
    way = session.buildkit.deliveries.current
    return isinstance(way, KeepInEngine) and way.is_engine


@contextmanager
def engine_contexts(session: Session, references: Iterable[str]) -> Iterator[dict[str, str]]:
    """Named contexts for those of the references that are stages of the engine; mostly none.

    Raises:
        EngineError: The engine saves no OCI layouts (before version 25).
    """
    publisher = session.publisher
    if not isinstance(publisher, LocalPublisher) or builds_in_engine(session):
        yield {}
        return
    own = f"{session.storages.primary.repository}:"
    with TemporaryDirectory(prefix="exporter-images-") as directory:
        yield {
            reference: _layout(publisher.images.engine, reference, Path(directory, str(number)))
            for number, reference in enumerate(dict.fromkeys(references))
            if reference.startswith(own)
        }


def _layout(engine: Engine, name: str, folder: Path) -> str:
    stream = Pieces(engine.image_archive(name))
    folder.mkdir()
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as archive:  # type: ignore[call-overload]  # typeshed wants more than read()
        archive.extractall(folder, filter="data")
    while stream.read(_CHUNK):
        pass
    index = folder / "index.json"
    if not index.exists():
        raise EngineError(
            f"the builder needs {name}, which the engine cannot hand out in the form it takes",
            remedy="Use an engine of version 25 or newer, its own builder, or --repo.",
        )
    digest = json.loads(index.read_bytes())["manifests"][0]["digest"]
    return f"oci-layout://{folder}@{digest}"
