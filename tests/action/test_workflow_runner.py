"""A workflow executed by act, a workflow runner that is not ours; skipped where it is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.action.runner import ROOT
from tests.images import tags

ACT = shutil.which("act")

pytestmark = [
    pytest.mark.engine,
    pytest.mark.registry,
    pytest.mark.skipif(ACT is None, reason="act is not installed"),
]

WORKFLOW = """\
on: push
jobs:
  export:
    runs-on: ubuntu-latest
    outputs:
      references: ${{ steps.export.outputs.references-with-digests }}
    steps:
      - uses: actions/checkout@v4
      - id: export
        uses: ./.github/actions/exporter
        with:
          repo: SPACE/stages
          tags: |
            SPACE/%image%:v1
            SPACE/%image%:latest
      - run: echo "app ${{ fromJSON(steps.export.outputs.images).app.digest }}"
      - id: typo
        uses: ./.github/actions/exporter
        continue-on-error: true
        with: {repo: SPACE/stages, tag: x}
      - run: echo "typo ${{ steps.typo.outcome }} ${{ steps.typo.outputs.result }}"
      - id: plan
        uses: ./.github/actions/exporter
        with:
          mode: plan
          args: app --tag SPACE/planned:v1
          repo: SPACE/stages
      - run: echo "plan ${{ steps.plan.outputs.result }}"
  deploy:
    needs: export
    runs-on: ubuntu-latest
    steps:
      - run: echo "deploy ${{ needs.export.outputs.references }}"
"""


def _project(folder: Path, space: str, image: str) -> None:
    shutil.copytree(ROOT / "examples" / "two-images", folder)
    action = (
        (ROOT / "action.yml").read_text("utf-8").replace("image: Dockerfile", f"image: {image}")
    )
    for path, text in (
        (".github/actions/exporter/action.yml", action),
        (".github/workflows/test.yml", WORKFLOW.replace("SPACE", space)),
    ):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text(text, "utf-8")
    who = ["-c", "user.name=Dev", "-c", "user.email=dev@example.com"]
    for argv in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["remote", "add", "origin", "https://github.com/octo-org/two-images"],
        ["add", "--all"],
        [*who, "commit", "--quiet", "--message", "init"],
    ):
        subprocess.run(["git", *argv], cwd=folder, check=True)


def test_a_workflow_exports_plans_and_hands_on(tmp_path: Path, image: str, space: str) -> None:
    _project(tmp_path / "project", space, f"docker://{image}")
    argv = [str(ACT), "push", "-P", "ubuntu-latest=debian:trixie-slim", "--pull=false"]
    argv += ["--bind=false", "--action-cache-path", str(tmp_path / "cache")]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        argv, cwd=tmp_path / "project", env=env, capture_output=True, text=True, check=False
    )
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    assert "| app sha256:" in log
    assert "| typo failure failure" in log
    assert "| plan planned" in log
    assert f"| deploy {space}/runtime:v1@sha256:" in log
    assert tags(f"{space}/app") == ["latest", "v1"]
    assert tags(f"{space}/planned") == []
