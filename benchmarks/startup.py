"""A repeated export of one image, and the load of its config: what most runs of a pipeline are.

Usage: ``python benchmarks/startup.py [--rounds 15] [--registry 127.0.0.1:5000]``.
Needs an engine with buildx, and a registry; ``skopeo`` is measured when it is on PATH.
Prints wall time, CPU time and peak memory beside ``docker buildx imagetools create`` and
``skopeo copy``, which know what to do beforehand and change nothing either. All tools take turns;
the ratios are those of the medians. Bytecode is kept, as in an installation.
"""

import argparse
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    "werf.yaml": "project: demo\nconfigVersion: 1\n---\nimage: app\ndockerfile: Dockerfile\n",
    "Dockerfile": "FROM scratch\nCOPY hello.txt /\n",
    "hello.txt": "hello\n",
}
LOAD = """
import time
started, cpu = time.perf_counter(), time.process_time()
import os
from pathlib import Path
from exporter.project.loader import ProjectOptions, load_project
with load_project(ProjectOptions(cwd=Path.cwd(), env=dict(os.environ))):
    print(time.perf_counter() - started, time.process_time() - cpu)
"""


class Measured(NamedTuple):
    """One run of one tool; for a load, what was spent since the interpreter was ready."""

    wall_s: float
    cpu_s: float
    peak_mib: float = 0.0


def make_project(folder: Path) -> None:
    """Commit the files."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    for arguments in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=bench", "-c", "user.email=b@example.test", "commit", "-qm", "bench"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def measure(command: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> Measured:
    """Run a command to its end; the CPU time is that of all its processes."""
    started = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    return Measured(
        wall_s=time.perf_counter() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
    )


def load(*, folder: Path, env: Mapping[str, str]) -> Measured:
    """Load the project's config in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=folder,
        env=env,
        capture_output=True,
        check=True,
        text=True,
    )
    wall_s, cpu_s = map(float, done.stdout.split())
    return Measured(wall_s, cpu_s)


def commands(registry: str, name: str) -> dict[str, list[str]]:
    """The export, and how each other tool is asked to put the same image under the same tag."""
    repository = f"{registry}/bench/{name}"
    shown = f"{repository}:v1"
    found = {
        "exporter": [
            *(sys.executable, "-m", "exporter", "export", "--add-label", "a=b"),
            *("--repo", f"{repository}-stages", "--tag", shown),
        ],
        "imagetools create": [
            *("docker", "buildx", "imagetools", "create"),
            *("-t", f"{repository}:v2", shown),
        ],
        "skopeo copy": [
            *("skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"),
            *(f"docker://{shown}", f"docker://{repository}:v2"),
        ],
    }
    return {tool: argv for tool, argv in found.items() if shutil.which(argv[0])}


def medians(runs: Sequence[Measured]) -> Measured:
    """The median of each figure, and the highest peak."""
    return Measured(
        wall_s=statistics.median(run.wall_s for run in runs),
        cpu_s=statistics.median(run.cpu_s for run in runs),
        peak_mib=max(run.peak_mib for run in runs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--registry", default="127.0.0.1:5000")
    options = parser.parse_args()
    measured: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name, "project"), Path(name, "bytecode")
        folder.mkdir()
        make_project(folder)
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(cache)}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        tools = commands(options.registry, secrets.token_hex(6))
        for argv in tools.values():  # builds, publishes and exports; fills the bytecode cache
            measure(argv, folder=folder, env=env)
        for _ in range(options.rounds):
            for tool, argv in tools.items():
                measured.setdefault(tool, []).append(measure(argv, folder=folder, env=env))
            measured.setdefault("config load", []).append(load(folder=folder, env=env))
    ours = medians(measured["exporter"])
    print(f"medians of {options.rounds} rounds; exporter beside each tool")
    print(
        f"{'':<19}{'wall ms':>9}{'ratio':>7}{'CPU ms':>9}{'ratio':>7}{'least':>7}{'peak MiB':>10}"
    )
    for tool, runs in measured.items():
        one, least = medians(runs), min(run.cpu_s for run in runs)
        wall, cpu = ours.wall_s / one.wall_s, ours.cpu_s / one.cpu_s
        ratios = (f"{wall:.2f}", f"{cpu:.2f}") if tool in tools else ("", "")
        print(
            f"{tool:<19}{one.wall_s * 1e3:>9.0f}{ratios[0]:>7}{one.cpu_s * 1e3:>9.0f}"
            f"{ratios[1]:>7}{least * 1e3:>7.0f}{one.peak_mib or '':>10.4}"
        )


if __name__ == "__main__":
    main()
