"""What templates of werf.yaml may call besides sprig, and ``.Files`` (spec section 1.3)."""

import logging
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from exporter.errors import ConfigError
from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.function import Function, FunctionError, registrar
from exporter.gotemplate.quoting import quote
from exporter.gotemplate.sprint import sprint_value
from exporter.gotemplate.values import GoObject, Value, from_bytes, to_bytes
from exporter.project.template_source import Permissions, TemplateFiles
from exporter.project.yaml_nodes import YamlError

if TYPE_CHECKING:
    from exporter.gotemplate.sprig import Runtime

logger = logging.getLogger(__name__)


class Templates(Protocol):
    """The set of templates that a function runs in."""

    def parse(self, name: str, text: str) -> None:
        """Add a template."""

    def execute(self, name: str, data: Value) -> str:
        """The text that a template gives."""


_FILES_METHODS: dict[str, Function] = {}
_method = registrar(_FILES_METHODS)


class Files(GoObject):
    """``.Files``: the project's files as giterminism gives them."""

    __slots__ = ("source",)
    go_type: ClassVar[str] = "config.files"
    go_methods: ClassVar[Mapping[str, Function]] = _FILES_METHODS

    def __init__(self, source: TemplateFiles) -> None:
        self.source = source

    @staticmethod
    @_method("func(string) string", "Get")
    def get(files: "Files", path: str) -> str:
        """Content of a file."""
        try:
            return from_bytes(files.source.read_template_file(path))
        except ConfigError as error:
            raise _refused(error, f"{{{{ .Files.Get {quote(path)} }}}}: ") from error

    @staticmethod
    @_method("func(string) map[string]interface {}", "Glob")
    def glob(files: "Files", pattern: str) -> dict[str, Value]:
        """Content of files by path."""
        try:
            found = files.source.glob_template_files(pattern)
        except ConfigError as error:
            raise _refused(error) from error
        return {file.path: from_bytes(file.content) for file in found}

    @staticmethod
    @_method("func(string) bool", "Exists")
    def exists(files: "Files", path: str) -> bool:
        """Whether a path is there and committed."""
        try:
            return files.source.template_file_exists(path)
        except ConfigError as error:
            raise _refused(error, f"{{{{ .Files.Exists {quote(path)} }}}}: ") from error

    @staticmethod
    @_method("func(string) bool", "IsDir")
    def is_dir(files: "Files", path: str) -> bool:
        """Whether a path is a directory and committed."""
        try:
            return files.source.template_file_is_dir(path)
        except ConfigError as error:
            raise _refused(error, f"{{{{ .Files.IsDir {quote(path)} }}}}: ") from error


def template_functions(  # noqa: C901 - a list of small functions
    templates: Callable[[], Templates],
    permissions: Permissions,
    *,
    runtime: "Runtime | None",
    env: Mapping[str, str],
    debug: Callable[[GoTemplateError, str, str, str], None],
) -> Mapping[str, Function]:
    """Sprig's functions and werf's own ones.

    Args:
        templates: Gives the set that ``include`` and ``tpl`` run in.
        permissions: Which variables ``env`` may read.
        runtime: Clock and randomness; None for the real ones.
        env: The process environment.
        debug: Told of an error that passes ``include`` or ``tpl``: the error, the function's name,
            the template's name and, for ``tpl``, its text.
    """
    from exporter.gotemplate import sprig  # noqa: PLC0415 - most configs are no templates
    from exporter.project.template_runtime import real_runtime  # noqa: PLC0415 - the same

    functions = dict(sprig.functions(runtime or real_runtime()))
    go = registrar(functions)

    def include(name: str, data: Value, function: str) -> str:
        try:
            return templates().execute(name, data)
        except GoTemplateError as error:
            debug(error, function, name, "")
            raise

    def tpl(text: str, data: Value, function: str) -> str:
        name = f"tpl-{zlib.adler32(to_bytes(text))}"
        try:
            templates().parse(name, text)
            return templates().execute(name, data)
        except GoTemplateError as error:
            debug(error, function, name, text)
            raise

    @go("func(string, interface {}) (string, error)", "include")
    def _include(name: str, data: Value) -> str:
        return include(name, data, "include")

    @go("func(string, interface {}) (string, error)", "include_debug")
    def _include_debug(name: str, data: Value) -> str:
        result = include(name, data, "include_debug")
        logger.debug("-- include_debug template %s result:\n%s\n", quote(name), result)
        return result

    @go("func(string, interface {}) (string, error)", "tpl")
    def _tpl(text: str, data: Value) -> str:
        return tpl(text, data, "tpl")

    @go("func(string, interface {}) (string, error)", "tpl_debug")
    def _tpl_debug(text: str, data: Value) -> str:
        result = tpl(text, data, "tpl_debug")
        logger.debug("-- tpl_debug content:\n%s\n-- result:\n%s\n", text, result)
        return result

    @go("func(string, ...interface {}) string", "printf_debug")
    def _printf_debug(text: str, *arguments: Value) -> str:
        logger.debug("-- printf_debug format %s: %s", quote(text), [*map(sprint_value, arguments)])
        return ""

    @go("func(interface {}) string", "dump_debug")
    def _dump_debug(value: Value) -> str:
        logger.debug("-- dump_debug result:\n%s\n", sprint_value(value))
        return ""

    @go("func(interface {}, ...string) (string, error)", "env")
    def _env(name: Value, *default: str) -> str:
        if len(default) > 1:
            raise FunctionError("more than 1 optional argument prohibited")
        variable = sprint_value(name)
        try:
            permissions.check_env(variable)
        except ConfigError as error:
            raise _refused(error) from error
        value = env.get(variable)
        if default and not value:
            return default[0]
        if value is None and not permissions.loose:
            raise FunctionError(
                f"the environment variable {quote(variable)} must be set or default must be"
                " provided"
            )
        return value or ""

    @go("func(string, interface {}) (interface {}, error)", "required")
    def _required(message: str, value: Value) -> Value:
        if value is None or (isinstance(value, str) and not value):
            raise FunctionError(message)
        return value

    @go("func(string) (map[string]interface {}, error)", "fromYaml")
    def _from_yaml(text: str) -> dict[str, Value]:
        from exporter.project.yaml_decode import Decoder  # noqa: PLC0415 - rarely used
        from exporter.project.yaml_nodes import compose  # noqa: PLC0415 - the same

        decoder = Decoder(strict=False)
        try:
            found = decoder.any_map(compose(text))
            decoder.finish()
        except YamlError as error:
            raise FunctionError(error.go_text) from error
        return found

    @go("func(interface {}) string", "toYaml")
    def _to_yaml(value: Value) -> str:
        from exporter.project.yaml_emit import YamlEmitError, to_yaml  # noqa: PLC0415 - rarely used

        try:
            return to_yaml(value).removesuffix("\n")
        except YamlEmitError as error:
            raise FunctionError(str(error)) from error

    return functions


def _refused(error: ConfigError, prefix: str = "") -> FunctionError:
    """The refusal as a template error's text: what happened, a blank line, what to do."""
    remedy = f"\n\n{error.remedy}." if error.remedy else ""
    return FunctionError(f"{prefix}{error.what}{remedy}")
