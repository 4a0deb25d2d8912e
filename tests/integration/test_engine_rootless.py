"""An engine without root."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.build.engine import connect
from tests.images import pull
from tests.integration.rootless import missing, rootless_engine
from tests.integration.runs import ONE_IMAGE, SMALL, Workplace
from tests.integration.services import bridge, real_registry
from tests.integration.test_doctor import doctor, starting

pytestmark = [pytest.mark.engine, pytest.mark.registry]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that is not on the loopback, so that the engine reaches it."""
    folder = tmp_path_factory.mktemp("registry")
    with bridge() as (_, address), real_registry(folder, host=address) as found:
        yield found


@pytest.fixture(scope="module")
def rootless(registry: str) -> Iterator[str]:
    """``DOCKER_HOST`` of an engine without root."""
    if reason := missing():
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(f"{reason}; run scripts/engine-up", pytrace=False)
        pytest.skip(reason)
    with rootless_engine(insecure_registries=[registry]) as host:
        yield host


def test_commands_run_and_the_engine_pushes(
    workplace: Workplace, rootless: str, registry: str
) -> None:
    busybox = Path(shutil.which("busybox") or "").read_bytes()
    dockerfile = (
        "FROM scratch\nCOPY --chmod=755 busybox /busybox\n"
        'RUN ["/busybox", "sh", "-c", "/busybox id -u > /user"]\n'
    )
    workplace.commit({"werf.yaml": ONE_IMAGE, "Dockerfile": dockerfile, "busybox": busybox})
    ran = workplace.run(
        "export", "--repo", f"{registry}/stages", "--tag", f"{registry}/out:v1",
        "--publish-from", "engine", "--insecure-registry",
        env={"DOCKER_HOST": rootless},
    )  # fmt: skip
    assert ran.code == 0, ran.text
    assert ran.built == ["app/dockerfile"]
    image = pull(f"{registry}/out:v1")
    assert {entry["path"] for entry in image.tree()} >= {"/busybox", "/user"}


def test_the_exporter_pushes_where_the_engine_cannot(workplace: Workplace, rootless: str) -> None:
    """The engine's loopback is another one than this machine's."""
    workplace.commit(SMALL)
    ran = workplace.export(env={"DOCKER_HOST": rootless})
    assert ran.code == 0, ran.text
    assert "notice: the engine cannot reach the registry" in ran.text
    assert pull(workplace.tag).tree()[0]["path"] == "/file"


def test_local_mode(workplace: Workplace, rootless: str) -> None:
    workplace.commit(SMALL)
    ran = workplace.run("export", "--tag", workplace.tag, env={"DOCKER_HOST": rootless})
    assert ran.code == 0, ran.text
    assert pull(workplace.tag).tree()[0]["path"] == "/file"


def test_it_says_so(workplace: Workplace, rootless: str) -> None:
    with connect({"DOCKER_HOST": rootless}) as engine:
        facts = engine.facts()
    assert facts.rootless
    workplace.commit(SMALL)
    code, lines = doctor(workplace, DOCKER_HOST=rootless)
    assert code == 0, lines
    assert ", rootless" in starting(lines, "ok       engine")[0]
