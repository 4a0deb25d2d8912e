"""What an engine answers while it loads and pushes, told by a client that answers as it did."""

from collections.abc import Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import cast

import pytest

from exporter.build.engine import Engine, PushError
from exporter.errors import EngineError
from exporter.oci.reference import Repository

LOST = {
    "error": "failed to unpack loaded image: failed to prepare extraction snapshot "
    '"extract-1 sha256:2": parent snapshot sha256:1 does not exist: not found'
}
LOADED = {"stream": "Loaded image: app:v1"}
REFERENCE = Repository(registry="registry.test", name="app").tag("v1")


class _Api:
    """Gives the answers of one request after the other."""

    def __init__(self, *answers: Iterable[Mapping[str, object]]) -> None:
        self._answers = iter(answers)
        self.sent: list[bytes] = []
        self.ended = 0

    def load_image(self, archive: Iterator[bytes]) -> Iterator[Mapping[str, object]]:
        self.sent.append(b"".join(archive))
        return self._answer()

    def push(self, *_: object, **__: object) -> Iterator[Mapping[str, object]]:
        return self._answer()

    def _answer(self) -> Iterator[Mapping[str, object]]:
        yield from next(self._answers)
        self.ended += 1


def _engine(api: _Api) -> Engine:
    return Engine(cast("object", SimpleNamespace(api=api)), "unix:///engine.sock")  # type: ignore[arg-type]


def test_a_layer_that_was_lost_meanwhile_is_sent_again() -> None:
    api = _Api([LOST, LOADED], [LOADED])
    _engine(api).load_image(lambda: iter([b"archive"]))
    assert api.sent == [b"archive", b"archive"]
    assert api.ended == 2


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        pytest.param([[{"error": "no space left on device"}, LOADED]], 1, id="another-reason"),
        pytest.param([[LOST], [LOST], [LOST]], 3, id="lost-every-time"),
    ],
)
def test_an_image_that_cannot_be_loaded(
    answers: list[list[Mapping[str, object]]], sent: int
) -> None:
    api = _Api(*answers)
    with pytest.raises(EngineError, match=r"cannot load an image: (?:no space|failed to unpack)"):
        _engine(api).load_image(lambda: iter([b"archive"]))
    assert (len(api.sent), api.ended) == (sent, sent)


def test_a_push_that_ends_well_tells_the_digest() -> None:
    digest = f"sha256:{'a' * 64}"
    api = _Api([{"status": "Pushed"}, {"aux": {"Tag": "v1", "Digest": digest, "Size": 1}}])
    _engine(api).push_image(REFERENCE, None)
    assert api.ended == 1


@pytest.mark.parametrize("answers", [[{"error": "denied"}, {"status": "x"}], [{"status": "x"}]])
def test_a_push_that_fails_is_read_to_its_end(answers: list[Mapping[str, object]]) -> None:
    api = _Api(answers)
    with pytest.raises(PushError, match=r"denied|EOF"):
        _engine(api).push_image(REFERENCE, None)
    assert api.ended == 1
