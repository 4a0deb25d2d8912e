"""An image that stages of commands and files build, and its deprecated form, the artifact."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from exporter.errors import Place
from exporter.project.models.ansible import ANSIBLE, Ansible, ansible_of
from exporter.project.models.commands import SHELL, Shell, shell_of
from exporter.project.models.common import (
    COMMON_KEYS,
    dependencies_of,
    image_spec_of,
    secrets_of,
)
from exporter.project.models.dependencies import Dependency
from exporter.project.models.docker import DOCKER, Docker, docker_of
from exporter.project.models.exports import without_overlaps
from exporter.project.models.git import GIT, GitMapping, GitRules, git_mapping_of
from exporter.project.models.image_spec import ImageSpec
from exporter.project.models.imports import IMPORT, Import, import_of
from exporter.project.models.meta import Meta
from exporter.project.models.mounts import MOUNT, Mount, MountRules, mount_of
from exporter.project.models.names import check_names, image_names
from exporter.project.models.secrets import Secret, SecretRules
from exporter.project.models.shape import Key, Many, Shape, Values


def _check_kind(values: Values) -> None:
    names, artifact = image_names(values), values.text("artifact")
    if names and artifact:
        raise values.error(
            "unknown doc type: one and only one of `image: NAME` or `artifact: NAME` non-empty"
            " name required!",
            key="artifact",
        )
    if not names and not artifact:
        raise values.error(
            "unknown doc type: one of `image: NAME` or `artifact: NAME` non-empty name required!",
            key="artifact" if values.has("artifact") else "image",
        )


STAPEL_IMAGE = Shape(
    "image",
    (
        *COMMON_KEYS,
        Key("artifact", "text", "name of a non-final image (deprecated: use `final: false`)"),
        Key("from", "text", "base image: a reference, or another image of this config"),
        Key("fromImage", "text", "another image of this config as base"),
        Key("fromArtifact", "text", "an artifact as base (deprecated: use `fromImage`)"),
        Key("fromLatest", "flag", "rebuild when the base image in the registry changes"),
        Key("fromCacheVersion", "text", "digest salt of the first stage"),
        Key("disableGitAfterPatch", "flag", "do not update git files after the setup stage"),
        Key("git", Many(GIT), "files of git repositories"),
        Key("shell", SHELL, "commands"),
        Key("ansible", ANSIBLE, "Ansible tasks (deprecated: use `shell`)"),
        Key("mount", Many(MOUNT), "directories mounted during the build"),
        Key("docker", DOCKER, "image configuration (deprecated: use `imageSpec`)"),
        Key("import", Many(IMPORT), "files of other images"),
    ),
    check_first=check_names,
    check=_check_kind,
    elsewhere=("dockerfile",),
)


class StapelRules(GitRules, MountRules, SecretRules, Protocol):
    """What giterminism says about stapel images."""

    def check_from_latest(self, place: Place) -> None:
        """Refuse ``fromLatest``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StapelImage:
    """An image built in stages.

    ``base`` is the name of another image of the config when ``base_is_image``, else a reference.
    ``git`` has the mappings of the project's own repository first.
    ``document`` is the text of its YAML document.
    """

    kind: Literal["stapel"] = "stapel"
    place: Place
    document: str = field(repr=False)
    name: str
    is_artifact: bool
    final: bool
    base: str
    base_is_image: bool
    base_is_artifact: bool
    from_latest: bool
    from_cache_version: str
    cache_version: str
    disable_git_after_patch: bool
    git: tuple[GitMapping, ...]
    shell: Shell | None
    ansible: Ansible | None
    mounts: tuple[Mount, ...]
    docker: Docker | None
    imports: tuple[Import, ...]
    dependencies: tuple[Dependency, ...]
    platforms: tuple[str, ...]
    network: str
    secrets: tuple[Secret, ...]
    image_spec: ImageSpec | None


