"""Reports of the exporter as others may have changed them."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import InputError
from exporter.promotion import read_promotion


@pytest.mark.parametrize(
    "image",
    [
        pytest.param("text", id="no object"),
        pytest.param({"references": []}, id="a list of references"),
        pytest.param({"references": {"a": None}}, id="no reference"),
        pytest.param(
            {"references": {"a": {"digest": "sha256:1", "status": "created"}}}, id="no repository"
        ),
    ],
)
def test_a_report_that_does_not_say_where_an_image_is(
    tmp_path: Path,
    image: Any,  # noqa: ANN401 - any JSON
) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"version": 1, "images": {"app": image}}))
    with pytest.raises(InputError, match="does not say where the image 'app' is"):
        read_promotion(["report.json"], [], tmp_path)
