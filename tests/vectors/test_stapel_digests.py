"""Stages of stapel images: the recorded arithmetic, and every recorded chain planned anew.

The chains are planned without an engine, against the stages that the original had in its
repository at the time.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from exporter.build.digest import h256, stage_digest
from exporter.build.images import Needed, PlannedImage, PlannedStage
from exporter.build.session import Session
from exporter.build.stages import StageId, StageImage, service_labels
from exporter.build.stapel import imports
from exporter.build.stapel.chain import Chain, ChainRequest, plan_chain
from exporter.build.stapel.imports import Source
from exporter.build.stapel.mappings import Mappings
from exporter.oci.config import parse_config
from exporter.oci.manifest import Manifest, parse_manifest
from exporter.oci.platform import Platform
from exporter.oci.reference import parse_repository
from exporter.project.loader import Project, ProjectOptions, load_project
from exporter.project.models.config import Config, Image, relations
from exporter.project.models.imports import Import
from exporter.project.models.stapel import StapelImage
from tests.vectors.folder import VECTORS
from tests.vectors.stapel_case import StapelCase

_GROUP = VECTORS / "export"
_RECORDS: list[dict[str, Any]] = json.loads((_GROUP / "stapel-digest-inputs.json").read_text())[
    "stages"
]
_AMD64 = Platform.parse("linux/amd64")
_COMPARED_LABELS = ("werf-git-", "werf-import-", "werf-mount-", "werf-dependency-")


@pytest.mark.parametrize(
    "record",
    _RECORDS,
    ids=lambda each: f"{each['case']}-{each['first_step']}-{each['image']}-{each['stage']}",
)
def test_recorded_digests_are_made_of_their_inputs(record: Mapping[str, Any]) -> None:
    outer = dict(record["outer_args"])
    inner = record["stage_dependencies_args"]
    dependencies = h256(*(record["commands_and_versions"] if inner is None else inner))
    assert dependencies == outer["StageDependencies"]
    previous = None
    if "PrevNonEmptyStage digest" in outer:
        following = outer["PrevNonEmptyStage dependencies for next stage"]
        previous = (outer["PrevNonEmptyStage digest"], following)
    found = stage_digest(record["stage"], dependencies, platform=_AMD64, previous=previous)
    assert found == record["digest"]


@dataclass
class _Repository:
    """The stages and records that a repository of the original holds."""

    stages: dict[str, list[StageImage]] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def find(self, digest: str, accept: Callable[[StageImage], bool]) -> StageImage | None:
        return next((image for image in self.stages.get(digest, ()) if accept(image)), None)

    def add(self, stage: StageId, labels: Mapping[str, str]) -> StageImage:
        image = _image(stage, labels)
        held = self.stages.setdefault(stage.digest, [])
        if all(each.id != stage for each in held):
            held.append(image)
            held.sort(key=lambda each: each.id.created_ms)
        return image


def _image(stage: StageId, labels: Mapping[str, str]) -> StageImage:
    raw = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": dict(labels)}})
    config = parse_config(raw.encode())
    described = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "size": len(raw),
        "digest": str(config.digest),
    }
    manifest = parse_manifest(
        json.dumps({"schemaVersion": 2, "config": described, "layers": []}).encode()
    )
    assert isinstance(manifest, Manifest)
    repository = parse_repository("127.0.0.1:5000/x/x")
    return StageImage(id=stage, repository=repository, manifest=manifest, config=config)


@pytest.mark.parametrize("path", sorted((_GROUP / "stapel").glob("*.json")), ids=lambda p: p.stem)
def test_chains_are_planned_as_recorded(path: Path, tmp_path: Path) -> None:
    case = StapelCase.start(path, tmp_path)
    repository = _Repository()
    for index, step in enumerate(case.steps):
        case.apply(index)
        expect = step["expect"]
        for tag, labels in (expect.get("service_tags") or {}).items():
            if tag.startswith("import-metadata-"):
                repository.checksums[tag] = labels["checksum"]
        if not expect.get("images"):
            continue
        env = {**os.environ, **case.git_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        with _loaded(case, env, step["input"]["run"]) as project:
            _check_step(project, env, expect, repository, args=step["input"]["run"]["args"])


@contextmanager
def _loaded(case: StapelCase, env: Mapping[str, str], run: Mapping[str, Any]) -> Iterator[Project]:
    options = ProjectOptions(
        cwd=case.project.path, env={**env, **run.get("env", {})}, dev="--dev" in run["args"]
    )
    with load_project(options) as project:
        yield project


def _check_step(
    project: Project,
    env: Mapping[str, str],
    expect: Mapping[str, Any],
    repository: _Repository,
    args: list[str],
) -> None:
    stages_repository = parse_repository(args[args.index("--repo") + 1])
    ids = iter(range(1, 1000))
    session = cast(
        "Session",
        SimpleNamespace(
            config=project.config,
            git=project.repository,
            giterminism=project.giterminism,
            storages=repository,
            env=env,
            skip_image_spec=False,
            new_id=lambda digest: StageId(digest=digest, created_ms=next(ids)),
        ),
    )
    done: dict[str, Needed] = {}
    built: set[tuple[str, str]] = set()
    for image in _ordered(project.config):
        recorded = expect["images"].get(image.name or "~")
        if recorded is None:
            continue
        assert image.kind == "stapel"
        chain = _plan(session, image, done, expect, repository)
        stages = chain.stages[: len(recorded)] if expect["exit_code"] else chain.stages
        assert [stage.stage.name for stage in stages] == [each["stage"] for each in recorded]
        recorded = [each for each in recorded if each["action"] != "failed"]
        stages = stages[: len(recorded)]
        assert [stage.stage.digest for stage in stages] == [each["digest"] for each in recorded]
        # which of two images builds a common stage is the order of threads
        actions = {each["digest"]: each["action"] for each in recorded}
        for stage in stages:
            if stage.image is None:
                built.add((stage.stage.name, stage.stage.digest))
                assert actions[stage.stage.digest] != "cached" or any(
                    each["digest"] == stage.stage.digest and each["action"] == "built"
                    for others in expect["images"].values()
                    for each in others
                    if "digest" in each
                ), stage.stage.name
            else:
                digest = stage.stage.digest
                assert actions[digest] == "cached" or (stage.stage.name, digest) in built
        finished = _finish(chain, recorded, expect, repository)
        plan = PlannedImage(name=image.name, platform=_AMD64, stages=finished)
        done[image.name] = Needed(plan=plan, repository=stages_repository, image=finished[-1].image)


def _plan(
    session: Session,
    image: StapelImage,
    done: Mapping[str, Needed],
    expect: Mapping[str, Any],
    repository: _Repository,
) -> Chain:
    def checksum(entry: Import, source: Source) -> str | None:
        return repository.checksums.get(imports.record_tag(entry, source))

    base = ""
    if image.from_latest:
        base = expect["bases"][image.base]["config_digest"]
    mappings = Mappings(session).of(image.git)
    return plan_chain(
        ChainRequest(
            session=session,
            image=image,
            platform=_AMD64,
            mappings=mappings,
            needed=done,
            checksum=checksum,
            warn=lambda _: None,
            base_config_digest=base,
        )
    )


def _finish(
    chain: Chain,
    recorded: list[Mapping[str, Any]],
    expect: Mapping[str, Any],
    repository: _Repository,
) -> tuple[PlannedStage, ...]:
    """The stages with the moments that the original gave them; their labels are compared."""
    finished = []
    for stage, record in zip(chain.stages, recorded, strict=False):
        if stage.image is not None:
            finished.append(stage)
            continue
        labels = expect["stages"][stage.stage.digest]["labels"]
        for key in {*labels, *stage.stage.labels}:
            if key.startswith(_COMPARED_LABELS) or key == "werf-stage-content-digest":
                ours = {
                    **stage.stage.labels,
                    **service_labels(
                        project="", commit="", content_digest=stage.stage.content_digest
                    ),
                }
                assert _ms(ours.get(key, "")) == labels.get(key, ""), (stage.stage.name, key)
        found = StageId(digest=stage.stage.digest, created_ms=record["ms"])
        finished.append(replace(stage, id=found, image=repository.add(found, labels)))
    return tuple(finished)


def _ms(text: str) -> str:
    return re.sub(r"([0-9a-f]{56})-[0-9]+", r"\1-<ms>", text)


def _ordered(config: Config) -> list[Image]:
    """The images, each after those that it needs."""
    ordered: list[Image] = []
    waiting = list(config.images)
    while waiting:
        names = {image.name for image in ordered}
        ready = [image for image in waiting if set(relations(image).names) <= names]
        ordered += ready
        waiting = [image for image in waiting if image not in ready]
    return ordered
