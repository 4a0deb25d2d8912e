"""The Dockerfile of an image's missing stages, and its context."""

import os
from pathlib import Path

from exporter.build.secret import BuildSecret
from exporter.build.stapel.mounts import Mounted
from exporter.build.stapel.recipe import Recipe, Secret, Step


def _recipe(folder: Path) -> Recipe:
    recipe = Recipe(folder, {}, project="shop", unique="u1")
    recipe.begin("registry.example.com/base@sha256:00")
    recipe.add(Step(number=1, lines=["echo files"], sources=["source:1"], env={"A": 'x "$y"'}))
    secret = Secret(build=BuildSecret(id="token", value="hidden"))
    mounts = [Mounted(kind="build_dir", source="", target="/var/cache")]
    recipe.add(Step(number=4, commands=["one", "two"], secrets=[secret], mounts=mounts, ssh=True))
    recipe.finish()
    return recipe


def test_each_stage_is_one_run_upon_the_one_before(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path)
    lines = (tmp_path / "Dockerfile").read_text().splitlines()
    assert lines[:6] == [
        "FROM source:1 AS source0",
        "FROM registry.example.com/base@sha256:00 AS stage",
        "FROM stage AS stage1",
        "USER 0:0",
        "WORKDIR /",
        r'ENV A="x \"\$y\""',
    ]
    assert lines[7] == "FROM stage1 AS stage4"
    assert [recipe.step_at(number) for number in (6, 7, 11)] == [None, 1, 4]
    assert (recipe.target(None), recipe.target(4)) == ("stage", "stage4")


def test_mounts_are_below_dev_or_what_the_user_asked_for(tmp_path: Path) -> None:
    _recipe(tmp_path)
    *_, run = (tmp_path / "Dockerfile").read_text().splitlines()
    targets = [
        word.split("target=")[1].partition(",")[0] for word in run.split() if "target=" in word
    ]
    assert targets == [
        "/dev/exporter/tools",
        "/dev/exporter/work",
        "/var/cache",
        "/.werf/shell/script.sh",
        "/run/secrets/token",
    ]
    assert "type=ssh" in run
    assert "type=cache,id=exporter-build_dir-shop-var-cache," in run
    assert "hidden" not in run


def test_only_what_runs_commands_has_a_network(tmp_path: Path) -> None:
    _recipe(tmp_path)
    runs = [
        line for line in (tmp_path / "Dockerfile").read_text().splitlines() if line[:4] == "RUN "
    ]
    assert [line.startswith("RUN --network=none --mount=") for line in runs] == [True, False]


def test_sums_are_made_on_the_last_stage_and_never_fail(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path, {}, project="shop", unique="u1")
    recipe.begin("base:1")
    recipe.add(Step(number=2, commands=["one"]))
    recipe.sum_up(["checksum /here"])
    recipe.finish()
    lines = (tmp_path / "Dockerfile").read_text().splitlines()
    assert lines[-4] == "FROM stage2 AS sums"
    assert "type=bind,from=stage2,target=/dev/exporter/from0" in lines[-1]
    assert lines[-1].endswith('["/bin/sh", "-c", "/bin/sh /dev/exporter/work/run.sh || :"]')
    assert recipe.step_at(len(lines)) is None
    assert (tmp_path / "work-sums" / "run.sh").read_text().endswith("\nchecksum /here\n")


def test_images_in_common_are_variants_and_import_from_each_other(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path, {}, project="shop", unique="u1", platform="linux/amd64")
    recipe.begin("base:1")
    recipe.add(Step(number=2, commands=["one"]))
    recipe.stands_for("")
    recipe.begin("base:2")
    recipe.add(Step(number=2, lines=["take"], sources=["", "other:1"]))
    recipe.set_env({"TAG": "v1"})
    recipe.end(["", "x1"])
    recipe.finish()
    lines = (tmp_path / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("FROM")] == [
        "FROM --platform=linux/amd64 other:1 AS source0",
        "FROM --platform=linux/amd64 base:1 AS stage",
        "FROM stage AS stage2",
        "FROM --platform=linux/amd64 base:2 AS base1000",
        "FROM base1000 AS stage1002",
        "FROM stage2 AS image",
        "FROM stage1002 AS imagex1",
        "FROM image${TARGETVARIANT}",
    ]
    [taking] = [line for line in lines if "work-1002" in line]
    assert "type=bind,from=stage2,target=/dev/exporter/from0" in taking
    assert "type=bind,from=source0,target=/dev/exporter/from1" in taking
    assert recipe.step_at(lines.index(taking) + 1) == 1002
    assert lines[lines.index(taking) + 1] == 'ENV TAG="v1"'


def test_the_context_depends_on_the_files_only(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        recipe = _recipe(tmp_path)
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in recipe.folder.rglob("*")} == {0o755}
    script = recipe.folder / "work-4" / "script.sh"
    assert script.read_text() == "#!/.werf/stapel/embedded/bin/bash -e\n\none\ntwo\n"
