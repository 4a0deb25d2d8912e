"""Every case of ``export/dockerfile``: run as recorded, on the real engine and registries."""

import hashlib
import json
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from exporter.build.digest import VARIANT_LABEL
from exporter.cli import main
from tests.images import Pulled, pull, tags
from tests.vectors.dockerfile_case import DockerfileCase, case_files

pytestmark = [pytest.mark.engine, pytest.mark.registry]

NOTHING_SELECTED = 2
"""Exit code where the original does nothing and succeeds (design, section 8)."""

REBUILD_DEVIATIONS = {
    "network-none": "a changed network rebuilds here (specification 15, item 25)",
    "rr-heredoc-copy": "the heredoc's body is in the digest here (item 25)",
}
"""Cases in which ours builds where the original does not, besides those that note stale reuse."""

CONTENT_DEVIATIONS = {
    "copy-from-image": "one file comes from the Debian base, which is not the recorded one",
}
"""Cases whose file contents hang on the base image of the machine."""

_STAGE = re.compile(r"([0-9a-f]{56})(?:-[0-9]{13})?")


class Places:
    """What the placeholders of a case stand for."""

    def __init__(self, case: DockerfileCase) -> None:
        unique = f"dv/{case.data['name']}-{uuid.uuid4().hex[:8]}"
        self._values = {
            "{repo}": f"127.0.0.1:5000/{unique}/repo",
            "{out}": f"127.0.0.1:5000/{unique}/out",
            "{out2}": f"127.0.0.1:5001/{unique}/out",
            "{final}": f"127.0.0.1:5000/{unique}/final",
            "{second}": f"127.0.0.1:5000/{unique}/second",
            "{cache}": f"127.0.0.1:5000/{unique}/cache",
            "{tmp}": str(case.outside),
        }

    def fill(self, text: str) -> str:
        for name, value in self._values.items():
            text = text.replace(name, value)
        return text


