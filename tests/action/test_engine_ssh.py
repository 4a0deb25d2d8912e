"""The container reaches an engine by ssh, with keys in the HOME that the CI gave it."""

import shutil
from pathlib import Path

import pytest

from tests.action.runner import ROOT, Runner
from tests.action.test_environments import run
from tests.integration.ssh_server import SSHD, ssh_server

pytestmark = [pytest.mark.engine, pytest.mark.registry]


@pytest.mark.skipif(not SSHD, reason="tests/integration/test_engine_ssh.py says what is missing")
def test_keys_are_found_where_home_points(runner: Runner, space: str, tmp_path: Path) -> None:
    runner.checkout(ROOT / "examples" / "two-images")
    keys = tmp_path / "home" / ".ssh"
    keys.mkdir(parents=True)
    far = tmp_path / "far"
    far.mkdir()
    with ssh_server(far) as server:
        shutil.copy(far / "user_key", keys / "id_ed25519")
        shutil.copy(server.known_hosts, keys / "known_hosts")
        more = ["-v", f"{keys.parent}:/github/home", "-e", "HOME=/github/home"]
        words = ["export", "runtime", "--repo", f"{space}/stages", "--tag", f"{space}/%image%:v1"]
        done = run(runner, words, *more, "-e", f"DOCKER_HOST={server.host}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.logins >= 2
