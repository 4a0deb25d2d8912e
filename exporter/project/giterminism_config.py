"""werf-giterminism.yaml: what a project allows beyond its commit (spec section 7.1)."""

from collections.abc import Sequence
from dataclasses import field, fields
from typing import Literal

from exporter.errors import ConfigError, GiterminismError, Place
from exporter.project.excerpt import excerpt_at
from exporter.project.yaml_decode import Decoder, is_null, target
from exporter.project.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    YamlError,
    compose,
)
from exporter.value import dataclass

DEFAULT_PATH = "werf-giterminism.yaml"
_FAILED = "the giterminism config validation failed"


def _flag(path: str) -> bool:
    return field(default=False, metadata={"path": path, "kind": "boolean"})


def _texts(path: str) -> tuple[str, ...]:
    return field(default=(), metadata={"path": path, "kind": "array"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GiterminismConfig:
    """Everything that may be allowed; nothing is by default.

    Globs of files are relative to the project, those of mounts and secrets as written.
    """

    uncommitted_config: bool = _flag("config.allowUncommitted")
    uncommitted_templates: tuple[str, ...] = _texts("config.allowUncommittedTemplates")
    env_variables: tuple[str, ...] = _texts("config.goTemplateRendering.allowEnvVariables")
    uncommitted_files: tuple[str, ...] = _texts("config.goTemplateRendering.allowUncommittedFiles")
    from_latest: bool = _flag("config.stapel.allowFromLatest")
    git_branch: bool = _flag("config.stapel.git.allowBranch")
    build_dir_mount: bool = _flag("config.stapel.mount.allowBuildDir")
    from_path_mounts: tuple[str, ...] = _texts("config.stapel.mount.allowFromPaths")
    uncommitted_dockerfiles: tuple[str, ...] = _texts("config.dockerfile.allowUncommitted")
    uncommitted_dockerignores: tuple[str, ...] = _texts(
        "config.dockerfile.allowUncommittedDockerignoreFiles"
    )
    context_add_files: tuple[str, ...] = _texts("config.dockerfile.allowContextAddFiles")
    secret_env_variables: tuple[str, ...] = _texts("config.secrets.allowEnvVariables")
    secret_files: tuple[str, ...] = _texts("config.secrets.allowFiles")
    secret_value_ids: tuple[str, ...] = _texts("config.secrets.allowValueIds")
    custom_tags: bool = _flag("cli.allowCustomTags")
    uncommitted_helm_files: tuple[str, ...] = _texts("helm.allowUncommittedFiles")
    includes_update: bool = _flag("includes.allowIncludesUpdate")


def parse_giterminism_config(text: str, *, path: str = DEFAULT_PATH) -> GiterminismConfig:
    """Read the file; unknown keys are ignored, known ones must have the right type.

    Raises:
        GiterminismError: The text is not YAML, the version is missing, or a type is wrong.
    """
    try:
        return _parse(text, path)
    except ConfigError as error:
        error.excerpt = excerpt_at(text, error.place)
        raise


def _parse(text: str, path: str) -> GiterminismConfig:
    try:
        root = compose(text, name=path)
    except YamlError as error:
        raise GiterminismError(
            f"{_FAILED}: error converting YAML to JSON: {error.go_text}", place=error.place
        ) from error
    reader = _Reader(path)
    if root is None or is_null(root):
        raise reader.missing_version()
    if not isinstance(target(root), MappingNode):
        raise reader.error(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal"
            f" {reader.type_of(root)} into Go value of type map[string]interface {{}}",
            root,
        )
    reader.check_version(root)
    found: dict[str, object] = {}
    for each in fields(GiterminismConfig):
        key, kind = each.metadata["path"], each.metadata["kind"]
        node = reader.look_up(root, key)
        if node is not None:
            found[each.name] = (
                reader.flag(node, key) if kind == "boolean" else reader.texts(node, key)
            )
    return GiterminismConfig(**found)  # type: ignore[arg-type]  # each value was read by its field's kind


class _Reader:
    """Reads nodes as JSON values, which is what the original validates."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.decoder = Decoder(name=path, strict=False)

    def error(self, what: str, node: Node | None) -> GiterminismError:
        """An error at a node, or about the whole file."""
        line, column = (node.line, node.column) if node else (0, 0)
        return GiterminismError(
            f"{_FAILED}: {what}", place=Place(path=self.path, line=line, column=column)
        )

    def check_version(self, root: Node) -> None:
        """Refuse anything but 1 and "1"."""
        node = self.child(root, "giterminismConfigVersion")
        if node is None:
            raise self.missing_version()
        value = self.decoder.any(node)
        if value in (1, "1") and not isinstance(value, bool):
            return
        kind = self.type_of(node)
        first = (
            '"giterminismConfigVersion" must validate one and only one schema (oneOf). Found none'
            " valid"
        )
        lines = [first]
        if kind not in ("number", "string"):
            lines.append(f'giterminismConfigVersion in body must be of type number: "{kind}"')
        lines.append("giterminismConfigVersion in body should be one of [1]")
        raise self.error("\n".join(lines), node)

    def missing_version(self) -> GiterminismError:
        """The version is not there."""
        return self.error(".giterminismConfigVersion in body is required", None)

    def child(self, node: Node, key: str) -> Node | None:
        """The value of a key of a mapping."""
        return self.decoder.fields(node, (key,)).get(key)

    def look_up(self, root: Node, path: str) -> Node | None:
        """The value at a dotted path; None when a key on the way is absent."""
        *sections, last = path.split(".")
        node = root
        for depth, section in enumerate(sections, 1):
            child = self.child(node, section)
            if child is None:
                return None
            if not isinstance(target(child), MappingNode):
                raise self.wrong_type(child, ".".join(sections[:depth]), "object")
            node = child
        return self.child(node, last)

    def flag(self, node: Node, path: str) -> bool:
        """A boolean."""
        value = self.decoder.any(node)
        if not isinstance(value, bool):
            raise self.wrong_type(node, path, "boolean")
        return value

    def texts(self, node: Node, path: str) -> Sequence[str]:
        """A list of strings."""
        real = target(node)
        if not isinstance(real, SequenceNode):
            raise self.wrong_type(node, path, "array")
        for item in real.children:
            if not isinstance(self.decoder.any(item), str):
                raise self.wrong_type(item, path, "string")
        return tuple(str(self.decoder.any(item)) for item in real.children)

    def wrong_type(
        self, node: Node, path: str, wanted: Literal["object", "boolean", "array", "string"]
    ) -> GiterminismError:
        """A value of another JSON type than wanted."""
        return self.error(f'{path} in body must be of type {wanted}: "{self.type_of(node)}"', node)

    def type_of(self, node: Node) -> str:
        """The JSON type of a node."""
        real = target(node)
        if not isinstance(real, ScalarNode):
            return "object" if isinstance(real, MappingNode) else "array"
        match self.decoder.any(real):
            case None:
                return "null"
            case bool():
                return "boolean"
            case int() | float():
                return "number"
            case _:
                return "string"
