"""References: names of repositories and of what is in them.

The rules are those of go-containerregistry 0.19.1 with weak validation, which werf's ``--tag``
goes through, so that a name means the same here and there (``pkg/name``).
"""

import ipaddress
import re
from typing import Self

from exporter.errors import InputError
from exporter.oci.digest import Digest
from exporter.value import dataclass

DOCKER_HUB = "index.docker.io"

# RFC 3986 reg-name as Go's net/url takes it in a host, user information and percent escapes aside.
# What it does not take is listed, for a class that holds most of Unicode takes 2 ms to compile.
_HOST = re.compile(r"[^\x00-\x20#%/?@\\^`{|}\x7f]*")
_BRACKETED = re.compile(r"\[.*\](:[0-9]*)?")
_PATH = re.compile(r"[a-z0-9_\-./]{2,255}")
_TAG = re.compile(r"[A-Za-z0-9_\-.]{1,128}")
# What registries really take: the grammar of the distribution specification.
_WORD = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_STRICT_PATH = re.compile(f"{_WORD}(?:/{_WORD})*")
_STRICT_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")
_STRICT_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(:[0-9]+)?"
)
_LOCAL_NAME = re.compile(r".*\.local(?:host)?(?::[0-9]{1,5})?", re.DOTALL)
_PRIVATE_NETWORKS = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Repository:
    """A registry (``host[:port]``) and a name in it; without registry it is inside the engine."""

    registry: str
    name: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.name}" if self.registry else self.name

    @property
    def plain_http(self) -> bool:
        """Whether the registry's address alone says that it may speak plain HTTP.

        Loopback, ``localhost:PORT``, ``*.local`` and private IPv4 addresses, as in
        specification section 10.
        """
        host = self.registry
        if host.startswith("localhost:") or "127.0.0.1" in host or "::1" in host:
            return True
        if _LOCAL_NAME.fullmatch(host):
            return True
        try:
            address = ipaddress.IPv4Address(host.partition(":")[0])
        except ValueError:
            return False
        return any(address in network for network in _PRIVATE_NETWORKS)

    def tag(self, tag: str) -> "Reference":
        """The reference to a tag of this repository; InputError when it is no tag."""
        if not _TAG.fullmatch(tag):
            raise InputError(f"not a tag: {tag[:200]!r}")
        return Reference(repository=self, tag=tag)

    def at(self, digest: Digest) -> "Reference":
        """The reference to a digest in this repository."""
        return Reference(repository=self, digest=digest)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reference:
    """One thing in a repository: by tag, by digest, or by both (then the digest decides)."""

    repository: Repository
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reference that ``text`` spells; without tag and digest it means ``latest``.

        Weak validation as in werf: ``a//b`` and ``https://…`` pass here and fail in
        ``check_strict``.

        Raises:
            InputError: The text is not a reference.
        """
        base, at, digest = text.partition("@")
        try:
            repository, tag = _parse_tagged(base)
            if at:
                return cls(repository=repository, tag=tag or None, digest=_sha256(digest))
            return cls(repository=repository, tag=tag or "latest")
        except ValueError as error:
            raise InputError(f"could not parse reference: {text}") from error

    @property
    def identifier(self) -> str:
        """What is asked of the registry: the digest, else the tag."""
        return self.digest or self.tag or "latest"

    @property
    def by_digest(self) -> "Reference":
        """The same without its tag; a reference without digest stays as it is."""
        if self.digest is None:
            return self
        return Reference(repository=self.repository, digest=self.digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    def check_strict(self) -> None:
        """Refuse what the weak rules let through and no registry accepts.

        Raises:
            InputError: Registry, repository or tag are outside the distribution grammar.
        """
        _check_strict_repository(self.repository)
        if self.tag is not None and not _STRICT_TAG.fullmatch(self.tag):
            raise InputError(
                f"no registry accepts the tag of {self}",
                remedy="A tag starts with a letter, a digit or '_'; '.' and '-' may follow",
            )


def parse_repository(text: str) -> Repository:
    """The repository that ``text`` spells, strictly: ``[registry/]name`` without tag and digest.

    Raises:
        InputError: The text is not a repository that registries accept.
    """
    if "@" in text or _split_tag(text)[1] or text.endswith(":"):
        raise InputError(
            f"not a repository: {text}", remedy="Leave out the tag and the digest behind the name"
        )
    try:
        repository = _parse_repository(text)
    except ValueError as error:
        remedy = "Names are lower case" if text != text.lower() else "As in ghcr.io/owner/app"
        raise InputError(f"not a repository: {text}", remedy=remedy) from error
    _check_strict_repository(repository)
    return repository


def _check_strict_repository(repository: Repository) -> None:
    if not _STRICT_HOST.fullmatch(repository.registry):
        raise InputError(
            f"not the address of a registry: {repository.registry!r} in {repository}",
            remedy="Write host[:port]/name, without https://",
        )
    if not _STRICT_PATH.fullmatch(repository.name):
        raise InputError(
            f"no registry accepts the repository name {repository.name!r}",
            remedy="Parts between '/' are lower-case letters and digits, with single separators",
        )


def _sha256(text: str) -> Digest:
    digest = Digest.parse(text)
    if digest.algorithm != "sha256":
        raise ValueError(f"a reference takes a sha256 digest only: {text!r}")
    return digest


def _split_tag(text: str) -> tuple[str, str]:
    base, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        return text, ""
    return base, tag


def _parse_tagged(text: str) -> tuple[Repository, str]:
    base, tag = _split_tag(text)
    if tag and not _TAG.fullmatch(tag):
        raise ValueError(f"not a tag: {tag!r}")
    return _parse_repository(base), tag


def _parse_repository(text: str) -> Repository:
    first, slash, rest = text.partition("/")
    registry, name = "", text
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, name = first, rest
    if not _PATH.fullmatch(name):
        raise ValueError(f"not a repository name: {name!r}")
    if not _is_host(registry):
        raise ValueError(f"not a registry: {registry!r}")
    if registry in ("", "docker.io"):
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in name:
        name = f"library/{name}"
    return Repository(registry=registry, name=name)


def _is_host(text: str) -> bool:
    if not _HOST.fullmatch(text):
        return False
    if text.startswith("["):
        return bool(_BRACKETED.fullmatch(text))
    _, colon, port = text.rpartition(":")
    return not colon or port == "" or (port.isascii() and port.isdigit())
