"""Without ``--repo``: stages stay in the engine, only cleaned images leave it."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from exporter.build import archive
from exporter.build.engine import Engine
from exporter.oci.descriptor import Descriptor
from tests.images import pull, tags
from tests.integration.runs import OTHER_REGISTRY, Workplace
from tests.integration.services import second_engine

pytestmark = [pytest.mark.engine, pytest.mark.registry]

CONFIG = "project: {}\nconfigVersion: 1\n---\nimage: app\ndockerfile: Dockerfile\n"
DOCKERFILE = "FROM scratch\nCOPY file /file\nLABEL own=label\n"


@pytest.fixture
def project(workplace: Workplace) -> Iterator[str]:
    """A committed project; its images are removed from the engine afterwards."""
    name = workplace.unique.replace("/", "-")
    workplace.commit(
        {"werf.yaml": CONFIG.format(name), "Dockerfile": DOCKERFILE, "file": "content\n"}
    )
    yield name
    found = _images(name)
    if found:
        subprocess.run(["docker", "rmi", "-f", *found], check=True, capture_output=True)


def _images(project: str, host: str = "") -> list[str]:
    argv = ["docker", *(["--host", host] if host else []), "images"]
    argv += ["--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={project}"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()


def test_a_stage_stays_in_the_engine_and_the_cleaned_image_goes_out(
    workplace: Workplace, project: str
) -> None:
    ran = workplace.run("export", "--tag", workplace.tag)
    assert ran.code == 0, ran.text
    stage = ran.image("app")["stage"]
    assert _images(project) == [stage]
    image = pull(workplace.tag)
    assert image.config["config"]["Labels"] == {"own": "label"}
    assert [entry["path"] for entry in image.tree()] == ["/file"]
    repository = workplace.tag.rpartition(":")[0]
    assert tags(repository) == ["v1"]


def test_the_second_run_builds_and_writes_nothing(workplace: Workplace, project: str) -> None:
    first = workplace.run("export", "--tag", workplace.tag)
    second = workplace.run("export", "--tag", workplace.tag)
    assert second.code == 0, second.text
    assert second.built == []
    assert [ref["status"] for ref in second.image("app")["references"].values()] == ["unchanged"]
    assert first.image("app")["digest"] == second.image("app")["digest"]
    assert len(_images(project)) == 1


def test_several_destinations_get_the_same_image(workplace: Workplace, project: str) -> None:
    elsewhere = f"{OTHER_REGISTRY}/{workplace.unique}/copy:v2"
    near = workplace.tag.replace("/out:", "/near:")
    ran = workplace.run("export", "--tag", workplace.tag, "--tag", elsewhere, "--tag", near)
    assert ran.code == 0, ran.text
    assert len({pull(reference).digest for reference in (workplace.tag, elsewhere, near)}) == 1
    assert project in ran.image("app")["stage"]


def test_the_exported_image_is_the_one_that_a_repository_gives(
    workplace: Workplace, project: str
) -> None:
    local = workplace.run("export", "--tag", workplace.tag)
    through_repo = workplace.export("--tag", workplace.tag.replace(":v1", ":v2"))
    assert through_repo.code == 0, through_repo.text
    assert project in local.image("app")["stage"]
    mine, theirs = pull(workplace.tag), pull(workplace.tag.replace(":v1", ":v2"))
    assert mine.tree() == theirs.tree()
    assert mine.config["config"] == theirs.config["config"]


def test_image_spec_and_dependencies_work_inside_the_engine(
    workplace: Workplace, project: str
) -> None:
    workplace.commit(
        {
            "werf.yaml": f"project: {project}\nconfigVersion: 1\n"
            "---\nimage: base\nfinal: false\ndockerfile: Dockerfile\n"
            "---\nimage: app\ndockerfile: app.Dockerfile\n"
            "dependencies:\n- image: base\n  imports:\n"
            "  - {type: ImageName, targetBuildArg: BASE}\n"
            "imageSpec: {author: me, clearHistory: true, config: {env: {A: b}, user: '7'}}\n",
            "app.Dockerfile": "ARG BASE\nFROM ${BASE}\nCOPY file /second\n",
        }
    )
    ran = workplace.run("export", "--tag", workplace.tag)
    assert ran.code == 0, ran.text
    image = pull(workplace.tag)
    assert [entry["path"] for entry in image.tree()] == ["/file", "/second"]
    assert "A=b" in image.config["config"]["Env"]
    assert image.config["config"]["User"] == "7"
    assert image.config["author"] == "me"
    assert workplace.run("export", "--tag", workplace.tag).built == []


def test_a_build_report_leads_to_the_stage_in_the_engine(
    workplace: Workplace, project: str
) -> None:
    report = ("--build-report-path", str(workplace.folder / "build-report.json"))
    built = workplace.run("build", "--save-build-report", *report)
    assert built.code == 0, built.text
    ran = workplace.run("export", "--use-build-report", *report, "--tag", workplace.tag)
    assert ran.code == 0, ran.text
    assert pull(workplace.tag).config["config"]["Labels"] == {"own": "label"}
    assert project in built.image("app")["stage"]


def test_several_platforms_are_refused_early(workplace: Workplace, project: str) -> None:
    platforms = ("--platform", "linux/amd64", "--platform", "linux/arm64")
    ran = workplace.run("export", "--tag", workplace.tag, *platforms)
    assert ran.code == 2
    assert "images of several platforms need a repository for their stages. Set --repo" in ran.text
    assert _images(project) == []


@pytest.mark.usefixtures("project")
def test_options_about_repositories_need_one(workplace: Workplace) -> None:
    ran = workplace.run("export", "--tag", workplace.tag, "--final-repo", "127.0.0.1:5000/x/final")
    assert ran.code == 2
    assert "--final-repo: only together with --repo" in ran.text


def test_an_engine_without_containerd_store_works_the_same(
    workplace: Workplace, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with second_engine(tmp_path, containerd=False) as host:
        env = {"DOCKER_HOST": host}
        first = workplace.run("export", "--tag", workplace.tag, env=env)
        assert first.code == 0, first.text
        monkeypatch.delattr(Engine, "image_archive")  # all layers were packed before
        second = workplace.run("export", "--tag", workplace.tag, env=env)
        assert second.code == 0, second.text
        assert second.built == []
        assert [ref["status"] for ref in second.image("app")["references"].values()] == [
            "unchanged"
        ]
        assert _images(project, host) == [first.image("app")["stage"]]
    image = pull(workplace.tag)
    assert [entry["path"] for entry in image.tree()] == ["/file"]
    assert image.config["config"]["Labels"] == {"own": "label"}


def test_a_layer_that_images_share_is_packed_once(
    workplace: Workplace, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = "127.0.0.1:5000/base/busybox:1"
    config = f"{CONFIG.format(project)}---\nimage: two\ndockerfile: Two\n"
    files = {"Dockerfile": f"FROM {base}\nCOPY file /1\n", "Two": f"FROM {base}\nCOPY file /2\n"}
    workplace.commit({"werf.yaml": config, **files})
    packed: list[str] = []
    pack = archive._pack

    def counted(pieces: Iterable[bytes], put: archive.Put, known: archive.Packed) -> Descriptor:
        blob = pack(pieces, put, known)
        packed.append(blob.digest)
        return blob

    monkeypatch.setattr(archive, "_pack", counted)
    tag = workplace.tag.replace("/out:", "/%image%:")
    with second_engine(tmp_path, containerd=False) as host:
        ran = workplace.run("export", "--tag", tag, env={"DOCKER_HOST": host})
    assert ran.code == 0, ran.text
    one, two = (pull(tag.replace("%image%", name)).manifest["layers"] for name in ("app", "two"))
    assert one[0] == two[0]
    assert sorted(packed) == sorted({layer["digest"] for layer in (*one, *two)})
