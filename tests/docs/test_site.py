"""The documentation as a site: it builds without a warning and needs nothing from elsewhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; links and anchors that lead nowhere fail the build."""
    folder = tmp_path_factory.mktemp("site")
    argv = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(folder),
    ]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loading = re.compile(r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?https?:[^>]*>""")
    styles = re.compile(r"""<link[^>]*rel=["']?(?:stylesheet|preconnect)[^>]*https?:[^>]*>""")
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert loading.findall(text) + styles.findall(text) == [], page


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("promotion", "how-to/promote.html"),
        ("write_registry", "how-to/registries.html"),
        ("client_max_body_size", "how-to/troubleshooting.html"),
        ("trunc", "reference/template-functions.html"),
    ],
)
def test_search_finds_pages_by_their_words(site: Path, words: str, page: str) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    found = {each["location"].partition("#")[0] for each in index["docs"] if words in each["text"]}
    assert page in found


def test_the_schema_of_the_report_is_part_of_the_site(site: Path) -> None:
    assert (site / "report.schema.json").read_bytes() == (DOCS / "report.schema.json").read_bytes()
