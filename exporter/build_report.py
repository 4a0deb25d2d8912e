"""werf's build report: what each image was built to (specification section 8).

Written by ``--save-build-report``, read by ``--use-build-report``; JSON, or an env file when the
path ends in ``.env``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter.build.conveyor import Built
from exporter.build.images import PlannedStage
from exporter.build.stages import LABEL_COMMIT, StageImage
from exporter.errors import InputError
from exporter.oci.reference import Reference, Repository
from exporter.project.models.config import Image
from exporter.project.models.dockerfile import DockerfileImage
from exporter.sources import Source, parsed_json, read_text

DEFAULT_PATH = ".werf-build-report.json"

_ENV_FACTS = {
    "DOCKER_IMAGE_NAME": "DockerImageName",
    "DOCKER_IMAGE_ID": "DockerImageID",
    "DOCKER_IMAGE_DIGEST": "DockerImageDigest",
    "DOCKER_REPO": "DockerRepo",
    "DOCKER_TAG": "DockerTag",
    "WERF_IMAGE_NAME": "WerfImageName",
    "FINAL": "Final",
}
_REQUIRED = ("WerfImageName", "DockerImageName", "DockerRepo", "DockerTag", "DockerImageID")
_REQUIRED_OF_STAGE = ("Name", "DockerImageName", "DockerImageID")
_NANOSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One image: its model, its parts by platform, and where it is as a whole."""

    image: Image
    parts: Sequence[Built]
    source: Source


def checked(path: Path) -> Path:
    """The path of a report to write; ``.json`` is added to one without ending.

    Raises:
        InputError: The ending is neither ``.json`` nor ``.env``.
    """
    if not path.suffix:
        return path.with_name(f"{path.name}.json")
    if path.suffix not in {".json", ".env"}:
        raise InputError(
            f"--build-report-path {path} ends in {path.suffix}",
            remedy="A build report is a .json or an .env file.",
        )
    return path


def write(path: Path, images: Sequence[Reported]) -> None:
    """Write the report; ``.json`` is added to a path without ending.

    Raises:
        InputError: The ending is neither ``.json`` nor ``.env``, or the file cannot be written.
    """
    path = checked(path)
    records = {
        reported.source.image: _record(reported)
        for reported in sorted(images, key=lambda each: each.source.image)
    }
    text = _as_json(records) if path.suffix == ".json" else _as_env(records)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"--build-report-path {path} cannot be written: {reason}",
            remedy="Name a path in a folder that may be written to.",
        ) from error


def read(path: Path) -> dict[str, Source]:
    """The final images of a report.

    Raises:
        InputError: It cannot be read, or is not such a report.
    """
    text = read_text(path, "the build report")
    records = _env_records(text, path) if path.suffix == ".env" else _json_records(text, path)
    if not records:
        raise InputError(f"the build report {path} has no images")
    found = {}
    for name, record in records.items():
        _check(record, _REQUIRED, f"the image {name!r}", path)
        stages = record.get("Stages") or []
        for stage in stages if isinstance(stages, list) else (stages,):
            _check(stage, _REQUIRED_OF_STAGE, f"a stage of the image {name!r}", path)
        if record.get("Final") is True:
            found[name] = Source(
                image=name,
                content_tag=record["DockerTag"],
                reference=_place(record),
            )
    return found


def _check(record: object, keys: Sequence[str], whose: str, path: Path) -> None:
    """Refuse a record that lacks a text."""
    for key in keys:
        text = record.get(key) if isinstance(record, dict) else None
        if not (isinstance(text, str) and text):
            raise InputError(
                f"the build report {path} has no {key} for {whose}",
                remedy="Write it anew with --save-build-report.",
            )


def _place(record: Mapping[str, Any]) -> Reference:
    """Where the image is; in local mode inside the engine, under the project's name alone."""
    if "/" in record["DockerRepo"]:
        return Reference.parse(record["DockerImageName"])
    return Repository(registry="", name=record["DockerRepo"]).tag(record["DockerTag"])


