"""Requests to registries: scheme, credentials, redirects, rate, retry; the journal of them all."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from exporter import __version__
from exporter.errors import RegistryError
from exporter.oci.reference import Repository
from exporter.registry.answer import Answer, SlowError, Stream
from exporter.registry.auth import (
    Challenge,
    Scopes,
    Token,
    TokenRequest,
    Tokens,
    basic,
    may_see_credentials,
    read_token,
    token_request,
    with_challenge,
)
from exporter.registry.host import Host
from exporter.registry.keychain import Credential, Keychain
from exporter.registry.redact import one_line, redact_url
from exporter.registry.request import Request
from exporter.registry.retry import (
    RETRIED_STATUSES,
    Attempts,
    Patience,
    TransientError,
    parse_retry_after,
)
from exporter.registry.settings import ERROR_LIMIT_BYTES, Clock, Exchange, Journal, Settings
from exporter.registry.wire import Body, Wire

logger = logging.getLogger(__name__)

_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_TOO_MANY_REQUESTS = 429
_ERRORS = 400
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_SAME_METHOD_REDIRECTS = frozenset((307, 308))
_MOST_REDIRECTS = 5
_MOST_RENEWALS = 2
_COMMIT_BYTES_PER_S = 20 << 20  # how fast a registry may be expected to put a large blob away
_FAREWELL_S = 2.0
_AGENT = f"exporter/{__version__}"


class Transport:
    """Sends requests; shared by all threads of a client."""

    def __init__(
        self,
        *,
        keychain: Keychain,
        settings: Settings,
        clock: Clock,
        journal: Journal | None = None,
    ) -> None:
        """Prepare; the first request connects."""
        self._keychain = keychain
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}
        self._wire: Wire | None = None
        self.patience = Patience(settings, clock)

    def perform(self, request: Request) -> Answer:
        """The answer to a request, of any status that is worth no other attempt.

        Raises:
            RegistryError: There was no such answer until patience ended.
            Interrupted: The program was asked to stop.
        """
        attempts = self.attempts(request)
        while True:
            try:
                return self.attempt(request, number=attempts.failures)
            except TransientError as problem:
                attempts.again(problem)

    def attempts(self, request: Request) -> Attempts:
        """The attempts of an operation that this request stands for."""
        host = self._host(request.repository.registry)
        return Attempts(
            self.patience,
            request.doing,
            hold=lambda seconds: host.hold(seconds, self._clock.monotonic()),
        )

    def attempt(self, request: Request, *, number: int = 0) -> Answer:
        """One attempt, its answer read; credentials renewed and redirects followed within.

        Args:
            request: What to ask.
            number: How many attempts failed before: each one is given more time to answer.

        Raises:
            TransientError: Another attempt may succeed.
            RegistryError: None will.
        """
        registry = request.repository.registry
        with self._host(registry).slots:
            answer, stream = self._open(request, number)
            bound = request.limit if answer.status < _ERRORS else ERROR_LIMIT_BYTES
            with self.reading(request, stream):
                body, complete = stream.read(bound)
        if not complete and answer.status < _ERRORS:
            raise RegistryError(
                f"cannot {request.doing}: {registry} sent more than {bound} bytes "
                "where only a small document belongs",
                registry=registry,
                status=answer.status,
            )
        return self._checked(request, replace(answer, body=body))

    def open(self, request: Request, *, number: int = 0) -> tuple[Answer, Stream]:
        """One attempt whose body is left to be streamed, inside ``reading``; the status is 2xx.

        Raises:
            TransientError: Another attempt may succeed.
            RegistryError: None will; every other status is refused.
        """
        answer, stream = self._open(request, number)
        if answer.ok:
            return answer, stream
        with self.reading(request, stream):
            answer = replace(answer, body=stream.read(ERROR_LIMIT_BYTES)[0])
        raise self.refused(request, self._checked(request, answer))

    @contextmanager
    def reading(self, request: Request, stream: Stream) -> Iterator[None]:
        """Read a body within: faults get their names, and the stream is closed at the end."""
        import urllib3.exceptions  # noqa: PLC0415 - loaded only with the first request

        started = self._clock.monotonic()
        try:
            yield
        except (urllib3.exceptions.HTTPError, SlowError) as error:
            raise self._fault(error, request, started) from error
        finally:
            stream.close()

    def refused(self, request: Request, answer: Answer) -> RegistryError:
        """The error that this answer is."""
        what, remedy = self._described(request, answer)
        return RegistryError(
            what,
            registry=request.repository.registry,
            status=answer.status,
            codes=answer.codes,
            remedy=remedy,
        )

    def resolve(self, request: Request, answer: Answer, location: str) -> str:
        """The absolute URL of a Location header in this answer.

        Raises:
            RegistryError: It cannot be one.
        """
        registry = request.repository.registry
        try:
            return self._host(registry).resolve(answer.url, location)
        except ValueError as error:
            named = one_line(redact_url(location), 160)
            raise RegistryError(
                f"cannot {request.doing}: {registry} points to {named}, which is no usable address",
                registry=registry,
                status=answer.status,
            ) from error

    def want(self, repository: Repository, *, push: bool) -> None:
        """Ask for this scope, too, whenever a token of its account is fetched."""
        actions = frozenset({"pull", "push"} if push else {"pull"})
        self._tokens(repository).want({repository.name: actions})

    def account(self, repository: Repository) -> Credential | None:
        """The account used for this repository."""
        return self._keychain.find(repository)

    def close(self) -> None:
        """Close every connection."""
        if self._wire is not None:
            self._wire.close()

    def _host(self, registry: str) -> Host:
        with self._lock:
            if registry not in self._hosts:
                self._hosts[registry] = Host(registry, self._settings)
            return self._hosts[registry]

    def _tokens(self, repository: Repository) -> Tokens:
        credential = self._keychain.find(repository)
        return self._host(repository.registry).tokens(credential, self._clock.monotonic)

    def _open(self, request: Request, number: int) -> tuple[Answer, Stream]:
        """The answer at the end of renewed credentials and redirects, its body unread."""
        host = self._host(request.repository.registry)
        if not request.farewell:
            host.pace(self.patience, self._clock)
        url = request.url
        rejected: Token | None = None
        renewals = redirects = 0
        while True:
            at_home = url.startswith("/") or host.is_home(url)
            headers = dict(request.headers)
            token = (
                self._authorize(host, request, headers, rejected, shared=renewals < _MOST_RENEWALS)
                if at_home
                else None
            )
            answer, stream = self._send_anywhere(host, request, url, headers, number)
            if answer.status == _UNAUTHORIZED and at_home and renewals < _MOST_RENEWALS:
                if _learn(host, answer, had_token=token is not None or "Authorization" in headers):
                    renewals, rejected = renewals + 1, token
                    with self.reading(request, stream):
                        stream.drop()
                    continue
            elif answer.status in _REDIRECTS and answer.header("Location"):
                with self.reading(request, stream):
                    stream.drop()
                url, redirects = self._redirected(request, answer), redirects + 1
                if redirects > _MOST_REDIRECTS:
                    raise self._bad_redirect(request, "it redirects without end")
                continue
            return answer, stream

    def _redirected(self, request: Request, answer: Answer) -> str:
        url = self.resolve(request, answer, answer.header("Location"))
        scheme = urlsplit(url).scheme
        if scheme == "http" and urlsplit(answer.url).scheme == "https":
            raise self._bad_redirect(request, "it redirects from https to http")
        if request.method not in ("GET", "HEAD") and answer.status not in _SAME_METHOD_REDIRECTS:
            raise self._bad_redirect(request, f"it redirects a {request.method}")
        return url

    def _bad_redirect(self, request: Request, why: str) -> RegistryError:
        registry = request.repository.registry
        return RegistryError(f"cannot {request.doing}: {registry}: {why}", registry=registry)

    def _authorize(
        self,
        host: Host,
        request: Request,
        headers: dict[str, str],
        rejected: Token | None,
        *,
        shared: bool,
    ) -> Token | None:
        """Put credentials into the headers as the registry asked; returns the token used."""
        challenge = host.challenge
        if challenge is None:
            return None
        credential = self._keychain.find(request.repository)
        if challenge.scheme == "basic":
            if credential is not None:
                headers["Authorization"] = basic(credential)
            return None
        tokens = host.tokens(credential, self._clock.monotonic)
        needed = request.scopes
        token = None if rejected else tokens.find(needed)
        if token is None:
            token = tokens.renew(
                needed if rejected is None else with_challenge(needed, challenge),
                rejected,
                lambda tries: self._fetch_token(request, challenge, credential, tries),
                shared=shared,
            )
        headers["Authorization"] = f"Bearer {token.value}"
        return token

    def _fetch_token(
        self,
        request: Request,
        challenge: Challenge,
        credential: Credential | None,
        tries: Sequence[Scopes],
    ) -> Token:
        host = self._host(request.repository.registry)
        service = urlsplit(challenge.realm).hostname or challenge.realm
        if not may_see_credentials(challenge.realm, host.base):
            raise RegistryError(
                f"cannot {request.doing}: {host.registry} names the token service "
                f"{redact_url(challenge.realm)}, which may not see credentials",
                registry=host.registry,
                remedy="Its realm must be an https address",
            )
        asking = replace(request, doing=f"get a token of {service} to {request.doing}", body=None)
        for scopes in tries:
            ask = token_request(challenge, scopes, credential, _AGENT)
            answer = self._ask_service(host, asking, ask)
            if answer.ok:
                try:
                    return read_token(answer.body, scopes, self._clock.monotonic())
                except (ValueError, TypeError) as error:
                    raise RegistryError(
                        f"cannot {asking.doing}: its answer is not a token: {error}",
                        registry=host.registry,
                    ) from error
        raise self.refused(asking, answer)

    def _ask_service(self, host: Host, request: Request, ask: TokenRequest) -> Answer:
        url, headers = ask.url, dict(ask.headers)
        body = None if ask.form is None else Body.of(ask.form)
        for _ in range(_MOST_REDIRECTS):
            sent = replace(request, method="GET" if body is None else "POST", body=body)
            answer, stream = self._send(host, sent, url, headers, 0)
            with self.reading(sent, stream):
                answer = replace(answer, body=stream.read(ERROR_LIMIT_BYTES)[0])
            if answer.status not in _REDIRECTS or not answer.header("Location"):
                return self._checked(sent, answer)
            target = self.resolve(request, answer, answer.header("Location"))
            if urlsplit(target).netloc != urlsplit(url).netloc or body is not None:
                headers.pop("Authorization", None)  # for the service that was named, nobody else
                body = None
            url = target
        raise self._bad_redirect(request, "its token service redirects without end")

    def _send_anywhere(
        self, host: Host, request: Request, url: str, headers: Mapping[str, str], number: int
    ) -> tuple[Answer, Stream]:
        """Send in the scheme that the registry speaks, found out by the first request."""
        if not url.startswith("/"):
            return self._send(host, request, url, headers, number)
        problem: RegistryError | None = None
        answers_plain = False
        for scheme in host.schemes:
            try:
                answer, stream = self._send(
                    host, request, f"{scheme}://{host.registry}{url}", headers, number
                )
            except WrongSchemeError as error:
                problem = problem or error.problem
                continue
            except TransientError as error:  # a plain server may just not understand TLS
                raise problem or error from error
            if len(host.schemes) > 1 and scheme == "http" and _may_be_tls_server(answer):
                answers_plain = True
                stream.close()
                continue
            host.settle(scheme)
            return answer, stream
        if answers_plain:  # its 400 was meant after all
            host.settle("http")
            return self._send_anywhere(host, request, url, headers, number)
        raise problem or self._bad_redirect(request, "it speaks neither http nor https")

    def _send(
        self, host: Host, request: Request, url: str, headers: Mapping[str, str], number: int
    ) -> tuple[Answer, Stream]:
        """Send one request; the journal and the log learn about it when its body is done with."""
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - with the first request

        if not request.farewell:
            self.patience.check()
        sent = request.body.size if request.body else 0
        first_byte_s = self._settings.silence_timeout_s * (1 + number) + sent / _COMMIT_BYTES_PER_S
        if request.farewell:
            first_byte_s = min(first_byte_s, _FAREWELL_S)
        started = self._clock.monotonic()

        def done(status: int, received: int) -> None:
            exchange = Exchange(
                method=request.method,
                url=redact_url(url),
                status=status,
                duration_s=self._clock.monotonic() - started,
                sent=sent,
                received=received,
            )
            logger.debug(
                "%s %s %d in %.3f s", exchange.method, exchange.url, status, exchange.duration_s
            )
            if self._journal is not None:
                self._journal(exchange)

        try:
            response = self._ready_wire().send(
                request.method,
                url,
                {"User-Agent": _AGENT, "Accept-Encoding": "identity", **headers},
                body=request.body,
                first_byte_s=first_byte_s,
            )
        except (HTTPError, OSError) as error:
            done(0, 0)
            from exporter.registry.faults import is_wrong_scheme  # noqa: PLC0415 - the same

            problem = self._fault(error, request, started, url)
            if len(host.schemes) > 1 and is_wrong_scheme(error):
                raise WrongSchemeError(problem) from error
            raise problem from error
        stream = Stream(
            response,
            now=self._clock.monotonic,
            grace_s=self._settings.silence_timeout_s,
            check=self.patience.check,
            done=lambda received: done(response.status, received),
        )
        return Answer(status=response.status, headers=response.headers, body=b"", url=url), stream

    def _ready_wire(self) -> Wire:
        with self._lock:
            if self._wire is None:
                self._wire = Wire(self._settings)
            return self._wire

    def _fault(
        self, error: Exception, request: Request, started: float, url: str = ""
    ) -> RegistryError:
        from exporter.registry.faults import wire_error  # noqa: PLC0415 - when one happened only

        registry = request.repository.registry
        host = self._host(registry)
        proxy = self._wire.proxy_for(host.base) if self._wire else ""
        other = "" if not url or host.is_home(url) else one_line(urlsplit(url).netloc, 100)
        problem = wire_error(
            error, registry=registry, doing=request.doing, proxy=proxy, other=other
        )
        if isinstance(problem, TransientError):
            # A long transfer that breaks does not use up patience, silence does.
            longest_s = 3 * self._settings.silence_timeout_s
            problem.spent_s = min(self._clock.monotonic() - started, longest_s)
        return problem

    def _described(self, request: Request, answer: Answer) -> tuple[str, str]:
        """The message and the remedy for an answer that is a refusal."""
        from exporter.registry.causes import Refusal, describe  # noqa: PLC0415 - when refused only

        challenge = self._host(request.repository.registry).challenge
        named = (challenge.realm, challenge.service) if challenge else ()
        own = [name for name in answer.headers if name.lower().startswith("x-")]
        scope = "insufficient_scope" in answer.header("WWW-Authenticate")
        return describe(
            Refusal(
                registry=request.repository.registry,
                doing=request.doing,
                status=answer.status,
                codes=answer.codes,
                said=f"{answer.said}; insufficient_scope" if scope else answer.said,
                hints=" ".join((answer.header("Server"), *named, *own)),
                with_credentials=self._keychain.find(request.repository) is not None,
            )
        )

    def _checked(self, request: Request, answer: Answer) -> Answer:
        """The answer, unless its status asks for another attempt."""
        if answer.status not in RETRIED_STATUSES:
            return answer
        registry = request.repository.registry
        what, remedy = self._described(request, answer)
        problem = TransientError(
            what,
            registry=registry,
            status=answer.status,
            codes=answer.codes,
            remedy=remedy,
            reason=f"{registry} answered {answer.status}",
        )
        problem.retry_after_s = parse_retry_after(answer.header("Retry-After"), self._clock.now())
        if problem.retry_after_s is not None:
            problem.reason += f" and asks for {problem.retry_after_s:.0f} s"
        if answer.status == _TOO_MANY_REQUESTS:
            self._host(registry).slow_down()
        raise problem


class WrongSchemeError(Exception):
    """The host may speak the other of http and https; ``problem`` is what to say if not."""

    def __init__(self, problem: RegistryError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _learn(host: Host, answer: Answer, *, had_token: bool) -> bool:
    """Remember what the registry asks for; whether asking again can help."""
    values = answer.headers
    headers = values.getlist("WWW-Authenticate") if isinstance(values, _MultiValued) else ()
    challenge = Challenge.parse(headers)
    if challenge is None:
        return False
    host.challenge = challenge
    return not (challenge.scheme == "basic" and had_token)


@runtime_checkable
class _MultiValued(Protocol):
    """Headers of urllib3, which keep several values of one name."""

    def getlist(self, key: str, /) -> list[str]: ...


def _may_be_tls_server(answer: Answer) -> bool:
    """Whether this may be how a TLS server answers plain HTTP: 400, and not in a registry's way."""
    return answer.status == _BAD_REQUEST and "json" not in answer.header("Content-Type")
