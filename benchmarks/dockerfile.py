"""Dockerfile images from cold to exported, beside ``docker buildx`` with the same context.

Usage: ``python benchmarks/dockerfile.py [--rounds 3] [--files 20000] [--megabytes 200]``.
Needs the engine and a registry on 127.0.0.1:5000. Every round builds new content in turn with each
tool, so the tools see the same machine; the best round of each counts. Prints seconds and ratios:

- ``cold``: one image of a small context, a command included, built, published and exported.
- ``large``: a context of many files: exported again unchanged, and with one file changed.
- ``many``: ten images that do not need each other.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

REGISTRY = "127.0.0.1:5000"
ROOT = Path(__file__).resolve().parents[1]
MANY = 10
_GIT = {
    **os.environ,
    "GIT_AUTHOR_NAME": "Bench", "GIT_AUTHOR_EMAIL": "bench@example.test",
    "GIT_COMMITTER_NAME": "Bench", "GIT_COMMITTER_EMAIL": "bench@example.test",
}  # fmt: skip

Timings = dict[str, list[float]]


class Project:
    """A repository with images, and names in the registry that nobody else uses."""

    def __init__(self, folder: Path, images: Sequence[str]) -> None:
        self.path = folder / f"project-{secrets.token_hex(4)}"
        self.path.mkdir()
        self.images = images
        self.name = f"{REGISTRY}/bench/{secrets.token_hex(6)}"
        documents = ["project: bench\nconfigVersion: 1\n"]
        documents += [f"image: {name}\ndockerfile: {name}.Dockerfile\n" for name in images]
        (self.path / "werf.yaml").write_text("---\n".join(documents))
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *arguments: str) -> None:
        """Run git in the work tree."""
        subprocess.run(["git", *arguments], cwd=self.path, env=_GIT, check=True)

    def commit(self) -> None:
        """Commit the work tree as it is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")

    def exporter(self) -> None:
        """Build, publish and export all images."""
        argv = [sys.executable, "-m", "exporter", "export", "--repo", f"{self.name}/stages"]
        argv += ["--parallel-tasks-limit", "0"]  # as bake: no limit
        _run([*argv, "--tag", f"{self.name}/out:%image%"], self.path)

    def buildx(self) -> None:
        """Build and push each image, one after the other, from the work tree."""
        for image in self.images:
            argv = ["docker", "buildx", "build", "--quiet", "--push", "--provenance=false"]
            argv += ["--file", f"{image}.Dockerfile", "--tag", f"{self.name}/plain:{image}", "."]
            _run(argv, self.path)

    def bake(self) -> None:
        """Build and push all images in one solve."""
        targets = {
            image: {
                "dockerfile": f"{image}.Dockerfile",
                "tags": [f"{self.name}/baked:{image}"],
                "attest": ["type=provenance,disabled=true"],
            }
            for image in self.images
        }
        bake = {"group": {"default": {"targets": list(self.images)}}, "target": targets}
        file = self.path.parent / "bake.json"
        file.write_text(json.dumps(bake))
        _run(["docker", "buildx", "bake", "--file", str(file), "--push"], self.path)


def _run(argv: Sequence[str], cwd: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv)}\n{done.stdout}{done.stderr}")


def timed(timings: Timings, name: str, work: Callable[[], None]) -> None:
    started = time.monotonic()
    work()
    timings.setdefault(name, []).append(time.monotonic() - started)


def cold(folder: Path, rounds: int) -> Timings:
    timings: Timings = {}
    for number in range(rounds):
        ways = ["exporter", "buildx"] if number % 2 else ["buildx", "exporter"]
        for way in ways:
            project = Project(folder, ["app"])
            dockerfile = "FROM debian:trixie-slim\nCOPY src /src\nRUN cat /src/* | md5sum > /sum\n"
            (project.path / "app.Dockerfile").write_text(dockerfile)
            (project.path / "src").mkdir()
            for index in range(50):
                content = secrets.token_bytes(100_000)
                (project.path / "src" / f"file{index}").write_bytes(content)
            project.commit()
            timed(timings, way, getattr(project, way))
    return timings


def large(folder: Path, rounds: int, files: int, megabytes: int) -> Timings:
    timings: Timings = {}
    project = Project(folder, ["app"])
    (project.path / "app.Dockerfile").write_text(
        "FROM debian:trixie-slim\nCOPY data /data\nCOPY code /code\n"
    )
    size = (megabytes << 20) // files
    for index in range(files):
        file = project.path / "data" / f"d{index % 200}" / f"file{index}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(secrets.token_bytes(size // 2) + b"text" * (size // 8))
    (project.path / "code").mkdir()
    (project.path / "code" / "main").write_text("0")
    project.commit()
    project.exporter()
    project.buildx()
    for number in range(rounds):
        timed(timings, "unchanged: exporter", project.exporter)
        for where in ("code/main", "data/d0/file0"):
            (project.path / where).write_text(f"{number} {secrets.token_hex(8)}")
            project.commit()
            ways = {"exporter": project.exporter, "buildx": project.buildx}
            for way, work in ways.items() if number % 2 else reversed(ways.items()):
                timed(timings, f"{where} changed: {way}", work)
    return timings


def many(folder: Path, rounds: int) -> Timings:
    timings: Timings = {}
    for number in range(rounds):
        ways = ["exporter", "buildx", "bake"]
        for way in ways[number % 3 :] + ways[: number % 3]:
            project = Project(folder, [f"image{index}" for index in range(MANY)])
            for image in project.images:
                (project.path / f"{image}.Dockerfile").write_text(
                    f"FROM debian:trixie-slim\nCOPY {image} /file\n"
                    "RUN sleep 1; md5sum /file > /sum\n"
                )
                (project.path / image).write_bytes(secrets.token_bytes(100_000))
            project.commit()
            timed(timings, way, getattr(project, way))
    return timings


def show(title: str, timings: Mapping[str, Sequence[float]]) -> None:
    print(f"\n{title}")
    best = {name: min(found) for name, found in timings.items()}
    for name, seconds in best.items():
        prefix, _, way = name.rpartition(": ")
        ours = best.get(f"{prefix}: exporter" if prefix else "exporter")
        ratio = f"  exporter/{way} {ours / seconds:.2f}" if ours and way != "exporter" else ""
        rounds = " ".join(f"{each:.2f}" for each in timings[name])
        print(f"  {name:32} {seconds:7.2f} s{ratio:28} ({rounds})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("only", nargs="*", default=["cold", "large", "many"])
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="exporter-bench-"))
    try:
        if "cold" in given.only:
            show("cold: one image, built, published, exported", cold(folder, given.rounds))
        if "large" in given.only:
            title = f"large: a context of {given.files} files and {given.megabytes} MB"
            show(title, large(folder, given.rounds, given.files, given.megabytes))
        if "many" in given.only:
            show(f"many: {MANY} images that do not need each other", many(folder, given.rounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
