"""The same container as other CIs start it: a shell fed by standard input, a detached ``cat``."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.action.runner import ROOT, Runner

pytestmark = [pytest.mark.engine, pytest.mark.registry]

TWO_IMAGES = ROOT / "examples" / "two-images"


def test_gitlab_feeds_a_script_to_the_shell(runner: Runner, space: str) -> None:
    commit = runner.checkout(TWO_IMAGES)
    script = (
        "set -eu\ncd /builds/group/project\nresult=$(mktemp)\n"
        f"exporter export --repo {space}/stages --tag {space}/%image%:v1 --output-file $result\n"
        "cat $result\n"
    )
    argv = ["docker", "run", "--rm", "-i", "--network", "host", "--entrypoint", ""]
    argv += ["-e", "GITLAB_CI=true", "-e", "CI=true", "-e", f"CI_COMMIT_SHA={commit}"]
    argv += ["-e", "CI_PROJECT_DIR=/builds/group/project"]
    argv += ["-v", f"{runner.workspace}:/builds/group/project"]
    argv += ["-v", "/var/run/docker.sock:/var/run/docker.sock", runner.image, "sh"]
    done = subprocess.run(argv, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{space}/app:v1@sha256:" in done.stdout


def test_jenkins_runs_commands_in_a_detached_container_of_its_own_user(
    runner: Runner, space: str
) -> None:
    runner.checkout(TWO_IMAGES)
    work = "/var/jenkins_home/workspace/job"
    argv = ["docker", "run", "-d", "-t", "-u", "1234:1234", "--network", "host", "--read-only"]
    argv += ["--mount", "type=tmpfs,dst=/tmp", "--tmpfs", "/out:mode=1777", "-w", work]
    argv += ["-v", f"{runner.workspace}:{work}", "-e", "HOME=/nonexistent"]
    argv += ["-e", "JENKINS_URL=http://jenkins.test", runner.image, "cat"]
    started = subprocess.run(argv, capture_output=True, text=True, check=True)
    inside = ["docker", "exec", started.stdout.strip()]
    try:
        plan = ["exporter", "plan", "--repo", f"{space}/stages", "--tag", f"{space}/%image%:v1"]
        done = subprocess.run(
            [*inside, *plan, "--output-file", "/out/result.json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        shown = subprocess.run(
            [*inside, "cat", "/out/result.json"], capture_output=True, check=True
        )
        assert json.loads(shown.stdout)["result"] == "planned"
    finally:
        removal = ["docker", "rm", "-f", started.stdout.strip()]
        subprocess.run(removal, capture_output=True, check=True)


def test_the_workflow_of_the_readme_names_real_inputs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    workflow = yaml.safe_load(readme.partition("```yaml\n")[2].partition("```")[0])
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["export"]["steps"][1]["with"].keys() <= action["inputs"].keys()


def test_dockerignore_lets_only_the_program_in() -> None:
    allowed = [
        line
        for line in Path(ROOT, ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    assert allowed == ["!Dockerfile", "!entrypoint.py", "!exporter", "!requirements.lock"]
