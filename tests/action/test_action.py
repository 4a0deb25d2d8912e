"""The container as the runner starts it, on the real engine and a real registry."""

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.action.runner import ROOT, RUNNER_UID, Runner, Step, read_outputs

pytestmark = [pytest.mark.engine, pytest.mark.registry]

TWO_IMAGES = ROOT / "examples" / "two-images"


def _manifest(reference: str) -> tuple[str, dict[str, Any]]:
    """Digest and manifest of a reference in a plain-HTTP registry."""
    host, _, rest = reference.partition("/")
    repository, _, tag = rest.rpartition(":")
    types = "application/vnd.{}+json"
    request = urllib.request.Request(
        f"http://{host}/v2/{repository}/manifests/{tag}",
        headers={
            "Accept": ", ".join(
                types.format(name)
                for name in ("oci.image.manifest.v1", "docker.distribution.manifest.v2")
            )
        },
    )
    with urllib.request.urlopen(request) as answer:
        return answer.headers["Docker-Content-Digest"], json.load(answer)


def _labels(reference: str) -> dict[str, str]:
    """Labels in the config of a published image."""
    _, manifest = _manifest(reference)
    host, _, rest = reference.partition("/")
    url = f"http://{host}/v2/{rest.rpartition(':')[0]}/blobs/{manifest['config']['digest']}"
    with urllib.request.urlopen(url) as answer:
        return dict(json.load(answer)["config"].get("Labels") or {})


def _statuses(step: Step) -> dict[str, str]:
    """What was done with each reference."""
    images = json.loads(step.outputs["images"]).values()
    return {
        name: reference["status"]
        for image in images
        for name, reference in image["references"].items()
    }


def test_two_images_are_exported_and_the_next_step_is_told(runner: Runner, space: str) -> None:
    runner.checkout(TWO_IMAGES)
    step = runner.run(
        {
            "repo": f"{space}/stages",
            "tags": f"{space}/%image%:v1\n{space}/%image%:latest",
            "add-labels": "org.opencontainers.image.title=two images",
        }
    )
    assert step.exit_code == 0, step.log
    app, _ = _manifest(f"{space}/app:v1")
    runtime, _ = _manifest(f"{space}/runtime:v1")
    assert step.outputs["result"] == "success"
    assert sorted(step.outputs["references-with-digests"].split()) == [
        f"{space}/app:latest@{app}",
        f"{space}/app:v1@{app}",
        f"{space}/runtime:latest@{runtime}",
        f"{space}/runtime:v1@{runtime}",
    ]
    images = json.loads(step.outputs["images"])
    assert {name: image["digest"] for name, image in images.items()} == {
        "app": app,
        "runtime": runtime,
    }
    assert _labels(f"{space}/app:v1") == {"org.opencontainers.image.title": "two images"}
    assert f"{space}/app:v1" in step.summary


def test_a_second_run_of_another_job_finds_everything_in_place(
    image: str, tmp_path: Path, space: str
) -> None:
    inputs = {"repo": f"{space}/stages", "tags": f"{space}/%image%:v1"}
    steps = []
    for job in ("first", "second"):
        runner = Runner(tmp_path / job, image)
        runner.checkout(TWO_IMAGES)
        steps.append(runner.run(inputs))
    first, second = steps
    assert (first.exit_code, second.exit_code) == (0, 0), first.log + second.log
    assert _statuses(first) == {f"{space}/app:v1": "created", f"{space}/runtime:v1": "created"}
    assert _statuses(second) == {f"{space}/app:v1": "unchanged", f"{space}/runtime:v1": "unchanged"}
    assert (
        second.outputs["references-with-digests"].split()
        == first.outputs["references-with-digests"].split()
    )


def test_nothing_is_left_in_the_workspace_and_no_credentials_in_the_home(
    runner: Runner, space: str
) -> None:
    runner.checkout(TWO_IMAGES)
    step = runner.run(
        {
            "repo": f"{space}/stages",
            "tags": f"{space}/%image%:v1",
            "registry-username": "robot",
            "registry-password": "made-up-password",
        }
    )
    assert step.exit_code == 0, step.log
    assert [p for p in runner.workspace.rglob("*") if p.lstat().st_uid != RUNNER_UID] == []
    assert [p for p in runner.home.rglob("*") if p.is_file() and b"cm9ib3Q" in p.read_bytes()] == []
    assert not (runner.home / ".docker" / "config.json").exists()


