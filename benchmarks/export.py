"""An image of 600 MB to another registry: the exporter beside ``skopeo copy`` and ``crane copy``.

Usage: ``python benchmarks/export.py [--layers 6] [--megabytes 100] [--rounds 3]``.
Needs registries on 127.0.0.1:5000 and :5001; ``crane`` is measured when it is on PATH.
Prints wall time, CPU time and peak memory of each, best of the rounds, all in one run.
"""

import argparse
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.oci import media_type as types
from exporter.oci.descriptor import Descriptor
from exporter.oci.digest import Digest
from exporter.oci.manifest import parse_manifest
from exporter.oci.reference import Reference, Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient

SOURCE, DESTINATION = "127.0.0.1:5000", "127.0.0.1:5001"
ROOT = Path(__file__).resolve().parents[1]
EXPORT = """
import sys
from exporter.export import Export, ExportJob, ExportPolicy
from exporter.oci.reference import Reference
from exporter.registry.client import RegistryClient
source, destination = map(Reference.parse, sys.argv[1:])
with RegistryClient() as client:
    job = ExportJob(image="bench", source=source, destinations=(destination,))
    export = Export(client, [job], ExportPolicy())
    export.run()
sys.exit(0 if export.error is None else str(export.error))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of one tool."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def publish(reference: Reference, *, layers: int, megabytes: int) -> None:
    """Push an image of random layers."""
    repository = reference.repository
    with RegistryClient() as client:
        descriptors = [_push_layer(client, repository, megabytes << 20) for _ in range(layers)]
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [d.digest for d in descriptors]},
            }
        ).encode()
        config_descriptor = Descriptor.of(config, types.OCI_CONFIG)
        client.push_bytes(repository, config, config_descriptor)
        entries = [
            {"mediaType": d.media_type, "digest": d.digest, "size": d.size}
            for d in (config_descriptor, *descriptors)
        ]
        document = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST}
        raw = json.dumps({**document, "config": entries[0], "layers": entries[1:]}).encode()
        client.put_manifest(reference, parse_manifest(raw))


def _push_layer(client: RegistryClient, repository: Repository, size: int) -> Descriptor:
    seed = secrets.token_bytes(1 << 20)

    def pieces(_offset: int) -> Iterator[bytes]:
        for number in range(size >> 20):
            yield number.to_bytes(8, "big") + seed[8:]

    hashed = hashlib.sha256()
    for piece in pieces(0):
        hashed.update(piece)
    digest = Digest("sha256:" + hashed.hexdigest())
    descriptor = Descriptor(media_type=types.OCI_LAYER, digest=digest, size=size)
    client.push_blob(repository, BlobSource(descriptor=descriptor, open=pieces))
    return descriptor


def measure(command: Sequence[str]) -> Measured:
    """Run a command to its end."""
    started = time.perf_counter()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    peak_kib, status = 0, Path(f"/proc/{child.pid}/status")
    while True:
        pid, code, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        # Not ru_maxrss: it goes on from the peak of the process that started this one.
        peak = status.read_text().partition("VmHWM:")[2].split()
        peak_kib = max(peak_kib, int(peak[0])) if peak else peak_kib
        time.sleep(0.005)
    child.returncode = os.waitstatus_to_exitcode(code)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    return Measured(
        wall_s=time.perf_counter() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mib=peak_kib / 1024,
    )


def commands(source: Reference, name: str) -> dict[str, list[str]]:
    """How each tool is asked to copy the source to ``name``."""
    insecure = ("--src-tls-verify=false", "--dest-tls-verify=false")
    found = {
        "exporter": [sys.executable, "-c", EXPORT, str(source), name],
        "skopeo copy": [
            "skopeo",
            "copy",
            "-q",
            *insecure,
            f"docker://{source}",
            f"docker://{name}",
        ],
        "crane copy": ["crane", "copy", "--insecure", str(source), name],
    }
    return {tool: argv for tool, argv in found.items() if shutil.which(argv[0])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    measured: dict[str, list[Measured]] = {}
    for _ in range(options.rounds):
        for tool in ("exporter", "skopeo copy", "crane copy"):
            run = secrets.token_hex(6)
            source = Repository(registry=SOURCE, name=f"bench/source-{run}").tag("1")
            command = commands(source, f"{DESTINATION}/bench/{run}:1").get(tool)
            if command:
                # New layers each time: skopeo remembers where it has seen a blob and mounts it.
                publish(source, layers=options.layers, megabytes=options.megabytes)
                measured.setdefault(tool, []).append(measure(command))
    print(f"{options.layers} layers of {options.megabytes} MiB, best of {options.rounds}")
    print(f"{'tool':<14}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}")
    for tool, runs in measured.items():
        best = min(runs, key=lambda one: one.wall_s)
        peak = max(one.peak_mib for one in runs)
        print(f"{tool:<14}{best.wall_s:>9.2f}{best.cpu_s:>9.2f}{peak:>10.1f}")


if __name__ == "__main__":
    main()
