"""Hashes of build inputs: what decides whether a stage that exists can be used.

Two numbers identify a stage.
The *digest* is werf's, bit for bit, so that stages are exchanged with werf.
The *variant* covers what werf's digest leaves out (names, modes, quotes, the network); it is kept
in a label, and a stage whose label differs is not used.
Source: spec/werf-behaviour.md, sections 5.1 and 5.2; docs/explanation/digests.md.
"""

import hashlib
from collections.abc import Mapping, Sequence

from exporter.oci.platform import Platform

VERSION = "1.2"
"""werf's salt of every stage digest."""

VARIANT_LABEL = "werf-exporter-variant"
"""Label of a stage that holds its variant; the prefix makes an export remove it."""

_SEPARATOR = ":::"
_UNNAMED_PLATFORM = Platform(os="linux", architecture="amd64")
_HASHED_NAMES = {
    "dependenciesBeforeInstall": "importsBeforeInstall",
    "dependenciesAfterInstall": "importsAfterInstall",
    "dependenciesBeforeSetup": "importsBeforeSetup",
    "dependenciesAfterSetup": "importsAfterSetup",
}


def h256(*parts: str) -> str:
    """SHA-256 of the parts joined by ``:::``, in hex; of the empty string for no parts."""
    return hashlib.sha256(_joined(parts)).hexdigest()


def h224(*parts: str) -> str:
    """SHA3-224 of the parts joined by ``:::``, in hex (56 digits)."""
    return hashlib.sha3_224(_joined(parts)).hexdigest()


def stage_digest(
    stage: str,
    dependencies: str,
    *,
    platform: Platform | None,
    previous: tuple[str, str] | None = None,
) -> str:
    """The digest of a stage.

    Args:
        stage: Its name (``dockerfile``, ``install``, …).
        dependencies: What its inputs hash to (`h256`).
        platform: Enters unless it is none or ``linux/amd64``.
        previous: Digest of the previous stage that is not empty, and what that stage says about
            the next one (mostly "").
    """
    parts = [*_platform_part(platform), VERSION, _HASHED_NAMES.get(stage, stage), dependencies]
    return h224(*parts, *(previous or ()))


def content_digest(
    stage: str, digest: str, *, platform: Platform | None, next_stage_dependencies: str = ""
) -> str:
    """The content digest of a built stage, as its label ``werf-stage-content-digest`` holds it.

    Args:
        stage: Its name.
        digest: Its digest.
        platform: As in `stage_digest`.
        next_stage_dependencies: What the stage says about the next one.
    """
    # the older names of stages are for digests only
    parts = (VERSION, f"{stage}-content", "", digest, next_stage_dependencies)
    return h224(*_platform_part(platform), *parts)


def index_digest(stage_ids: Mapping[Platform, str] | Sequence[tuple[Platform, str]]) -> str:
    """The digest, and tag, of an image of several platforms.

    Args:
        stage_ids: Per platform the ID ``<digest>-<ms>`` of its last stage, in any order.
    """
    pairs = stage_ids.items() if isinstance(stage_ids, Mapping) else stage_ids
    return h224(*(stage_id for _, stage_id in sorted(pairs, key=lambda pair: str(pair[0]))))


def is_variant(labels: Mapping[str, str], variant: str) -> bool:
    """Whether a stage with these labels was built from the inputs that the variant describes.

    A stage without the label comes from werf: it is used as werf would use it.
    """
    return labels.get(VARIANT_LABEL, variant) == variant


def _platform_part(platform: Platform | None) -> list[str]:
    return [] if platform is None or platform == _UNNAMED_PLATFORM else [str(platform)]


def _joined(parts: Sequence[str]) -> bytes:
    return _SEPARATOR.join(parts).encode("utf-8", "surrogateescape")
