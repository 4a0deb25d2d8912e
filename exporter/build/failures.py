"""What a failed build says of its cause: texts of buildx, BuildKit and engines, told apart."""

import re
from typing import TYPE_CHECKING

from exporter.build.progress import Failure
from exporter.errors import BuildError, EngineError, Place, RegistryError
from exporter.log import redact
from exporter.process import ProgramMissingError

if TYPE_CHECKING:
    from exporter.build.solve import Solve

_UNREACHABLE = re.compile(
    r"connection refused|no such host|no route to host|network is unreachable|i/o timeout"
    r"|context deadline exceeded|server gave HTTP response to HTTPS client|certificate",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"unexpected status.*?\b(?:408|425|429|500|502|503|504|522)\b"
    # Distribution says so while another process commits an identical blob.
    r"|unexpected status from PUT request to \S+/manifests/\S+: 400\b"
    r"|connection (?:reset|refused|timed out)|broken pipe|unexpected EOF|\bEOF\b|i/o timeout"
    r"|TLS handshake timeout|Too Many Requests|Service Unavailable|Bad Gateway",
    re.IGNORECASE,
)
_PUSHING = re.compile(
    r"^(?:exporting to image|pushing )|failed to push|failed to copy", re.IGNORECASE
)
_NO_ENGINE = re.compile(
    r"cannot connect to the docker daemon|is the docker daemon running|error during connect"
    r"|permission denied while trying to connect",
    re.IGNORECASE,
)
_LOST_ENGINE = re.compile(r"failed to receive status: rpc error: code = Unavailable")
_NO_BUILDER = re.compile(r"no builder .* found|failed to find driver", re.IGNORECASE)
_LOST_BUILDER = re.compile(r"cannot connect to the builder: (.+)")
_NO_BUILDKIT = re.compile(r"answers /(?:grpc|session) with status")
_OLD_BUILDX = re.compile(r"invalid progress mode|unknown flag|not a docker command", re.IGNORECASE)
_NO_TEXT = "string field contains invalid UTF-8"
_PARSE = re.compile(r"dockerfile parse error(?: on)? line (\d+): (.+)")
_BASE = re.compile(r"^\[internal\] load metadata for (\S+)")
_DENIED = re.compile(r"\b(?:401|403)\b|unauthorized|denied|authorization failed", re.IGNORECASE)
_CODE = re.compile(r"exit code: (\d+)")


def _is_push(failure: Failure) -> bool:
    return bool(_PUSHING.search(failure.step) or _PUSHING.search(failure.message))


def is_unreachable(failure: Failure) -> bool:
    """Whether the engine does not get to the registry that it is to push to."""
    return _is_push(failure) and bool(_UNREACHABLE.search(failure.message))


def is_passing(failure: Failure) -> bool:
    """Whether a push failed for a reason that may be gone soon."""
    return _is_push(failure) and bool(_PASSING.search(failure.message))


def is_about_names(failure: Failure) -> bool:
    """Whether names of files are no text, which newer BuildKits take in an archive only."""
    return _NO_TEXT in failure.message


def error_of(solve: "Solve", failure: Failure) -> Exception:
    """The error to raise, with its place and what to do."""
    message = redact(first_line(failure.message))
    if _NO_BUILDER.search(failure.message):
        return EngineError(
            f"{solve.name} must be built, but {message}",
            remedy="docker buildx ls shows the builders; --builder chooses one.",
        )
    if _NO_ENGINE.search(failure.message):
        from exporter.build import ssh  # noqa: PLC0415 - loads an HTTP library

        remedy = "Start the engine, set DOCKER_HOST, or mount /var/run/docker.sock."
        if said := ssh.words_in(failure.message):
            message, remedy = ssh.explain(said)
        return EngineError(
            f"{solve.name} must be built, but the Docker engine cannot be reached: {message}",
            remedy=remedy,
        )
    if _LOST_ENGINE.search(failure.message):
        from exporter.build import ssh  # noqa: PLC0415 - the same

        reason = first_line(ssh.words_in(failure.message)) or message.rpartition(" desc = ")[2]
        return broken_off(solve, reason)
    if lost := _LOST_BUILDER.search(message):
        return EngineError(
            f"{solve.name} must be built, but its builder cannot be reached: {lost[1]}",
            remedy="docker buildx inspect shows whether a builder runs; --builder chooses one.",
        )
    if _NO_BUILDKIT.search(failure.message):
        return EngineError(
            f"{solve.name} must be built, but {message}",
            remedy="Use Docker Engine 20.10 or newer, or a builder with BuildKit (--builder).",
        )
    if found := _PARSE.search(message):  # what is wrong for everybody was refused before
        place, remedy = None, "Use Docker Engine 23.0 or newer (BuildKit 0.10)"
        if not solve.directory:  # a Dockerfile of the user
            place = Place(path=solve.display_file or solve.dockerfile, line=int(found[1]))
            remedy += (
                ", or begin the Dockerfile with # syntax=docker/dockerfile:1, so that the builder"
                " fetches a newer frontend"
            )
        return EngineError(
            f"{solve.name} must be built, but its builder does not understand: {found[2]}",
            place=place,
            remedy=f"{remedy}.",
        )
    if _OLD_BUILDX.search(failure.message):
        return EngineError(
            f"cannot build {solve.name}: docker has no usable buildx plugin: {message}",
            remedy="Install buildx 0.13 or newer, or use the container image.",
        )
    if _is_push(failure):
        return RegistryError(
            f"the engine could not push {solve.name} to {solve.reference}: {message}",
            registry=solve.reference.repository.registry,
            remedy="Check the credentials of --repo and that the engine can reach the registry.",
        )
    if (base := _BASE.search(failure.step)) and _DENIED.search(failure.message):
        registry = base[1].partition("/")[0]
        return RegistryError(
            f"the base image {base[1]} of {solve.name} cannot be read: {message}",
            registry=registry,
            remedy=f"Log in (docker login {registry}), or give an account by --registry-login.",
        )
    place = None
    if failure.line:
        place = Place(path=solve.display_file or failure.file, line=failure.line)
    code = _CODE.search(message)
    what = f"exit code {code[1]}" if code and failure.step else message
    step = f"{failure.step}: " if failure.step else ""
    return BuildError(
        f"building {solve.name} failed: {redact(step)}{what}",
        place=place,
        output=[redact(line) for line in failure.output],
    )


def broken_off(solve: "Solve", reason: str) -> EngineError:
    """The connection to BuildKit was lost in the middle."""
    return EngineError(
        f"the connection to the builder broke while {solve.name} was built: {redact(reason)}",
        remedy="Run it again; the builder keeps the steps that were finished.",
    )


def missing_program(solve: "Solve", error: ProgramMissingError) -> EngineError:
    """A program of docker is not installed."""
    return EngineError(
        f"cannot build {solve.name}: {error.what}",
        remedy="Install docker with its buildx plugin, or use the container image.",
    )


def first_line(text: str) -> str:
    """The first line that is not blank, or nothing."""
    return text.strip().splitlines()[0] if text.strip() else ""
