"""What is known about one registry: scheme, challenge, our tokens, how fast it may be asked."""

import threading
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from exporter.oci.reference import Repository
from exporter.registry.auth import Challenge, Tokens
from exporter.registry.keychain import Credential
from exporter.registry.retry import Patience
from exporter.registry.settings import Clock, Settings

_FIRST_INTERVAL_S = 0.05
_LONGEST_INTERVAL_S = 1.0
_FORGOTTEN_INTERVAL_S = 0.01
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Host:
    """The state that all requests to one registry share; thread-safe."""

    def __init__(self, registry: str, settings: Settings) -> None:
        """Know nothing yet but which schemes may be tried, in which order."""
        self.registry = registry
        self.challenge: Challenge | None = None
        self.slots = threading.BoundedSemaphore(settings.parallel)
        self.schemes: tuple[str, ...] = ("https",)
        if Repository(registry=registry, name="").plain_http:
            self.schemes = ("http", "https")
        elif settings.insecure:
            self.schemes = ("https", "http")
        self._lock = threading.Lock()
        self._tokens: dict[Credential | None, Tokens] = {}
        self._free_at = 0.0
        self._interval_s = 0.0

    @property
    def base(self) -> str:
        """``scheme://host[:port]`` by what is known so far."""
        return f"{self.schemes[0]}://{self.registry}"

    def settle(self, scheme: str) -> None:
        """It answered in this scheme: no other one is tried from now on."""
        self.schemes = (scheme,)

    def is_home(self, url: str) -> bool:
        """Whether the URL is the registry itself, which may see its credentials."""
        return _origin(url) == _origin(self.base)

    def resolve(self, base: str, location: str) -> str:
        """The absolute URL of a Location header.

        A registry behind a proxy that ends TLS may name itself with ``http``: the scheme in which
        it was reached stands.

        Raises:
            ValueError: It leads nowhere by ``http`` or ``https``.
        """
        url = urljoin(base, location)
        parts, home = urlsplit(url), urlsplit(self.base)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.port == 0:
            raise ValueError("not an address of a web server")
        if parts.hostname == home.hostname and (parts.scheme, home.scheme) == ("http", "https"):
            port = "" if parts.port in (None, 80) else f":{parts.port}"
            return parts._replace(
                scheme="https", netloc=home.netloc if not port else f"{parts.hostname}{port}"
            ).geturl()
        return url

    def tokens(self, credential: Credential | None, now: Callable[[], float]) -> Tokens:
        """The tokens of one account."""
        with self._lock:
            if credential not in self._tokens:
                self._tokens[credential] = Tokens(now)
            return self._tokens[credential]

    def pace(self, patience: Patience, clock: Clock) -> None:
        """Wait for this request's turn, when the registry asked to be left alone or slowed down."""
        with self._lock:
            now = clock.monotonic()
            turn = max(now, self._free_at)
            self._free_at = turn + self._interval_s
            if self._interval_s:
                self._interval_s *= 0.95
                if self._interval_s < _FORGOTTEN_INTERVAL_S:
                    self._interval_s = 0.0
        if turn > now:
            patience.wait(turn - now)

    def hold(self, seconds: float, now: float) -> None:
        """Keep everybody off for a while."""
        with self._lock:
            self._free_at = max(self._free_at, now + seconds)

    def slow_down(self) -> None:
        """Too many requests: from now on they keep a distance, which shrinks as they succeed."""
        with self._lock:
            doubled = max(_FIRST_INTERVAL_S, 2 * self._interval_s)
            self._interval_s = min(doubled, _LONGEST_INTERVAL_S)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