def _record(reported: Reported) -> dict[str, Any]:
    source, parts = reported.source, reported.parts
    lasts = [part.plan.last.image for part in parts]
    several = len(parts) > 1
    first = lasts[0]
    kind = "dockerfile" if isinstance(reported.image, DockerfileImage) else "stapel"
    repository = source.reference.repository
    identity = str(first.manifest.config.digest) if first and not several else ""
    if several and source.graph is not None:
        identity = str(source.graph.root.digest)
    return {
        "WerfImageName": source.image,
        "ConfigType": "" if several else kind,
        "DockerRepo": str(repository),
        "DockerTag": source.content_tag,
        "DockerImageID": identity,
        "DockerImageDigest": str(source.graph.root.digest) if source.graph else "",
        "DockerImageName": f"{repository}:{source.content_tag}",
        "TargetPlatform": "" if several else str(parts[0].plan.platform),
        "Rebuilt": any(part.missing for part in parts),
        "Final": reported.image.final,
        "Size": sum(_size(image) for image in lasts if image),
        "BuildTime": f"{sum(part.seconds for part in parts):.2f}",
        "Commit": first.config.labels.get(LABEL_COMMIT, "") if first else "",
        "Stages": [
            _stage(part, number, stage, several=several)
            for part in parts
            for number, stage in enumerate(part.plan.stages)
        ],
    }


def _stage(part: Built, number: int, stage: PlannedStage, *, several: bool) -> dict[str, Any]:
    image = stage.image
    if image is None:
        raise TypeError
    name = stage.stage.name
    return {
        "Name": f"{name} ({part.plan.platform})" if several else name,
        "DockerImageName": str(image.reference),
        "DockerTag": str(image.id),
        "DockerImageID": str(image.manifest.config.digest),
        "DockerImageDigest": str(image.manifest.digest),
        "CreatedAt": image.id.created_ms * _NANOSECONDS,
        "Size": _size(image),
        "SourceType": "",
        "BaseImagePulled": False,
        "Rebuilt": number >= len(part.plan.stages) - part.missing,
        "BuildTime": f"{stage.seconds:.2f}",
        "Commit": image.config.labels.get(LABEL_COMMIT, ""),
    }


def _size(image: StageImage) -> int:
    return sum(layer.size for layer in image.manifest.layers)


def _as_json(records: Mapping[str, Mapping[str, Any]]) -> str:
    report = {
        "Runtime": {"Backend": "docker", "InContainer": False},
        "Images": records,
        "ImagesByPlatform": {},
    }
    return json.dumps(report, indent="\t", ensure_ascii=False) + "\n"


def _as_env(records: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name, record in records.items():
        prefix = name.upper().replace("/", "_").replace("-", "_").replace(".", "_")
        prefix = f"WERF_{prefix}_" if prefix else "WERF_"
        for suffix, fact in _ENV_FACTS.items():
            value = record[fact]
            text = ("true" if value else "false") if isinstance(value, bool) else value
            lines.append(f"{prefix}{suffix}={text}\n")
    return "".join(lines)


def _json_records(text: str, path: Path) -> Mapping[str, Mapping[str, Any]]:
    images = parsed_json(text, path).get("Images")
    if not isinstance(images, dict):
        raise InputError(f"{path} is not a build report", remedy="It has no object 'Images'.")
    return images


def _env_records(text: str, path: Path) -> Mapping[str, Mapping[str, Any]]:
    """The records of an env file, by image; the variables' names say which fact they hold."""
    groups: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise InputError(f"{path}:{number}: a line of an env file has an equals sign")
        # The longest ending counts: …_WERF_IMAGE_NAME is no …_IMAGE_NAME.
        for suffix, fact in sorted(_ENV_FACTS.items(), key=lambda pair: -len(pair[0])):
            if name.startswith("WERF_") and name.endswith(f"_{suffix}"):
                group = groups.setdefault(name.removesuffix(suffix), {})
                group[fact] = value == "true" if fact == "Final" else value
                break
    return {record.get("WerfImageName", ""): record for record in groups.values()}
