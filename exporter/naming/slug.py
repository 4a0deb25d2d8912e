"""Slugs: what werf makes of a name that has to fit into a tag (section 4.3 and 4.4).

The functions give werf's results character by character, odd ones included (``ß`` is ``b``): tags
made by werf and by the exporter must be the same.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from exporter.naming.letters import BLOCKS, DASHES, DROPPED, SPELLED
from exporter.naming.murmur import murmur

TAG_LENGTH: Final = 128
PROJECT_LENGTH: Final = 50
NAMESPACE_LENGTH: Final = 63
RELEASE_LENGTH: Final = 53

_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PROJECT: Final = re.compile(r"[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9]")
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_NAME: Final = re.compile(rf"{_DNS_LABEL.pattern}(\.{_DNS_LABEL.pattern})*")

_WORD: Final = re.compile(r"[a-z0-9]+")


def slugify(text: str) -> str:
    """Give lower-case ASCII letters and digits, single dashes between them; may be empty."""
    spelled = "".join(map(_spell, text))
    return re.sub("-+", "-", spelled).strip("-")


@lru_cache(maxsize=1024)
def _spell(char: str) -> str:
    if char in DASHES:
        return "-"
    if char.isascii():
        return char.lower() if char.isalnum() else ""
    if char in SPELLED:
        return SPELLED[char]
    if char in DROPPED or not any(first <= ord(char) <= last for first, last in BLOCKS):
        return ""
    decomposed = unicodedata.normalize("NFKD", char)
    plain = "".join(part for part in decomposed if not unicodedata.combining(part)).lower()
    return plain if _WORD.fullmatch(plain) else ""


def docker_tag(name: str) -> str:
    """Give the name itself when it is a tag (or empty), else its slug with a hash."""
    return name if is_docker_tag(name) else _hashed(name, TAG_LENGTH)


def is_docker_tag(name: str) -> bool:
    """Whether werf uses the name as a tag unchanged; the empty one counts."""
    return not name or (len(name) <= TAG_LENGTH and bool(_TAG.fullmatch(name)))


def limited_slug(text: str, limit: int) -> str:
    """Give the text itself when it is a slug of at most ``limit`` bytes, else a hashed slug."""
    if not text or (_size(text) <= limit and _is_slug(text)):
        return text
    return _hashed(text, limit)


def _is_slug(text: str) -> bool:
    # A slug that was cut at a dash has two dashes before its hash, and must stay as it is.
    if text.count("--") == 1:
        text = text.replace("--", "-")
    return slugify(text) == text


def project_slug(name: str) -> str:
    """Give a project name: the slug cut to 50 bytes, without hash, when ``name`` is none."""
    return name if is_project_name(name) else slugify(name)[:PROJECT_LENGTH]


def is_project_name(name: str) -> bool:
    """Whether werf takes the name for a project; the empty one counts."""
    return not name or (len(name) <= PROJECT_LENGTH and bool(_PROJECT.fullmatch(name)))


def kubernetes_namespace(name: str) -> str:
    """Give the name itself when it is a DNS label (or empty), else its slug with a hash."""
    fits = len(name) <= NAMESPACE_LENGTH and _DNS_LABEL.fullmatch(name)
    return name if not name or fits else _hashed(name, NAMESPACE_LENGTH)


def helm_release(name: str) -> str:
    """Give the name itself when it is a DNS name of 53 bytes (or empty), else its hashed slug."""
    fits = len(name) <= RELEASE_LENGTH and _DNS_NAME.fullmatch(name)
    return name if not name or fits else _hashed(name, RELEASE_LENGTH)


def _hashed(text: str, limit: int) -> str:
    digest = murmur(text)
    slug = slugify(text)[: limit - len(digest) - 1]
    return f"{slug}-{digest}" if slug else digest


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