def test_a_near_miss_of_an_input_is_an_error_with_the_name_that_was_meant(
    runner: Runner, space: str
) -> None:
    runner.checkout(TWO_IMAGES)
    step = runner.run({"repo": f"{space}/stages", "tag": f"{space}/%image%:v1"})
    assert step.exit_code == 2, step.log
    assert "::error" in step.log
    assert "'tags'" in step.log


def test_a_missing_checkout_is_named(runner: Runner, space: str) -> None:
    step = runner.run({"repo": f"{space}/stages", "tags": f"{space}/%image%:v1"})
    assert step.exit_code == 3, step.log
    assert "actions/checkout" in step.log


def test_a_failed_build_ends_with_its_own_code_and_result(runner: Runner, space: str) -> None:
    runner.checkout(ROOT / "tests" / "data" / "failing-image")
    step = runner.run({"repo": f"{space}/stages", "tags": f"{space}/%image%:v1"})
    assert step.exit_code == 4, step.log
    assert step.outputs["result"] == "failure"
    assert "::stop-commands::" in step.log.partition("::error::forged")[0]


def test_passwords_are_masked_before_anything_else_is_said(runner: Runner, space: str) -> None:
    runner.checkout(TWO_IMAGES)
    step = runner.run(
        {
            "repo": f"{space}/stages",
            "tags": f"{space}/%image%:v1",
            "registry-username": "robot",
            "registry-password": "made-up-password",
        }
    )
    lines = step.log.splitlines()
    masks = [line for line in lines if line.startswith("::add-mask::")]
    assert "::add-mask::made-up-password" in masks
    assert lines[: len(masks)] == masks
    assert step.log.count("made-up-password") == 1


def test_a_cancelled_step_ends_in_time_and_leaves_no_container(runner: Runner, space: str) -> None:
    runner.checkout(ROOT / "tests" / "data" / "slow-image")
    running = runner.start({"repo": f"{space}/stages", "tags": f"{space}/%image%:v1"})
    assert running.process.stdout is not None
    for line in running.process.stdout:
        if "sleep 300" in line:
            break
    running.process.terminate()
    step = running.finish(timeout_s=10)
    assert step.exit_code == 143, step.log
    found = subprocess.run(
        ["docker", "ps", "--all", "--quiet", "--filter", f"name={running.name}"],
        check=True,
        capture_output=True,
    )
    assert found.stdout == b""


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["sh", "-c", "exporter --version"], id="shell"),
        pytest.param(["exporter", "--version"], id="program"),
        pytest.param(["--version"], id="option"),
    ],
)
def test_a_given_command_is_run(image: str, args: list[str]) -> None:
    done = subprocess.run(["docker", "run", "--rm", image, *args], capture_output=True, check=True)
    assert done.stdout.startswith(b"exporter ")


def test_a_shell_reads_its_script_from_standard_input(image: str) -> None:
    done = subprocess.run(
        ["docker", "run", "--rm", "-i", "--entrypoint", "", image, "sh"],
        input=b"cd /tmp && exporter --version && git --version && docker buildx version",
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"exporter ")


def test_the_image_adds_at_most_220_mib_to_its_base(image: str) -> None:
    layers = subprocess.run(
        ["docker", "history", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", image],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
    ours = layers[: 1 + next(i for i, line in enumerate(layers) if "ARG DEBIAN_MIRROR" in line)]
    assert sum(int(line.partition("\t")[0]) for line in ours) <= 220 * 1024 * 1024


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        pytest.param("a=1\nb<<X\n2\n3\nX\n", {"a": "1", "b": "2\n3"}, id="both-forms"),
        pytest.param("a=x<<y\n", {"a": "x<<y"}, id="equals-first"),
    ],
)
def test_output_files_are_read_as_the_runner_reads_them(text: str, outputs: dict[str, str]) -> None:
    assert read_outputs(text) == outputs
