"""What is asked for: an image of the configuration, and the files that its build sees."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from posixpath import normpath
from typing import Protocol

from exporter.build.dockerfile.added import AddedFile
from exporter.build.dockerfile.dockerignore import Dockerignore
from exporter.build.dockerfile.parse import Dockerfile
from exporter.git.path_match import PathMatcher, path_matcher
from exporter.git.trees import CommitTree
from exporter.oci.platform import Platform
from exporter.value import dataclass


class RemoteSources(Protocol):
    """Tells what a remote source of ``ADD`` holds now."""

    def identify(self, url: str) -> str:
        """A text that changes with the content behind a URL or git reference.

        Raises:
            BuildError: It cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """The files that a build sees.

    Attributes:
        tree: The commit.
        directory: The context in the repository.
        dockerfile: Path of the Dockerfile in the context.
        ignore: What ``.dockerignore`` leaves out; the Dockerfile itself never is.
        added: Files of the work tree, in listed order.
        listed: What ``contextAddFiles`` says, as it is written.
    """

    tree: CommitTree
    directory: str = ""
    dockerfile: str = "Dockerfile"
    ignore: Dockerignore = field(default_factory=Dockerignore)
    added: Sequence[AddedFile] = ()
    listed: Sequence[str] = ()

    def directory_mode(self, path: str, *, is_committed: bool) -> int:
        """The mode of a directory: a checkout by werf and an archive without it give two modes.

        werf leaves the entry of a directory that is listed out of its archive.
        """
        return 0o775 if is_committed and path not in self.listed else 0o755

    def inside(self, path: str) -> str:
        """A path of the repository as one of the context."""
        return path[len(self.directory) :].lstrip("/")

    def matcher(self, globs: Sequence[str] = ()) -> PathMatcher:
        """Selects, in the repository, the files of the context that some glob takes, or all."""
        also = [self.ignore] if self.ignore.patterns else []
        return path_matcher(base=self.directory, include=globs, also=also)

    def uncommitted_matcher(self, globs: Sequence[str]) -> PathMatcher:
        """As `matcher`, without what comes from the work tree anyway."""
        also = [self.ignore] if self.ignore.patterns else []
        exclude = [file.path for file in self.added]
        return path_matcher(base=self.directory, include=globs, exclude=exclude, also=also)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """What the configuration wants of one image on one platform.

    ``arguments`` are build arguments as text. ``dependency_arguments`` come from other images and
    win. ``build_platform`` is that of the machine we run on.
    """

    dockerfile: Dockerfile
    platform: Platform
    build_platform: Platform
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    dependency_arguments: Mapping[str, str] = field(default_factory=dict)
    add_hosts: Sequence[str] = ()
    network: str = ""
    cache_version: str = ""


def normalise_source(source: str) -> str:
    """A source of ``ADD`` or ``COPY`` as a glob relative to the context."""
    cleaned = normpath(source) if source else "."
    cleaned = cleaned.replace("//", "/", 1) if cleaned.startswith("//") else cleaned
    return "." if cleaned == "/" else cleaned.removeprefix("/")


def literal_source(path: str) -> str:
    """The path as a glob that matches nothing else."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", path)
