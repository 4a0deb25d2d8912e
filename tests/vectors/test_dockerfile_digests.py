"""Digests of Dockerfile images: the recorded arithmetic, and every recorded case computed anew.

Where the exporter adds an input that werf overlooks, the digest differs on purpose; the case must
then be one of which the notes say that werf reused a stale image.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import join
from typing import Any

import pytest

from exporter.build.digest import content_digest, h256, index_digest, stage_digest
from exporter.build.dockerfile.added import list_added
from exporter.build.dockerfile.dockerignore import Dockerignore, parse_dockerignore
from exporter.build.dockerfile.inputs import DigestInputs, digest_inputs
from exporter.build.dockerfile.parse import parse_dockerfile
from exporter.build.dockerfile.request import BuildContext, ImageRequest
from exporter.git.doublestar import clean
from exporter.oci.platform import Platform
from exporter.project.loader import Project, ProjectOptions, load_project
from exporter.project.models.dockerfile import DockerfileImage
from tests.vectors.dockerfile_case import DockerfileCase, case_files
from tests.vectors.folder import VECTORS

AMD64 = Platform.parse("linux/amd64")
RECORDS: list[dict[str, Any]] = json.loads(
    (VECTORS / "export" / "dockerfile-digest-inputs.json").read_text("utf-8")
)
HTTP_SERVER = "http://127.0.0.1:47611"


def _record_id(record: Mapping[str, Any]) -> str:
    return "-".join(str(record.get(key)) for key in ("case", "step", "image", "platform", "stage"))


@pytest.mark.parametrize("record", RECORDS, ids=_record_id)
def test_recorded_digests_are_made_of_their_inputs(record: Mapping[str, Any]) -> None:
    *first, last = record["digest_args"]
    stage = record["stage"]
    if stage == "multiplatform-index":
        ids = [
            (Platform.of(os="linux", architecture=f"a{i}"), each)
            for i, each in enumerate((*first, last))
        ]
        assert index_digest(ids) == record["digest"]
        return
    platform = Platform.parse(first[0]) if first[0] != "1.2" else None
    if stage.endswith("-content"):
        name = stage.removesuffix("-content")
        arguments = first[first.index("") + 1 :]
        assert content_digest(name, arguments[0], platform=platform) == record["digest"]
        return
    previous = tuple((*first, last)[-2:]) if stage == "imageSpec" else None
    dependencies = h256(*record["stage_dependencies_inputs"])
    assert dependencies == record["stage_dependencies_sha256"]
    assert (
        stage_digest(stage, dependencies, platform=platform, previous=previous) == record["digest"]
    )


def _checksums() -> Iterator[Any]:
    for record in RECORDS:
        for number, files in enumerate(record.get("files") or ()):
            if files.get("entries_count", 0) == len(files.get("entries", ())):
                yield pytest.param(files, id=f"{_record_id(record)}-{number}")


@pytest.mark.parametrize("files", list(_checksums()))
def test_recorded_checksums_are_made_of_their_entries(files: Mapping[str, Any]) -> None:
    hashes = "".join(entry["hash"] for entry in files.get("entries", ()))
    lstree = hashlib.sha256(hashes.encode()).hexdigest() if hashes else ""
    assert files["lstree_sha256"] == lstree
    checksum = h256(lstree)
    added = files.get("with_context_add_files")
    if added:
        assert added["args"][0] == checksum
        checksum = h256(*added["args"])
        assert added["checksum"] == checksum
    else:
        assert files["checksum"] == checksum


class _Served:
    """Identifies the files that a case serves by HTTP by their text."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def identify(self, url: str) -> str:
        return self._files[url.removeprefix(HTTP_SERVER)]


def _project(case: DockerfileCase, run: Mapping[str, Any]) -> Project:
    arguments = run["args"]
    env = {**os.environ, **case.git_env, **(run.get("env") or {})}
    return load_project(
        ProjectOptions(
            cwd=case.project.path / (run.get("cwd") or ""),
            env=env,
            dir=_option(arguments, "--dir"),
            config=_option(arguments, "--config"),
            werf_env=_option(arguments, "--env"),
            loose_giterminism="--loose-giterminism" in arguments,
            dev="--dev" in arguments,
        )
    )


def _option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1] if name in arguments else ""


