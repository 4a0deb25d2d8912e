"""Sockets: connection pools, TLS, proxies; one HTTP request, one answer, no policy."""

import ipaddress
import logging
import ssl
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from exporter.registry.settings import CHUNK_BYTES, Settings
from exporter.value import dataclass

if TYPE_CHECKING:
    import urllib3

_SEND_BYTES = 128 << 10  # the connect time-out bounds the sending of one such piece
_POOL_SIZE = 32


@dataclass(frozen=True, slots=True)
class Body:
    """What a request sends: its length, and a way to open it again for each attempt."""

    size: int
    open: Callable[[], Iterator[bytes]]

    @classmethod
    def of(cls, content: bytes) -> "Body":
        """The body that holds these bytes."""
        return cls(len(content), lambda: iter((content,)))


class Wire:
    """Connections to any host; thread-safe, closes with ``close``."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        """Import urllib3 and prepare empty pools; nothing is connected yet.

        ``now`` gives seconds of the kind that sockets wait for: no clock that is moved on.
        """
        import urllib3  # noqa: PLC0415 - 50 ms that a run without requests does not pay

        self._now = now
        self._urllib3 = urllib3
        # Its lines hold upload keys and signed URLs; ours say the same without.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        self._settings = settings
        self._proxies = Proxies(settings.env)
        self._pools: dict[tuple[str, str], urllib3.PoolManager] = {}

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: Body | None = None,
        first_byte_s: float,
    ) -> "urllib3.BaseHTTPResponse":
        """Send one request; the answer's body is still to be read, and to be released.

        Raises:
            urllib3.exceptions.HTTPError: Whatever went wrong on the way.
        """
        timeout = self._urllib3.Timeout(connect=self._settings.connect_timeout_s, read=first_byte_s)
        length = {} if body is None else {"Content-Length": str(body.size)}
        pool = self._pool(url)
        with ending(iter(()) if body is None else _pieces(body)) as pieces:
            return pool.request(
                method,
                url,
                headers={**headers, **length},
                body=None if body is None else pieces,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )

    def proxy_for(self, url: str) -> str:
        """The proxy that a request to this URL goes through, without credentials; else empty."""
        return urlsplit(self._proxies.find(url)).hostname or ""

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.clear()

    def _pool(self, url: str) -> "urllib3.PoolManager":
        scheme = urlsplit(url).scheme
        proxy = self._proxies.find(url)
        pool = self._pools.get((scheme, proxy))
        if pool is None:  # two threads at once make two; the second one stays, both work
            from exporter.registry.head import watch_heads  # noqa: PLC0415 - as urllib3

            pool = self._new_pool(scheme, proxy)
            watch_heads(pool, self._now)
            self._pools[scheme, proxy] = pool
        return pool

    def _new_pool(self, scheme: str, proxy: str) -> "urllib3.PoolManager":
        context = self._tls_context() if scheme == "https" else None
        if not proxy:
            return self._urllib3.PoolManager(
                maxsize=_POOL_SIZE, blocksize=CHUNK_BYTES, ssl_context=context
            )
        parts = urlsplit(proxy)
        user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        headers = self._urllib3.make_headers(proxy_basic_auth=user if parts.username else None)
        return self._urllib3.ProxyManager(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            maxsize=_POOL_SIZE,
            blocksize=CHUNK_BYTES,
            ssl_context=context,
            proxy_headers=headers,
        )

    def _tls_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        for file in (self._settings.ca_file, self._settings.env.get("SSL_CERT_FILE")):
            if file:
                context.load_verify_locations(cafile=str(file))
        if self._settings.skip_tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self._urllib3.disable_warnings(self._urllib3.exceptions.InsecureRequestWarning)
        return context


def _pieces(body: Body) -> Iterator[bytes]:
    with ending(body.open()) as chunks:
        for chunk in chunks:
            if len(chunk) <= _SEND_BYTES:
                yield chunk
            else:
                for start in range(0, len(chunk), _SEND_BYTES):
                    yield chunk[start : start + _SEND_BYTES]


@contextmanager
def ending(pieces: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """Iterate within; what the iterator holds (a connection) is let go of at the end."""
    try:
        yield pieces
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


class Proxies:
    """Which proxy a URL goes through, by the variables and rules that Go programs follow."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Read ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``, in either letter case."""
        self._by_scheme = {
            scheme: _proxy_url(env.get(f"{scheme.upper()}_PROXY") or env.get(f"{scheme}_proxy", ""))
            for scheme in ("http", "https")
        }
        rules = env.get("NO_PROXY") or env.get("no_proxy", "")
        self._rules = [rule.strip().lower() for rule in rules.split(",") if rule.strip()]

    def find(self, url: str) -> str:
        """The proxy's URL with its credentials; empty when the host is reached directly."""
        parts = urlsplit(url)
        proxy = self._by_scheme.get(parts.scheme, "")
        if not proxy:
            return ""
        host = (parts.hostname or "").lower()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return "" if _is_local(host) or self._excluded(host, port) else proxy

    def _excluded(self, host: str, port: int) -> bool:
        for rule in self._rules:
            if rule == "*":
                return True
            name, colon, rule_port = rule.rpartition(":")
            if colon and rule_port.isdigit() and not name.endswith(":"):
                if int(rule_port) != port:
                    continue
                rule = name  # noqa: PLW2901 - the rule without its port
            if _matches(rule.strip("[]"), host):
                return True
        return False


def _proxy_url(text: str) -> str:
    return text if not text or "://" in text else f"http://{text}"


def _matches(rule: str, host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = rule.removeprefix("*")
        if name.startswith("."):
            return host.endswith(name)
        return host == name or host.endswith(f".{name}")
    try:
        return address in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
