"""action.yml, the README and the reference say what the tables of options and outputs say."""

import pytest
import yaml

from exporter.options import MODES, OPTIONS
from exporter.outputs import OUTPUTS
from exporter.report import Report, outputs
from scripts.docs import DOOR_INPUTS, MAIN_INPUTS, PARTS, generated, inputs
from scripts.reference import ROOT


@pytest.mark.parametrize("path", PARTS)
def test_generated_parts_are_up_to_date(path: str) -> None:
    assert generated(path) == (ROOT / path).read_text(encoding="utf-8"), (
        "run: python -m scripts.docs"
    )


def test_the_action_declares_every_input_of_its_modes() -> None:
    wanted = {o.input for o in OPTIONS if o.input and set(o.commands) & set(MODES)}
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert set(action["inputs"]) == wanted | set(DOOR_INPUTS)


def test_only_the_token_has_a_default_so_that_empty_means_not_given() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    defaults = {name: i["default"] for name, i in action["inputs"].items() if "default" in i}
    assert defaults == {"github-token": "${{ github.token }}"}


def test_the_action_declares_every_output() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert set(action["outputs"]) == set(OUTPUTS)


def test_a_run_writes_exactly_the_declared_outputs() -> None:
    assert set(outputs(Report(result="success", command="export"))) == set(OUTPUTS)


def test_the_inputs_of_the_readme_exist() -> None:
    assert set(MAIN_INPUTS) <= set(inputs())


def test_a_file_without_a_place_for_its_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "LICENSE", {"inputs": str})
    with pytest.raises(ValueError, match="LICENSE has no lines 'BEGIN inputs'"):
        generated("LICENSE")
