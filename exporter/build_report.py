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


def write(path: Path, images: Sequence[Reported], *, by_platform: bool = False) -> None:
    """Write the report; ``.json`` is added to a path without ending.

    Args:
        path: Where to.
        images: What was built.
        by_platform: Whether JSON also has each platform of an image alone.

    Raises:
        InputError: The ending is neither ``.json`` nor ``.env``, or the file cannot be written.
    """
    path = checked(path)
    images = sorted(images, key=lambda each: each.source.image)
    records = {each.source.image: _record(each) for each in images}
    platforms = {each.source.image: _by_platform(each) for each in images if by_platform}
    text = _as_json(records, platforms) if path.suffix == ".json" else _as_env(records)
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
    """The image as a whole: on its one platform, or the index."""
    source, parts = reported.source, reported.parts
    if len(parts) == 1:
        return _on_platform(reported, parts[0], source.reference.repository)
    repository = source.reference.repository
    digest = str(source.graph.root.digest) if source.graph else ""
    alone = [_on_platform(reported, part, repository) for part in parts]
    return alone[0] | {
        "ConfigType": "",
        "DockerTag": source.content_tag,
        "DockerImageID": digest,
        "DockerImageDigest": digest,
        "DockerImageName": f"{repository}:{source.content_tag}",
        "TargetPlatform": "",
        "Rebuilt": any(each["Rebuilt"] for each in alone),
        "Size": sum(each["Size"] for each in alone),
        "BuildTime": f"{sum(part.seconds for part in parts):.2f}",
        "Stages": [
            stage | {"Name": f"{stage['Name']} ({each['TargetPlatform']})"}
            for each in alone
            for stage in each["Stages"]
        ],
    }


def _by_platform(reported: Reported) -> dict[str, Any]:
    """Each platform alone, by its name; parts of an index are nowhere but beside the stages."""
    parts = reported.parts
    if len(parts) == 1:
        return {str(parts[0].plan.platform): _record(reported)}
    return {
        str(part.plan.platform): _on_platform(reported, part, part.plan.last.image.repository)
        for part in parts
        if part.plan.last.image is not None
    }


def _on_platform(reported: Reported, part: Built, repository: Repository) -> dict[str, Any]:
    image, tag = part.plan.last.image, str(part.plan.last.id)
    return {
        "WerfImageName": reported.source.image,
        "ConfigType": "dockerfile" if isinstance(reported.image, DockerfileImage) else "stapel",
        "DockerRepo": str(repository),
        "DockerTag": tag,
        "DockerImageID": str(image.manifest.config.digest) if image else "",
        "DockerImageDigest": str(image.manifest.digest) if image else "",
        "DockerImageName": f"{repository}:{tag}",
        "TargetPlatform": str(part.plan.platform),
        "Rebuilt": part.missing > 0,
        "Final": reported.image.final,
        "Size": _size(image) if image else 0,
        "BuildTime": f"{part.seconds:.2f}",
        "Commit": image.config.labels.get(LABEL_COMMIT, "") if image else "",
        "Stages": [_stage(part, number, each) for number, each in enumerate(part.plan.stages)],
    }


def _stage(part: Built, number: int, stage: PlannedStage) -> dict[str, Any]:
    image = stage.image
    if image is None:
        raise TypeError
    return {
        "Name": stage.stage.name,
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


def _as_json(
    records: Mapping[str, Mapping[str, Any]], platforms: Mapping[str, Mapping[str, Any]]
) -> str:
    report = {
        "Runtime": {"Backend": "docker", "InContainer": False},
        "Images": records,
        "ImagesByPlatform": platforms,
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
