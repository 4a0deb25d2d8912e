"""An engine over TCP with TLS, as GitLab's ``docker:dind`` service and CircleCI offer it."""

from pathlib import Path

import pytest

from tests.fakes.tls_proxy import tls_engine
from tests.integration.runs import SMALL, Workplace

pytestmark = [pytest.mark.engine, pytest.mark.registry]


def test_a_build_works_over_tls(workplace: Workplace, tmp_path: Path) -> None:
    workplace.commit(SMALL)
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    with tls_engine(certificates) as env:
        ran = workplace.export(env=env)
    assert ran.code == 0, ran.text
    assert ran.built == ["app/dockerfile"]


def test_certificates_that_do_not_fit_are_named(workplace: Workplace, tmp_path: Path) -> None:
    workplace.commit(SMALL)
    mine, others = tmp_path / "mine", tmp_path / "others"
    mine.mkdir()
    others.mkdir()
    with tls_engine(mine) as env, tls_engine(others):
        ran = workplace.export(env={**env, "DOCKER_CERT_PATH": str(others)})
    assert ran.code == 4
    assert f"the Docker engine at {env['DOCKER_HOST']} cannot be reached" in ran.text
    assert "certificate" in ran.text


def test_what_is_built_already_needs_no_engine(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    assert workplace.export().code == 0
    nowhere = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    assert workplace.export("--add-label", "a=b", env=nowhere).code == 0
    plan = workplace.run("plan", "--repo", workplace.repo, "--tag", workplace.tag, env=nowhere)
    assert plan.code == 0, plan.text
    digest = workplace.export(env=nowhere).image("app")["digest"]
    source = f"{workplace.tag.removesuffix(':v1')}@{digest}"
    promoted = workplace.run(
        "promote", "--from", source, "--tag", f"{workplace.tag}-2", env=nowhere
    )
    assert promoted.code == 0, promoted.text
