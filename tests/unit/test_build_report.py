"""werf's build report as others may have written it."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.build_report import checked, read, write
from exporter.errors import InputError

STAGE = {"Name": "from", "DockerImageName": "r.example/app:1", "DockerImageID": "sha256:1"}
RECORD = {
    "WerfImageName": "app",
    "DockerImageName": "r.example/app:1",
    "DockerRepo": "r.example/app",
    "DockerTag": "1",
    "DockerImageID": "sha256:1",
    "Final": True,
}


def _written(path: Path, record: Any) -> Path:  # noqa: ANN401 - any JSON
    path.write_text(json.dumps({"Images": {"app": record}}))
    return path


@pytest.mark.parametrize("stages", [{}, {"Stages": None}, {"Stages": [STAGE]}])
def test_final_images_are_found_with_and_without_stages(
    tmp_path: Path, stages: dict[str, Any]
) -> None:
    found = read(_written(tmp_path / "report.json", RECORD | stages))
    assert str(found["app"].reference) == "r.example/app:1"


@pytest.mark.parametrize(
    ("record", "missing"),
    [
        pytest.param(RECORD | {"DockerTag": ""}, "DockerTag for the image 'app'", id="empty"),
        pytest.param(RECORD | {"DockerRepo": 7}, "DockerRepo for the image 'app'", id="a number"),
        pytest.param(7, "WerfImageName for the image 'app'", id="no object"),
        pytest.param(
            RECORD | {"Stages": [STAGE | {"Name": None}]},
            "Name for a stage of the image 'app'",
            id="a stage without a name",
        ),
        pytest.param(
            RECORD | {"Stages": 7}, "Name for a stage of the image 'app'", id="no list of stages"
        ),
    ],
)
def test_records_that_lack_something_are_refused(
    tmp_path: Path,
    record: Any,  # noqa: ANN401 - any JSON
    missing: str,
) -> None:
    with pytest.raises(InputError, match=f"report.json has no {missing}"):
        read(_written(tmp_path / "report.json", record))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.env"
    path.write_bytes(b"WERF_APP_DOCKER_TAG=\xff\n")
    with pytest.raises(InputError, match=r"report\.env is not UTF-8 text"):
        read(path)


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"report\.json cannot be written: .+Name a path"):
        write(tmp_path / "file" / "report.json", [])


def test_another_ending_is_refused() -> None:
    with pytest.raises(InputError, match=r"^--build-report-path x\.xml ends in \.xml"):
        checked(Path("x.xml"))
