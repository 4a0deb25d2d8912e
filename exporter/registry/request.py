"""What is asked of a registry, before it is sent."""

from collections.abc import Mapping
from dataclasses import field

from exporter.oci.reference import Repository
from exporter.registry.auth import Scopes
from exporter.registry.settings import ERROR_LIMIT_BYTES
from exporter.registry.wire import Body
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a registry.

    Attributes:
        method: The HTTP method.
        url: A path below the registry (``/v2/…``), or an absolute URL that it named.
        repository: Decides about registry, account and scope.
        doing: What an error says could not be done: ``push ghcr.io/a/b:1``.
        push: Whether the scope includes ``push``.
        mount_from: Name of a repository of the same registry to be read, too.
        headers: Besides those for credentials and length.
        body: Opened again for each attempt.
        limit: Bytes of the answer's body that are accepted.
        farewell: Sent even when the program was asked to stop: it cleans up.
    """

    method: str
    url: str
    repository: Repository
    doing: str
    push: bool = False
    mount_from: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    limit: int = ERROR_LIMIT_BYTES
    farewell: bool = False

    @property
    def scopes(self) -> Scopes:
        """What a token must be good for."""
        scopes = {self.repository.name: frozenset({"pull", "push"} if self.push else {"pull"})}
        if self.mount_from and self.mount_from != self.repository.name:
            scopes[self.mount_from] = frozenset({"pull"})
        return scopes
