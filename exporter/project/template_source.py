"""Where a config and what its templates look at come from."""

from collections.abc import Sequence
from typing import Protocol

from exporter.project.project_files import ConfigFile


class Permissions(Protocol):
    """What giterminism says about environment variables."""

    @property
    def loose(self) -> bool:
        """Whether everything is allowed."""

    def check_env(self, name: str) -> None:
        """Refuse a variable."""


class TemplateFiles(Protocol):
    """The files that ``.Files`` shows."""

    def read_template_file(self, path: str) -> bytes:
        """Content of a file."""

    def glob_template_files(self, pattern: str) -> list[ConfigFile]:
        """Files that a glob selects."""

    def template_file_exists(self, path: str) -> bool:
        """Whether a path is there."""

    def template_file_is_dir(self, path: str) -> bool:
        """Whether a path is a directory."""


class Source(TemplateFiles, Permissions, Protocol):
    """Where a config comes from; ``Giterminism`` is one, a test may have its own."""

    def read_werf_config(self, path: str = "") -> ConfigFile:
        """The main file; the default one without a path."""

    def read_templates(self, directory: str = "") -> Sequence[ConfigFile]:
        """The template files, in the order in which they are parsed."""
