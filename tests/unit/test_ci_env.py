"""The command ci-env apart from the recorded cases: files, folders and wrong input."""

import json
import os
from pathlib import Path

import pytest

from exporter import cli

ENV = {"PATH": os.environ["PATH"], "GITLAB_CI": "true", "CI_REGISTRY_IMAGE": "127.0.0.1:1/g/app"}


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tmp").mkdir()
    return {**ENV, "HOME": str(tmp_path), "WERF_TMP_DIR": str(tmp_path / "tmp")}


def test_the_path_of_the_file_is_printed_and_only_we_may_read_it(
    env: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ci-env", "gitlab", "--as-file"], env) == 0
    path = Path(capsys.readouterr().out.rstrip("\n"))
    assert 'export WERF_REPO="127.0.0.1:1/g/app"' in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_the_users_docker_config_is_copied_and_stays_as_it_was(
    env: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text('{"auths": {"a.example": {"auth": "eA=="}}}')
    assert cli.main(["ci-env", "gitlab", "--as-env-file", "-o", "out"], env) == 0
    assert capsys.readouterr().out == ""
    folder = Path("out").read_text().splitlines()[1].removeprefix("DOCKER_CONFIG=")
    assert Path(folder) != config.parent
    assert json.loads((Path(folder) / "config.json").read_text()) == json.loads(config.read_text())


def test_a_given_docker_config_that_is_no_json_is_refused(
    env: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    env = {**env, "DOCKER_AUTH_CONFIG": "eyJhdXRocyI6e319"}
    assert cli.main(["ci-env", "gitlab", "--use-docker-auth-config"], env) == 2
    assert "DOCKER_AUTH_CONFIG: invalid docker auth config JSON" in capsys.readouterr().err


def test_what_is_sourced_does_not_go_on_after_an_error(
    env: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ci-env", "gitlab"], {**env, "CI_JOB_TOKEN": "made-up-token"}) == 5
    printed = capsys.readouterr()
    assert printed.out == "exit 1\n"
    assert "error: unable to login into docker registry 127.0.0.1:1: " in printed.err
    assert "made-up-token" not in printed.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["jenkins"], 'provided ci system "jenkins" not supported. Use github or gitlab.'),
        ([], "requires 1 position argument(s), received 0"),
        (["gitlab", "--shell", "fish"], 'provided shell "fish" not supported'),
        (["gitlab", "--use-docker-auth-config"], "DOCKER_AUTH_CONFIG environment variable is not"),
    ],
)
def test_wrong_use_is_an_error(
    env: dict[str, str], capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert cli.main(["ci-env", *words], env) == 2
    assert message in capsys.readouterr().err
