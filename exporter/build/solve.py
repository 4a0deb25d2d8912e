"""A solve: one image to build, and what came of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exporter.build.progress import Step
from exporter.build.secret import BuildSecret
from exporter.buildkit import Tree
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference

NO_IGNORE = b"# what is ignored is not in the context\n"
"""An ignore file beside a Dockerfile, so that BuildKit looks for none in the context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What BuildKit takes the files of a build from.

    The Dockerfile is in a directory of its own; it is asked for first.
    BuildKit recognises what it has of the context by the ``key``.
    """

    context: Tree
    dockerfile: Tree
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Solve:
    """One image to build.

    ``name`` is for people. ``dockerfile`` is the path inside the context.
    ``reference`` is what the image is going to be called.
    ``files`` are for BuildKit itself. For a program ``open_context`` gives the context as a tar
    stream, anew for each attempt; with a ``directory`` it is there, and ``dockerfile`` is a path
    on this machine.
    ``contexts`` are BuildKit's named contexts.
    ``variants`` of the platform are built beside it, each an image of its own.
    ``display_file`` replaces the Dockerfile's name in errors.
    """

    name: str
    reference: Reference
    platform: Platform
    open_context: Callable[[], Iterator[bytes]] = field(repr=False)
    dockerfile: str = "Dockerfile"
    directory: Path | None = None
    files: Files | None = None
    display_file: str = ""
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    add_hosts: Sequence[str] = ()
    ssh: Sequence[str] = ()
    secrets: Sequence[BuildSecret] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    variants: Sequence[str] = ()

    @property
    def platforms(self) -> str:
        """The platform and its variants, as BuildKit takes them."""
        return ",".join(
            (str(self.platform), *(f"{self.platform}/{each}" for each in self.variants))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What a solve made: where the image is, by digest or by tag, and the steps it went through."""

    reference: Reference
    seconds: float
    steps: tuple[Step, ...]
