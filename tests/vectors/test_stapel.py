"""Every case of ``export/stapel``: run as recorded, on the real engine and registry."""

import json
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exporter.build.digest import VARIANT_LABEL
from exporter.cli import main
from tests.images import pull, tags
from tests.vectors.folder import VECTORS
from tests.vectors.stapel_base import changed_tree, push_base
from tests.vectors.stapel_case import StapelCase

pytestmark = [pytest.mark.engine, pytest.mark.registry]

RESULT_DEVIATIONS: dict[str, str] = {
    "docker-env-space": "values of `docker:` are exact, one with a space does not fail (design 8)",
    "git-odd-names": "a double quote in a name does not break a patch (specification 15, item 20)",
    "git-owner-numeric-patch": "a numeric owner can be patched (specification 15, item 20)",
    "git-patch-conflict": "a patch that does not apply gives the commit's content (design 8)",
    "user-deletes-git-file": "a patch that does not apply gives the commit's content (design 8)",
}
"""Cases of which a step succeeds or fails differently on purpose, with the reason."""

TREE_DEVIATIONS: dict[str, Mapping[str, str]] = {
    "base-with-config": {"bv": "running a container makes a directory for a VOLUME; we do not"},
    "dependencies": {"repo": "holds the name of the repository"},
    "image-spec": dict.fromkeys(
        ("bv", "bw"), "running a container makes a directory for a VOLUME; we do not"
    ),
    "mounts": {"bx": "a build_dir lasts from run to run"},
    "git-attributes": {"app/a.crlf": "the commit's content, where a patch would mix line ends"},
    "git-file": {"etc/my/renamed.conf": "keeps the asked owner, which the original's patch loses"},
    "git-owner-numeric-patch": {
        "app/*": "the original takes the archive that it made for another owner",
        "app/d/*": "the same",
    },
    "git-quotes-in-name": {
        f"app dir{folder}/*": "owner without group: the archive's rule (specification 15, item 20)"
        for folder in ("", "/é", "/d d")
    },
    "git-remote": {
        f"lib-commit{folder}/*": "the original takes the archive that it made for another owner"
        for folder in ("", "/lib")
    },
    "git-several": {
        "existing/4": "owner without group: the archive's rule (specification 15, item 20)"
    },
    "secrets": {"ls": "holds the time of the run"},
}
"""By case, paths whose entries differ on purpose, with the reason; the last part may be ``*``."""

EARLIER_ERRORS = {"git-no-match": "an empty mapping is refused before anything is built"}
"""Cases that fail as recorded, but before the first stage is there."""

CONFIG_DEVIATIONS: dict[str, str] = {
    "docker-exact-values": "values of `docker:` do not fall apart at spaces (design 8)",
}
"""Cases whose image config differs on purpose, with the reason."""

_BASES = ("127.0.0.1:5000/base/busybox:1", "127.0.0.1:5000/base/debian:trixie-slim")
_OWN_LABELS = ("werf-version", "werf.io/base-image-id", VARIANT_LABEL)


@pytest.mark.parametrize(
    "path", sorted((VECTORS / "export" / "stapel").glob("*.json")), ids=lambda path: path.stem
)
def test_a_case_does_what_was_recorded(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = StapelCase.start(path, tmp_path)
    name, unique = path.stem, uuid.uuid4().hex[:8]
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(tmp_path),
        **case.git_env,
    }
    bases = {
        layer["digest"] for reference in _BASES for layer in pull(reference).manifest["layers"]
    }
    monkeypatch.chdir(case.project.path)
    for index, step in enumerate(case.steps):
        inputs, expect = step["input"], step["expect"]
        for push in inputs.get("push_base", ()):
            bases |= {layer["digest"] for layer in push_base(push).manifest["layers"]}
        for host_path, content in inputs.get("host_files", {}).items():
            Path(host_path).parent.mkdir(parents=True, exist_ok=True)
            Path(host_path).write_text(content, "utf-8")
        case.apply(index)
        if "run" not in inputs:
            continue
        run = inputs["run"]
        args = [arg.replace("/stvec/", f"/sv-{unique}/") for arg in run["args"]]
        report_path = tmp_path / f"report-{index}.json"
        code = main([*args, "--report-path", str(report_path)], {**env, **run.get("env", {})})
        where = f"{name} step {index}"
        if (code == 0) != (expect["exit_code"] == 0):
            assert name in RESULT_DEVIATIONS, where
            break
        repository = args[args.index("--repo") + 1]
        if code == 0:
            _check_stages(name, expect, json.loads(report_path.read_text()), where)
        if code == 0 or name not in EARLIER_ERRORS:
            _check_repository(name, expect, repository, where)
        for reference, exported in (expect.get("exported") or {}).items():
            ours = pull(reference.replace("/stvec/", f"/sv-{unique}/"))
            _check_config(name, ours.config, exported["config"], f"{where} {reference}")
            _check_tree(name, changed_tree(ours, bases), exported, f"{where} {reference}")