def stapel_image_of(
    values: Values,
    name: str,
    *,
    is_artifact: bool,
    document: str,
    meta: Meta,
    rules: StapelRules,
) -> StapelImage:
    """Read a document without a ``dockerfile`` key, for one of its names.

    ``base_is_image`` is left to the whole config, which knows all names, but for artifacts.

    Raises:
        ConfigError: A rule of spec sections 2.3 to 2.6 is broken.
        GiterminismError: Something is not allowed.
    """
    mounts = tuple(mount_of(entry, rules) for entry in values.sections("mount"))
    git = [git_mapping_of(entry, rules) for entry in values.sections("git")]
    git.sort(key=lambda mapping: mapping.remote is not None)
    shell = shell_of(values.section("shell"))
    ansible = ansible_of(values.section("ansible"))
    imports = [import_of(entry) for entry in values.sections("import")]
    git, imports = _separated(values, git, imports)
    if is_artifact and values.sections("dependencies"):
        raise values.error(
            f'dependencies directive is specified for "{name}" artifact, but dependencies are not'
            " supported for artifacts!",
            key="dependencies",
        )
    dependencies = dependencies_of(values, of_dockerfile=False)
    secrets = secrets_of(values, rules)
    base = _base(values, name, rules)
    _check_mounts(values, mounts)
    if base and values.text("fromArtifact"):
        raise values.error(
            "conflict between `from`, `fromImage` and `fromArtifact` directives!",
            key="fromArtifact",
        )
    docker = None if is_artifact else docker_of(values.section("docker"))
    _check_sections(values, is_artifact=is_artifact)
    final = not is_artifact and values.optional_flag("final") is not False
    return StapelImage(
        place=values.place,
        document=document,
        name=name,
        is_artifact=is_artifact,
        final=final,
        base=values.text("fromArtifact") or base,
        base_is_image=False,
        base_is_artifact=bool(values.text("fromArtifact")),
        from_latest=values.flag("fromLatest"),
        from_cache_version=values.text("fromCacheVersion"),
        cache_version=values.text("cacheVersion") or meta.cache_version,
        disable_git_after_patch=is_artifact or values.flag("disableGitAfterPatch"),
        git=tuple(git),
        shell=shell,
        ansible=ansible,
        mounts=mounts,
        docker=docker,
        imports=tuple(imports),
        dependencies=dependencies,
        platforms=values.texts("platform") or meta.platforms,
        network=values.text("network"),
        secrets=secrets,
        image_spec=image_spec_of(values, meta, final=final),
    )


def _separated(
    values: Values, git: Sequence[GitMapping], imports: Sequence[Import]
) -> tuple[list[GitMapping], list[Import]]:
    """The mappings and imports, none of which provides what another one does."""
    exports, conflict = without_overlaps(
        [*(mapping.export for mapping in git), *(entry.export for entry in imports)]
    )
    if conflict:
        one, other = conflict
        raise values.error(
            "Conflict between imports!",
            key="git" if values.has("git") else "import",
            remedy=f"`to: {one.written_to}` at {one.place} and `to: {other.written_to}` at"
            f" {other.place} name the same files; give them disjoint includePaths",
        )
    split = len(git)
    return (
        [
            replace(mapping, export=export)
            for mapping, export in zip(git, exports[:split], strict=True)
        ],
        [
            replace(entry, export=export)
            for entry, export in zip(imports, exports[split:], strict=True)
        ],
    )


def _base(values: Values, name: str, rules: StapelRules) -> str:
    """What ``from`` and ``fromImage`` say, "" when only ``fromArtifact`` is given."""
    if values.flag("fromLatest"):
        rules.check_from_latest(values.place_of("fromLatest"))
    from_image, artifact = values.text("fromImage"), values.text("fromArtifact")
    base = from_image or values.text("from")
    if base == name:
        # An image called like its base image: the name alone would mean the image itself.
        base += ":latest"
    if not base and not artifact:
        raise values.error(
            "`from: DOCKER_IMAGE`, `fromImage: IMAGE_NAME`, `fromArtifact: IMAGE_ARTIFACT_NAME`"
            " required!"
        )
    if name and name in (from_image, artifact):
        raise values.error(
            "conflict between `from`, `fromImage` or `fromArtifact` and image name: image cannot"
            " reference itself!",
            key="fromImage" if from_image == name else "fromArtifact",
        )
    return base


def _check_mounts(values: Values, mounts: Sequence[Mount]) -> None:
    targets = [mount.to for mount in mounts]
    for mount in mounts:
        if targets.count(mount.to) > 1:
            raise values.error(
                "conflict between mounts!",
                key="mount",
                remedy=f"`to: {mount.to}` is given more than once",
            )


def _check_sections(values: Values, *, is_artifact: bool) -> None:
    if is_artifact:
        for key, word in (
            ("docker", "section"),
            ("final", "directive"),
            ("disableGitAfterPatch", "directive"),
        ):
            if values.flag(key) if key == "disableGitAfterPatch" else values.has(key):
                raise values.error(f"`{key}` {word} is not supported for artifact!", key=key)
    if values.has("shell") and values.has("ansible"):
        raise values.error(
            "can not use shell and ansible builders at the same time!", key="ansible"
        )
    if values.has("docker") and values.has("imageSpec"):
        raise values.error(
            "`docker` directive is deprecated and can't be used along with `imageSpec`!",
            key="docker",
        )
