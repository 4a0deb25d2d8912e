"""Tags that werf keeps in the stages repository beside the stages (sections 6.2 and 6.5).

``werf cleanup`` lists the repository and takes tags for stages or records by their shape alone:
``is_stage_tag`` and ``is_service_tag`` say what it would do with a tag.
"""

import re
from typing import Final

from exporter.naming.murmur import murmur
from exporter.naming.slug import TAG_LENGTH, is_docker_tag, limited_slug

MANAGED_IMAGE: Final = "managed-image-"
METADATA: Final = "meta-"
CUSTOM_TAG: Final = "custom-tag-meta-"
IMPORT_METADATA: Final = "import-metadata-"
CLIENT_ID: Final = "client-id-"
SYNC_SERVER: Final = "sync-server"
CLEANUP: Final = "cleanup"
REJECTED: Final = "-rejected"

_PREFIXES: Final = (
    MANAGED_IMAGE,
    METADATA,
    CUSTOM_TAG,
    IMPORT_METADATA,
    CLIENT_ID,
    SYNC_SERVER,
    CLEANUP,
)
_NAMELESS: Final = "__nameless__"
_SPELLINGS: Final = ((" ", "__space__"), ("/", "__slash__"), ("+", "__plus__"))
_CUSTOM_TAG_LENGTH: Final = 48
_DIGEST_LENGTH: Final = 56
_STAGE_LENGTH: Final = 70
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def managed_image_tag(image: str) -> str:
    """Give the tag of the record that an image of this name is managed in the repository."""
    return MANAGED_IMAGE + _managed_id(image)


def managed_image_name(tag: str) -> str:
    """Give the image name that a managed-image tag stands for; a hashed one is not undone."""
    name = tag.removeprefix(MANAGED_IMAGE)
    for char, spelling in _SPELLINGS:
        name = name.replace(spelling, char)
    return "" if name == _NAMELESS else name


def metadata_id(image: str) -> str:
    """Give the hash under which metadata records know the image."""
    return murmur(managed_image_name(_managed_id(image)))


def metadata_tag(image: str, *, commit: str, stage_id: str) -> str:
    """Give the tag of the record that a commit built a stage (``digest-ms``) of an image."""
    return f"{METADATA}{metadata_id(image)}_{commit}_{stage_id}"


def custom_tag_metadata_tag(tag: str) -> str:
    """Give the tag of the record of a custom tag."""
    return CUSTOM_TAG + limited_slug(tag, _CUSTOM_TAG_LENGTH)


def import_metadata_tag(import_source_id: str) -> str:
    """Give the tag of the record of an import's source."""
    return IMPORT_METADATA + import_source_id


def is_stage_tag(tag: str) -> bool:
    """Whether cleanup takes the tag for a stage: ``digest-ms`` or a bare digest, by length only."""
    if tag.startswith((MANAGED_IMAGE, METADATA)) or tag.endswith(REJECTED):
        return False
    digest, dash, milliseconds = tag.partition("-")
    if not dash:
        return len(digest) == _DIGEST_LENGTH
    # werf looks at the length of the whole tag first: one of 56 characters with a dash in it is a
    # stage as well when a number follows.
    if len(tag) not in (_DIGEST_LENGTH, _STAGE_LENGTH) or not _INTEGER.fullmatch(milliseconds):
        return False
    return -(2**63) <= int(milliseconds) < 2**63


def is_service_tag(tag: str) -> bool:
    """Whether cleanup takes the tag for one of its records."""
    return tag.startswith(_PREFIXES) or tag.endswith(REJECTED)


def _managed_id(image: str) -> str:
    name = image or _NAMELESS
    for char, spelling in _SPELLINGS:
        name = name.replace(char, spelling)
    if is_docker_tag(name):
        return name
    return limited_slug(name, TAG_LENGTH - len(MANAGED_IMAGE))
