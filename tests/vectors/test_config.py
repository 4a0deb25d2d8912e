"""Configs as werf itself rendered, listed and refused them."""

from pathlib import Path

import pytest
import yaml

from exporter.errors import ExporterError
from tests.vectors.project_case import (
    Case,
    build,
    cases,
    first_paragraph,
    run,
    template_git,
    without_paths,
)

EXCLUDED = {
    "repository without commits, loose": "the original shows the command line of its git call",
    "unknown flag": "the command line words its own errors",
    "--log-verbose shows warnings and the render path": "progress boxes are the original's look",
}
"""Cases of ``config/`` whose exact output is not compared, and why."""


def _refuses_loops(case: Case) -> bool:
    """Whether images are each other's base: ours is an error (spec section 15, item 12)."""
    return "cycle" in case["name"] and case["expect"]["exit"] == 0


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template_git(tmp_path_factory.mktemp("template"))


def _check_refusal(case: Case, project: Path) -> None:
    with pytest.raises(ExporterError) as raised:
        run(case, project)
    text = without_paths(str(raised.value), project)
    if "panic" in case["expect"] or case["name"] in EXCLUDED:
        return
    essence = case.get("essence") or [first_paragraph(case["expect"]["error"])]
    assert [part for part in essence if part not in text] == [], text


@pytest.mark.parametrize("case", cases("config", "render", "lenient"))
def test_render(case: Case, tmp_path: Path, template: Path) -> None:
    project = build(case, tmp_path, template)
    expected = case["expect"]
    if expected["exit"] != 0 or _refuses_loops(case):
        if _refuses_loops(case):
            with pytest.raises(ExporterError, match="infinite loop detected"):
                run(case, project)
        else:
            _check_refusal(case, project)
    elif case["name"] not in EXCLUDED:
        text = (
            case["files"]["werf.yaml"] if "stdout_equals_file" in expected else expected["stdout"]
        )
        assert run(case, project).text == text
    for path, content in expected.get("files_after", {}).items():
        after = project / path
        assert (after.read_text("utf-8") if after.exists() else None) == content


@pytest.mark.parametrize("case", cases("config", "invalid"))
def test_invalid(case: Case, tmp_path: Path, template: Path) -> None:
    _check_refusal(case, build(case, tmp_path, template))


@pytest.mark.parametrize("case", cases("config", "list"))
def test_list(case: Case, tmp_path: Path, template: Path) -> None:
    project = build(case, tmp_path, template)
    if case["expect"]["exit"]:
        _check_refusal(case, project)
    elif _refuses_loops(case):
        with pytest.raises(ExporterError, match="infinite loop detected"):
            run(case, project)
    else:
        assert sorted(run(case, project).text.splitlines()) == case["expect"]["names_sorted"]


@pytest.mark.parametrize("case", cases("config", "graph"))
def test_graph(case: Case, tmp_path: Path, template: Path) -> None:
    project = build(case, tmp_path, template)
    if case["expect"]["exit"]:
        _check_refusal(case, project)
    elif _refuses_loops(case):
        with pytest.raises(ExporterError, match="infinite loop detected"):
            run(case, project)
    else:
        text = run(case, project).text
        printed, sample = yaml.safe_load(text), yaml.safe_load(case["expect"]["stdout_sample"])
        assert sorted(printed, key=_name) == case["expect"]["entries_sorted"]
        # Byte for byte too, but for the original's random order.
        assert sorted(_blocks(text)) == sorted(_blocks(case["expect"]["stdout_sample"]))
        assert len(printed) == len(sample)


def _name(entry: dict[str, str]) -> str:
    return entry.get("image", "")


def _blocks(text: str) -> list[str]:
    return ("\n" + text.rstrip("\n")).split("\n- ")


@pytest.mark.parametrize("case", cases("config", "warnings"))
def test_warnings(case: Case, tmp_path: Path, template: Path) -> None:
    project = build(case, tmp_path, template)
    outcome = run(case, project)
    verbose = "--log-verbose" in case["args"]
    if case["command"] == "config render" and not verbose:
        return  # the original hides them there, the command line decides for us
    lines = case["expect"]["stderr"].splitlines()
    expected = [
        line.removeprefix("│ ") for line in lines if line.removeprefix("│ ").startswith(_MARKS)
    ]
    assert [_first_sentence(text) for text in outcome.warnings] == [
        _first_sentence(text) for text in dict.fromkeys(expected)
    ]


_MARKS = ("DEPRECATION WARNING!", "WARNING!", "WARNING: ")


def _first_sentence(text: str) -> str:
    """What a warning is about; the advice behind it is ours."""
    return text if text.startswith("WARNING: ") else text[: text.find(". ") + 1 or None]
