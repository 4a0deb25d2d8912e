"""An engine over TCP with TLS, as GitLab's ``docker:dind`` service and CircleCI offer it."""

import hashlib
import json
import os
import subprocess
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


def test_a_context_brings_its_certificates(workplace: Workplace, tmp_path: Path) -> None:
    workplace.commit(SMALL)
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    folder = {"DOCKER_CONFIG": str(tmp_path / "docker")}
    with tls_engine(certificates) as env:
        parts = [f"host={env['DOCKER_HOST']}"]
        parts += [f"{name}={certificates / name}.pem" for name in ("ca", "cert", "key")]
        argv = ["docker", "context", "create", "far", "--docker", ",".join(parts)]
        given = {**folder, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        subprocess.run(argv, check=True, env=given, capture_output=True)
        published = workplace.export(env={**folder, "DOCKER_CONTEXT": "far"})
        assert published.code == 0, published.text
        (certificates / "key.pem").unlink()  # the context has copies
        kept = ["export", "--tag", f"{workplace.tag}-2"]
        local = workplace.run(*kept, env={**folder, "DOCKER_CONTEXT": "far"})
        assert local.code == 0, local.text


def test_missing_certificates_are_named(workplace: Workplace, tmp_path: Path) -> None:
    workplace.commit(SMALL)
    given = {"DOCKER_HOST": "tcp://127.0.0.1:2376", "DOCKER_TLS_VERIFY": "1"}
    empty = tmp_path / "empty"
    ran = workplace.export(env={**given, "DOCKER_CERT_PATH": str(empty)})
    assert ran.code == 4
    assert (
        "app must be built, but certificates for the Docker engine are missing: "
        f"{empty}/ca.pem, {empty}/cert.pem, {empty}/key.pem. DOCKER_CERT_PATH is the folder"
    ) in ran.text


def test_certificates_are_looked_for_where_docker_does(workplace: Workplace) -> None:
    workplace.commit(SMALL)
    certificates = workplace.folder / ".docker"
    certificates.mkdir()
    with tls_engine(certificates) as env:
        del env["DOCKER_CERT_PATH"]
        ran = workplace.export(env=env)
    assert ran.code == 0, ran.text


def test_the_given_configuration_chooses_the_engine(workplace: Workplace, tmp_path: Path) -> None:
    """Builds and all that is asked of the engine go to the context of ``--docker-config``."""
    workplace.commit(SMALL)
    folder = tmp_path / "docker"
    contexts = folder / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest()
    contexts.mkdir(parents=True)
    endpoint = {"Host": "tcp://127.0.0.1:1", "SkipTLSVerify": False}
    meta = {"Name": "far", "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (contexts / "meta.json").write_text(json.dumps(meta))
    (folder / "config.json").write_text('{"currentContext": "far"}')
    ran = workplace.export("--docker-config", str(folder))
    assert ran.code == 4
    assert "app must be built, but the Docker engine at tcp://127.0.0.1:1 cannot be" in ran.text
    local = workplace.run("export", "--tag", workplace.tag, "--docker-config", str(folder))
    assert local.code == 4
    assert "the Docker engine at tcp://127.0.0.1:1 cannot be reached" in local.text
