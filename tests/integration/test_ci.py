"""Whole runs as CIs see them: reports, plans, default repositories, forks."""

import json
from pathlib import Path

import pytest

from tests.images import tags
from tests.integration.runs import SMALL, Ran, Workplace
from tests.schema import problems

pytestmark = [pytest.mark.engine, pytest.mark.registry]

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "report.schema.json").read_text("utf-8")
)


def _statuses(ran: Ran) -> dict[str, str]:
    return {
        name: reference["status"]
        for image in ran.report["images"].values()
        for name, reference in image["references"].items()
    }


def test_real_reports_follow_the_published_schema(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    runs = [
        workplace.export(),
        workplace.export("--add-label", "a=b"),
        workplace.run("plan", "--repo", workplace.repo, "--tag", workplace.tag),
        workplace.run("build", "--repo", workplace.repo),
        workplace.export(
            "--tag", "127.0.0.1:1/no/it:v1", "--on-error=continue", "--retry-timeout=2"
        ),
    ]
    assert [run.code for run in runs[:4]] == [0, 0, 0, 0], [run.text for run in runs]
    assert [problems(run.report, SCHEMA) for run in runs] == [[]] * 5
    assert runs[0].report["commit"]
    assert [phase["name"] for phase in runs[0].report["phases"]] == [
        "Load the project",
        "Plan",
        "Check",
        "Build",
        "Export",
    ]


def test_a_failed_build_names_every_destination_as_skipped(workplace: Workplace) -> None:
    workplace.commit({**SMALL, "Dockerfile": "FROM debian:trixie-slim\nRUN exit 3\n"})
    ran = workplace.export("--tag", f"{workplace.tag}-too")
    assert ran.code == 4, ran.text
    assert _statuses(ran) == {workplace.tag: "skipped", f"{workplace.tag}-too": "skipped"}
    assert problems(ran.report, SCHEMA) == []


def test_a_plan_says_what_would_be_done_and_writes_nothing(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    words = ("plan", "--repo", workplace.repo, "--tag", workplace.tag)
    first = workplace.run(*words)
    assert first.code == 0, first.text
    assert "To build: 1 stage (0 there already)." in first.text
    assert "References: 1 to create. Nothing was written." in first.text
    assert tags(workplace.repo) == []
    assert workplace.export().code == 0
    assert "References: 1 to leave. Nothing was written." in workplace.run(*words).text
    moved = workplace.run(*words, "--add-label", "a=b")
    old = moved.image("app")["references"][workplace.tag]["previous-digest"]
    new = moved.image("app")["references"][workplace.tag]["digest"]
    assert f"move    {workplace.tag}  {old[:19]} → {new[:19]}" in moved.text


def test_a_plan_before_the_build_knows_what_a_tag_shows(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    assert workplace.export().code == 0
    workplace.commit({"file": "changed\n"})
    ran = workplace.run("plan", "--repo", workplace.repo, "--tag", workplace.tag)
    reference = ran.image("app")["references"][workplace.tag]
    assert reference["status"] == "planned"
    assert reference["previous-digest"].startswith("sha256:")
    assert f"{reference['previous-digest'][:19]} → (to be built)" in ran.text


def test_the_repository_of_stages_is_gitlabs_by_default(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    env = {"GITLAB_CI": "true", "CI_REGISTRY_IMAGE": workplace.repo}
    ran = workplace.run("export", "--tag", workplace.tag, env=env)
    assert ran.code == 0, ran.text
    assert f"Stages are kept in {workplace.repo}, the default of this CI." in ran.text
    assert ran.image("app")["stage"].startswith(f"{workplace.repo}:")


def test_a_repository_that_a_real_ci_env_set_is_honoured(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    env = {"GITLAB_CI": "true", "CI_REGISTRY_IMAGE": "127.0.0.1:1/g/a", "WERF_REPO": workplace.repo}
    assert workplace.run("export", "--tag", workplace.tag, env=env).code == 0


def _fork(workplace: Workplace) -> dict[str, str]:
    event = workplace.folder / "event.json"
    event.write_text('{"pull_request": {"head": {"repo": {"full_name": "mallory/app"}}}}')
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": "octo-org/app",
        "INPUT_GITHUB-TOKEN": "made-up-token",
        "INPUT_REGISTRIES": "- {registry: 127.0.0.1:5000, username: me, password: }",
    }


def test_a_forks_pull_request_is_built_in_the_engine_and_planned(workplace: Workplace) -> None:
    workplace.commit({**SMALL, "file": f"of {workplace.unique}\n"})
    ran = workplace.export(env=_fork(workplace))
    assert ran.code == 0, ran.text
    assert "::group::Build app (linux/amd64)" in ran.text
    assert ran.report["result"] == "planned"
    assert "::notice::this run is of a fork, which gets no credentials" in ran.text
    assert tags(workplace.repo) == []
    assert tags(workplace.tag.rpartition(":")[0]) == []


def test_a_forks_pull_request_that_does_not_build_fails(workplace: Workplace) -> None:
    workplace.commit({**SMALL, "Dockerfile": "FROM debian:trixie-slim\nRUN exit 3\n"})
    ran = workplace.export(env=_fork(workplace))
    assert ran.code == 4, ran.text
    assert ran.report["result"] == "failure"
    assert _statuses(ran) == {workplace.tag: "planned"}
    assert tags(workplace.repo) == []


def test_a_fork_with_several_platforms_is_only_planned(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    ran = workplace.export("--platform=linux/amd64,linux/arm64", env=_fork(workplace))
    assert ran.code == 0, ran.text
    assert "::notice::not built: an engine keeps no images for several platforms" in ran.text
