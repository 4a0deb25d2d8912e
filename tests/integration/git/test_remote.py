import os
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from exporter.errors import GitError
from exporter.git.remote import Remote, find_commit, open_remote, shown_url
from tests.repositories import Builder

_ENV = dict(os.environ)


@pytest.fixture
def origin(tmp_path: Path) -> Builder:
    builder = Builder(path=tmp_path / "srv" / "group" / "lib.git").init()
    builder.write({"a": "1\n"}).commit("one")
    builder.git("tag", "v1")
    builder.git("tag", "-a", "-m", "annotated", "v1a")
    builder.git("branch", "old")
    builder.write({"a": "2\n"}).commit("two")
    return builder


def test_branch_tag_commit_and_default_are_found(origin: Builder, tmp_path: Path) -> None:
    one, two = origin.git("rev-parse", "v1"), origin.git("rev-parse", "main")
    with open_remote(Remote.of(str(origin.path)), cache=tmp_path / "cache", env=_ENV) as remote:
        assert find_commit(remote).object_id == two
        assert find_commit(remote, branch="old").object_id == one
        assert find_commit(remote, tag="v1a").object_id == one
        assert find_commit(remote, commit=one).object_id == one
        assert remote.tree(one).read_file("a") == b"1\n"
        assert remote.is_ancestor(one, two)
        assert not remote.is_shallow


def test_a_known_commit_needs_no_network(origin: Builder, tmp_path: Path) -> None:
    one = origin.git("rev-parse", "v1")
    remote, cache = Remote.of(str(origin.path)), tmp_path / "cache"
    open_remote(remote, cache=cache, env=_ENV).close()
    origin.path.rename(tmp_path / "gone")
    with open_remote(remote, cache=cache, env=_ENV, commits=[one]) as found:
        assert find_commit(found, commit=one).object_id == one
    with pytest.raises(GitError, match="cannot fetch"):
        open_remote(remote, cache=cache, env=_ENV)


def test_new_commits_arrive_and_deleted_branches_go(origin: Builder, tmp_path: Path) -> None:
    remote, cache = Remote.of(str(origin.path)), tmp_path / "cache"
    open_remote(remote, cache=cache, env=_ENV).close()
    origin.git("branch", "-D", "old")
    origin.git("tag", "-f", "v1")
    three = origin.write({"a": "3\n"}).commit("three")
    with open_remote(remote, cache=cache, env=_ENV) as found:
        assert find_commit(found, branch="main").object_id == three
        assert find_commit(found, tag="v1").object_id == origin.git("rev-parse", "v1")
        with pytest.raises(GitError, match="has no branch 'old'"):
            find_commit(found, branch="old")


def test_a_remote_without_a_default_branch_is_usable_by_name(
    origin: Builder, tmp_path: Path
) -> None:
    origin.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    with open_remote(Remote.of(str(origin.path)), cache=tmp_path / "cache", env=_ENV) as found:
        assert find_commit(found, branch="main").object_id == origin.git("rev-parse", "main")
        with pytest.raises(GitError, match="no default branch"):
            find_commit(found)


def test_a_submodule_of_a_remote_is_an_error_with_a_remedy(origin: Builder, tmp_path: Path) -> None:
    other = Builder(path=tmp_path / "other").init()
    other.write({"x": "x\n"}).commit()
    origin.submodule(other.path, "sub").commit()
    with (
        open_remote(Remote.of(str(origin.path)), cache=tmp_path / "cache", env=_ENV) as found,
        pytest.raises(GitError, match=r"submodule at 'sub'.*excludePaths"),
    ):
        found.tree().files()


@contextmanager
def _served(directory: Path, authorization: str) -> Iterator[str]:
    """A plain HTTP server of a directory that wants basic authentication."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != authorization:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            super().do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_credentials_reach_the_host_and_no_message(
    origin: Builder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    bare = tmp_path / "www" / "lib.git"
    origin.git("clone", "-q", "--bare", str(origin.path), str(bare))
    origin.git("update-server-info", cwd=bare)
    word = b64encode(b"user:p%w ord'").decode()
    with _served(tmp_path / "www", f"Basic {word}") as host:
        cache = tmp_path / "cache"
        good = Remote.of(f"http://{host}/lib.git", username="user", password="p%w ord'")
        with open_remote(good, cache=cache, env=_ENV) as found:
            assert find_commit(found, branch="old").object_id == origin.git("rev-parse", "old")
        inside = Remote.of(f"http://user:p%25w%20ord'@{host}/lib.git")
        assert inside == good
        wrong = Remote.of(f"http://user:s3cret@{host}/lib.git")
        with pytest.raises(GitError) as caught:
            open_remote(wrong, cache=cache, env=_ENV)
        assert "basicAuth" in str(caught.value)
        everything = f"{caught.value} {caplog.text} {wrong!r} {found.git!r}"
        assert "s3cret" not in everything
        assert "p%w" not in everything


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("file:///srv/git/lib.git", "git/lib"),
        ("https://host/group/sub/lib.git", "sub/lib"),
        ("git@host:group/lib.git", "group/lib"),
        ("ssh://git@host:22/group/lib", "group/lib"),
        ("https://host/lib/", "lib"),
    ],
)
def test_the_name_is_the_end_of_the_address(url: str, name: str) -> None:
    assert Remote.of(url).name == name


def test_shown_addresses_have_no_credentials() -> None:
    assert shown_url("https://u:p@host/x.git") == "https://host/x.git"
    assert shown_url("git@host:x.git") == "git@host:x.git"


def test_basic_auth_needs_http(tmp_path: Path) -> None:
    remote = Remote.of("git@host:x.git", username="u", password="p")
    with pytest.raises(GitError, match="basicAuth cannot be used with git@host:x"):
        open_remote(remote, cache=tmp_path, env=_ENV)
