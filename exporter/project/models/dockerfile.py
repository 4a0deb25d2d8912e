"""An image that a Dockerfile builds."""

import posixpath
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal, Protocol

from exporter.errors import Place
from exporter.project.models.common import (
    COMMON_KEYS,
    dependencies_of,
    image_spec_of,
    secrets_of,
)
from exporter.project.models.meta import Meta
from exporter.project.models.names import check_names
from exporter.project.models.paths import is_relative
from exporter.project.models.shape import Key, Shape, Values
from exporter.value import dataclass

if TYPE_CHECKING:  # start-up time counts, and most images have none of them
    from exporter.project.models.dependencies import Dependency
    from exporter.project.models.image_spec import ImageSpec
    from exporter.project.models.secrets import Secret, SecretRules

    class DockerfileRules(SecretRules, Protocol):
        """What giterminism says about Dockerfile images."""

        def check_context_add_file(self, path: str, place: Place) -> None:
            """Refuse an uncommitted file in the context."""


DOCKERFILE_IMAGE = Shape(
    "image",
    (
        *COMMON_KEYS,
        Key("dockerfile", "text", "path of the Dockerfile, relative to the context"),
        Key("context", "text", "directory of the build context, relative to the project"),
        Key("contextAddFiles", "text or texts", "uncommitted files added to the context"),
        Key("contextAddFile", "text or texts", "older name of `contextAddFiles`"),
        Key("target", "text", "stage of the Dockerfile to build"),
        Key("args", "map", "build arguments"),
        Key("addHost", "text or texts", "entries of /etc/hosts, name:address"),
        Key("ssh", "text", "SSH agent or key for the build"),
        Key("staged", "flag", "build instruction by instruction"),
    ),
    check_first=check_names,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerfileImage:
    """An image that a Dockerfile builds; paths are relative as written.

    ``args`` are printed as Go prints them. ``document`` is the text of its YAML document.
    """

    kind: Literal["dockerfile"] = "dockerfile"
    place: Place
    document: str = field(repr=False)
    name: str
    final: bool
    dockerfile: str
    context: str
    context_add_files: tuple[str, ...]
    target: str
    args: Mapping[str, str]
    add_host: tuple[str, ...]
    network: str
    ssh: str
    dependencies: tuple["Dependency", ...]
    staged: bool
    platforms: tuple[str, ...]
    cache_version: str
    secrets: tuple["Secret", ...]
    image_spec: "ImageSpec | None"


def dockerfile_image_of(
    values: Values,
    name: str,
    *,
    document: str,
    meta: Meta,
    rules: "DockerfileRules",
    force_staged: bool,
) -> DockerfileImage:
    """Read a document with a ``dockerfile`` key, for one of its names.

    Raises:
        ConfigError: A rule of spec section 2.2 is broken.
        GiterminismError: Something is not allowed.
    """
    add_files = _context_add_files(values)
    add_host = values.text_or_texts("addHost")
    dependencies = dependencies_of(values, of_dockerfile=True)
    secrets = secrets_of(values, rules)
    context, dockerfile = values.text("context"), values.text("dockerfile")
    if not is_relative(context):
        raise values.error(
            "`context: PATH` should be relative to project directory!", key="context"
        )
    if not is_relative(dockerfile):
        raise values.error(
            "`dockerfile: PATH` required and should be relative to context!", key="dockerfile"
        )
    _check_context_add_files(values, add_files, rules)
    args = _args(values)
    _check_args(values, args, dependencies)
    final = values.optional_flag("final") is not False
    return DockerfileImage(
        place=values.place,
        document=document,
        name=name,
        final=final,
        dockerfile=dockerfile,
        context=context,
        context_add_files=add_files,
        target=values.text("target"),
        args=args,
        add_host=add_host,
        network=values.text("network"),
        ssh=values.text("ssh"),
        dependencies=dependencies,
        staged=force_staged or _staged(values, meta),
        platforms=values.texts("platform") or meta.platforms,
        cache_version=values.text("cacheVersion") or meta.cache_version,
        secrets=secrets,
        image_spec=image_spec_of(values, meta, final=final),
    )


def _staged(values: Values, meta: Meta) -> bool:
    # Even `staged: ~` counts as said (the original looks for the key).
    said = "staged" in values.keys()  # noqa: SIM118 - not a mapping
    return values.flag("staged") if said else meta.staged


def _context_add_files(values: Values) -> tuple[str, ...]:
    older, newer = values.text_or_texts("contextAddFile"), values.text_or_texts("contextAddFiles")
    if older and newer:
        raise values.error(
            "only one out of contextAddFiles and contextAddFile directives can be used at a time",
            key="contextAddFile",
            remedy="Move everything into contextAddFiles and remove contextAddFile",
        )
    return older or newer


def _check_context_add_files(
    values: Values, paths: tuple[str, ...], rules: "DockerfileRules"
) -> None:
    key = "contextAddFile" if values.has("contextAddFile") else "contextAddFiles"
    if not all(map(is_relative, paths)):
        raise values.error(
            "`contextAddFiles: [PATH, ...]|PATH` each path should be relative to context!", key=key
        )
    for path in paths:
        inside = posixpath.normpath(posixpath.join(values.text("context"), path))
        rules.check_context_add_file(inside, values.place_of(key))


def _args(values: Values) -> Mapping[str, str]:
    args = values.any_map("args")
    if all(isinstance(value, str) for value in args.values()):
        return {name: str(value) for name, value in args.items()}
    from exporter.gotemplate.sprint import sprint_value  # noqa: PLC0415 - for rare values only

    return {name: sprint_value(value) for name, value in args.items()}


def _check_args(
    values: Values, args: Mapping[str, str], dependencies: tuple["Dependency", ...]
) -> None:
    for dependency in dependencies:
        for dependency_import in dependency.imports:
            if dependency_import.target in args:
                raise values.error(
                    f'dockerfile `args:` build arg "{dependency_import.target}" already defined in'
                    " dependency import `targetBuildArg:` directive. This is not allowed, avoid"
                    " duplicated build args!",
                    key="args",
                )
