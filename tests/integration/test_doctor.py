"""What doctor finds on a real machine, and what it says when something is missing."""

import os
import subprocess
from pathlib import Path

import pytest

from exporter.cli import main
from tests.integration.runs import REGISTRY, SMALL, Workplace

pytestmark = [pytest.mark.engine, pytest.mark.registry]


def doctor(workplace: Workplace, *args: str, **env: str) -> tuple[int, list[str]]:
    """Exit code and lines."""
    workplace.patch.chdir(workplace.project.path)
    workplace.capture.readouterr()
    given = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(workplace.folder), **env}
    code = main(["doctor", *args], given)
    printed = workplace.capture.readouterr()
    return code, (printed.out + printed.err).splitlines()


def starting(lines: list[str], start: str) -> list[str]:
    return [line.removeprefix(start).strip() for line in lines if line.startswith(start)]


def test_a_good_machine_is_fine(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    code, lines = doctor(workplace, "--repo", workplace.repo, "--tag", workplace.tag)
    assert code == 0, lines
    assert starting(lines, "problem") == []
    assert starting(lines, "ok       git") != []
    assert starting(lines, "ok       engine")[0].endswith("free)")
    assert starting(lines, "ok       builder")[0].startswith("default (Driver docker")
    (project,) = starting(lines, "ok       project")
    assert project.startswith("test at ")
    assert project.endswith(", 1 images (app)")
    assert starting(lines, "ok       registry") == [
        f"{workplace.repo} may be written",
        f"{workplace.tag.removesuffix(':v1')} may be written",
    ]
    assert starting(lines, "note     account") == [
        f"{REGISTRY}: no account, so requests are anonymous"
    ]
    assert lines[-1] == "Everything is fine."


def test_every_problem_has_a_remedy_and_the_first_its_exit_code(workplace: Workplace) -> None:
    code, lines = doctor(
        workplace,
        "--repo=127.0.0.1:1/x/stages",
        "--retry-timeout=1",
        "--registry-username=me",
        DOCKER_HOST="tcp://127.0.0.1:1",
        EXPORTER_REGISTRY_PASSWORD="made-up-password",
        HOME="/nonexistent",
    )
    assert code == 3, lines
    assert [line[9:19].strip() for line in lines if line.startswith("problem")] == [
        "project",
        "engine",
        "registry",
    ]
    for number, line in enumerate(lines):
        if line.startswith("problem"):
            assert lines[number + 1].startswith("                    → ")
    assert starting(lines, "ok       account") == [
        "127.0.0.1:1: me from registry-username and registry-password"
    ]
    assert not any("made-up-password" in line for line in lines)
    assert lines[-1] == "See what to do about each problem above."


def test_an_account_of_a_docker_login_is_told_with_its_file(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    config = workplace.folder / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(f'{{"auths": {{"{REGISTRY}": {{"auth": "bWU6bWFkZS11cA=="}}}}}}')
    _, lines = doctor(workplace, "--repo", workplace.repo)
    assert starting(lines, "ok       account") == [f"{REGISTRY}: me from {config}"]


def test_a_missing_program_is_named(workplace: Workplace, tmp_path: Path) -> None:
    code, lines = doctor(workplace, PATH=str(tmp_path))
    assert code == 3
    assert starting(lines, "problem  git") == ["the program 'git' was not found on PATH"]
    assert starting(lines, "problem  builder") == ["the program 'docker' was not found on PATH"]


def test_an_unknown_builder_is_a_problem_but_then_no_engine_is_needed(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    code, lines = doctor(workplace, "--builder=nope", DOCKER_HOST="tcp://127.0.0.1:1")
    assert code == 4
    assert starting(lines, "note     engine") != []
    assert starting(lines, "problem  builder") == ['docker buildx inspect: no builder "nope" found']


def test_a_builder_out_of_reach_is_a_problem(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    env = {"DOCKER_CONFIG": str(workplace.folder / "docker"), "HOME": str(workplace.folder)}
    argv = ["docker", "context", "create", "far", "--docker", "host=tcp://127.0.0.1:1"]
    given = {**env, "PATH": os.environ["PATH"]}
    subprocess.run(argv, check=True, env=given, capture_output=True)
    code, lines = doctor(workplace, "--builder=far", **env)
    assert code == 4
    (told,) = starting(lines, "problem  builder")
    assert told.startswith("far cannot be reached: Cannot connect to the Docker daemon at tcp")


@pytest.mark.parametrize(
    ("env", "account"),
    [
        (
            {"GITLAB_CI": "true", "CI_REGISTRY": REGISTRY, "CI_JOB_TOKEN": "made-up-token"},
            "gitlab-ci-token from CI_JOB_TOKEN, the job's own",
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_REGISTRY": REGISTRY,
                "CI_REGISTRY_USER": "deploy",
                "CI_REGISTRY_PASSWORD": "made-up-password",
            },
            "deploy from CI_REGISTRY_PASSWORD, the job's own",
        ),
        (
            {"INPUT_REGISTRIES": f"- {{registry: {REGISTRY}, username: me, password: made-up}}"},
            "me from registries",
        ),
    ],
    ids=["job-token", "deploy-user", "registries"],
)
def test_the_source_of_an_account_is_told(
    workplace: Workplace, env: dict[str, str], account: str
) -> None:
    workplace.commit(SMALL)
    _, lines = doctor(workplace, "--repo", workplace.repo, **env)
    assert starting(lines, "ok       account") == [f"{REGISTRY}: {account}"]
    assert not any("made-up" in line for line in lines)


def test_a_broken_docker_config_is_a_problem_of_the_account(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    config = workplace.folder / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text("{not json")
    code, lines = doctor(workplace, "--repo", workplace.repo)
    assert code == 2
    assert starting(lines, "problem  account") == [f"{config} is not a Docker config file"]


def test_without_a_repository_registries_are_not_looked_at(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    code, lines = doctor(workplace)
    assert code == 0
    assert starting(lines, "note     registry") == ["no repository is given, so none was looked at"]
