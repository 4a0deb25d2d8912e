"""What a run loads: modules that it does not need would cost every run of every pipeline."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from exporter import __version__
from exporter.cli import main
from exporter.oci.reference import Reference
from exporter.registry.client import RegistryClient
from tests.fakes.images import make_image, push_image
from tests.fakes.registry import FakeRegistry, serve
from tests.repositories import Builder

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, os, sys
from exporter import __version__
from exporter.cli import main
code = main(sys.argv[1:], dict(os.environ))
print(json.dumps([code, sorted(sys.modules)]))
"""
FILES = {
    "werf.yaml": "project: test\nconfigVersion: 1\n---\nimage: app\ndockerfile: Dockerfile\n",
    "Dockerfile": "FROM scratch\nCOPY file /\n",
    "file": "content\n",
}
ENGINE = ("docker", "requests", "tarfile", "exporter.build.buildkit", "exporter.build.engine")
TEMPLATES = ("re2", "exporter.gotemplate.nodes", "exporter.gotemplate.printf", "zoneinfo")
RARE = (
    "actions_toolkit",
    "asyncio",
    "concurrent.futures",
    "difflib",
    "platform",
    "exporter.build.index",
    "exporter.build.records",
    "exporter.build.secret",
    "exporter.build.image_spec",
    "exporter.build.stapel",
    "exporter.build.dockerfile.solve",
    "exporter.git.dev",
    "exporter.git.remote",
    "exporter.help",
    "exporter.preflight",
    "exporter.project.models.cleanup",
    "exporter.project.models.dependencies",
    "exporter.project.models.image_spec",
    "exporter.project.models.secrets",
    "exporter.project.models.stapel",
    "exporter.promotion",
    "exporter.registry.referrers",
)
REGISTRY = ("urllib3", "ssl", "exporter.oci", "exporter.registry", "exporter.export")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    """A project of one small image, in the current directory."""
    project = Builder(path=tmp_path / "project").init()
    project.write(FILES).commit()
    monkeypatch.chdir(project.path)
    return project


def loaded(project: Builder, *arguments: str) -> frozenset[str]:
    """The modules that a run of its own has at its end."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=project.path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"},
        capture_output=True,
        check=True,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return frozenset(modules)


def heavy(names: Sequence[str], modules: frozenset[str]) -> list[str]:
    """Which of these packages and modules are there."""
    return [name for name in names if name in modules]


def test_a_repeated_export_loads_neither_engine_nor_templates_nor_what_is_rare(
    project: Builder, tmp_path: Path
) -> None:
    registry, report = FakeRegistry(), tmp_path / "report.json"
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    with serve(registry) as host:
        options = ("app", f"--repo={host}/stages", f"--tag={host}/app:v1", "--add-label=a=b")
        assert main(["plan", *options, f"--report-path={report}"], env) == 0
        (stage,) = json.loads(report.read_text())["images"]["app"]["stages"]
        with RegistryClient() as client:
            push_image(client, Reference.parse(stage["reference"]), make_image("built"))
        assert main(["export", *options], env) == 0
        written = len(registry.writes())
        modules = loaded(project, "export", *options)
        assert len(registry.writes()) == written
    assert heavy((*ENGINE, *TEMPLATES, *RARE), modules) == []


def test_a_plain_config_is_loaded_without_what_talks_to_registries(project: Builder) -> None:
    modules = loaded(project, "config", "list")
    assert heavy((*ENGINE, *TEMPLATES, *RARE, *REGISTRY), modules) == []


def test_the_version_is_told_without_a_project() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "exporter", "--version"],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == f"exporter {__version__}\n"
    assert "exporter.project" not in done.stderr
    assert "yaml" not in done.stderr
