"""The recorded cases about contexts once more, with contexts that are kept as directories."""

from pathlib import Path

import pytest

from exporter.build.dockerfile import kept
from tests.vectors.dockerfile_case import case_files
from tests.vectors.test_dockerfile import test_a_case_does_what_was_recorded as check

pytestmark = [pytest.mark.engine, pytest.mark.registry]

ABOUT_CONTEXTS = ("ctx-", "di-", "copy-flags", "rr-chmod", "rr-copydot", "rr-dirty", "rr-un")
"""Beginnings of names; how the files get to the build makes no difference to the other cases."""

CASES = [path for path in case_files() if path.stem.startswith(ABOUT_CONTEXTS)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_kept_context_is_the_same(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(kept, "LEAST_FILES", 0)
    check(path, tmp_path, monkeypatch, request)