def _check_stages(
    name: str, expect: Mapping[str, Any], report: Mapping[str, Any], where: str
) -> None:
    """Names and digests of all stages, and which of them were built."""
    own = _has_own_digests(name)
    built: set[str] = set()
    for image, recorded in expect["images"].items():
        found = report["images"].get("" if image == "~" else image)
        if found is None:  # not asked for, only needed
            continue
        stages = found["stages"]
        digests = [stage["reference"].rpartition(":")[2].partition("-")[0] for stage in stages]
        assert [stage["name"] for stage in stages] == [each["stage"] for each in recorded], where
        if not own:
            assert digests == [each["digest"] for each in recorded], where
        built |= {
            stage["name"] if own else f"{stage['name']} {digest}"
            for stage, digest in zip(stages, digests, strict=True)
            if stage["built"]
        }
    if name in EARLIER_ERRORS:
        return
    wanted, hidden = set(), set()
    for image, recorded in expect["images"].items():
        for each in recorded:
            label = each["stage"] if own else f"{each['stage']} {each['digest']}"
            if each["action"] == "built":
                wanted.add(label)
            if ("" if image == "~" else image) not in report["images"]:
                hidden.add(label)
    # which of several images builds a common stage is the order of threads
    assert built - hidden == wanted - hidden, where
    assert built <= wanted, where


def _has_own_digests(name: str) -> bool:
    """Whether digests hang on repository names, moments or base images of the recording."""
    return name in ("dependencies", "from-latest")


def _check_repository(name: str, expect: Mapping[str, Any], repository: str, where: str) -> None:
    """The stages that are new in the repository, and their labels."""
    if _has_own_digests(name):
        return
    found = tags(repository)
    for digest, recorded in (expect.get("stages") or {}).items():
        mine = [tag for tag in found if tag.startswith(f"{digest}-")]
        assert mine, f"{where}: stage {digest} is missing"
        labels = pull(f"{repository}:{mine[-1]}").config["config"]["Labels"]
        ours = {key: _ms(text) for key, text in labels.items() if key not in _OWN_LABELS}
        wanted = {
            key: _ms(text) for key, text in recorded["labels"].items() if key not in _OWN_LABELS
        }
        if name not in CONFIG_DEVIATIONS:
            assert ours == wanted, f"{where}: labels of {digest}"
    for tag, labels in (expect.get("service_tags") or {}).items():
        if tag.startswith("import-metadata-"):
            record = pull(f"{repository}:{tag}").config["config"]["Labels"]
            assert {key: _ms(text) for key, text in record.items()} == labels, where


def _ms(text: str) -> str:
    return re.sub(r"([0-9a-f]{56})-[0-9]{13}", r"\1-<ms>", text)


def _check_config(
    name: str, config: Mapping[str, Any], expected: Mapping[str, Any], where: str
) -> None:
    if name in CONFIG_DEVIATIONS:
        return
    ours, wanted = dict(config["config"]), dict(expected["config"])
    for each in (ours, wanted):
        if each.get("Entrypoint") == [""]:  # means the same as none
            del each["Entrypoint"]
        each["Env"] = sorted(map(_neutral, _kept(each.get("Env") or [])))
        each["Labels"] = each.get("Labels") or {}
    assert ours == wanted, where
    for key in ("architecture", "os", "author"):
        assert config.get(key) == expected.get(key), where


def _kept(env: list[str]) -> list[str]:
    return [entry for entry in env if not entry.startswith("COLUMNS=")]


def _neutral(entry: str) -> str:
    entry = re.sub(r"/sv-[0-9a-f]{8}/", "/stvec/", entry)
    return re.sub(r"[0-9a-f]{56}-[0-9]{13}|sha256:[0-9a-f]{64}", "<id>", entry)


def _check_tree(
    name: str, tree: Mapping[str, Any], exported: Mapping[str, Any], where: str
) -> None:
    own = TREE_DEVIATIONS.get(name, {})
    mounts = _mount_points(name)

    def compared(entries: Mapping[str, Any]) -> dict[str, Any]:
        return {
            path: entry
            for path, entry in entries.items()
            if path not in own
            and f"{path.rpartition('/')[0]}/*" not in own
            and path not in mounts
            and not (name == "secrets" and path.startswith("run"))
        }

    assert compared(tree) == compared(exported["tree"]), where


def _mount_points(name: str) -> set[str]:
    """Empty mount points, which the original leaves and we do not."""
    return {"mounts": {"t", "b", "host", "t/inbase", "b/inbase"}}.get(name, set())
