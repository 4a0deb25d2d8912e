"""What went wrong on the wire, in the words of ``causes``."""

import ssl
from collections.abc import Iterator

from exporter.errors import RegistryError
from exporter.registry.answer import SlowError
from exporter.registry.causes import Cause, Refusal, describe
from exporter.registry.redact import one_line
from exporter.registry.retry import TransientError

_FINAL = frozenset((Cause.TLS, Cause.CLOCK, Cause.PLAIN_HTTP))
_REASONS = {
    Cause.DNS: "the name does not resolve",
    Cause.PROXY: "the proxy cannot be reached",
    Cause.CONNECT: "the connection was refused",
    Cause.TIMEOUT: "no answer in time",
    Cause.CLOSED: "the connection was closed",
}


def wire_error(
    error: Exception, *, registry: str, doing: str, proxy: str = "", other: str = ""
) -> RegistryError:
    """The error to raise for an exception of urllib3; transient when waiting may cure it.

    ``other`` is the host that failed when it is not the registry itself, but named by it.
    """
    cause = classify(error)
    detail = "" if cause in (Cause.TIMEOUT, Cause.CONNECT) else one_line(_innermost(error), 160)
    through = f" through the proxy {proxy}" if proxy else ""
    who = f"{other}, named by {registry}," if other else registry
    what, remedy = describe(Refusal(registry=who + through, doing=doing, said=detail, cause=cause))
    if cause in _FINAL:
        return RegistryError(what, registry=registry, remedy=remedy)
    found = TransientError(what, registry=registry, remedy=remedy, reason=_REASONS[cause])
    found.at_once = cause is Cause.CLOSED
    found.brief = cause is Cause.DNS
    return found


def classify(error: Exception) -> Cause:
    """The cause behind an exception that urllib3 raised."""
    from urllib3 import exceptions as they  # noqa: PLC0415 - loaded only with the first request

    chain = tuple(_chain(error))
    if isinstance(error, they.ProxyError):
        return Cause.PROXY
    for link in chain:
        if isinstance(link, they.NameResolutionError):
            return Cause.DNS
        if isinstance(link, ssl.SSLCertVerificationError):
            text = str(link)
            return Cause.CLOCK if "expired" in text or "not yet valid" in text else Cause.TLS
        if isinstance(link, ssl.SSLError) and "WRONG_VERSION" in str(link):
            return Cause.PLAIN_HTTP
    if any(isinstance(link, they.NewConnectionError) for link in chain):
        return Cause.CONNECT  # before TimeoutError, of which it is a kind
    if any(isinstance(link, TimeoutError | they.TimeoutError | SlowError) for link in chain):
        return Cause.TIMEOUT
    return Cause.CLOSED


def is_wrong_scheme(error: Exception) -> bool:
    """Whether the other of ``http`` and ``https`` may be spoken there."""
    return classify(error) in (Cause.PLAIN_HTTP, Cause.CONNECT, Cause.CLOSED)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those inside it; urllib3 also hides them in ``args``."""
    seen: list[BaseException] = []
    waiting: list[BaseException] = [error]
    while waiting:
        link = waiting.pop()
        if link in seen:
            continue
        seen.append(link)
        yield link
        inner = (link.__cause__, *link.args, getattr(link, "reason", None))
        waiting += [other for other in inner if isinstance(other, BaseException)]


def _innermost(error: Exception) -> str:
    last: BaseException = error
    for link in _chain(error):
        last = link
    return str(last)
