"""What a remote source of ``ADD`` holds now, so that a change behind it rebuilds the image.

werf does not look (specification 15, item 25); BuildKit does, when it builds.
"""

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path

from exporter import process
from exporter.errors import BuildError

_TIMEOUT_S = 30
_OK = 200
_CHUNK_BYTES = 1 << 20
_REMEDY = "Check the address; an ADD with --checksum is not asked for."


class RemoteContents:
    """Identifies remote sources; every source is asked once per run. Thread-safe."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Take the environment in which ``git`` runs."""
        self._env = env
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}

    def identify(self, url: str) -> str:
        """A text that changes with the content behind a URL or a git reference.

        For HTTP a strong ETag, else the SHA-256 of the content; for git the commit.

        Raises:
            BuildError: It cannot be reached.
        """
        with self._lock:
            if url not in self._known:
                self._known[url] = _of_git(url, self._env) if _is_git(url) else _of_http(url)
            return self._known[url]


def _is_git(url: str) -> bool:
    address = url.partition("#")[0]
    return address.startswith(("git://", "ssh://", "git@")) or address.endswith(".git")


def _of_git(url: str, env: Mapping[str, str]) -> str:
    address, _, fragment = url.partition("#")
    reference = fragment.partition(":")[0] or "HEAD"
    done = process.run(
        ["git", "ls-remote", "--", address, reference],
        env={**env, "GIT_TERMINAL_PROMPT": "0"},
        cwd=Path("/"),
        timeout_s=_TIMEOUT_S,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise BuildError(f"ADD {address}: {reason}", remedy=_REMEDY)
    found = done.stdout.decode("utf-8", "replace").split()
    return found[0] if found else reference  # a commit is not listed, and does not change


def _of_http(url: str) -> str:
    import urllib3  # noqa: PLC0415 - only Dockerfiles with remote sources need it

    pool = urllib3.PoolManager(
        timeout=_TIMEOUT_S, retries=urllib3.Retry(3, redirect=5, backoff_factor=0.5)
    )
    try:
        answer = pool.request("GET", url, preload_content=False)
        try:
            if answer.status != _OK:
                raise BuildError(f"ADD {url}: the server answers {answer.status}", remedy=_REMEDY)
            tag = answer.headers.get("ETag", "")
            if tag and not tag.startswith("W/"):
                return tag
            digest = hashlib.sha256()
            for chunk in answer.stream(_CHUNK_BYTES, decode_content=False):
                digest.update(chunk)
            return digest.hexdigest()
        finally:
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise BuildError(f"ADD {url} cannot be reached", remedy=_REMEDY) from error
