"""Options that change how the main job works: final repository, records, ssh, merges, staged."""

import gzip
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from tests.images import pull, tags
from tests.integration.runs import ONE_IMAGE, REGISTRY, SMALL, Ran, Workplace

pytestmark = [pytest.mark.engine, pytest.mark.registry]


def _final(workplace: Workplace) -> str:
    return f"{REGISTRY}/{workplace.unique}/final"


def _stage_tags(repository: str) -> list[str]:
    return [tag for tag in tags(repository) if len(tag) in (56, 70) and "meta" not in tag]


FINAL_AND_BASE = (
    "project: test\nconfigVersion: 1\n---\nimage: base\nfinal: false\ndockerfile: Dockerfile\n"
    "---\nimage: app\ndockerfile: app.Dockerfile\ndependencies:\n- image: base\n"
    "  imports: [{type: ImageName, targetBuildArg: BASE}]\n"
)
FINAL_AND_BASE_FILES = {
    "werf.yaml": FINAL_AND_BASE,
    "Dockerfile": "FROM scratch\nCOPY file /file\n",
    "app.Dockerfile": "ARG BASE\nFROM ${BASE}\nCOPY file /second\n",
    "file": "content\n",
}


def test_the_final_repository_gets_the_last_stage_of_final_images(workplace: Workplace) -> None:
    workplace.commit(FINAL_AND_BASE_FILES)
    final = _final(workplace)
    report = workplace.folder / "build-report.json"
    ran = workplace.export(
        "--final-repo", final, "--save-build-report", "--build-report-path", str(report)
    )
    assert ran.code == 0, ran.text
    stage = ran.image("app")["content-tag"]
    assert tags(final) == [stage]
    assert pull(f"{final}:{stage}").digest == pull(f"{workplace.repo}:{stage}").digest
    images = json.loads(report.read_text())["Images"]
    assert images["app"]["DockerImageName"] == f"{final}:{stage}"
    assert images["app"]["DockerRepo"] == final
    assert images["base"]["DockerRepo"] == workplace.repo