@pytest.fixture
def web() -> Iterator[dict[str, str]]:
    """The files served at the address that the cases name; empty until a step fills them."""
    files: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path, "").encode()
            self.send_response(200 if self.path in files else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the base class's name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 47611), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield files
    server.shutdown()
    server.server_close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an SSH agent that holds one key."""
    socket, key = tmp_path / "agent.sock", tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        while not socket.exists():
            pass
        subprocess.run(
            ["ssh-add", "-q", key],
            env={"SSH_AUTH_SOCK": str(socket), "PATH": "/usr/bin"},
            check=True,
        )
        yield str(socket)
        process.terminate()


def _reuses_stale(case: DockerfileCase) -> bool:
    """Whether the original reuses an image that ours must build (item 25), as the notes say.

    A moved base tag is stale by design, in both.
    """
    return case.data["name"] in REBUILD_DEVIATIONS or any(
        "stale" in note and "stale by design" not in note for note in case.data["notes"]
    )


def _selects_nothing(must: Mapping[str, Any], code: int) -> bool:
    return code == NOTHING_SELECTED and not must["stages_built"]


def _needs(path: Path, what: str) -> bool:
    return what in path.read_text("utf-8")


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_a_case_does_what_was_recorded(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    case = DockerfileCase.start(path, tmp_path)
    places = Places(case)
    files = request.getfixturevalue("web") if _needs(path, '"http": {') else {}
    socket = request.getfixturevalue("agent") if _needs(path, "{agent}") else ""
    seen: dict[str, str] = {}
    for step in case.steps:
        files.update(step["inputs"].get("http", {}))
        for push in _as_list(step["inputs"].get("base_push")):
            _push_base(push, tmp_path, case)
        case.apply(step)
        for number, run in enumerate(step["runs"]):
            where = f"step {step['step']} run {number}: {run['cmd']} {run['args']}"
            report_path = tmp_path / f"report-{step['step']}-{number}.json"
            args = [places.fill(arg) for arg in run["args"]]
            env = {
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": str(tmp_path),
                **case.git_env,
                **{
                    key: places.fill(value).replace("{agent}", socket)
                    for key, value in run["env"].items()
                },
            }
            monkeypatch.chdir(case.project.path / run.get("cwd", ""))
            code = main([run["cmd"], *args, "--report-path", str(report_path)], env)
            must = run["must"]
            if not (must["ok"] and _selects_nothing(must, code)):
                assert (code == 0) == must["ok"], where
            report = json.loads(report_path.read_text()) if report_path.exists() else {}
            if must["ok"] and code == 0:
                _check_images(case, must, report, seen, where)
            if _reuses_stale(case) and step["step"]:
                continue
            for reference, expected in must["exported"].items():
                _check_exported(places.fill(reference), expected, case, places, where)
        for repository, expected_tags in step["tags_after"].items():
            _check_tags(places.fill(repository), expected_tags, case, repository)


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _push_base(push: Mapping[str, Any], tmp_path: Path, case: DockerfileCase) -> None:
    folder = tmp_path / f"base-{uuid.uuid4().hex}"
    folder.mkdir()
    for name, text in push["write"].items():
        (folder / name).write_text(text)
    dockerfile = case.steps[0]["inputs"]["write"]["Dockerfile"]
    name = dockerfile.split()[1]
    subprocess.run(
        ["docker", "buildx", "build", "-q", "--provenance=false", "--push", "-t", name, folder],
        check=True,
        capture_output=True,
    )


def _check_images(
    case: DockerfileCase,
    must: Mapping[str, Any],
    report: Mapping[str, Any],
    seen: dict[str, str],
    where: str,
) -> None:
    """Digests, how they changed, and which stages were built."""
    stale = _reuses_stale(case)
    built = set()
    for name, image in report["images"].items():
        digests = [_digest(stage["reference"]) for stage in image["stages"]]
        built |= {
            (stage["name"], digest)
            for stage, digest in zip(image["stages"], digests, strict=True)
            if stage["built"]
        }
        expected = must["images"].get(name)
        if expected is None:
            continue
        if not digests:  # exported from a build report, which this run did not look behind
            continue
        assert [stage["stage"].partition(" ")[0] for stage in expected["stages"]] == [
            stage["name"] for stage in image["stages"]
        ], where
        for stage, digest in zip(expected["stages"], digests, strict=True):
            if stage["reproducible"] and not stale:
                assert digest == stage["digest"], f"{where}: {name} {stage['stage']}"
        change = must["digest_vs_previous_run"].get(name)
        if change in {"unchanged", "changed"} and not stale and name in seen:
            assert ("unchanged" if seen[name] == image["content-tag"] else "changed") == change, (
                where
            )
        seen[name] = image["content-tag"]
    if must["images"] and not stale:
        expected_built = {
            entry.partition(" ")[0].rpartition("/")[2] for entry in must["stages_built"]
        }
        assert {name for name, _ in built} == expected_built, where


def _digest(reference: str) -> str:
    found = _STAGE.fullmatch(reference.rpartition(":")[2])
    assert found, reference
    return found[1]


def _check_exported(
    reference: str,
    expected: Mapping[str, Any] | None,
    case: DockerfileCase,
    places: Places,
    where: str,
) -> None:
    if expected is None:
        repository, _, tag = reference.rpartition(":")
        assert tag not in tags(repository), where
        return
    image = pull(reference)
    if "index" in expected:
        children = [image.child(each["digest"]) for each in image.manifest["manifests"]]
        for child, wanted in zip(children, expected["index"], strict=True):
            _check_image(child, wanted, case, places, f"{where}: {reference}")
    if "tree" in expected:
        child = image
        if "manifests" in image.manifest:
            child = image.child(image.manifest["manifests"][0]["digest"])
        _check_image(child, expected, case, places, f"{where}: {reference}")


def _neutral(text: str, places: Places) -> str:
    """Without what differs from run to run."""
    text = places.fill(text)
    return _shape(re.sub(r"sha256:(?:<\d+>|[0-9a-f]{64})", "sha256:<n>", text))


def _check_image(
    image: Pulled,
    expected: Mapping[str, Any],
    case: DockerfileCase,
    places: Places,
    where: str,
) -> None:
    config = image.config
    run = dict(config.get("config") or {})
    wanted = dict(expected["config"])
    for each in (run, wanted):
        if case.data["name"].startswith("is-"):
            each["Env"] = sorted(each.get("Env") or [])
    # BuildKit's ArgsEscaped is recorded beside the config, as incidental
    run = {
        key: value
        for key, value in run.items()
        if (value or key in wanted) and key != "ArgsEscaped"
    }
    for each in (run, wanted):
        each["Labels"] = {
            key: _neutral(value, places)
            for key, value in (each.get("Labels") or {}).items()
            if key != VARIANT_LABEL  # ours, on stages only
        }
    assert run == wanted, where
    top = {key: config[key] for key in expected["config_top"] if key in config}
    assert top == expected["config_top"], where
    tree = image.tree(skip_layers=expected["base_layers"])
    if case.data["name"] in CONTENT_DEVIATIONS:
        assert [entry["path"] for entry in tree] == [entry["path"] for entry in expected["tree"]]
        return
    if "tree_count" in expected:
        assert len(tree) == expected["tree_count"], where
        lines = "\n".join(json.dumps(entry, sort_keys=True) for entry in tree)
        assert hashlib.sha256(lines.encode()).hexdigest() == expected["tree_sha256"], where
    else:
        # the recording wrote "{path}" for /tmp/z wherever it stood
        wanted_tree = [
            {**entry, "path": entry["path"].replace("{path}", "/tmp/z")}  # noqa: S108 - recorded
            for entry in expected["tree"]
        ]
        assert tree == sorted(wanted_tree, key=lambda entry: entry["path"]), where


def _check_tags(repository: str, expected: list[str], case: DockerfileCase, role: str) -> None:
    """Destinations exactly; in repositories of stages the stage tags, by shape and number."""
    found = tags(repository)
    if role.startswith("{out"):
        assert sorted(map(_shape, found)) == sorted(map(_shape, expected)), repository
        return
    if _reuses_stale(case):
        return
    assert sorted(_shape(tag) for tag in found) == sorted(_shape(tag) for tag in expected), role


def _shape(tag: str) -> str:
    return re.sub(r"-(?:<ms>|[0-9]{13})", "-<ms>", re.sub(r"[0-9a-f]{56}", "<digest>", tag))
