"""What a stage is: its identity in the repository, and its state there.

A stage is an image that werf calls by the digest of its inputs; it lives under the tag
``<digest>-<milliseconds>`` (specification sections 5.2 and 6.1).
"""

import re
from collections.abc import Mapping
from dataclasses import field, replace

from exporter.oci.config import ImageConfig
from exporter.oci.manifest import Manifest
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference, Repository
from exporter.value import dataclass

LABEL_PROJECT = "werf"
LABEL_VERSION = "werf-version"
LABEL_CONTENT_DIGEST = "werf-stage-content-digest"
LABEL_COMMIT = "werf-project-repo-commit"
LABEL_PARENT = "werf.io/parent-stage-id"
LABEL_BASE = "werf.io/base-image-id"

COMPATIBLE_VERSION = "2.77.1"
"""The version of werf whose behaviour is reproduced; the value of the version label."""

_TAG = re.compile(r"([0-9a-f]{56})-([0-9]{13})")
_INDEX_TAG = re.compile(r"[0-9a-f]{56}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StageId:
    """The digest of the inputs and the moment of the build in milliseconds since the epoch.

    ``created_ms`` is 0 for the index of an image with several platforms, whose tag has no moment.
    """

    digest: str
    created_ms: int

    def __str__(self) -> str:
        return f"{self.digest}-{self.created_ms}" if self.created_ms else self.digest

    def not_before(self, parent: "StageId | None") -> "StageId":
        """The same digest, not older than the parent: such a stage would never be used again."""
        if parent is None or parent.created_ms <= self.created_ms:
            return self
        return replace(self, created_ms=parent.created_ms)

    @classmethod
    def parse(cls, tag: str) -> "StageId | None":
        """The stage that a tag names, or None when it names none."""
        if found := _TAG.fullmatch(tag):
            return cls(digest=found[1], created_ms=int(found[2]))
        if _INDEX_TAG.fullmatch(tag):
            return cls(digest=tag, created_ms=0)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of one image on one platform, whether it exists or not.

    ``next_dependencies`` is what the next stage's digest takes from this one besides the digest
    (specification 11.1). ``labels`` are werf's labels for the stage's image config.
    """

    name: str
    digest: str
    content_digest: str
    platform: Platform
    next_dependencies: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageImage:
    """A stage that is in a repository."""

    id: StageId
    repository: Repository
    manifest: Manifest
    config: ImageConfig

    @property
    def reference(self) -> Reference:
        """Where the stage is, by tag."""
        return self.repository.tag(str(self.id))

    @property
    def pinned(self) -> str:
        """What a build refers to the stage by.

        By digest: by its tag the engine may take an image of its own, which it pushed before the
        stage was written. What is in the engine has no other name than its tag.
        """
        if self.repository.registry:
            return str(self.repository.at(self.manifest.digest))
        return str(self.reference)

    @property
    def size(self) -> int:
        """Bytes of the config and the compressed layers."""
        return self.manifest.config.size + sum(layer.size for layer in self.manifest.layers)


def service_labels(
    *, project: str, commit: str, content_digest: str, parent: StageId | None = None
) -> dict[str, str]:
    """The labels that werf puts on every stage (specification 6.1)."""
    labels = {
        LABEL_PROJECT: project,
        LABEL_VERSION: COMPATIBLE_VERSION,
        LABEL_CONTENT_DIGEST: content_digest,
        LABEL_COMMIT: commit,
    }
    if parent is not None:
        labels[LABEL_PARENT] = str(parent)
    return labels