def test_the_final_repository_gets_indexes_with_their_children(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    final = _final(workplace)
    ran = workplace.export("--final-repo", final, "--platform", "linux/amd64,linux/arm64")
    assert ran.code == 0, ran.text
    stage = ran.image("app")["content-tag"]
    index = pull(f"{final}:{stage}")
    assert index.digest == pull(f"{workplace.repo}:{stage}").digest
    assert tags(final) == [stage]
    for child in index.manifest["manifests"]:
        assert index.child(child["digest"]).tree()[0]["path"] == "/file"


def test_a_report_has_the_platforms_alone_when_asked(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    path, final = workplace.folder / "build-report.json", _final(workplace)
    arguments = ["--final-repo", final, "--save-build-report", "--build-report-path", str(path)]
    env = {"WERF_ENABLE_REPORT_BY_PLATFORM": "1"}
    ran = workplace.export(*arguments, "--platform", "linux/amd64,linux/arm64", env=env)
    assert ran.code == 0, ran.text
    report = json.loads(path.read_text())
    whole, alone = report["Images"]["app"], report["ImagesByPlatform"]["app"]
    assert whole["TargetPlatform"] == ""
    assert [stage["Name"] for stage in whole["Stages"]] == [
        "dockerfile (linux/amd64)",
        "dockerfile (linux/arm64)",
    ]
    assert list(alone) == ["linux/amd64", "linux/arm64"]
    children = {
        f"linux/{child['platform']['architecture']}": child["digest"]
        for child in pull(f"{final}:{whole['DockerTag']}").manifest["manifests"]
    }
    for platform, record in alone.items():
        assert record["TargetPlatform"] == platform
        assert record["DockerImageDigest"] == children[platform]
        assert pull(record["DockerImageName"]).digest == children[platform]
        assert record["DockerRepo"] == workplace.repo
        assert [stage["Name"] for stage in record["Stages"]] == ["dockerfile"]
    assert workplace.export(*arguments).code == 0
    assert json.loads(path.read_text())["ImagesByPlatform"] == {}


def test_a_stage_missing_in_the_final_repository_is_an_error_with_z(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    final = _final(workplace)
    assert workplace.export().code == 0
    missing = workplace.export("-Z", "--final-repo", final)
    assert missing.code == 4
    assert f"{final}:" in missing.text
    assert "is missing, but --require-built-images is set" in missing.text
    assert workplace.export("--final-repo", final).code == 0
    assert workplace.export("-Z", "--final-repo", final).code == 0


def _add_tags(workplace: Workplace, *arguments: str) -> Ran:
    return workplace.run("build", "--repo", workplace.repo, *arguments)


@pytest.mark.parametrize("platforms", ["linux/amd64", "linux/amd64,linux/arm64"])
def test_custom_tags_are_beside_the_stage_or_in_the_final_repository(
    workplace: Workplace, platforms: str
) -> None:
    workplace.commit(SMALL)
    final = _final(workplace)
    template = "v1-%image_slug%-%image_content_based_tag%"
    arguments = ("--platform", platforms, "--add-custom-tag", template)
    ran = _add_tags(workplace, *arguments)
    assert ran.code == 0, ran.text
    stage = ran.image("app")["content-tag"]
    tag = f"v1-app-{stage}"
    assert pull(f"{workplace.repo}:{tag}").digest == pull(f"{workplace.repo}:{stage}").digest
    [record] = [each for each in tags(workplace.repo) if each.startswith("custom-tag-meta-")]
    labels = pull(f"{workplace.repo}:{record}").config["config"]["Labels"]
    assert labels == {"werf": "test", "stage-id": stage, "tag": tag}
    before = tags(workplace.repo)
    assert _add_tags(workplace, *arguments, "--final-repo", final).code == 0
    assert tags(final) == sorted([stage, tag])
    assert tags(workplace.repo) == before
    assert pull(f"{final}:{tag}").digest == pull(f"{final}:{stage}").digest


def test_custom_tags_are_only_looked_at_with_z(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    assert _add_tags(workplace, "--add-custom-tag", "v1").code == 0
    assert _add_tags(workplace, "--add-custom-tag", "v1", "-Z").code == 0
    ran = _add_tags(workplace, "--add-custom-tag", "v2", "-Z")
    assert ran.code == 4
    assert f"{workplace.repo}:v2 is missing, but --require-built-images is set" in ran.text
    workplace.commit({"file": "other\n"})
    assert _add_tags(workplace).code == 0
    ran = _add_tags(workplace, "--add-custom-tag", "v1", "-Z")
    assert ran.code == 4
    assert f"{workplace.repo}:v1 is not the image " in ran.text


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--repo", "{repo}", "--add-custom-tag", "a/b"], "'a/b' cannot be a custom tag"),
        (
            ["--repo", "{repo}", "--add-custom-tag", "%image_content_based_tag%"],
            "cannot be a custom tag",
        ),
        (["--repo", "{repo}", "--add-custom-tag", "%wrong%"], 'function "wrong" not defined'),
        (["--repo", "{repo}", "--add-custom-tag", "v1"], "would be the tag of 'one' and 'two'"),
        (["--add-custom-tag", "%image%"], "--add-custom-tag: only together with --repo"),
    ],
)
def test_wrong_custom_tags_are_found_before_anything_is_built(
    workplace: Workplace, arguments: list[str], problem: str
) -> None:
    workplace.commit({**SMALL, "werf.yaml": ONE_IMAGE.replace("image: app", "image: [one, two]")})
    ran = workplace.run("build", *(each.format(repo=workplace.repo) for each in arguments))
    assert (ran.code, tags(workplace.repo)) == (2, [])
    assert problem in ran.text


def _records(workplace: Workplace) -> list[str]:
    return [tag for tag in tags(workplace.repo) if tag.startswith("meta-")]


def test_metadata_is_left_out_when_asked(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    assert workplace.export("--skip-image-metadata-publication").code == 0
    assert tags(workplace.repo) == _stage_tags(workplace.repo)


@pytest.mark.parametrize(
    ("keys", "kinds"),
    [
        ("disable: true", set()),
        ("disableGitHistoryBasedPolicy: true", {"managed"}),
        ("disableKubernetesBasedPolicy: true", {"managed", "meta"}),
    ],
)
def test_records_are_those_that_the_projects_cleanup_asks_for(
    workplace: Workplace, keys: str, kinds: set[str]
) -> None:
    """As the real one writes them: what is not cleaned up is not recorded."""
    section = f"configVersion: 1\ncleanup: {{{keys}}}\n"
    workplace.commit({**SMALL, "werf.yaml": ONE_IMAGE.replace("configVersion: 1\n", section)})
    ran = workplace.export()
    assert ran.code == 0, ran.text
    others = set(tags(workplace.repo)) - set(_stage_tags(workplace.repo))
    assert {tag.split("-")[0] for tag in others} == kinds


def test_the_end_of_one_record_is_not_that_of_others(workplace: Workplace) -> None:
    """Cleanup deletes by digest, as the protocol has it: no two records may have the same one.

    They are images of one empty layer, because not all registries take images without any.
    """
    workplace.commit({**SMALL, "werf.yaml": ONE_IMAGE.replace("image: app", "image: [one, two]")})
    tag = workplace.tag.replace(":v1", ":%image%")
    assert workplace.run("export", "--repo", workplace.repo, "--tag", tag).code == 0
    workplace.commit({"file": "other\n"})
    assert workplace.run("export", "--repo", workplace.repo, "--tag", tag).code == 0
    records = {
        each: pull(f"{workplace.repo}:{each}")
        for each in tags(workplace.repo)
        if each.startswith(("managed-image-", "meta-"))
    }
    assert len(records) == 2 + 4
    assert len({record.digest for record in records.values()}) == len(records)
    for record in records.values():
        [layer] = record.manifest["layers"]
        assert record.tree() == []
        content = gzip.decompress(record.blob(layer["digest"]))
        diff_id = f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert record.config["rootfs"]["diff_ids"] == [diff_id]
        assert record.config["config"]["Labels"] == {"werf": "test"}


def test_a_run_of_the_work_tree_records_no_commit(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    assert workplace.export("--dev").code == 0
    others = set(tags(workplace.repo)) - set(_stage_tags(workplace.repo))
    assert others == {"managed-image-app"}


def test_both_parents_of_a_merge_by_the_ci_are_recorded(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    project = workplace.project
    project.git("checkout", "-q", "-b", "topic")
    topic = project.write({"other": "file\n"}).commit()
    project.git("checkout", "-q", "main")
    project.write({"third": "file\n"}).commit()
    project.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    merge = project.git("rev-parse", "HEAD")
    ran = workplace.export("--virtual-merge")
    assert ran.code == 0, ran.text
    assert {tag.split("_")[1] for tag in _records(workplace)} == {merge, topic}


def test_virtual_merge_needs_a_merge(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    ran = workplace.export("--virtual-merge")
    assert ran.code == 3
    assert "is not the merge of two commits" in ran.text


COUNT_KEYS = (
    "FROM debian:trixie-slim\nRUN --mount=type=ssh perl -MIO::Socket::UNIX -e "
    "'$s = IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK}) or die $!; "
    'print $s "\\0\\0\\0\\1\\13"; $s->flush; $s->read($a, 9); print "keys: ", '
    'unpack("N", substr $a, 5), "\\n"\'\n'
)


def _key(folder: Path, name: str) -> str:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return str(path)


def test_ssh_keys_are_in_the_agent_of_the_build(workplace: Workplace) -> None:
    dockerfile = f"{COUNT_KEYS.rstrip()} # {workplace.unique}\n"  # else the cache answers
    workplace.commit({"werf.yaml": ONE_IMAGE, "Dockerfile": dockerfile})
    keys = [_key(workplace.folder, name) for name in ("one", "two")]
    ran = workplace.export("--ssh-key", keys[0], "--ssh-key", keys[1])
    assert ran.code == 0, ran.text
    assert "keys: 2" in ran.text


def test_a_missing_ssh_key(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    ran = workplace.export("--ssh-key", "/nowhere/key")
    assert ran.code == 2
    assert "--ssh-key /nowhere/key is no file" in ran.text


def test_staged_images_are_built_like_others_and_that_is_said_once(workplace: Workplace) -> None:
    staged = "project: test\nconfigVersion: 1\nbuild: {staged: true}\n"
    staged += "---\nimage: [one, two]\ndockerfile: Dockerfile\n"
    workplace.commit({**SMALL, "werf.yaml": staged})
    tag = workplace.tag.replace(":v1", ":%image%")
    ran = workplace.run("export", "--repo", workplace.repo, "--tag", tag)
    assert ran.code == 0, ran.text
    assert ran.text.count("notice: staged: true changes nothing here") == 1


def test_files_of_the_work_tree_are_added_to_the_context(workplace: Workplace) -> None:
    workplace.commit(
        {
            "werf.yaml": f"{ONE_IMAGE}contextAddFiles: [made, folder]\n",
            "werf-giterminism.yaml": "giterminismConfigVersion: 1\nconfig:\n  dockerfile:\n"
            "    allowContextAddFiles: [made, folder]\n",
            "Dockerfile": "FROM scratch\nCOPY . /\n",
            ".gitignore": "made\nfolder\n",
            ".dockerignore": "*.yaml\n.*\nDockerfile\n",
        }
    )
    workplace.project.write({"made": "by an earlier step\n", "folder/inner": "too\n"})
    ran = workplace.export()
    assert ran.code == 0, ran.text
    paths = [entry["path"] for entry in pull(workplace.tag).tree()]
    assert {"/made", "/folder/inner"} <= set(paths)
    assert workplace.export().built == []
    workplace.project.write({"made": "anew\n"})
    assert workplace.export().built == ["app/dockerfile"]


def test_a_pointer_of_lfs_is_told_when_it_enters_an_image(
    workplace: Workplace,
) -> None:
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
    )
    workplace.commit({**SMALL, "file": pointer})
    ran = workplace.export()
    assert ran.code == 0, ran.text
    assert "'file' enters the build context as a pointer of Git LFS" in ran.text


STAPEL = (
    "project: test\nconfigVersion: 1\n---\nimage: app\nfrom: busybox\ngit:\n- {add: /, to: /a}\n"
)


def test_a_shallow_clone_is_completed_when_history_is_needed(workplace: Workplace) -> None:
    workplace.commit({**SMALL, "werf.yaml": STAPEL})
    workplace.commit({"other": "file\n"})
    clone = workplace.folder / "clone"
    origin = f"file://{workplace.project.path}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", origin, clone], check=True)
    arguments = ["plan", "--repo", workplace.repo, "--tag", workplace.tag]
    ran = workplace.run(*arguments, "--dir", str(clone))
    assert "the clone is shallow" not in ran.text
    assert not (clone / ".git" / "shallow").exists()


def test_history_that_must_not_be_fetched_is_needed_by_the_selected_images_only(
    workplace: Workplace,
) -> None:
    """As in werf: an error, but not for images that nobody asked for."""
    forbidden = STAPEL.replace("1\n---", "1\ngitWorktree: {allowUnshallow: false}\n---", 1)
    other = "---\nimage: other\ndockerfile: Dockerfile\n"
    workplace.commit({**SMALL, "werf.yaml": forbidden + other})
    workplace.commit({"other": "file\n"})
    clone = workplace.folder / "clone"
    origin = f"file://{workplace.project.path}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", origin, clone], check=True)
    tag = f"{workplace.repo}-%image%:1"
    arguments = ["--dir", str(clone), "--repo", workplace.repo, "--tag", tag]
    refused = workplace.run("plan", *arguments)
    assert refused.code == 3
    assert "app need it, and gitWorktree.allowUnshallow is false" in refused.text
    assert (clone / ".git" / "shallow").exists()
    assert workplace.run("plan", "other", *arguments).code == 0


def test_a_shallow_clone_without_origin_is_a_warning_with_the_remedy(workplace: Workplace) -> None:
    workplace.commit({**SMALL, "werf.yaml": STAPEL})
    workplace.commit({"other": "file\n"})
    clone = workplace.folder / "clone"
    origin = f"file://{workplace.project.path}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", origin, clone], check=True)
    subprocess.run(["git", "remote", "remove", "origin"], cwd=clone, check=True)
    arguments = ["plan", "--repo", workplace.repo, "--tag", workplace.tag]
    ran = workplace.run(*arguments, "--dir", str(clone))
    assert "the clone is shallow, its history is cut off" in ran.text
    assert "'fetch-depth: 0'" in ran.text
    assert "has no remote 'origin'" in ran.text
