"""A real engine that runs without root, as a user who exists only for it."""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.integration.services import running, wait_for

_PLACES = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/share/docker.io/contrib"
_SCRIPT = shutil.which("dockerd-rootless.sh", mode=os.F_OK, path=_PLACES) or ""


def missing() -> str:
    """What keeps such an engine from running here; empty when nothing does."""
    if os.geteuid() != 0:
        return "only root can make a user for a rootless engine"
    if not _SCRIPT:
        return "dockerd-rootless.sh is not installed"
    programs = ("rootlesskit", "slirp4netns", "newuidmap", "setpriv", "busybox")
    lacking = [name for name in programs if shutil.which(name) is None]
    return f"{', '.join(lacking)} not installed" if lacking else ""


@contextmanager
def rootless_engine(*, insecure_registries: Sequence[str] = ()) -> Iterator[str]:
    """``DOCKER_HOST`` of the engine; its network is its own, without this machine's loopback."""
    user = f"exporter-{secrets.token_hex(4)}"
    folder = Path(tempfile.mkdtemp(prefix="rl-"))  # short: a socket's path has 107 characters
    subprocess.run(["useradd", "--no-create-home", "--home-dir", str(folder), user], check=True)
    try:
        config = {
            "features": {"containerd-snapshotter": True},
            "insecure-registries": list(insecure_registries),
        }
        (folder / "daemon.json").write_text(json.dumps(config))
        shutil.chown(folder, user, user)
        argv = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--"]
        argv += ["env", "-i", f"PATH={os.environ['PATH']}", f"HOME={folder}"]
        argv += [f"XDG_RUNTIME_DIR={folder}", "sh", _SCRIPT]
        argv += ["--config-file", str(folder / "daemon.json"), "--data-root", str(folder / "data")]
        argv += ["--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid")]
        host = f"unix://{folder}/docker.sock"
        log = folder / "log"
        with log.open("wb") as sink, running([*argv, "--host", host], sink.fileno()):
            wait_for(lambda: b"API listen on" in log.read_bytes(), log, seconds=60)
            yield host
    finally:
        subprocess.run(["userdel", "--force", user], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
