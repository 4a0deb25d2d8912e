"""The project's own document, with ``configVersion`` and ``project``."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from exporter.errors import Place
from exporter.project.models.shape import Key, Later, Shape, Values
from exporter.value import dataclass

if TYPE_CHECKING:  # start-up time counts, and most projects have neither
    from exporter.project.models.cleanup import Cleanup
    from exporter.project.models.image_spec import ImageSpec

_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_LONGEST_PROJECT = 50
_DEPLOY_TEXTS = ("helmChartDir", "helmRelease", "namespace")


def _check_deploy(values: Values) -> None:
    for key in _DEPLOY_TEXTS:
        if values.optional_text(key) == "":
            raise values.error(f"{key} field cannot be empty!", key=key)


def _check_meta(values: Values) -> None:
    if values.integer("configVersion") != 1:
        raise values.error("'configVersion: 1' field required!", key="configVersion")
    project = values.text("project")
    if not project:
        raise values.error("'project' field cannot be empty!", key="project")
    if len(project) > _LONGEST_PROJECT or not _PROJECT.fullmatch(project):
        raise values.error(
            f'bad project name "{project}" specified in config: at most {_LONGEST_PROJECT}'
            " lower-case letters, digits and hyphens, with a letter or digit at both ends",
            key="project",
        )


BUILD = Shape(
    "build",
    (
        Key("cacheVersion", "text", "digest salt of images that have none of their own"),
        Key("platform", "texts", "platforms of images that name none, e.g. linux/amd64"),
        Key("staged", "flag", "build Dockerfile images instruction by instruction"),
        Key(
            "imageSpec",
            Later("image_spec", "COMMON_IMAGE_SPEC"),
            "changes to the configuration of all final images",
        ),
    ),
)
DEPLOY = Shape(
    "deploy",
    (
        Key(
            "helmChartConfig",
            Shape(
                "deploy.helmChartConfig",
                (Key("appVersion", "text", "version of the application"),),
            ),
            "values for Chart.yaml",
        ),
        Key("helmChartDir", "text", "directory of the chart"),
        Key("helmRelease", "text", "template of the release's name"),
        Key("helmReleaseSlug", "flag", "turn the release's name into a slug"),
        Key("namespace", "text", "template of the namespace's name"),
        Key("namespaceSlug", "flag", "turn the namespace's name into a slug"),
    ),
    check=_check_deploy,
)
GIT_WORKTREE = Shape(
    "gitWorktree",
    (
        Key("forceShallowClone", "flag", "accept a shallow clone"),
        Key("allowUnshallow", "flag", "fetch the missing history of a shallow clone"),
        Key("allowFetchOriginBranchesAndTags", "flag", "fetch branches and tags from origin"),
    ),
)
META = Shape(
    "project",
    (
        Key("configVersion", "integer", "always 1", (1,)),
        Key("project", "text", "name of the project; it cannot be changed without rebuilding"),
        Key("build", BUILD, "defaults of all images"),
        Key("deploy", DEPLOY, "settings of deployment (not used here)"),
        Key("cleanup", Later("cleanup", "CLEANUP"), "which images cleanup keeps (not used here)"),
        Key("gitWorktree", GIT_WORKTREE, "what may be done to a shallow clone"),
    ),
    check=_check_meta,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """Settings of deployment, kept for tools that read them; None where nothing was said."""

    app_version: str | None = None
    helm_chart_dir: str | None = None
    helm_release: str | None = None
    helm_release_slug: bool | None = None
    namespace: str | None = None
    namespace_slug: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GitWorktree:
    """What may be done to a shallow clone."""

    force_shallow_clone: bool = False
    allow_unshallow: bool = True
    allow_fetch_origin_branches_and_tags: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """The project's name and the defaults of its images."""

    place: Place
    project: str
    cache_version: str
    platforms: tuple[str, ...]
    staged: bool
    image_spec: "ImageSpec | None"
    deploy: Deploy
    cleanup: "Cleanup | None"
    git_worktree: GitWorktree


def meta_of(values: Values, *, project_name: str) -> Meta:
    """Read the document; ``project_name``, when not empty, replaces the written name unchecked."""
    build = values.section("build") or Values.nothing(values.place)
    return Meta(
        place=values.place,
        project=project_name or values.text("project"),
        cache_version=build.text("cacheVersion"),
        platforms=build.texts("platform"),
        staged=build.flag("staged"),
        image_spec=_image_spec_of(build.section("imageSpec")),
        deploy=_deploy_of(values.section("deploy")),
        cleanup=_cleanup_of(values.section("cleanup")),
        git_worktree=_git_worktree_of(values.section("gitWorktree")),
    )


def _image_spec_of(values: Values | None) -> "ImageSpec | None":
    if values is None:
        return None
    from exporter.project.models.image_spec import image_spec_of  # noqa: PLC0415 - see above

    return image_spec_of(values)


def _cleanup_of(values: Values | None) -> "Cleanup | None":
    if values is None:
        return None
    from exporter.project.models.cleanup import cleanup_of  # noqa: PLC0415 - see above

    return cleanup_of(values)


def _deploy_of(values: Values | None) -> Deploy:
    if values is None:
        return Deploy()
    chart = values.section("helmChartConfig")
    return Deploy(
        app_version=chart.optional_text("appVersion") if chart else None,
        helm_chart_dir=values.optional_text("helmChartDir"),
        helm_release=values.optional_text("helmRelease"),
        helm_release_slug=values.optional_flag("helmReleaseSlug"),
        namespace=values.optional_text("namespace"),
        namespace_slug=values.optional_flag("namespaceSlug"),
    )


def _git_worktree_of(values: Values | None) -> GitWorktree:
    if values is None:
        return GitWorktree()
    given: Mapping[str, bool | None] = {
        "force_shallow_clone": values.optional_flag("forceShallowClone"),
        "allow_unshallow": values.optional_flag("allowUnshallow"),
        "allow_fetch_origin_branches_and_tags": values.optional_flag(
            "allowFetchOriginBranchesAndTags"
        ),
    }
    return GitWorktree(**{name: flag for name, flag in given.items() if flag is not None})
