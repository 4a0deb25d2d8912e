"""A solve asked of BuildKit itself: no program has to be started, and no context is sent twice.

What the frontend is told is what ``docker buildx build`` tells it.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from exporter.build.delivery import Delivery
from exporter.build.engine import DEFAULT_HOST, PushError
from exporter.build.farewells import Farewells
from exporter.build.progress import Failure, Progress
from exporter.build.reach import Reach
from exporter.build.solve import Files, Solve, Solved
from exporter.buildkit import (
    CallError,
    Credentials,
    Request,
    RoadError,
    Services,
)
from exporter.buildkit.rpc import UNAVAILABLE
from exporter.buildkit.wire import Fields
from exporter.log import redact
from exporter.oci.digest import Digest
from exporter.process import ProgramMissingError
from exporter.registry.keychain import Credential

_PROXIES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}
_DIGEST = "containerimage.digest"
_IMAGE = "docker-image://"
_STEERING = ("BUILDKIT_INLINE_CACHE", "BUILDKIT_MULTI_PLATFORM")
"""Arguments by which buildx is told of other outputs."""
_NETWORKS = ("", "default", "host", "none")
"""Those of BuildKit; buildx says what it thinks of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """How BuildKit is reached and what it may know.

    ``env`` leads to the user's Docker configuration. ``find_account`` gets the host of a registry.
    """

    reach: Reach
    env: Mapping[str, str] = field(repr=False)
    monotonic: Callable[[], float]
    find_account: Callable[[str], Credential | None]
    farewells: Farewells

    def takes(self, solve: Solve, delivery: Delivery) -> bool:
        """Whether this solve can be asked for in this way."""
        return (
            solve.files is not None
            and delivery.exporter(solve.reference) is not None
            and all(text.startswith(_IMAGE) for text in solve.contexts.values())
            and all(each == "default" for each in solve.ssh)
            and all(_host(each) for each in solve.add_hosts)
            and solve.network in _NETWORKS
            and not any(name in solve.arguments for name in _STEERING)
        )

    def once(
        self, solve: Solve, delivery: Delivery, say: Callable[[str], None]
    ) -> Solved | Failure:
        """One attempt.

        Raises:
            EngineError: The connection broke, or a program is missing.
        """
        started = self.monotonic()
        progress = Progress(lambda line: say(redact(line)))
        files, exporter = solve.files, delivery.exporter(solve.reference)
        if files is None or exporter is None:
            raise TypeError
        services = self._services(solve, files)
        try:
            solving = self.reach.client(solve.platform).start(
                self._request(solve, files, exporter), services
            )
            solving.watch(progress.take, until=lambda: bool(progress.pushed))
            if progress.pushed:
                digest = progress.pushed
                self.farewells.add(solving.see_off)
            else:
                digest = solving.result().get(_DIGEST, "")
                delivery.publish(solve.reference)
        except PushError as error:
            return Failure(step="pushing layers", message=str(error))
        except ProgramMissingError as error:
            from exporter.build import failures  # noqa: PLC0415 - few builds fail

            raise failures.missing_program(solve, error) from error
        except RoadError as error:
            return progress.failure(str(error))
        except CallError as error:
            if services.error:
                raise services.error from error
            if error.code == UNAVAILABLE and not progress.has_failed:
                from exporter.build import failures  # noqa: PLC0415 - the same

                raise failures.broken_off(solve, error.message) from error
            return progress.failure(error.message, *_place(error.details))
        reference = solve.reference
        if delivery.pushes:
            reference = reference.repository.at(Digest.parse(digest))
        return Solved(
            reference=reference,
            seconds=self.monotonic() - started,
            steps=progress.steps,
        )

    def _request(self, solve: Solve, files: Files, exporter: Mapping[str, str]) -> Request:
        attributes = {
            "filename": Path(solve.dockerfile).name,
            "platform": solve.platforms,
        }
        if self.reach.is_engine:
            attributes["image-resolve-mode"] = "local"
        arguments = {**self._proxies(), **self._epoch(), **solve.arguments}
        attributes |= {f"build-arg:{key}": value for key, value in arguments.items()}
        attributes |= {f"label:{key}": value for key, value in solve.labels.items()}
        attributes |= {f"context:{key}": value for key, value in solve.contexts.items()}
        if solve.target:
            attributes["target"] = solve.target
        if solve.add_hosts:
            attributes["add-hosts"] = ",".join(filter(None, map(_host, solve.add_hosts)))
        entitlements = []
        if solve.network in ("host", "none"):
            attributes["force-network-mode"] = solve.network
        if solve.network == "host":
            entitlements.append("network.host")
        # the engine's own kind of images always has a tag
        kind = "moby" if self.reach.is_engine and "push" not in exporter else "image"
        frontend = "dockerfile.v0"
        if syntax := solve.arguments.get("BUILDKIT_SYNTAX", "").strip():
            frontend = "gateway.v0"
            attributes |= {"source": syntax.split(" ", 1)[0], "cmdline": syntax}
        return Request(
            attributes=attributes,
            exporter=kind,
            exporter_attributes=exporter,
            frontend=frontend,
            entitlements=entitlements,
            shared_key=files.key,
        )

    def _services(self, solve: Solve, files: Files) -> Services:
        agent = self.env.get("SSH_AUTH_SOCK", "")
        return Services(
            trees={"context": files.context, "dockerfile": files.dockerfile},
            find_account=self._account,
            secrets={secret.id: secret.read for secret in solve.secrets},
            agents={"default": Path(agent)} if solve.ssh and agent else {},
        )

    def _account(self, registry: str) -> Credentials:
        found = self.find_account(registry)
        if found is None:
            return Credentials("", "")
        if found.identity_token:
            return Credentials("", found.identity_token)
        return Credentials(found.username, found.password)

    def _proxies(self) -> dict[str, str]:
        """Proxies of the user's Docker configuration, which docker makes arguments of builds."""
        try:
            config = json.loads(Path(self.env["DOCKER_CONFIG"], "config.json").read_bytes())
            known = config["proxies"]
            proxies = known.get(self.env.get("DOCKER_HOST") or DEFAULT_HOST) or known["default"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        found = {name: str(proxies[key]) for key, name in _PROXIES.items() if proxies.get(key)}
        return found | {name.lower(): value for name, value in found.items()}

    def _epoch(self) -> dict[str, str]:
        epoch = self.env.get("SOURCE_DATE_EPOCH", "")
        return {"SOURCE_DATE_EPOCH": epoch} if epoch else {}


def _host(text: str) -> str | None:
    """``name=address`` of ``name:address`` or ``name=address``, without brackets.

    None for what buildx must judge: ``host-gateway``, and what has no such form.
    """
    name, _, address = text.partition("=" if "=" in text else ":")
    address = address.removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        ip_address(address)
        return f"{name}={address}" if name else None
    return None


def _place(details: bytes) -> tuple[str, int]:
    """File and line of the instruction that failed, or "" and 0."""
    place = ("", 0)
    with suppress(ValueError, KeyError, IndexError, TypeError):
        for each in Fields(details).messages(3):
            if each.text(1).partition("+")[0].endswith("errdefs.Source"):
                source = json.loads(each.data(2))
                place = source["info"]["filename"], int(source["ranges"][0]["start"]["line"])
    return place
