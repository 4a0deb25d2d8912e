"""A typical stapel project beside the same thing as a Dockerfile with several stages.

Usage: ``python benchmarks/stapel.py [--rounds 3]``. Needs an engine and the registry on :5000.
A builder with install and setup, and a slim image with git files, install, setup and two imports:
cold, unchanged, and after one file has changed, with the exporter and with ``docker buildx build
--push``. Prints wall times, the best of the rounds, and the requests to the engine when unchanged.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASE = "127.0.0.1:5000/base/busybox:1"
WERF_YAML = f"""\
project: bench
configVersion: 1
---
image: builder
final: false
from: {BASE}
git:
- {{add: /src, to: /src, stageDependencies: {{install: [deps], setup: ["**/*"]}}}}
shell:
  install: [mkdir -p /out/lib && cp /src/deps /out/lib/deps && echo SALT >/out/lib/salt]
  setup: [mkdir -p /out/bin && cp /src/main /out/bin/main]
---
image: app
from: {BASE}
git:
- {{add: /conf, to: /etc/app}}
import:
- {{image: builder, add: /out/lib, to: /usr/lib/app, after: install}}
- {{image: builder, add: /out/bin, to: /usr/bin/app, after: setup}}
shell:
  install: [echo installed SALT >/installed]
  setup: [echo set up >/set-up]
"""
DOCKERFILE = f"""\
FROM {BASE} AS builder
COPY src/deps /src/deps
RUN mkdir -p /out/lib && cp /src/deps /out/lib/deps && echo SALT >/out/lib/salt
COPY src /src
RUN mkdir -p /out/bin && cp /src/main /out/bin/main

FROM {BASE}
RUN echo installed SALT >/installed
COPY --from=builder /out/lib /usr/lib/app
RUN echo set up >/set-up
COPY --from=builder /out/bin /usr/bin/app
COPY conf /etc/app
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    rounds: int = parser.parse_args().rounds
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            for (tool, what), seconds in _round(Path(directory)).items():
                times.setdefault((tool, what), []).append(seconds)
    sys.stdout.write(f"{'':22}{'exporter':>10}{'Dockerfile':>12}\n")
    for what in ("cold", "unchanged", "one file changed"):
        ours, theirs = (min(times[tool, what]) for tool in ("exporter", "docker"))
        sys.stdout.write(f"{what:22}{ours:>8.2f} s{theirs:>10.2f} s\n")


def _round(project: Path) -> dict[tuple[str, str], float]:
    salt = uuid.uuid4().hex
    _write(project, salt)
    repo = f"127.0.0.1:5000/bench/{salt}"
    exporter = [
        sys.executable, "-m", "exporter", "export", "--repo", f"{repo}/stages",
        "--tag", f"{repo}/app:v1",
    ]  # fmt: skip
    docker = [
        "docker", "buildx", "build", "--push", "--provenance=false", "--quiet",
        "--tag", f"{repo}/docker:v1", ".",
    ]  # fmt: skip
    found: dict[tuple[str, str], float] = {}
    for what, change in _steps(project):
        change()
        found["exporter", what] = _timed(exporter, project, engine=what != "unchanged")
        found["docker", what] = _timed(docker, project, engine=True)
    return found


def _steps(project: Path) -> list[tuple[str, Callable[[], None]]]:
    def change() -> None:
        (project / "conf" / "app.conf").write_text("changed\n")
        _commit(project)

    return [("cold", lambda: None), ("unchanged", lambda: None), ("one file changed", change)]


def _write(project: Path, salt: str) -> None:
    for name, text in {
        "werf.yaml": WERF_YAML.replace("SALT", salt),
        "Dockerfile": DOCKERFILE.replace("SALT", salt),
        "src/main": "main\n",
        "src/deps": "deps\n",
        "conf/app.conf": "conf\n",
        **{f"conf/d/{number}.conf": f"{number}\n" for number in range(50)},
    }.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    _commit(project)


def _commit(project: Path) -> None:
    subprocess.run(["git", "add", "-A"], cwd=project, check=True)
    identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.test"]
    subprocess.run(["git", *identity, "commit", "-qm", "change"], cwd=project, check=True)


def _timed(command: list[str], cwd: Path, *, engine: bool) -> float:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    if not engine:  # to be sure that it is not asked
        env["DOCKER_HOST"] = "unix:///nowhere.sock"
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
