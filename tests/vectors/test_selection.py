import json
from dataclasses import dataclass
from typing import Any

import pytest

from exporter.errors import InputError
from exporter.project.selection import select_images
from tests.vectors.folder import VECTORS

CASES = [
    pytest.param(case, key == "final_images_only_true", id=f"{path.stem}-{number}-{key}")
    for path in sorted((VECTORS / "selection").glob("*.json"))
    for number, case in enumerate(json.loads(path.read_text())["cases"])
    for key in case["expect"]
]


@dataclass(frozen=True)
class Image:
    name: str
    final: bool


@pytest.mark.parametrize(("case", "final_only"), CASES)
def test_arguments_select_what_they_select_in_werf(case: dict[str, Any], final_only: bool) -> None:  # noqa: FBT001 - a parameter of the test
    images = [Image(**image) for image in case["images"]]
    expected = case["expect"][f"final_images_only_{str(final_only).lower()}"]
    if "error" in expected:
        with pytest.raises(InputError) as caught:
            select_images(images, case["args"], final_only=final_only)
        assert expected["error"] in str(caught.value)
        return
    selection = select_images(images, case["args"], final_only=final_only)
    assert {
        "build": sorted(selection.build),
        "export": sorted(selection.export),
        "without_images": not selection.build,
    } == expected
