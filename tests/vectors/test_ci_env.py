"""What the real ``ci-env`` wrote, printed and refused, in repositories as it found them."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from exporter import cli
from tests.vectors.folder import VECTORS
from tests.vectors.project_case import Case, build, template_git

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted((VECTORS / "ci-env").glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))["cases"]
]
_FOLDER = re.compile(r'\bDOCKER_CONFIG ?= ?"?([^"\n]+)')


@pytest.fixture(scope="module")
def empty_git(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template_git(tmp_path_factory.mktemp("git"))


@pytest.mark.registry
@pytest.mark.parametrize("case", CASES)
def test_ci_env_says_what_werf_says(
    case: Case,
    tmp_path: Path,
    empty_git: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = build(case, tmp_path, empty_git)
    monkeypatch.chdir(project / case.get("cwd", "."))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "TZ": "UTC"}
    env |= {key: _placed(value, project) for key, value in case["env"].items()}
    words = [*case["command"].split(), *(_placed(word, project) for word in case["args"])]
    expect = case["expect"]

    code = cli.main(words, env)

    printed = capsys.readouterr()
    assert (code == 0) == (expect["exit"] == 0), printed.err
    if code:
        assert _essence(expect["error"]) in printed.err
        return
    out = Path("out")
    text = out.read_text("utf-8") if "file" in expect else printed.out
    folder = _FOLDER.search(text)
    assert folder
    expected = _escaped(expect.get("file", expect.get("stdout", "")))
    assert text.replace(folder[1], "{SESSION_DOCKER_CONFIG}") == expected
    if "session_docker_config" in expect:
        assert _contents(Path(folder[1])) == expect["session_docker_config"]
    if "file" in expect:
        assert printed.out == ""


def _placed(text: str, project: Path) -> str:
    return text.replace("{PROJECT}", str(project)).replace("{HOME}", str(project.parent))


def _essence(error: str) -> str:
    """The part of an error that ours says too: not which step of werf's failed."""
    inner = error.partition("unable to load werf config: ")
    return (inner[2] or error).partition("\n\n")[0].rstrip("!")


def _escaped(text: str) -> str:
    """Ours escapes values in scripts (specification 15.18); werf lets ``$x`` and ``"`` through."""
    return re.sub(
        r'^((?:echo \')?(?:# )?(?:skip )?export \w+=")(.*)("\'?)$',
        lambda found: found[1] + re.sub(r'([\\"$`])', r"\\\1", found[2]) + found[3],
        text,
        flags=re.MULTILINE,
    )


def _contents(folder: Path) -> dict[str, Any]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}
