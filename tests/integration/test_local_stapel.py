"""Stapel images without ``--repo``: every stage is an image of the engine."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.images import pull, tags
from tests.integration.runs import Ran, Workplace
from tests.integration.services import second_engine

pytestmark = [pytest.mark.engine, pytest.mark.registry]

BASE = "127.0.0.1:5000/base/debian:trixie-slim"
META = "project: {}\nconfigVersion: 1\n---\n"
IMAGES = f"""\
image: art
final: false
from: {BASE}
git: [{{add: /src, to: /src, stageDependencies: {{install: ["*"]}}}}]
shell: {{install: ["cat /src/* > /art", "touch -d @0 /art"]}}
---
image: app
from: {BASE}
git: [{{add: /src, to: /app, owner: www-data}}]
shell:
  beforeInstall: ["touch -d @0 /before"]
  setup: ["echo $WERF_COMMIT_HASH > /setup", "touch -d @0 /setup"]
import: [{{image: art, add: /art, to: /art, after: install}}]
docker: {{ENV: {{A: b}}, WORKDIR: /app, CMD: "[\\"ls\\"]"}}
---
image: top
fromImage: app
shell: {{install: ["echo top > /top", "touch -d @0 /top"]}}
"""
FROM_SCRATCH = """\
image: art
final: false
from: scratch
git: [{add: /src, to: /src}]
---
image: app
from: scratch
import: [{image: art, add: /src, to: /dst, before: install}]
shell: {install: ["echo one > /one"], setup: ["echo two > /two"]}
imageSpec: {config: {user: '7'}}
"""
SOURCES = {"src/a": "1\n", "src/b": "2\n"}


@pytest.fixture
def project(workplace: Workplace) -> Iterator[str]:
    """The name of a project whose images are removed from the engine afterwards."""
    name = workplace.unique.replace("/", "-")
    yield name
    found = [*_images(name), *_images(f"werf-import-metadata/{name}")]
    if found:
        subprocess.run(["docker", "rmi", "-f", *found], check=True, capture_output=True)


def _docker(*args: str, host: str = "") -> str:
    argv = ["docker", *(["--host", host] if host else []), *args]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _images(project: str, host: str = "") -> list[str]:
    shown = "{{.Repository}}:{{.Tag}}"
    return _docker(
        "images", "--format", shown, "--filter", f"reference={project}", host=host
    ).split()


def _labels(name: str) -> dict[str, str]:
    [found] = json.loads(_docker("image", "inspect", name))
    labels: dict[str, str] = found["Config"]["Labels"]
    return labels


def _stages(ran: Ran, image: str) -> dict[str, str]:
    return {stage["name"]: stage["reference"] for stage in ran.image(image)["stages"]}


def _digests(ran: Ran, image: str) -> dict[str, str]:
    return {
        name: reference.rpartition(":")[2].partition("-")[0]
        for name, reference in _stages(ran, image).items()
    }


def _out(workplace: Workplace, tag: str) -> str:
    return workplace.tag.replace("/out:v1", f"/%image%:{tag}")


def _files(reference: str) -> dict[str, dict[str, Any]]:
    return {entry["path"]: entry for entry in pull(reference).tree()}


def test_stages_stay_in_the_engine_and_give_what_a_repository_gives(
    workplace: Workplace, project: str
) -> None:
    workplace.commit({"werf.yaml": META.format(project) + IMAGES, **SOURCES})
    first = workplace.run("export", "--tag", _out(workplace, "local"))
    assert first.code == 0, first.text
    stages = _stages(first, "app")
    assert list(stages) == [
        "from",
        "beforeInstall",
        "gitArchive",
        "dependenciesAfterInstall",
        "setup",
        "dockerInstructions",
    ]
    assert set(stages.values()) <= set(_images(project))
    # six stages of app, two more of art, two of top; nothing that was on the way
    assert len(_images(project)) == 10
    [record] = _images(f"werf-import-metadata/{project}")
    assert _labels(record)["checksum"] == "7da05b7ac83f9a46ebd25c8ba1b78377"
    parent = stages["setup"].rpartition(":")[2]
    labels = _labels(stages["dockerInstructions"])
    assert (labels["werf"], labels["werf.io/parent-stage-id"]) == (project, parent)
    commits = {key for key in labels if key.startswith("werf-git-") and key.endswith("-commit")}
    assert len(commits) == 1

    second = workplace.run("export", "--tag", _out(workplace, "local"))
    assert second.code == 0, second.text
    assert second.built == []
    references = second.image("app")["references"].values()
    assert [reference["status"] for reference in references] == ["unchanged"]
    assert len(_images(project)) == 10

    through = workplace.run("export", "--repo", workplace.repo, "--tag", _out(workplace, "repo"))
    assert through.code == 0, through.text
    for image in ("app", "top"):
        repository = workplace.tag.replace("/out:v1", f"/{image}")
        mine, theirs = pull(f"{repository}:local"), pull(f"{repository}:repo")
        assert mine.config == theirs.config
        assert mine.tree() == theirs.tree()
        assert "Labels" not in mine.config["config"]
        assert _digests(first, image) == _digests(through, image)
        assert tags(repository) == ["local", "repo"]


@pytest.mark.parametrize("forgets", [False, True])
def test_a_commit_builds_only_what_it_touches(
    workplace: Workplace, project: str, *, forgets: bool
) -> None:
    config = (
        f"image: app\nfrom: {BASE}\ngit: [{{add: /src, to: /app}}]\n"
        "shell: {install: ['echo x > /x']}\ndocker: {USER: '7'}\n"
    )
    workplace.commit({"werf.yaml": META.format(project) + config, **SOURCES})
    first = workplace.run("export", "--tag", workplace.tag)
    assert first.code == 0, first.text
    if forgets:  # what the engine does not tell is read from its archive
        shutil.rmtree(workplace.folder / ".exporter" / "engine")
    workplace.commit({"src/a": "changed\n", "src/c": "3\n"}).project.delete("src/b").commit()
    second = workplace.run("export", "--tag", workplace.tag)
    assert second.code == 0, second.text
    assert second.built == ["app/gitLatestPatch", "app/dockerInstructions"]
    files = _files(workplace.tag)
    assert {path for path in files if path.startswith("/app/")} == {"/app/a", "/app/c"}
    assert files["/app/a"]["size"] == len("changed\n")
    assert "/x" in files
    config_of = pull(workplace.tag).config
    assert config_of["config"]["User"] == "7"
    assert [entry["created_by"].partition(":")[0] for entry in config_of["history"][-4:]] == [
        "gitArchive",
        "echo x > /x",
        "gitLatestPatch",
        "dockerInstructions",
    ]


def test_images_from_scratch_hold_no_mount_points(workplace: Workplace, project: str) -> None:
    workplace.commit({"werf.yaml": META.format(project) + FROM_SCRATCH, **SOURCES})
    ran = workplace.run("export", "--tag", workplace.tag)
    assert ran.code == 0, ran.text
    assert list(_files(workplace.tag)) == ["/dst", "/dst/a", "/dst/b", "/one", "/two"]
    assert pull(workplace.tag).config["config"]["User"] == "7"
    assert workplace.run("export", "--tag", workplace.tag).built == []


def test_settings_alone_need_no_build(workplace: Workplace, project: str) -> None:
    config = f"image: app\nfrom: {BASE}\ndocker: {{ENV: {{A: b}}}}\n"
    workplace.commit({"werf.yaml": META.format(project) + config})
    ran = workplace.run("export", "--tag", workplace.tag)
    assert ran.code == 0, ran.text
    assert "A=b" in pull(workplace.tag).config["config"]["Env"]
    assert "exporting to" not in ran.text


def test_stages_before_a_failed_one_stay(workplace: Workplace, project: str) -> None:
    config = "image: app\nfrom: scratch\nshell: {{install: ['echo 1 > /1'], setup: [{}]}}\n"
    workplace.commit({"werf.yaml": META.format(project) + config.format("'exit 3'")})
    failed = workplace.run("export", "--tag", workplace.tag)
    assert failed.code == 4
    assert "the stage setup of app failed" in failed.text
    assert len(_images(project)) == 2
    assert tags(workplace.tag.rpartition(":")[0]) == []
    workplace.commit({"werf.yaml": META.format(project) + config.format("'echo 2 > /2'")})
    mended = workplace.run("export", "--tag", workplace.tag)
    assert mended.built == ["app/setup"]
    assert list(_files(workplace.tag)) == ["/1", "/2"]


def test_dockerfile_and_stapel_images_stand_on_each_other(
    workplace: Workplace, project: str
) -> None:
    config = (
        "image: base\nfinal: false\ndockerfile: Dockerfile\n---\n"
        "image: middle\nfinal: false\nfromImage: base\n"
        "shell: {install: ['echo m > /middle']}\n---\n"
        "image: app\ndockerfile: app.Dockerfile\n"
        "dependencies: [{image: middle, imports: [{type: ImageName, targetBuildArg: BASE}]}]\n"
    )
    workplace.commit(
        {
            "werf.yaml": META.format(project) + config,
            "Dockerfile": "FROM scratch\nCOPY src /base\nENV FROM_BASE=yes\n",
            "app.Dockerfile": "ARG BASE\nFROM $BASE\nCOPY src/a /top\n",
            **SOURCES,
        }
    )
    ran = workplace.run("export", "--tag", workplace.tag)
    assert ran.code == 0, ran.text
    assert list(_files(workplace.tag)) == ["/base", "/base/a", "/base/b", "/middle", "/top"]
    assert "FROM_BASE=yes" in pull(workplace.tag).config["config"]["Env"]
    assert workplace.run("export", "--tag", workplace.tag).built == []


def test_a_fork_gets_its_stapel_images_built_in_the_engine(
    workplace: Workplace, project: str
) -> None:
    workplace.commit({"werf.yaml": META.format(project) + FROM_SCRATCH, **SOURCES})
    event = workplace.folder / "event.json"
    event.write_text(
        json.dumps({"pull_request": {"head": {"repo": {"fork": True, "full_name": "you/app"}}}})
    )
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": "me/app",
    }
    ran = workplace.run("export", "--repo", workplace.repo, "--tag", workplace.tag, env=env)
    assert ran.code == 0, ran.text
    assert "this run is of a fork" in ran.text
    assert len(_images(project)) == 6
    assert tags(workplace.repo) == []
    assert tags(workplace.tag.rpartition(":")[0]) == []


def test_an_engine_without_containerd_store_gives_the_same(
    workplace: Workplace, project: str, tmp_path: Path
) -> None:
    workplace.commit({"werf.yaml": META.format(project) + FROM_SCRATCH, **SOURCES})
    through = workplace.export()
    assert through.code == 0, through.text
    theirs = pull(workplace.tag)
    with second_engine(tmp_path, containerd=False) as host:
        env = {"DOCKER_HOST": host}
        first = workplace.run("export", "--tag", workplace.tag, env=env)
        assert first.code == 0, first.text
        mine = pull(workplace.tag)
        assert mine.tree() == theirs.tree()
        assert mine.config["config"] == theirs.config["config"]
        assert len(mine.config["history"]) == len(theirs.config["history"])
        # gitArchive of art, four stages of app, and the two with which they begin
        assert len(_images(project, host)) == 6
        assert workplace.run("export", "--tag", workplace.tag, env=env).built == []
        workplace.commit({"src/a": "changed\n"})
        changed = workplace.run("export", "--tag", workplace.tag, env=env)
        assert changed.code == 0, changed.text
        assert changed.built == [
            "app/dependenciesBeforeInstall",
            "app/install",
            "app/setup",
            "app/imageSpec",
        ]
        assert _files(workplace.tag)["/dst/a"]["size"] == len("changed\n")
        assert _docker("images", "--filter", "dangling=true", "-q", host=host) == ""


def test_a_builder_that_does_not_see_the_stages_gets_them(
    workplace: Workplace, project: str
) -> None:
    workplace.commit({"werf.yaml": META.format(project) + FROM_SCRATCH, **SOURCES})
    named = ("--builder", "default")  # what is named is taken for one that is not the engine's own
    first = workplace.run("export", "--tag", workplace.tag, *named)
    assert first.code == 0, first.text
    config = FROM_SCRATCH.replace("echo two", "echo three")
    workplace.commit({"werf.yaml": META.format(project) + config})
    second = workplace.run("export", "--tag", workplace.tag, *named)
    assert second.code == 0, second.text
    assert second.built == ["app/setup", "app/imageSpec"]
    files = _files(workplace.tag)
    assert list(files) == ["/dst", "/dst/a", "/dst/b", "/one", "/two"]
    assert files["/two"]["size"] == len("three\n")


def test_a_base_image_may_be_in_the_engine_only(workplace: Workplace, project: str) -> None:
    base = f"127.0.0.1:5000/{workplace.unique}/nowhere:tag"
    config = f"image: app\nfrom: {base}\nshell: {{install: ['echo 1 > /1']}}\n"
    workplace.commit({"werf.yaml": META.format(project) + config, **SOURCES})
    missing = workplace.run("export", "--tag", workplace.tag)
    assert missing.code == 4
    assert f"the base image {base} does not exist" in missing.text
    dockerfile = workplace.project.path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY src/a /base\nENV OF=base\n")
    _docker("build", "-q", "-t", base, str(workplace.project.path))
    dockerfile.unlink()
    try:
        ran = workplace.run("export", "--tag", workplace.tag)
    finally:
        _docker("rmi", base)
    assert ran.code == 0, ran.text
    assert f"the base image {base} is that of the engine: its registry has none" in ran.text
    assert list(_files(workplace.tag)) == ["/1", "/base"]
    assert "OF=base" in pull(workplace.tag).config["config"]["Env"]


@pytest.mark.parametrize("containerd", [True, False])
def test_layers_of_a_base_image_that_the_engine_lacks_are_fetched(
    workplace: Workplace, project: str, tmp_path: Path, *, containerd: bool
) -> None:
    dockerfile = "FROM scratch\nCOPY src/a /base\n"
    config = "image: app\ndockerfile: Dockerfile\n"
    workplace.commit(
        {"werf.yaml": META.format(project) + config, "Dockerfile": dockerfile, **SOURCES}
    )
    assert workplace.export().code == 0
    config = f"image: app\nfrom: {workplace.tag}\ndocker: {{ENV: {{A: b}}}}\n"
    workplace.commit({"werf.yaml": META.format(project) + config})
    out = workplace.tag.replace(":v1", ":v2")
    with second_engine(tmp_path, containerd=containerd) as host:
        env = {"DOCKER_HOST": host}
        ran = workplace.run("export", "--tag", out, env=env)
        assert ran.code == 0, ran.text
        assert workplace.run("export", "--tag", out, env=env).built == []
    assert list(_files(out)) == ["/base"]
    assert "A=b" in pull(out).config["config"]["Env"]
