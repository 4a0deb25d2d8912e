"""What remote sources hold: content, large files, redirects, git references, failures."""

import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from exporter.build.dockerfile.remote import RemoteContent
from exporter.errors import BuildError, GitError
from exporter.git.command import Git


class Reply:
    """One answer."""

    def __init__(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        self.body = body
        self.was_read = False
        self.is_closed = False

    def stream(self, amt: int) -> Iterator[bytes]:
        self.was_read = True
        yield self.body[:amt]

    def close(self) -> None:
        self.is_closed = True


class Web:
    """Answers by URL."""

    def __init__(self, **replies: Reply) -> None:
        self.replies = replies
        self.asked: list[str] = []

    def get(self, url: str, headers: Mapping[str, str], wait_s: float) -> Reply:
        assert headers["Accept-Encoding"] == "identity"
        assert wait_s > 0
        self.asked.append(url)
        return self.replies[url.rpartition("/")[2]]


class Refs:
    """Answers ``git ls-remote``."""

    def __init__(self, output: bytes | GitError) -> None:
        self.output = output
        self.asked: list[tuple[str, ...]] = []

    def run(self, *arguments: str, **_: str) -> bytes:
        self.asked.append(arguments)
        if isinstance(self.output, GitError):
            raise self.output
        return self.output


def content(web: Web, refs: Refs | None = None) -> RemoteContent:
    return RemoteContent(get=web.get, git=cast("Git", refs or Refs(b"")))


def test_a_file_is_its_content_and_asked_for_once() -> None:
    web = Web(f=Reply(body=b"hello", Content_Length="5"))
    remote = content(web)
    assert remote.identify("https://e.org/f") == (
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    )
    assert remote.identify("https://e.org/f")
    assert web.asked == ["https://e.org/f"]
    assert web.replies["f"].is_closed


def test_a_large_file_is_its_etag() -> None:
    reply = Reply(body=b"x", ETag='"v1"', Content_Length=str(1 << 30))
    assert content(Web(f=reply)).identify("https://e.org/f") == f'etag "v1" {1 << 30}'
    assert not reply.was_read
    assert reply.is_closed


def test_a_weak_etag_is_not_trusted() -> None:
    reply = Reply(body=b"hello", ETag='W/"v1"')
    assert content(Web(f=reply)).identify("https://e.org/f").startswith("2cf24dba")


def test_redirects_are_followed() -> None:
    web = Web(f=Reply(302, Location="/other/g"), g=Reply(body=b"hello"))
    assert content(web).identify("https://e.org/f").startswith("2cf24dba")
    assert web.asked == ["https://e.org/f", "https://e.org/other/g"]


def test_a_circle_of_redirects_is_an_error() -> None:
    web = Web(f=Reply(302, Location="f"))
    with pytest.raises(BuildError, match="too many redirects"):
        content(web).identify("https://e.org/f")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(404), "the server answered 404"),
        (Reply(body=b"12", Content_Length="5"), "the connection ended after 2 of 5 bytes"),
    ],
)
def test_a_failure_names_the_url_without_secrets_and_a_remedy(reply: Reply, why: str) -> None:
    with pytest.raises(BuildError) as caught:
        content(Web(f=reply)).identify("https://user:secret@e.org/f")
    assert str(caught.value).startswith(f"cannot tell what ADD https://e.org/f holds: {why}")
    assert "--checksum" in str(caught.value)


def test_a_server_out_of_reach_is_a_build_error() -> None:
    def get(url: str, headers: Mapping[str, str], wait_s: float) -> Reply:
        raise OSError(f"no route to {url} {headers} {wait_s}")

    remote = RemoteContent(get=get, git=cast("Git", Refs(b"")))
    with pytest.raises(BuildError, match="holds: no route"):
        remote.identify("https://e.org/f")


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://e.org/r.git", ("ls-remote", "--", "https://e.org/r.git", "HEAD")),
        ("https://e.org/r.git#v1:sub", ("ls-remote", "--", "https://e.org/r.git", "v1")),
        ("git@e.org:r.git#main", ("ls-remote", "--", "git@e.org:r.git", "main")),
    ],
)
def test_a_git_reference_is_asked_for_its_commits(url: str, asked: tuple[str, ...]) -> None:
    one, two = Refs(b"1\tHEAD\n"), Refs(b"2\tHEAD\n")
    first, second = content(Web(), one).identify(url), content(Web(), two).identify(url)
    assert one.asked == [asked]
    assert first != second


def test_a_git_commit_is_not_asked_for() -> None:
    refs = Refs(b"")
    commit = "a" * 40
    assert content(Web(), refs).identify(f"https://e.org/r.git#{commit}:d") == f"{commit} d"
    assert refs.asked == []


@pytest.mark.parametrize("output", [b"", GitError("cannot ask: denied")])
def test_a_git_reference_that_is_not_there_is_an_error(output: bytes | GitError) -> None:
    with pytest.raises(BuildError, match="cannot tell what ADD"):
        content(Web(), Refs(output)).identify("https://e.org/r.git#v9")


def test_the_network_and_git_themselves_are_used(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        remote = RemoteContent.of({"PATH": "/nowhere"}, directory=tmp_path)
        assert remote.identify(f"{address}/f").startswith("2cf24dba")
        with pytest.raises(BuildError, match="the server answered 404"):
            remote.identify(f"{address}/missing")
        with pytest.raises(BuildError, match="git was not found"):
            remote.identify(f"{address}/r.git")
        server.shutdown()
