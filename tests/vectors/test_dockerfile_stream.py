"""The recorded cases about contexts once more, as a program gets them: as a tar stream."""

from pathlib import Path

import pytest

from exporter.build.delivery import Delivery
from exporter.build.direct import Direct
from exporter.build.solve import Solve
from tests.vectors.dockerfile_case import case_files
from tests.vectors.test_dockerfile import test_a_case_does_what_was_recorded as check

pytestmark = [pytest.mark.engine, pytest.mark.registry]

ABOUT_CONTEXTS = ("ctx-", "di-", "copy-flags", "rr-chmod", "rr-copydot", "rr-dirty", "rr-un")
"""Beginnings of names; how the files get to the build makes no difference to the other cases."""

CASES = [path for path in case_files() if path.stem.startswith(ABOUT_CONTEXTS)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_context_as_a_stream_is_the_same(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    asked: list[str] = []

    def takes(_: Direct, solve: Solve, delivery: Delivery) -> bool:
        del delivery
        asked.append(solve.name)
        return False

    monkeypatch.setattr(Direct, "takes", takes)
    check(path, tmp_path, monkeypatch, request)
    assert asked
