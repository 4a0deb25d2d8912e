"""How built stages get into the repository: by the engine, or by the exporter's own client."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.fakes.registry import FakeRegistry, serve
from tests.fakes.registry_faults import How
from tests.images import pull, tags
from tests.integration.runs import SMALL, Workplace
from tests.integration.services import real_registry, second_engine

pytestmark = [pytest.mark.engine, pytest.mark.registry]

BIG = {**SMALL, "Dockerfile": "FROM debian:trixie-slim\nCOPY file /\n"}
BRIDGE = "172.17.0.1"
"""The machine's address on the engine's network: there the engine insists on TLS."""


@pytest.fixture
def committed(workplace: Workplace) -> Workplace:
    """A workplace with one small image committed."""
    return workplace.commit(SMALL)


def test_the_engine_keeps_no_copy_of_a_stage(committed: Workplace) -> None:
    ran = committed.export("--publish-from", "engine")
    assert ran.code == 0, ran.text
    argv = ["docker", "image", "inspect", ran.image("app")["stage"]]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert "No such image" in done.stderr


def test_the_client_publishes_what_the_engine_would(committed: Workplace) -> None:
    committed.commit(BIG)
    by_engine = committed.export("--publish-from", "engine")
    assert by_engine.code == 0, by_engine.text
    stage = pull(by_engine.image("app")["stage"])
    other = f"{committed.repo}-by-client"
    by_client = committed.run(
        "export", "--repo", other, "--tag", committed.tag, "--publish-from", "client"
    )
    assert by_client.code == 0, by_client.text
    assert by_client.built == ["app/dockerfile"]
    assert pull(by_client.image("app")["stage"]).digest == stage.digest
    assert [ref["status"] for ref in by_client.image("app")["references"].values()] == ["unchanged"]


def test_the_client_sends_only_what_the_repository_lacks(committed: Workplace) -> None:
    fake = FakeRegistry()
    with serve(fake) as address:
        places = ["--repo", f"{address}/p/stages", "--tag", committed.tag]
        committed.commit(BIG)
        first = committed.run("export", *places, "--publish-from", "client")
        assert first.code == 0, first.text
        assert len(fake.writes("^PUT /v2/p/stages/blobs")) >= 3
        fake.journal.clear()
        committed.commit({"file": "other content\n"})
        second = committed.run("export", *places, "--publish-from", "client")
        assert second.code == 0, second.text
        layers = pull(committed.tag).manifest["layers"]
        sent = [seen.body_bytes for seen in fake.journal if seen.method == "PUT"]
        assert max(sent) < layers[0]["size"]


def test_an_upload_that_breaks_off_in_the_stream_is_begun_again(committed: Workplace) -> None:
    fake = FakeRegistry()
    with serve(fake) as address:
        committed.commit(BIG)
        fake.fault("^PUT /v2/p/stages/blobs", "drop-mid-request", times=1)
        places = ["--repo", f"{address}/p/stages", "--tag", committed.tag]
        ran = committed.run("export", *places, "--publish-from", "client")
        assert ran.code == 0, ran.text
        assert len(fake.tags["p/stages"]) == 3


def test_an_engine_that_cannot_reach_the_registry_is_helped(
    committed: Workplace, tmp_path: Path
) -> None:
    with real_registry(tmp_path, host=BRIDGE) as address:
        places = ["--repo", f"{address}/p/stages", "--tag", f"{address}/p/out:v1"]
        refused = committed.run("export", *places, "--publish-from", "engine")
        assert refused.code == 5
        assert f"the engine could not push app to {address}/p/stages" in refused.text
        assert tags(f"{address}/p/out") == []
        ran = committed.run("export", *places)
        assert ran.code == 0, ran.text
        assert "notice: the engine cannot reach the registry" in ran.text
        assert pull(f"{address}/p/out:v1").tree()[0]["path"] == "/file"


@pytest.mark.parametrize("way", ["engine", "client"])
def test_an_engine_without_containerd_store_publishes_both_ways(
    committed: Workplace, tmp_path: Path, way: str
) -> None:
    with second_engine(tmp_path, containerd=False) as host:
        ran = committed.export("--publish-from", way, env={"DOCKER_HOST": host})
        assert ran.code == 0, ran.text
        again = committed.export("--publish-from", way, env={"DOCKER_HOST": host})
        assert again.built == []
    assert [entry["path"] for entry in pull(committed.tag).tree()] == ["/file"]
    assert "werf-stage-content-digest" in pull(ran.image("app")["stage"]).config["config"]["Labels"]


@pytest.mark.parametrize("containerd", [True, False], ids=["containerd-store", "own-store"])
def test_the_client_publishes_what_the_engine_of_a_builder_built(
    committed: Workplace, tmp_path: Path, *, containerd: bool
) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path / "docker"), "HOME": str(tmp_path)}
    with second_engine(tmp_path, containerd=containerd) as host:
        argv = ["docker", "context", "create", "far", "--docker", f"host={host}"]
        given = {**env, "PATH": os.environ["PATH"]}
        subprocess.run(argv, check=True, env=given, capture_output=True)
        ran = committed.export("--publish-from", "client", "--builder", "far", env=env)
        assert ran.code == 0, ran.text
    assert [entry["path"] for entry in pull(committed.tag).tree()] == ["/file"]


@pytest.mark.parametrize(
    ("match", "how", "details"),
    [
        pytest.param(
            "^PUT /v2/p/stages/manifests", "status", {"status": 502}, id="502-on-the-manifest"
        ),
        pytest.param("^POST /v2/p/stages/blobs", "status", {"status": 503}, id="503-on-an-upload"),
        pytest.param("^(PUT|PATCH) /v2/p/stages/blobs", "drop-mid-request", {}, id="reset"),
        pytest.param("^PUT /v2/p/stages/manifests", "drop-after", {}, id="lost-answer"),
    ],
)
def test_a_fault_while_the_engine_pushes_is_survived(
    committed: Workplace, match: str, how: How, details: dict[str, int]
) -> None:
    fake = FakeRegistry()
    with serve(fake) as address:
        hit = 0

        def after_preflight(line: str) -> None:
            nonlocal hit
            hit += line.startswith("DELETE /v2/p/stages/blobs/uploads")
            if hit == 1:
                hit += 1
                fake.fault(match, how, **details)

        fake.before = after_preflight
        ran = committed.run(
            "export", "--repo", f"{address}/p/stages", "--tag", committed.tag,
            "--publish-from", "engine",
        )  # fmt: skip
        assert ran.code == 0, ran.text
        assert [rule.hits for rule in fake.faults] == [1]
        assert fake.incomplete == []
    assert pull(committed.tag).tree()[0]["path"] == "/file"


TWO = (
    "project: test\nconfigVersion: 1\n---\nimage: bad\ndockerfile: bad.Dockerfile\n"
    "---\nimage: good\ndockerfile: Dockerfile\n"
)


def test_what_was_finished_before_a_failure_is_kept(workplace: Workplace) -> None:
    workplace.commit(
        {
            "werf.yaml": TWO,
            "Dockerfile": "FROM scratch\nCOPY file /\n",
            "bad.Dockerfile": "FROM debian:trixie-slim\nRUN sleep 2; exit 7\n",
            "file": workplace.unique,
        }
    )
    tag = workplace.tag.replace(":v1", ":%image%")
    failed = workplace.run("export", "--repo", workplace.repo, "--tag", tag)
    assert failed.code == 4
    assert "bad.Dockerfile:2: building bad failed" in failed.text
    assert failed.built == ["good/dockerfile"]
    assert tags(workplace.tag.rpartition(":")[0]) == []
    workplace.commit({"bad.Dockerfile": "FROM debian:trixie-slim\nRUN true\n"})
    mended = workplace.run("export", "--repo", workplace.repo, "--tag", tag)
    assert mended.code == 0, mended.text
    assert mended.built == ["bad/dockerfile"]


def test_a_record_whose_config_another_run_is_writing_is_written_again(
    committed: Workplace,
) -> None:
    fake = FakeRegistry()
    with serve(fake) as address:
        committed.commit(BIG)
        lost = b'{"errors":[{"code":"DIGEST_INVALID"},{"code":"MANIFEST_BLOB_UNKNOWN"}]}'
        fake.fault(
            "^PUT /v2/p/stages/manifests/managed-image-app",
            "status",
            times=1,
            status=400,
            body=lost,
        )
        ran = committed.run("export", "--repo", f"{address}/p/stages", "--tag", committed.tag)
        assert ran.code == 0, ran.text
        assert [rule.hits for rule in fake.faults] == [1]
        assert "managed-image-app" in fake.tags["p/stages"]
