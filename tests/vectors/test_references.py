import json
from typing import Any

import pytest

from exporter.errors import InputError
from exporter.oci.reference import Reference
from tests.vectors.folder import VECTORS

RAW: list[dict[str, Any]] = [
    case
    for path in sorted((VECTORS / "naming").glob("references*.json"))
    for case in json.loads(path.read_text())["cases"]
]
CASES = [pytest.param(case, id=str(number)) for number, case in enumerate(RAW)]


@pytest.mark.parametrize("case", CASES)
def test_reference_means_what_it_means_to_werf(case: dict[str, Any]) -> None:
    expected = case["expect"]
    if "error" in expected:
        with pytest.raises(InputError, match="could not parse reference"):
            Reference.parse(case["in"])
        return
    reference = Reference.parse(case["in"])
    assert {
        "registry": reference.repository.registry,
        "repository": reference.repository.name,
        "identifier": reference.identifier,
        "kind": "digest" if reference.digest else "tag",
        "scheme": "http" if reference.repository.plain_http else "https",
    } == {key: expected[key] for key in ("registry", "repository", "identifier", "kind", "scheme")}


@pytest.mark.parametrize("case", [case for case in RAW if "name" in case["expect"]])
def test_reference_prints_its_complete_name(case: dict[str, Any]) -> None:
    reference = Reference.parse(case["in"])
    shown = reference.by_digest if reference.digest else reference
    assert str(shown) == case["expect"]["name"]
