"""What all builds of one run share."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from exporter.build.images import Needed
from exporter.build.publisher import Publisher
from exporter.build.stages import StageId
from exporter.build.storage import Storages
from exporter.git.repository import Repository as GitRepository
from exporter.locks import locked
from exporter.oci.platform import Platform
from exporter.project.giterminism import Giterminism
from exporter.project.models.config import Config
from exporter.value import dataclass

if TYPE_CHECKING:  # loaded only when something is built, or without --repo
    from exporter.build.buildkit import BuildKit
    from exporter.build.local import LocalPublisher
    from exporter.project.models.dependencies import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The project, the repositories, and the tools of a run.

    ``project_directory`` is relative to the git work tree. ``now_ms`` gives the moment that new
    stage tags carry. ``env`` is the user's environment, for secrets that come from it.
    ``permit`` is called before anything is built from Dockerfiles: it waits for the checks of the
    run and raises what they found. ``ssh_keys`` are the files of ``--ssh-key``.
    ``home`` is for what is kept between runs.
    """

    config: Config
    git: GitRepository
    project_directory: str
    giterminism: Giterminism
    storages: Storages
    publisher: "Publisher | LocalPublisher"
    open_buildkit: "Callable[[], BuildKit]"
    permit: Callable[[], None]
    build_platform: Platform
    now_ms: Callable[[], int]
    env: Mapping[str, str] = field(repr=False)
    network: str = ""
    skip_image_spec: bool = False
    ssh_keys: tuple[str, ...] = ()
    home: Path = Path(".exporter")
    _lock: Lock = field(default_factory=Lock, repr=False)
    _claims: dict[str, Lock] = field(default_factory=dict, repr=False)

    @property
    def buildkit(self) -> "BuildKit":
        """The door to builds, opened when the first one is made."""
        return self.open_buildkit()

    @property
    def is_local(self) -> bool:
        """Whether the engine keeps the stages, for want of a repository."""
        return not self.storages.primary.repository.registry

    @property
    def commit(self) -> str:
        """The commit that is built: HEAD, or with ``--dev`` the one made of the work tree."""
        return self.git.head.object_id

    @contextmanager
    def claim(self, digest: str, say: Callable[[str], None]) -> Iterator[None]:
        """While one builds a stage, others that want the same digest wait for it.

        That holds for the threads of this run and for other runs with the same home.
        """
        storage = self.storages.primary
        with self._lock:
            mine = self._claims.setdefault(digest, Lock())
        name = hashlib.sha256(f"{storage.repository}:{digest}".encode()).hexdigest()[:32]

        def tell() -> None:
            say("Another run builds the same stage; waiting for it")

        with mine, locked(self.home / "locks" / name, on_wait=tell) as has_waited:
            if has_waited:
                storage.refresh()
            yield

    def new_id(self, digest: str) -> StageId:
        """The identity of a stage that is built now."""
        return StageId(digest=digest, created_ms=self.now_ms())


def ssh_of(asked: str, session: Session) -> tuple[str, ...]:
    """The values of buildx's ``--ssh``: as the image asks, with the keys of ``--ssh-key``.

    Without keys an agent of the environment serves, when there is one.
    """
    if asked not in ("", "default"):
        return (asked,)
    if session.ssh_keys:
        return (f"default={','.join(session.ssh_keys)}",)
    return ("default",) if asked or session.env.get("SSH_AUTH_SOCK") else ()


def dependency_labels(needed: Mapping[str, Needed]) -> dict[str, str]:
    """The labels that keep the needed stages from cleanup (specification 6.1)."""
    ids = sorted(str(other.plan.last.id) for other in needed.values())
    return {
        f"werf-dependency-stage-id-{hashlib.sha256(stage.encode()).hexdigest()}": stage
        for stage in ids
    }


def fact_of(needed: Needed, fact: "Fact") -> str | None:
    """What an import of type ``ImageName``, ``ImageTag``, … is; None until the image is built."""
    match fact:
        case "ImageName":
            return needed.name
        case "ImageTag":
            return str(needed.plan.last.id)
        case "ImageRepo":
            return str(needed.repository)
        case "ImageID":
            return str(needed.image.manifest.config.digest) if needed.image else None
        case "ImageDigest":
            return str(needed.image.manifest.digest) if needed.image else None