def _inputs(
    project: Project, image: DockerfileImage, request: Mapping[str, Any], served: Mapping[str, str]
) -> DigestInputs:
    path = clean(join(image.context, image.dockerfile))
    text = project.giterminism.read_dockerfile(path).decode("utf-8", "surrogateescape")
    found = project.giterminism.read_dockerignore(
        (f"{path}.dockerignore", clean(join(image.context, ".dockerignore")))
    )
    ignore = Dockerignore()
    if found is not None:
        ignore = parse_dockerignore(found.content.decode(), path=found.path)
        if ignore.ignores(clean(image.dockerfile)):
            ignore = ignore.with_exception(image.dockerfile)
    context = BuildContext(
        tree=project.repository.tree(),
        directory=clean(join(project.path, image.context)),
        dockerfile=clean(image.dockerfile),
        ignore=ignore,
        added=list_added(project.directory, image.context, image.context_add_files),
    )
    return digest_inputs(
        ImageRequest(
            dockerfile=parse_dockerfile(text, path=path),
            build_platform=AMD64,
            target=image.target,
            arguments=image.args,
            add_hosts=image.add_host,
            network=image.network,
            cache_version=image.cache_version,
            **request,
        ),
        context,
        remote=_Served(served),
    )


def _platform(stage: str, image: DockerfileImage, arguments: list[str]) -> Platform:
    named = re.search(r"\((.+)\)", stage)
    listed = _option(arguments, "--platform").split(",")[0]
    return Platform.parse(
        (named[1] if named else listed) or next(iter(image.platforms), str(AMD64))
    )


def _dependency_arguments(image: DockerfileImage, inputs: list[str]) -> dict[str, str]:
    """The values that an image got from other images, as its recorded inputs show them."""
    given = dict(line[4:].split("=", 1) for line in inputs if line.startswith("ARG "))
    base = inputs[len(image.add_host)]
    return {
        entry.target: given.get(entry.target, base)
        for dependency in image.dependencies
        for entry in dependency.imports
    }


def _recorded_inputs(case: str, step: int, digest: str) -> list[str] | None:
    for record in RECORDS:
        if (record["case"], record["step"], record["digest"]) == (case, step, digest):
            inputs: list[str] = record["stage_dependencies_inputs"]
            return inputs
    return None


@dataclass(frozen=True)
class _Identity:
    """What decides whether a stage is used: werf's part, and what the exporter adds to it."""

    of_werf: str
    added: tuple[str, str]
    network: str


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in case_files()])
def test_a_case_has_the_recorded_digests(path: Path, tmp_path: Path) -> None:
    case = DockerfileCase.start(path, tmp_path)
    is_stale = _is_stale(case)
    rebuilt: list[str] = []
    before: dict[str, _Identity] = {}
    for step in case.steps:
        case.apply(step)
        for run in step["runs"]:
            if not run["must"].get("images") or "--use-build-report" in run["args"]:
                continue
            with _project(case, run) as project:
                for stage, now in _identities(case, step, run, project):
                    was = before.get(stage)
                    before[stage] = now
                    if was is None or was.of_werf != now.of_werf or was.added == now.added:
                        continue
                    where = f"step {step['step']}, {stage}"
                    assert is_stale or was.network != now.network, f"{where}: without need"
                    rebuilt.append(where)
    assert rebuilt or not is_stale, "werf reused a stale image, and so would we"


def _identities(
    case: DockerfileCase, step: Mapping[str, Any], run: Mapping[str, Any], project: Project
) -> Iterator[tuple[str, _Identity]]:
    """Each stage with what identifies it, after a comparison with the record."""
    is_stale = _is_stale(case)
    for image, stage in _dockerfile_stages(project, run):
        where = f"step {step['step']}, {image.name}, {stage['stage']}"
        platform = _platform(stage["stage"], image, run["args"])
        request: dict[str, Any] = {"platform": platform}
        if image.dependencies:
            lines = _recorded_inputs(case.data["name"], step["step"], stage["digest"])
            if lines is None:
                continue  # made from a tag that nobody recorded
            request["dependency_arguments"] = _dependency_arguments(image, lines)
        inputs = _inputs(project, image, request, step["inputs"].get("http", {}))
        assert is_stale or not inputs.additions, f"{where}: {inputs.additions}"
        digest = stage_digest("dockerfile", h256(*inputs.arguments), platform=platform)
        assert digest == stage["digest"], f"{where}: {inputs.arguments}"
        added = (inputs.dependencies, inputs.variant)
        yield f"{image.name} {platform}", _Identity(digest, added, image.network)


def _is_stale(case: DockerfileCase) -> bool:
    """Whether werf reuses an image in this case that it should have built again."""
    return any("stale" in note and "by design" not in note for note in case.data["notes"])


def _dockerfile_stages(
    project: Project, run: Mapping[str, Any]
) -> Iterator[tuple[DockerfileImage, Mapping[str, Any]]]:
    images = {image.name: image for image in project.config.images}
    for name, facts in run["must"]["images"].items():
        image = images[name]
        for stage in facts["stages"]:
            if isinstance(image, DockerfileImage) and stage["stage"].startswith("dockerfile"):
                yield image, stage
