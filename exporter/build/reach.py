"""Which BuildKit builds, and the way to it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock

from exporter.build.builder import find_builder
from exporter.build.docker_config import docker_folder
from exporter.build.engine import socket_of
from exporter.buildkit import (
    CallError,
    Client,
    EngineRoad,
    ProgramLine,
    Road,
    RoadError,
    SocketLine,
    StraightRoad,
)
from exporter.oci.platform import Platform
from exporter.process import ProgramMissingError

_WITHOUT_CONTAINERD = 'labels."org.mobyproject.buildkit.worker.executor"!=containerd'
"""The worker inside an engine that keeps images in a store of its own; it bears no such label.

Asked in this way, a worker with containerd need not look at its platforms for the answer.
"""


class Reach:
    """A BuildKit; ``is_engine`` says that it is the one inside an engine.

    A builder of several machines has one for each platform.
    ``context`` is the Docker context that was chosen as the builder, if any.
    """

    def __init__(
        self, open_road: Callable[[Platform], Road], *, is_engine: bool, context: str = ""
    ) -> None:
        """Take the way to the BuildKit for a platform, which is the same for all in an engine."""
        self.is_engine = is_engine
        self.context = context
        self._open_road = open_road
        self._clients: dict[str, Client] = {}
        self._lock = Lock()
        self._can_push: bool | None = None

    def client(self, platform: Platform) -> Client:
        """The BuildKit that builds for a platform.

        Raises:
            RoadError: It is out of reach, as is known already.
        """
        key = "" if self.is_engine else str(platform)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = Client(self._open_road(platform))
            return self._clients[key]

    def can_push(self, platform: Platform) -> bool:
        """Whether it can push itself; in an engine only with the containerd store."""
        if not self.is_engine:
            return True
        if self._can_push is None:
            try:
                self._can_push = not self.client(platform).has_worker(_WITHOUT_CONTAINERD)
            except (RoadError, CallError, ProgramMissingError):
                return True  # the solve is going to tell better what is wrong
        return self._can_push

    def engine_env(self, env: Mapping[str, str]) -> Mapping[str, str] | None:
        """Variables that lead to the engine that it is part of; None for any other."""
        if not self.is_engine:
            return None
        if not self.context:
            return env
        other = {} if self.context == "default" else {"DOCKER_HOST": ""}
        return {**env, **other, "DOCKER_CONTEXT": self.context}

    def close(self) -> None:
        """End all connections."""
        for client in self._clients.values():
            client.close()


def find_reach(name: str, env: Mapping[str, str]) -> Reach:
    """The BuildKit that was chosen: ``--builder``, buildx's own choice, else the engine's.

    Raises:
        EngineError: There is no such builder, or no buildx.
    """
    if not _uses_another(name, env):
        path = socket_of(env)
        line = SocketLine(path) if path else _line_to_engine("", env)
        return Reach(lambda _: EngineRoad(line), is_engine=True)
    builder = find_builder(name, env)
    if builder.driver == "docker":
        line = _line_to_engine(builder.endpoint, env)
        return Reach(lambda _: EngineRoad(line), is_engine=True, context=builder.endpoint)

    def open_road(platform: Platform) -> Road:
        if builder.error and not builder.driver:
            raise RoadError(builder.error)
        chosen = ["--builder", builder.name, "--platform", str(platform)]
        return StraightRoad(ProgramLine(["docker", "buildx", "dial-stdio", *chosen], env))

    return Reach(open_road, is_engine=False)


def _line_to_engine(context: str, env: Mapping[str, str]) -> ProgramLine:
    chosen = ["--context", context] if context else []
    return ProgramLine(["docker", *chosen, "system", "dial-stdio"], env)


def _uses_another(name: str, env: Mapping[str, str]) -> bool:
    """Whether another builder than the engine's own BuildKit was chosen, by any way there is."""
    if name or env.get("BUILDX_BUILDER"):
        return True
    folder = env.get("BUILDX_CONFIG") or Path(docker_folder("", env), "buildx")
    try:
        return bool(json.loads(Path(folder, "current").read_bytes())["Name"])
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True  # buildx knows what to make of it
