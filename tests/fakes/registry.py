"""A registry on a real socket: profiles of vendors, a fault script, a journal, an injected clock.

It knows the distribution specification as far as the client uses it.
The same tests run against it and against real registries, so that it cannot drift.
"""

import base64
import hashlib
import json
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.registry_faults import FaultRule, How


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How this registry differs from a plain one."""

    auth: Literal["none", "basic", "bearer"] = "none"
    accounts: Mapping[str, str] = field(default_factory=lambda: {"user": "secret"})
    anonymous_pull: bool = False
    token_key: Literal["token", "access_token"] = "token"
    token_life_s: int | None = 300
    token_uses: int | None = None
    one_scope_only: bool = False
    realm: str = ""
    mount: Literal["allow", "session", "refuse"] = "allow"
    whole_put: bool = True
    most_bytes: int | None = None
    least_chunk: int | None = None
    head_manifests: bool = True
    digest_header: bool = True
    content_type_suffix: str = ""
    location: Literal["relative", "absolute", "other"] = "relative"
    blobs_elsewhere: bool = False
    ranges: bool = True
    immutable: bool = False
    checks_content: bool = True
    creates_repositories: bool = True
    tag_lag: int = 0
    page_size: int = 0
    referrers: bool = True
    takes: tuple[str, ...] = ()


OCI_AND_DOCKER = tuple(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    )
)
VENDORS: Mapping[str, Profile] = {
    "ghcr": Profile(auth="bearer", token_life_s=None, referrers=False, blobs_elsewhere=True),
    "docker-hub": Profile(auth="bearer", mount="session", blobs_elsewhere=True, page_size=100),
    "ecr": Profile(
        auth="basic", mount="session", creates_repositories=False, immutable=True, page_size=100
    ),
    "gar": Profile(auth="bearer", location="absolute", takes=OCI_AND_DOCKER),
    "acr": Profile(auth="bearer", token_key="access_token", one_scope_only=True),
    "gitlab": Profile(auth="bearer", location="absolute", anonymous_pull=True, referrers=False),
    "harbor": Profile(auth="bearer", creates_repositories=False, token_life_s=1800),
    "quay": Profile(auth="bearer", mount="refuse", referrers=False, page_size=50),
    "artifactory": Profile(
        auth="basic", digest_header=False, location="absolute", content_type_suffix=";charset=utf-8"
    ),
    "nexus": Profile(auth="basic", mount="session", whole_put=False, head_manifests=False),
}
"""What the client meets at these vendors, as far as their documentation and bug reports tell."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as it arrived and the status that it got; 0 when it got none."""

    method: str
    path: str
    headers: Mapping[str, str]
    status: int
    body_bytes: int

    @property
    def line(self) -> str:
        """``METHOD path`` without the query."""
        return f"{self.method} {self.path.partition('?')[0]}"


@dataclass(kw_only=True)
class _Token:
    scopes: frozenset[str]
    ends: float
    uses: int | None


