"""Who we are to a registry: challenges, tokens and their scopes."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from urllib.parse import urlencode, urlsplit

from exporter.log import hide
from exporter.registry.keychain import Credential
from exporter.value import dataclass

_MOST_SCOPES = 12
_DEFAULT_LIFE_S = 60
_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a registry asks for: ``scheme`` is ``basic`` or ``bearer``, lower-cased."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""

    @classmethod
    def parse(cls, headers: Iterable[str]) -> "Challenge | None":
        """The challenge to answer among the values of WWW-Authenticate; Bearer before Basic."""
        found: dict[str, Challenge] = {}
        for header in headers:
            for scheme in ("bearer", "basic"):
                match = re.search(rf"(?:^|,)\s*{scheme}(?:\s+|$)", header, re.IGNORECASE)
                if match:
                    values = {
                        key.lower(): quoted or plain
                        for key, quoted, plain in _PARAMETER.findall(header[match.end() :])
                    }
                    found.setdefault(
                        scheme,
                        cls(
                            scheme=scheme,
                            realm=values.get("realm", ""),
                            service=values.get("service", ""),
                            scope=values.get("scope", ""),
                        ),
                    )
        if "bearer" in found and _is_address(found["bearer"].realm):
            return found["bearer"]
        return found.get("basic")


def _is_address(realm: str) -> bool:
    try:
        return bool(realm) and urlsplit(realm).port != 0
    except ValueError:
        return False


Scopes = Mapping[str, frozenset[str]]
"""What is needed: actions (``pull``, ``push``) by name of repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token, what it is good for, and when (monotonic seconds) it is renewed."""

    value: str = field(repr=False)
    scopes: Scopes
    renew_at: float

    def covers(self, needed: Scopes) -> bool:
        """Whether every needed action was asked for with this token."""
        return all(
            actions <= self.scopes.get(name, frozenset()) for name, actions in needed.items()
        )


def read_token(body: bytes, scopes: Scopes, now: float) -> Token:
    """The token in an answer of a token service; ``now`` is monotonic.

    Both ``token`` and ``access_token`` are understood; without ``expires_in`` it lives 60 s.

    Raises:
        ValueError: There is no token in it.
    """
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise TypeError("not an object")
    value = answer.get("token") or answer.get("access_token")
    if not isinstance(value, str) or not value:
        raise ValueError("it holds no token")
    if not (value.isascii() and value.isprintable()):
        raise ValueError("its token cannot be put into a header")
    hide((value,))
    life = answer.get("expires_in")
    life_s = float(life) if isinstance(life, int | float) and life > 0 else _DEFAULT_LIFE_S
    # Our own clock counts from now: issued_at is of a clock that may be wrong.
    return Token(value=value, scopes=scopes, renew_at=now + life_s - min(10.0, 0.2 * life_s))


def basic(credential: Credential) -> str:
    """The value of the Authorization header for Basic authentication."""
    pair = f"{credential.username}:{credential.password}"
    encoded = base64.b64encode(pair.encode()).decode()
    hide((encoded,))
    return f"Basic {encoded}"


def scope_texts(scopes: Scopes) -> list[str]:
    """``repository:NAME:pull,push`` for each repository, sorted."""
    return [f"repository:{name}:{','.join(sorted(acts))}" for name, acts in sorted(scopes.items())]


def merge(*all_scopes: Scopes) -> dict[str, frozenset[str]]:
    """The union."""
    merged: dict[str, frozenset[str]] = {}
    for scopes in all_scopes:
        for name, actions in scopes.items():
            merged[name] = merged.get(name, frozenset()) | actions
    return merged


def with_challenge(needed: Scopes, challenge: Challenge) -> Scopes:
    """What is needed, widened by what the challenge itself asks for."""
    asked: dict[str, frozenset[str]] = {}
    for scope in challenge.scope.split():
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind == "repository" and name:
            asked[name] = frozenset(actions.split(","))
    return merge(needed, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """How a token is fetched: GET when ``form`` is None, else POST of the form."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    form: bytes | None = field(repr=False)


def token_request(
    challenge: Challenge, scopes: Scopes, credential: Credential | None, client_id: str
) -> TokenRequest:
    """The request to the token service: with Basic, with an identity token, or anonymous."""
    texts = scope_texts(scopes)
    if credential is not None and credential.identity_token:
        form = {
            "grant_type": "refresh_token",
            "service": challenge.service,
            "client_id": client_id,
            "scope": " ".join(texts),
            "refresh_token": credential.identity_token,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return TokenRequest(url=challenge.realm, headers=headers, form=urlencode(form).encode())
    query = [("service", challenge.service)] if challenge.service else []
    query += [("scope", text) for text in texts]
    separator = "&" if urlsplit(challenge.realm).query else "?"
    url = f"{challenge.realm}{separator if query else ''}{urlencode(query)}"
    headers = {"Authorization": basic(credential)} if credential else {}
    return TokenRequest(url=url, headers=headers, form=None)


def may_see_credentials(realm: str, registry_url: str) -> bool:
    """Whether a token service named by a registry may be given that registry's credentials.

    The registry names its token service by design, also on another host.
    What is refused: leaving encryption behind, and the link-local addresses of cloud metadata.
    """
    service, registry = urlsplit(realm), urlsplit(registry_url)
    if (service.hostname or "").startswith("169.254."):
        return False
    if service.scheme == "https":
        return True
    return service.scheme == "http" and registry.scheme == "http"


class Tokens:
    """The tokens of one account at one registry; thread-safe, one fetch at a time."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin without tokens; ``now`` is monotonic seconds."""
        self._now = now
        self._lock = threading.Lock()
        self._tokens: list[Token] = []
        self._wanted: Scopes = {}

    def want(self, scopes: Scopes) -> None:
        """Ask for these scopes, too, whenever a token is fetched from now on."""
        with self._lock:
            self._wanted = merge(self._wanted, scopes)

    def find(self, needed: Scopes) -> Token | None:
        """A token that is good for this and not about to expire."""
        now = self._now()
        return next((t for t in self._tokens if t.renew_at > now and t.covers(needed)), None)

    def renew(
        self,
        needed: Scopes,
        rejected: Token | None,
        fetch: Callable[[Sequence[Scopes]], Token],
        *,
        shared: bool = True,
    ) -> Token:
        """A token other than the rejected one, fetched unless another thread just did.

        A token that is not ``shared`` is always fetched and never given to another thread, which
        may use it up.

        ``fetch`` gets the sets of scopes to try in this order: everything wanted so far, then only
        what is needed now, since some services refuse a request for one scope too many.
        """
        with self._lock:
            if rejected is not None:
                self._tokens = [token for token in self._tokens if token is not rejected]
            found = self.find(needed) if shared else None
            if found is not None:
                return found
            wider = merge(self._wanted, needed)
            tries = [wider, needed] if len(wider) <= _MOST_SCOPES and wider != needed else [needed]
            token = fetch(tries)
            if shared:
                self._tokens = [token, *self._tokens][:8]
            return token
