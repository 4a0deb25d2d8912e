"""The main job met with bad input: one line with place and remedy, the right code, no write."""

import json
import logging
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.fakes.registry import FakeRegistry, serve
from tests.images import pull, tags
from tests.integration.runs import ONE_IMAGE, OTHER_REGISTRY, REGISTRY, SMALL, Ran, Workplace
from tests.integration.services import PASSWORD, password_registry

pytestmark = [pytest.mark.engine, pytest.mark.registry]

NOWHERE = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
TWO_IMAGES = "project: test\nconfigVersion: 1\n---\nimage: [one, two]\ndockerfile: Dockerfile\n"


@pytest.fixture
def committed(workplace: Workplace) -> Iterator[Workplace]:
    """A workplace with one small image committed; whatever happens, stages are cleaned away."""
    yield workplace.commit(SMALL)
    argv = ["docker", "images", "-q", "--filter", f"reference={REGISTRY}/{workplace.unique}/*"]
    found = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    if found:
        subprocess.run(["docker", "rmi", "-f", *found], check=False, capture_output=True)


def _errors(ran: Ran) -> list[str]:
    return [line for line in ran.text.splitlines() if line.startswith("error: ")]


def _check(ran: Ran, code: int, *parts: str) -> None:
    """One line, and everything in it."""
    assert ran.code == code, ran.text
    [line] = _errors(ran)
    for part in parts:
        assert part in line
    assert "Traceback" not in ran.text


def _nothing_written(workplace: Workplace) -> None:
    assert tags(workplace.repo) == []
    assert tags(workplace.tag.rpartition(":")[0]) == []


def test_no_destination(committed: Workplace) -> None:
    ran = committed.run("export", "--repo", committed.repo)
    _check(ran, 2, "--tag (input 'tags') is missing", "As in --tag ghcr.io/me/app:v1")
    _nothing_written(committed)


def test_repositories_of_promotion_need_the_main_one(committed: Workplace) -> None:
    ran = committed.run("export", "--tag", committed.tag, "--cache-repo", committed.repo)
    _check(ran, 2, "--cache-repo: only together with --repo")


def test_an_unknown_placeholder(committed: Workplace) -> None:
    ran = committed.export("--tag", f"{REGISTRY}/x/y:%imag%")
    _check(ran, 2, "%imag%", "Known names are image, image_slug")
    _nothing_written(committed)


def test_an_unknown_image(committed: Workplace) -> None:
    ran = committed.export("ap")
    _check(ran, 2, 'no image matches pattern "ap"', 'Did you mean "app"?')
    _nothing_written(committed)


def test_a_pattern_without_match(committed: Workplace) -> None:
    ran = committed.export("web-*")
    _check(ran, 2, 'no image matches pattern "web-*"', 'The images are "app"')
    _nothing_written(committed)


def test_two_images_on_one_reference(workplace: Workplace) -> None:
    ran = workplace.commit({**SMALL, "werf.yaml": TWO_IMAGES}).export()
    _check(ran, 2, f'images "one" and "two" would both be exported as {workplace.tag}', "%image%")
    _nothing_written(workplace)


def test_no_git_repository(workplace: Workplace) -> None:
    workplace.project.write(SMALL)
    _check(workplace.export(), 3, "unable to find a valid .git", "Run in a checkout")


def test_no_commits(workplace: Workplace) -> None:
    workplace.project.init().write(SMALL)
    _check(workplace.export(), 3, "has no commits yet", "Commit the project's files first")


def test_a_missing_dockerfile(workplace: Workplace) -> None:
    ran = workplace.commit({"werf.yaml": ONE_IMAGE}).export()
    _check(ran, 3, "werf.yaml:4", 'the file "Dockerfile" not found', "Dockerfile")
    _nothing_written(workplace)


def test_uncommitted_changes(committed: Workplace) -> None:
    committed.project.write({"file": "changed\n"})
    ran = committed.export()
    _check(ran, 3, 'the file "file" must be committed', "--dev")
    _nothing_written(committed)


def test_an_unreachable_repository(committed: Workplace) -> None:
    ran = committed.run(
        "export", "--repo", "127.0.0.1:1/no/stages", "--tag", committed.tag, "--retry-timeout", "1"
    )
    _check(ran, 5, "127.0.0.1:1", "nothing listens there", "Check host and port")
    _nothing_written(committed)


def test_an_unreachable_destination_is_found_before_the_build(committed: Workplace) -> None:
    ran = committed.run(
        "export", "--repo", committed.repo, "--tag", "127.0.0.1:1/no/out:v1", "--retry-timeout", "1"
    )
    _check(ran, 5, "cannot push to 127.0.0.1:1/no/out", "nothing listens there")
    assert "COPY file" not in ran.text  # no step of the build
    _nothing_written(committed)


def test_wrong_and_right_password(committed: Workplace, tmp_path: Path) -> None:
    with password_registry(tmp_path) as address:
        places = ["export", "--repo", f"{address}/p/stages", "--tag", f"{address}/p/out:v1"]
        nobody = committed.run(*places)
        _check(nobody, 5, address, "no credentials are known for this registry", "docker login")
        user = ("--registry-username", "user")
        wrong = committed.run(*places, *user, env={"EXPORTER_REGISTRY_PASSWORD": "wrong-password"})
        _check(wrong, 5, address, "401", "the credentials are wrong or have expired")
        assert "wrong-password" not in wrong.text
        right = committed.run(*places, *user, env={"EXPORTER_REGISTRY_PASSWORD": PASSWORD})
        assert right.code == 0, right.text
        assert PASSWORD not in right.text
        assert right.built == ["app/dockerfile"]


