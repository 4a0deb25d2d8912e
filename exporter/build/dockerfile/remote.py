"""What the remote sources of ``ADD`` hold now, so that a change of them rebuilds.

A file is identified by its content, a large one by a strong ETag when the server gives one; a git
reference by the commits that it names.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from exporter.errors import BuildError, GitError
from exporter.git.command import Git
from exporter.registry.settings import Settings
from exporter.registry.wire import Wire

_LARGE_BYTES = 16 << 20
_CHUNK = 1 << 20
_FIRST_BYTE_S = 60.0
_MOST_REDIRECTS = 10
_OK = 200
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


class Answer(Protocol):
    """An HTTP answer whose body is still to be read."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by any case of their names."""
        ...

    def stream(self, amt: int) -> Iterator[bytes]:
        """The body in pieces."""
        ...

    def close(self) -> None:
        """Give the connection up."""
        ...


Get = Callable[[str, Mapping[str, str], float], Answer]
"""Sends a GET to a URL with headers; waits so many seconds for the answer to begin."""


class RemoteContent:
    """Identifies remote sources, each once per run; safe for threads.

    ``get`` raises what it likes when a server cannot be reached.
    """

    @classmethod
    def of(cls, env: Mapping[str, str], *, directory: Path) -> "RemoteContent":
        """As the environment says: its proxies and authorities, and its git credentials.

        Args:
            env: The user's environment.
            directory: Where git runs; its configuration applies.
        """
        return cls(get=_getter(env), git=Git.of(directory, env=env))

    def __init__(self, *, get: Get, git: Git) -> None:
        self._get = get
        self._git = git
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}

    def identify(self, url: str) -> str:
        """A text that changes with the content behind a URL or git reference.

        Raises:
            BuildError: It cannot be reached.
        """
        with self._lock:
            if url not in self._known:
                self._known[url] = self._commits(url) if _is_git(url) else self._content(url)
            return self._known[url]

    def _content(self, url: str) -> str:
        try:
            answer = self._follow(url)
            try:
                if answer.status != _OK:
                    raise _unreachable(url, f"the server answered {answer.status}")
                return _identity(answer)
            finally:
                answer.close()
        except BuildError:
            raise
        except Exception as error:  # an HTTP library's errors have no common base
            raise _unreachable(url, str(error)) from error

    def _follow(self, url: str) -> Answer:
        # the bytes as BuildKit stores them: no compression on the way
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        for _ in range(_MOST_REDIRECTS):
            answer = self._get(url, headers, _FIRST_BYTE_S)
            goal = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not goal:
                return answer
            answer.close()
            url = urljoin(url, goal)
        raise _unreachable(url, "too many redirects")

    def _commits(self, url: str) -> str:
        remote, _, fragment = url.partition("#")
        ref, _, directory = fragment.partition(":")
        if _COMMIT.match(ref):
            return f"{ref} {directory}"
        try:
            found = self._git.run(
                "ls-remote", "--", remote, ref or "HEAD", doing=f"ask {_shown(remote)}"
            )
        except GitError as error:
            raise _unreachable(url, error.what) from error
        if not found:
            raise _unreachable(url, f"it has no reference {ref!r}")
        return hashlib.sha256(found + directory.encode()).hexdigest()


def _getter(env: Mapping[str, str]) -> Get:
    wires: list[Wire] = []

    def get(url: str, headers: Mapping[str, str], wait_s: float) -> Answer:
        if not wires:  # importing an HTTP library costs 50 ms
            wires.append(Wire(Settings(env=env)))
        return wires[0].send("GET", url, headers, first_byte_s=wait_s)

    return get


def _identity(answer: Answer) -> str:
    etag = answer.headers.get("ETag", "")
    length = answer.headers.get("Content-Length", "")
    if etag.startswith('"') and length.isdecimal() and int(length) > _LARGE_BYTES:
        return f"etag {etag} {length}"
    digest = hashlib.sha256()
    size = 0
    for piece in answer.stream(_CHUNK):
        digest.update(piece)
        size += len(piece)
    if length.isdecimal() and size != int(length):
        raise OSError(f"the connection ended after {size} of {length} bytes")
    return digest.hexdigest()


def _is_git(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        return parts.path.endswith(".git")
    return True


def _shown(url: str) -> str:
    """The URL without a user's name and password, and without its query."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _unreachable(url: str, why: str) -> BuildError:
    return BuildError(
        f"cannot tell what ADD {_shown(url)} holds: {why}",
        remedy="Make it reachable, or pin it with --checksum=sha256:… so that it is not asked",
    )
