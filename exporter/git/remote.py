"""Remote repositories of git mappings: fetched into a cache directory, read like the user's own.

Address and credentials reach git through its environment, never through argv.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from exporter.errors import GitError
from exporter.git.command import Git, plain_words
from exporter.git.commits import Commit
from exporter.git.objects import MissingObjectError
from exporter.git.repository import Location, Repository
from exporter.locks import locked

_DEFAULT_HEAD = "refs/exporter/HEAD"
_HEAD_REFSPEC = f"+HEAD:{_DEFAULT_HEAD}"
_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_HELPER = (  # a shell function that git runs; the secrets stay in the environment
    '!f() { test "$1" = get || exit 0; printf "username=%s\\npassword=%s\\n" '
    '"$EXPORTER_GIT_USERNAME" "$EXPORTER_GIT_PASSWORD"; }; f'
)
_REFUSED = ("Authentication failed", "could not read Username", "could not read Password", "403")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A remote repository; credentials are for its own host only (``basicAuth``)."""

    url: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str, *, username: str = "", password: str = "") -> "Remote":
        """A remote; credentials that the address itself holds are taken out of it."""
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.username is not None:
            return cls(
                url=urlunsplit(parts._replace(netloc=_host(parts))),
                username=username or unquote(parts.username),
                password=password or unquote(parts.password or ""),
            )
        return cls(url=url, username=username, password=password)

    @property
    def name(self) -> str:
        """The last two parts of the address without ``.git``, as werf names the repository."""
        path = urlsplit(self.url).path if "://" in self.url else self.url.rpartition(":")[2]
        parts = [part for part in path.removesuffix("/").removesuffix(".git").split("/") if part]
        return "/".join(parts[-2:])


def open_remote(
    remote: Remote, *, cache: Path, env: Mapping[str, str], commits: Sequence[str] = ()
) -> Repository:
    """A remote repository with its current branches and tags, to be closed by the caller.

    Args:
        remote: What to fetch.
        cache: A directory of the exporter's own; each remote gets a bare repository in it.
        env: The process environment: the user's git configuration, SSH agent and proxies apply.
        commits: When all that is wanted are these commits, and they were fetched before, the
            remote is not contacted.

    Raises:
        GitError: The remote cannot be reached or refuses.
    """
    git_dir = cache / hashlib.sha256(remote.url.encode()).hexdigest()[:32]
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    git = Git.of(cache, env=env).with_config(("remote.origin.url", remote.url))
    git = _with_credentials(git, remote)
    location = Location(work_tree=git_dir, git_dir=git_dir, common_dir=git_dir, bare=True)
    with locked(git_dir.with_suffix(".lock")):
        if not (git_dir / "HEAD").is_file():
            git.run(
                "init", "--quiet", "--bare", "--template=", str(git_dir),
                doing="create a repository in the cache",
            )  # fmt: skip
        repository = Repository(location, git=git.at(git_dir), head=_DEFAULT_HEAD)
        if not commits or not all(map(repository.has_commit, commits)):
            repository.close()  # what is read from now on sees the new objects
            _fetch(repository.git, remote)
    return repository


def find_commit(
    repository: Repository, *, branch: str = "", tag: str = "", commit: str = ""
) -> Commit:
    """The commit that a mapping means; the head of the default branch when it says nothing.

    Raises:
        GitError: The repository has no such branch, tag or commit.
    """
    for what, name, revision in (
        ("commit", commit, commit),
        ("tag", tag, f"refs/tags/{tag}"),
        ("branch", branch, f"refs/heads/{branch}"),
    ):
        if not name:
            continue
        try:
            return repository.commit(revision)
        except MissingObjectError as error:
            raise GitError(
                f"the remote repository has no {what} '{name}'",
                remedy="It may have been renamed, squashed or rebased away",
            ) from error
    if not repository.has_commit(_DEFAULT_HEAD):
        raise GitError(
            "the remote repository has no default branch",
            remedy="Name a branch, a tag or a commit in the mapping",
        )
    return repository.head


def shown_url(url: str) -> str:
    """The address without credentials, for messages."""
    parts = urlsplit(url)
    if parts.password is None and parts.scheme not in ("http", "https"):
        return url
    return urlunsplit(parts._replace(netloc=_host(parts)))


def _fetch(git: Git, remote: Remote) -> None:
    command = (
        "fetch", "--quiet", "--force", "--prune", "--no-tags", "--no-write-fetch-head",
        "--no-recurse-submodules", "origin", *_REFSPECS,
    )  # fmt: skip
    done = git.try_run(*command, _HEAD_REFSPEC)
    if "remote ref HEAD" in done.stderr:  # its default branch does not exist
        done = git.try_run(*command)
    if done.returncode == 0:
        return
    reason = plain_words(done.stderr)
    if remote.password:
        reason = reason.replace(remote.password, "***")
    reason = re.sub(r"://[^/@\s']+@", "://***@", reason)
    if any(word in done.stderr for word in _REFUSED):
        remedy = "Give the mapping 'basicAuth', or git a credential helper for this host"
    else:
        remedy = "Check the address, the network and the access rights"
    raise GitError(f"cannot fetch {shown_url(remote.url)}: {reason}", remedy=remedy)


def _with_credentials(git: Git, remote: Remote) -> Git:
    parts = urlsplit(remote.url)
    if not remote.username and not remote.password:
        return git
    if parts.scheme not in ("http", "https"):
        raise GitError(
            f"basicAuth cannot be used with {shown_url(remote.url)}",
            remedy="It is for addresses that begin with https:// or http://",
        )
    section = f"credential.{parts.scheme}://{_host(parts)}"
    return git.with_config((f"{section}.helper", ""), (f"{section}.helper", _HELPER)).with_env(
        EXPORTER_GIT_USERNAME=remote.username, EXPORTER_GIT_PASSWORD=remote.password
    )


def _host(parts: SplitResult) -> str:
    """Host and port, without credentials."""
    return parts.netloc.rpartition("@")[2]