def test_denied_push_to_the_destination_is_found_before_the_build(committed: Workplace) -> None:
    fake = FakeRegistry()
    answer = json.dumps({"errors": [{"code": "DENIED", "message": "not yours"}]}).encode()
    with serve(fake) as address:
        fake.fault("^POST", "status", times=100, status=403, body=answer)
        ran = committed.run("export", "--repo", committed.repo, "--tag", f"{address}/p/out:v1")
        _check(ran, 5, f"cannot push to {address}/p/out", "403 DENIED: not yours")
        assert "COPY file" not in ran.text  # no step of the build
        assert fake.tags == {}
    _nothing_written(committed)


def test_no_engine_when_something_must_be_built(committed: Workplace) -> None:
    ran = committed.export(env=NOWHERE)
    _check(
        ran,
        4,
        "app must be built, but the Docker engine at tcp://127.0.0.1:1 cannot be reached",
        "connection refused",
        "set DOCKER_HOST",
    )
    _nothing_written(committed)


def test_no_engine_is_needed_for_what_is_published(committed: Workplace) -> None:
    assert committed.export().code == 0
    copy = f"{OTHER_REGISTRY}/{committed.unique}/copy:v1"
    ran = committed.export("--tag", copy, env=NOWHERE)
    assert ran.code == 0, ran.text
    assert pull(copy).digest == pull(committed.tag).digest
    assert ran.built == []


def test_a_missing_stage_with_required_images(committed: Workplace) -> None:
    ran = committed.export("-Z")
    _check(ran, 4, "1 stage is not built in 127.0.0.1:5000/", "app (linux/amd64)")
    _nothing_written(committed)


def test_a_failing_command_shows_its_place_and_its_last_lines(workplace: Workplace) -> None:
    dockerfile = (
        "FROM debian:trixie-slim\nARG WORD\n"
        "RUN for i in $(seq 60); do echo line $i of $WORD; done; \\\n    exit 3\n"
    )
    workplace.commit(
        {
            "werf.yaml": f"{ONE_IMAGE}args: {{WORD: build-arg-value}}\n",
            "Dockerfile": dockerfile,
        }
    )
    ran = workplace.export()
    _check(ran, 4, "Dockerfile:3: building app failed", "exit code 3")
    block = ran.text[: ran.text.index("error: ")].rstrip().splitlines()[-50:]
    assert block[0] == "line 11 of build-arg-value"
    assert block[-1] == "line 60 of build-arg-value"
    _nothing_written(workplace)


def _argv(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(
        record.getMessage() for record in caplog.records if record.name == "exporter.process"
    )


def test_values_reach_the_build_but_never_its_arguments(
    workplace: Workplace, caplog: pytest.LogCaptureFixture
) -> None:
    file = _outside(workplace, "file-secret-value")
    secrets = (
        "secrets:\n- {env: DEPLOY_TOKEN, id: by-env}\n"
        f"- {{src: /{file}, id: by-file}}\n- {{value: value-secret-value, id: by-value}}\n"
    )
    rules = (
        "giterminismConfigVersion: 1\nconfig:\n  secrets:\n"
        "    allowEnvVariables: [DEPLOY_TOKEN]\n    allowFiles: ['/**/secret']\n"
        "    allowValueIds: [by-value]\n"
    )
    dockerfile = (
        "FROM debian:trixie-slim\nARG GIVEN\n"
        "RUN --mount=type=secret,id=by-env --mount=type=secret,id=by-file "
        "--mount=type=secret,id=by-value cat /run/secrets/* | md5sum > /sum; "
        "echo $GIVEN | md5sum >> /sum; cat /run/secrets/*\n"
    )
    workplace.commit(
        {
            "werf.yaml": f"{ONE_IMAGE}args: {{GIVEN: argument-value}}\n{secrets}",
            "werf-giterminism.yaml": rules,
            "Dockerfile": dockerfile,
        }
    )
    caplog.set_level(logging.DEBUG)
    _let_through("exporter.process")
    env: Mapping[str, str] = {"DEPLOY_TOKEN": "env-secret-value", "GIVEN": "other-value"}
    ran = workplace.export("--log-debug", env=env)
    assert ran.code == 0, ran.text
    [entry] = [each for each in pull(workplace.tag).tree(skip_layers=1) if each["path"] == "/sum"]
    assert entry["size"] > 0
    assert "argument-value" not in _argv(caplog)
    for value in ("env-secret-value", "file-secret-value", "value-secret-value"):
        assert value not in _argv(caplog), value
        assert value not in ran.text, value


def test_an_argument_that_is_a_secret_by_its_name_is_hidden(workplace: Workplace) -> None:
    """BuildKit writes values of arguments into the names of its steps."""
    dockerfile = (
        "FROM 127.0.0.1:5000/base/busybox:1\nARG API_TOKEN\nARG VERSION\n"
        'RUN --network=none echo "$API_TOKEN" "$VERSION"\nRUN --network=none exit 3 # $API_TOKEN\n'
    )
    config = f"{ONE_IMAGE}args: {{API_TOKEN: made-up-token, VERSION: {workplace.unique}}}\n"
    workplace.commit({"werf.yaml": config, "Dockerfile": dockerfile})
    ran = workplace.export()
    assert ran.code == 4
    assert f'RUN --network=none echo "***" "{workplace.unique}"' in ran.text
    assert f"  *** {workplace.unique}" in ran.text
    assert "made-up-token" not in ran.text
    assert "The values of API_TOKEN are hidden here, but stay in the history" in ran.text


def _outside(workplace: Workplace, value: str) -> str:
    path = workplace.folder / "secret"
    path.write_text(value)
    return str(path).removeprefix("/")


def _let_through(name: str) -> None:
    """Set-up of the program's log cuts off the root; captured records come from this logger."""
    logging.getLogger(name).setLevel(logging.DEBUG)
