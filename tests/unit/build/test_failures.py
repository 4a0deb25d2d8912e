"""Whose fault a failed build is said to be."""

from pathlib import Path

import pytest

from exporter.build.failures import error_of
from exporter.build.progress import Failure
from exporter.build.solve import Solve
from exporter.errors import EngineError
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference


def _solve(directory: Path | None = None) -> Solve:
    return Solve(
        name="app",
        reference=Reference.parse("r.test/app:v1"),
        platform=Platform.parse("linux/amd64"),
        open_context=lambda: iter(()),
        dockerfile="build/Dockerfile",
        directory=directory,
    )


@pytest.mark.parametrize(
    ("message", "what"),
    [
        pytest.param(
            "failed to solve with frontend dockerfile.v0: failed to create LLB definition:"
            " dockerfile parse error line 5: unknown instruction: ECHO",
            "unknown instruction: ECHO",
            id="engine-20.10",
        ),
        pytest.param(
            "dockerfile parse error on line 5: unknown flag: --parents",
            "unknown flag: --parents",
            id="engine-29",
        ),
    ],
)
def test_syntax_that_the_builder_is_too_old_for(message: str, what: str) -> None:
    error = error_of(_solve(), Failure(step="", message=message))
    assert isinstance(error, EngineError)
    assert str(error).startswith(
        f"build/Dockerfile:5: app must be built, but its builder does not understand: {what}."
    )
    assert "# syntax=docker/dockerfile:1" in error.remedy
    stages = error_of(_solve(Path("/x")), Failure(step="", message=message))
    assert isinstance(stages, EngineError)
    assert stages.place is None
    assert "syntax" not in stages.remedy


def test_a_buildx_that_does_not_know_our_options() -> None:
    error = error_of(_solve(), Failure(step="", message="unknown flag: --progress"))
    assert "docker has no usable buildx plugin: unknown flag: --progress" in str(error)
