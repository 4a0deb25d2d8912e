"""How registries are talked to: trust, patience, limits, and the clock."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path

from exporter.value import dataclass

CHUNK_BYTES = 1 << 20
MANIFEST_LIMIT_BYTES = 8 << 20
ERROR_LIMIT_BYTES = 64 << 10
LIST_LIMIT_BYTES = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client needs to know besides credentials.

    Attributes:
        insecure: Every registry may speak plain HTTP (``--insecure-registry``); without it only
            loopback, ``*.local`` and private addresses may.
        skip_tls_verify: Certificates are not checked.
        ca_file: PEM file trusted besides the system's authorities.
        env: Where proxies (``HTTPS_PROXY``, ``NO_PROXY``) and ``SSL_CERT_FILE`` are looked up.
        connect_timeout_s: For a connection, and for 128 KiB to leave while sending.
        silence_timeout_s: For the first byte of an answer, and between two pieces of a body.
        retry_timeout_s: All waits of the program together.
        request_retry_timeout_s: How long one request may go on failing; ``None`` is 13 % of the
            whole (39 s of 5 min), so that an outage of 30 s is survived and a dead registry is
            told from it within a minute.
        parallel: Transfers at once to one host.
    """

    insecure: bool = False
    skip_tls_verify: bool = False
    ca_file: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    connect_timeout_s: float = 15
    silence_timeout_s: float = 15
    retry_timeout_s: float = 300
    request_retry_timeout_s: float | None = None
    parallel: int = 6

    @property
    def longest_wait_s(self) -> float:
        """The most that a ``Retry-After`` is obeyed for: then one more attempt fits."""
        return self.patience_s / 2

    @property
    def patience_s(self) -> float:
        """How long one request may go on failing."""
        if self.request_retry_timeout_s is not None:
            return self.request_retry_timeout_s
        return 0.13 * self.retry_timeout_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time and chance, so that tests need neither.

    ``sleep`` None means a wait that ``RegistryClient.cancel`` ends.
    """

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    sleep: Callable[[float], None] | None = None
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, for the journal; ``status`` 0 when there was no answer.

    ``url`` is redacted, ``sent`` and ``received`` count bytes of the bodies.
    """

    method: str
    url: str
    status: int
    duration_s: float
    sent: int
    received: int


Journal = Callable[[Exchange], None]