@dataclass
class Answered:
    """What a handler wants to be sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class FakeRegistry:
    """The state and the rules; ``serve`` puts it on a socket."""

    def __init__(
        self, profile: Profile | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.profile = profile or Profile()
        self.clock = clock
        self.lock = threading.RLock()
        self.blobs: dict[str, dict[str, bytes]] = {}
        self.manifests: dict[str, dict[str, tuple[bytes, str]]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.uploads: dict[str, tuple[str, bytearray]] = {}
        self.tokens: dict[str, _Token] = {}
        self.token_requests: list[tuple[str, ...]] = []
        self.faults: list[FaultRule] = []
        self.journal: list[Seen] = []
        self.lags: dict[tuple[str, str], tuple[int, str | None]] = {}
        self.incomplete: list[str] = []
        self.stalled = threading.Event()
        self.address = ""
        self.elsewhere = ""
        self.before: Callable[[str], None] = lambda _line: None

    # What tests ask and prepare

    def fault(
        self, match: str, how: How, *, times: int = 1, skip: int = 0, **details: object
    ) -> FaultRule:
        """Add a rule to the fault script."""
        rule = FaultRule(match=match, how=how, times=times, skip=skip, **details)  # type: ignore[arg-type] # passed on
        self.faults.append(rule)
        return rule

    def requests(self, match: str = "") -> list[str]:
        """The lines of the journal that match, tokens and pings left out."""
        return [
            seen.line
            for seen in self.journal
            if re.search(match, seen.line) and not seen.path.startswith("/token")
        ]

    def writes(self, match: str = "") -> list[str]:
        """The requests that change something."""
        return [line for line in self.requests(match) if not line.startswith(("GET", "HEAD"))]

    def add_blob(self, repository: str, content: bytes) -> str:
        """Put a blob there; returns its digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self.blobs.setdefault(repository, {})[digest] = content
        return digest

    def add_manifest(self, repository: str, raw: bytes, media_type: str, tag: str = "") -> str:
        """Put a manifest there; returns its digest."""
        digest = "sha256:" + hashlib.sha256(raw).hexdigest()
        self.manifests.setdefault(repository, {})[digest] = (raw, media_type)
        if tag:
            self.tags.setdefault(repository, {})[tag] = digest
        return digest

    # Requests

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """What a well-behaved registry of this profile answers."""
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/token":
            return self._token(headers, body, parts.query)
        if parts.path.startswith("/elsewhere/"):
            return self._elsewhere(parts.path, headers)
        found = re.fullmatch(
            r"/v2/(.+)/(manifests|blobs|tags|referrers)/(?:(uploads)/)?([^/]*)", parts.path
        )
        if found is None:
            return Answered(200, b"{}") if parts.path == "/v2/" else Answered(404)
        name, kind, uploads, last = found.groups()
        pushes = method not in ("GET", "HEAD")
        refused = self._authorize(name, headers, pushes=pushes, mount_from=query.get("from"))
        if refused is not None:
            return refused
        if pushes and self.profile.most_bytes is not None and len(body) > self.profile.most_bytes:
            return Answered(413, b"<html><body>413 Request Entity Too Large</body></html>")
        if pushes and not self.profile.creates_repositories and name not in self.manifests:
            return _error(404, "NAME_UNKNOWN", f"The repository with name '{name}' does not exist")
        if uploads:
            return self._upload(method, name, last, query, headers, body)
        handler = {
            "blobs": self._blob,
            "manifests": self._manifest,
            "tags": self._tags,
            "referrers": self._referrers,
        }[kind]
        return handler(method, name, last, query, headers, body)

    def _blob(
        self,
        method: str,
        name: str,
        digest: str,
        _query: Mapping[str, str],
        headers: Mapping[str, str],
        _body: bytes,
    ) -> Answered:
        content = self.blobs.get(name, {}).get(digest)
        if content is None or method not in ("GET", "HEAD"):
            return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if self.profile.blobs_elsewhere and method == "GET":
            key = secrets.token_hex(8)
            location = f"{self.elsewhere}/elsewhere/{name}/{digest}?signature={key}"
            return Answered(307, b"", {"Location": location})
        return self._content(content, headers, digest)

    def _elsewhere(self, path: str, headers: Mapping[str, str]) -> Answered:
        if headers.get("Authorization"):
            return Answered(400, b"credentials sent to a storage host")
        name, _, digest = path.removeprefix("/elsewhere/").rpartition("/")
        return self._content(self.blobs[name][digest], headers, digest)

    def _content(self, content: bytes, headers: Mapping[str, str], digest: str) -> Answered:
        answered = Answered(200, content, {"Content-Type": "application/octet-stream"})
        if self.profile.digest_header:
            answered.headers["Docker-Content-Digest"] = digest
        ranged = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
        if ranged and self.profile.ranges:
            start = int(ranged[1])
            if start >= len(content):
                return Answered(416)
            answered.status, answered.body = 206, content[start:]
            answered.headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return answered

    def _manifest(
        self,
        method: str,
        name: str,
        tag: str,
        _query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answered:
        if method == "PUT":
            return self._put_manifest(name, tag, headers.get("Content-Type", ""), body)
        if method == "HEAD" and not self.profile.head_manifests:
            return Answered(405)
        digest: str | None = tag if ":" in tag else self._shown(name, tag)
        found = self.manifests.get(name, {}).get(digest or "")
        if found is None or digest is None:
            return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        answered = Answered(200, found[0], {})
        answered.headers["Content-Type"] = found[1] + self.profile.content_type_suffix
        if self.profile.digest_header:
            answered.headers["Docker-Content-Digest"] = digest
        return answered

    def _shown(self, name: str, tag: str) -> str | None:
        left, old = self.lags.get((name, tag), (0, None))
        if left:
            self.lags[name, tag] = (left - 1, old)
            return old
        return self.tags.get(name, {}).get(tag)

    def _put_manifest(self, name: str, tag: str, media_type: str, body: bytes) -> Answered:
        if self.profile.takes and media_type not in self.profile.takes:
            return _error(415, "MANIFEST_INVALID", f"unsupported media type {media_type}")
        document = json.loads(body)
        missing = self._missing(name, document)
        if missing and self.profile.checks_content:
            return _error(400, "MANIFEST_BLOB_UNKNOWN", f"blob unknown to registry: {missing[0]}")
        old = self.tags.get(name, {}).get(tag)
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        if self.profile.immutable and old is not None:
            return _error(
                400,
                "TAG_INVALID",
                f"The image tag '{tag}' already exists and cannot be overwritten because the "
                "tag is immutable.",
            )
        if ":" in tag and tag != digest:
            return _error(400, "DIGEST_INVALID", "provided digest did not match")
        if missing:
            self.incomplete.append(f"{name}:{tag}")
        self.add_manifest(name, body, media_type, "" if ":" in tag else tag)
        if self.profile.tag_lag and ":" not in tag:
            self.lags[name, tag] = (self.profile.tag_lag, old)
        answered = Answered(201, b"", {"Location": f"/v2/{name}/manifests/{digest}"})
        if self.profile.digest_header:
            answered.headers["Docker-Content-Digest"] = digest
        return answered

    def _missing(self, name: str, document: Mapping[str, object]) -> list[str]:
        children = document.get("manifests")
        if isinstance(children, list):
            held = self.manifests.get(name, {})
            return [child["digest"] for child in children if child["digest"] not in held]
        layers, config = document.get("layers"), document.get("config")
        blobs = [config, *(layers if isinstance(layers, list) else ())]
        wanted = [
            blob["digest"] for blob in blobs if isinstance(blob, dict) and not blob.get("urls")
        ]
        return [digest for digest in wanted if digest not in self.blobs.get(name, {})]

    def _tags(
        self,
        _method: str,
        name: str,
        _last: str,
        query: Mapping[str, str],
        _headers: Mapping[str, str],
        _body: bytes,
    ) -> Answered:
        if name not in self.tags:
            return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
        tags = sorted(tag for tag in self.tags[name] if tag > query.get("last", ""))
        size = self.profile.page_size or int(query.get("n", "0")) or len(tags)
        answered = Answered(200, json.dumps({"name": name, "tags": tags[:size]}).encode())
        answered.headers["Content-Type"] = "application/json"
        if len(tags) > size:
            more = urlencode({"n": size, "last": tags[size - 1]})
            answered.headers["Link"] = f'</v2/{name}/tags/list?{more}>; rel="next"'
        return answered

    def _referrers(
        self,
        _method: str,
        name: str,
        digest: str,
        _query: Mapping[str, str],
        _headers: Mapping[str, str],
        _body: bytes,
    ) -> Answered:
        if not self.profile.referrers:
            return Answered(404, b"404 page not found\n")
        found = []
        for other, (raw, media_type) in self.manifests.get(name, {}).items():
            document = json.loads(raw)
            if (document.get("subject") or {}).get("digest") == digest:
                entry = {"mediaType": media_type, "digest": other, "size": len(raw)}
                found.append({**entry, "artifactType": document.get("artifactType", "")})
        index_type = "application/vnd.oci.image.index.v1+json"
        index = {"schemaVersion": 2, "mediaType": index_type, "manifests": found}
        return Answered(200, json.dumps(index).encode(), {"Content-Type": index_type})

    def _upload(
        self,
        method: str,
        name: str,
        session: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answered:
        if method == "POST":
            return self._start(name, query)
        if session not in self.uploads or self.uploads[session][0] != name:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        held = self.uploads[session][1]
        if method == "DELETE":
            del self.uploads[session]
            return Answered(204)
        if method == "GET":
            return Answered(204, b"", self._session(name, session))
        if method == "PATCH":
            span = headers.get("Content-Range", "")
            if span and int(span.partition("-")[0]) != len(held):
                return Answered(416, b"", self._session(name, session))
            held += body
            return Answered(202, b"", self._session(name, session))
        if body and not self.profile.whole_put:
            return _error(400, "BLOB_UPLOAD_INVALID", "no body with the last PUT, please")
        held += body
        digest = "sha256:" + hashlib.sha256(held).hexdigest()
        if digest != query.get("digest"):
            return _error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        del self.uploads[session]
        self.blobs.setdefault(name, {})[digest] = bytes(held)
        location = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
        return Answered(201, b"", location)

    def _start(self, name: str, query: Mapping[str, str]) -> Answered:
        if "mount" in query:
            if self.profile.mount == "refuse":
                return _error(400, "UNSUPPORTED", "mounting is not supported")
            content = self.blobs.get(query.get("from", ""), {}).get(query["mount"])
            if self.profile.mount == "allow" and content is not None:
                self.blobs.setdefault(name, {})[query["mount"]] = content
                return Answered(201, b"", {"Location": f"/v2/{name}/blobs/{query['mount']}"})
        session = secrets.token_hex(8)
        self.uploads[session] = (name, bytearray())
        headers = self._session(name, session)
        if self.profile.least_chunk is not None:
            headers["OCI-Chunk-Min-Length"] = str(self.profile.least_chunk)
        return Answered(202, b"", headers)

    def _session(self, name: str, session: str) -> dict[str, str]:
        base = {"relative": "", "absolute": self.address, "other": self.elsewhere}
        path = f"/v2/{name}/blobs/uploads/{session}?_state=key-{session}"
        last = max(len(self.uploads[session][1]) - 1, 0)
        return {"Location": base[self.profile.location] + path, "Range": f"0-{last}"}

    # Credentials

    def _authorize(
        self, name: str, headers: Mapping[str, str], *, pushes: bool, mount_from: str | None
    ) -> Answered | None:
        given = headers.get("Authorization", "")
        if self.profile.auth == "none":
            return None
        if self.profile.auth == "basic":
            if self._account(given):
                return None
            return _challenge('Basic realm="fake"')
        needed = {f"repository:{name}:pull"} | ({f"repository:{name}:push"} if pushes else set())
        token = self.tokens.get(given.removeprefix("Bearer "))
        if token is not None and token.ends > self.clock() and token.uses != 0:
            if needed <= token.scopes:
                if token.uses is not None:
                    token.uses -= 1
                if mount_from and f"repository:{mount_from}:pull" not in token.scopes:
                    return _error(401, "UNAUTHORIZED", "authentication required")
                return None
            if self._account_of(token):
                return _error(403, "DENIED", "requested access to the resource is denied")
        realm = self.profile.realm or f"{self.address}/token"
        actions = "pull,push" if pushes else "pull"
        scope = f"repository:{name}:{actions}"
        return _challenge(f'Bearer realm="{realm}",service="fake",scope="{scope}"')

    def _account_of(self, token: _Token) -> bool:
        return any(scope.endswith(":push") for scope in token.scopes)

    def _account(self, header: str) -> str:
        if not header.startswith("Basic "):
            return ""
        user, _, password = base64.b64decode(header[6:]).decode().partition(":")
        return user if self.profile.accounts.get(user) == password else ""

    def _token(self, headers: Mapping[str, str], body: bytes, query: str) -> Answered:
        asked = parse_qs(body.decode() if body else query)
        texts = [scope for value in asked.get("scope", ()) for scope in value.split(" ")]
        self.token_requests.append(tuple(texts))
        account = self._account(headers.get("Authorization", ""))
        if asked.get("grant_type") == ["refresh_token"]:
            account = "user" if asked.get("refresh_token") == ["identity"] else ""
        anonymous = self.profile.anonymous_pull and "Authorization" not in headers
        if (not account and not anonymous) or (self.profile.one_scope_only and len(texts) > 1):
            return _error(401, "UNAUTHORIZED", "incorrect username or password")
        scopes: set[str] = set()
        for text in texts:
            kind, _, rest = text.partition(":")
            name, _, actions = rest.rpartition(":")
            allowed = {"pull", "push"} if account else {"pull"}
            scopes |= {f"{kind}:{name}:{act}" for act in actions.split(",") if act in allowed}
        value = secrets.token_hex(16)
        life_s = self.profile.token_life_s
        ends = self.clock() + (60 if life_s is None else life_s)
        self.tokens[value] = _Token(
            scopes=frozenset(scopes), ends=ends, uses=self.profile.token_uses
        )
        answer: dict[str, object] = {self.profile.token_key: value}
        if life_s is not None:
            answer["expires_in"] = life_s
        return Answered(200, json.dumps(answer).encode())


def _error(status: int, code: str, message: str) -> Answered:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Answered(status, body, {"Content-Type": "application/json"})


def _challenge(header: str) -> Answered:
    answered = _error(401, "UNAUTHORIZED", "authentication required")
    answered.headers["WWW-Authenticate"] = header
    return answered


def _headers(message: Message) -> dict[str, str]:
    """The headers of a request, their names in the usual spelling."""
    return {key.title(): value for key, value in message.items()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # so that Go's TLS client knows plain HTTP by its answer
    disable_nagle_algorithm = True
    registry: FakeRegistry

    def log_message(self, *_args: object) -> None:
        """Say nothing: the journal knows."""

    def _handle(self) -> None:
        registry = self.registry
        line = f"{self.command} {self.path}"
        registry.before(line)
        with registry.lock:
            rule = next((rule for rule in registry.faults if rule.applies(line)), None)
        how = rule.how if rule else None
        length = int(self.headers.get("Content-Length") or 0)
        if how == "drop-before":
            return self._note(0, 0, close=True)
        if how == "drop-mid-request":
            self.rfile.read(length // 2)
            return self._note(0, length // 2, close=True)
        body = self._chunks() if "Transfer-Encoding" in self.headers else self.rfile.read(length)
        length = len(body)
        if rule is not None and how == "status":
            headers = {key: value for key, value in rule.headers.items() if value is not None}
            return self._send(Answered(rule.status, rule.body, headers), length)
        if how == "stall":
            self._note(0, length)
            registry.stalled.wait(60)
            return self._close()
        with registry.lock:
            answered = self._answered(how, body)
        if rule is not None and how == "headers":
            for key, value in rule.headers.items():
                answered.headers.pop(key, None)
                if value is not None:
                    answered.headers[key] = value
        if how == "drop-after":
            return self._note(0, length, close=True)
        return self._send(answered, length, how)

    def _chunks(self) -> bytes:
        """A body without a length, as engines send layers."""
        pieces = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(pieces)

    def _answered(self, how: How | None, body: bytes) -> Answered:
        registry = self.registry
        if how == "pretend":
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            return Answered(201, b"", {"Docker-Content-Digest": digest})
        answered = registry.answer(self.command, self.path, _headers(self.headers), body)
        if how == "forget":
            registry.uploads.clear()
        if how == "truncate":
            answered.body = answered.body[: len(answered.body) // 2]
        if how == "corrupt" and answered.body:
            answered.body = answered.body[:-1] + bytes([answered.body[-1] ^ 1])
        return answered

    def _send(self, answered: Answered, read: int, how: How | None = None) -> None:
        self._note(answered.status, read)
        self.send_response(answered.status)
        length = answered.headers.pop("Content-Length", str(len(answered.body)))
        if how == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif answered.status != 204:
            self.send_header("Content-Length", length)
        for key, value in answered.headers.items():
            self.send_header(key, value)
        if how == "trickle-head":
            self._trickle_head()
            return
        self.end_headers()
        if self.command == "HEAD":
            return
        if how in ("drop-mid-answer", "stall-mid-answer"):
            self.wfile.write(answered.body[: len(answered.body) // 2])
            self.wfile.flush()
            if how == "stall-mid-answer":
                self.registry.stalled.wait(60)
            self._close()
            return
        if how == "chunked":
            for start in range(0, len(answered.body), 50_000):
                piece = answered.body[start : start + 50_000]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        if how == "trickle":
            for number in range(len(answered.body)):
                self.wfile.write(answered.body[number : number + 1])
                self.wfile.flush()
                time.sleep(0.01)
            return
        self.wfile.write(answered.body)
        if how == "close-after":
            self.wfile.flush()
            self._close()

    def _trickle_head(self) -> None:
        head = b"".join(self._headers_buffer)
        self._headers_buffer: list[bytes] = []
        for number in range(len(head)):
            self.wfile.write(head[number : number + 1])
            self.wfile.flush()
            time.sleep(0.01)
        self._close()

    def _note(self, status: int, read: int, *, close: bool = False) -> None:
        self.registry.journal.append(
            Seen(
                method=self.command,
                path=self.path,
                headers=_headers(self.headers),
                status=status,
                body_bytes=read,
            )
        )
        if close and status == 0:
            self._close()

    def _close(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other side was faster
            return

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - names of http.server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that a test cut is no news."""


@contextmanager
def serve(
    registry: FakeRegistry, *, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[str]:
    """Put the registry on a loopback socket; gives ``host:port``.

    A second socket stands for the storage host that blobs and uploads may be redirected to.
    """
    handler = type("Handler", (_Handler,), {"registry": registry})
    servers: Sequence[_Server] = (
        _Server(("127.0.0.1", port), handler),
        _Server(("127.0.0.1", 0), handler),
    )
    scheme = "http"
    if tls is not None:
        scheme = "https"
        for server in servers:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
    registry.address, registry.elsewhere = (
        f"{scheme}://127.0.0.1:{server.server_address[1]}" for server in servers
    )
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        for server in servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield registry.address.partition("//")[2]
    finally:
        registry.stalled.set()
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
