"""Reading configs in tests without a repository: everything is allowed, or one thing is not."""

from textwrap import dedent

import pytest

from exporter.errors import ConfigError, GiterminismError, Place
from exporter.project.models.config import Config, Image, ReadOptions, read_config
from exporter.project.models.dockerfile import DockerfileImage
from exporter.project.models.stapel import StapelImage

META = "configVersion: 1\nproject: demo\n---\n"
OPTIONS = ReadOptions(path="werf.yaml", default_project=lambda: "suggested")


class Allowing:
    """Giterminism that allows everything but ``refused``."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.asked: list[tuple[str, ...]] = []

    def check_from_latest(self, place: Place) -> None:
        self._check("from latest", place)

    def check_git_branch(self, place: Place) -> None:
        self._check("git branch", place)

    def check_build_dir_mount(self, place: Place) -> None:
        self._check("build dir mount", place)

    def check_from_path_mount(self, path: str, place: Place) -> None:
        self._check("from path mount", place, path)

    def check_context_add_file(self, path: str, place: Place) -> None:
        self._check("context add file", place, path)

    def check_secret_env(self, name: str, place: Place) -> None:
        self._check("secret env", place, name)

    def check_secret_file(self, path: str, place: Place) -> None:
        self._check("secret file", place, path)

    def check_secret_value(self, name: str, place: Place) -> None:
        self._check("secret value", place, name)

    def _check(self, what: str, place: Place, *details: str) -> None:
        self.asked.append((what, str(place), *details))
        if what == self.refused:
            raise GiterminismError(what, place=place)


def config(text: str, rules: Allowing | None = None) -> Config:
    """The config of a text that may be indented."""
    return read_config(dedent(text), rules or Allowing(), options=OPTIONS)


def image(text: str, rules: Allowing | None = None) -> Image:
    """The last image of a config; the project's document is put in front."""
    return config(META + dedent(text), rules).images[-1]


def dockerfile(text: str, rules: Allowing | None = None) -> DockerfileImage:
    """The last image, built by a Dockerfile."""
    found = image(text, rules)
    assert isinstance(found, DockerfileImage)
    return found


def stapel(text: str, rules: Allowing | None = None) -> StapelImage:
    """The last image, built in stages."""
    found = image(text, rules)
    assert isinstance(found, StapelImage)
    return found


def refusal(text: str) -> str:
    """The first line of the error that a config gives; the project's document is put in front."""
    with pytest.raises(ConfigError) as raised:
        config(META + dedent(text))
    return str(raised.value).partition("\n")[0]
