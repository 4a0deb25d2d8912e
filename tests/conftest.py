"""What all tests share: services that must be there, and where the time went."""

import logging
import os
import shutil
import subprocess
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from exporter import log

# How long an example takes says something about the machine's load, nothing about the program.
settings.register_profile("any load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any load")

ROOT = Path(__file__).resolve().parents[1]


@cache
def _missing(service: str) -> str:
    """Why the service of this marker cannot be used; empty when it can."""
    if service == "engine":
        if shutil.which("docker") is None:
            return "docker is not installed"
        done = subprocess.run(["docker", "version"], capture_output=True, check=False, text=True)
        return done.stderr.strip() if done.returncode else ""
    for port in (5000, 5001):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
        except OSError as error:
            return f"no registry on 127.0.0.1:{port}: {error}"
    return ""


@pytest.fixture(autouse=True)
def _forget_the_last_run() -> Iterator[None]:
    """Runs in this process leave no secrets to hide and no log handlers to the next test."""
    yield
    log._secrets.clear()
    root = logging.getLogger("exporter")
    root.handlers[:] = []
    root.propagate = True
    root.setLevel(logging.NOTSET)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a missing service; in CI that is a failure: green must mean tested."""
    for service in ("engine", "registry"):
        if item.get_closest_marker(service) and (reason := _missing(service)):
            reason = f"{reason}; run scripts/engine-up"
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how many seconds the tests of each folder took, over all workers."""
    seconds: defaultdict[str, float] = defaultdict(float)
    stats = terminalreporter.stats
    for report in [report for reports in stats.values() for report in reports]:
        if isinstance(report, pytest.TestReport):
            folder = "/".join(Path(report.nodeid.partition("::")[0]).parts[:2])
            seconds[folder] += report.duration
    if len(seconds) > 1:
        terminalreporter.section("seconds by folder")
        for folder, total in sorted(seconds.items(), key=lambda entry: -entry[1]):
            terminalreporter.write_line(f"{total:9.1f}  {folder}")
