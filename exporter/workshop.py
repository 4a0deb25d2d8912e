"""The tools of a run: registry client, engine, BuildKit, and the repositories of stages.

Each is made when it is first asked for, and ended with the run.
"""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from exporter.build.publisher import Publisher
from exporter.build.session import Session
from exporter.build.storage import StageStorage, Storages
from exporter.ci import Console
from exporter.credentials import logins_of
from exporter.oci.platform import Platform
from exporter.oci.reference import Repository, parse_repository
from exporter.options import Options
from exporter.project.loader import Project
from exporter.registry.client import RegistryClient
from exporter.registry.keychain import Keychain
from exporter.registry.settings import Settings

if TYPE_CHECKING:  # loaded only when something is built, or without --repo
    from exporter.build.buildkit import BuildKit
    from exporter.build.delivery import Deliveries
    from exporter.build.engine import Engine
    from exporter.build.engine_images import EngineImages
    from exporter.build.local import LocalPublisher
    from exporter.build.reach import Reach
    from exporter.preflight import Checks


class Workshop:
    """Makes the tools that the options ask for; ``stack`` ends them."""

    def __init__(
        self, options: Options, env: Mapping[str, str], console: Console, stack: ExitStack
    ) -> None:
        self.options = options
        self._env = env
        self._console = console
        self._stack = stack
        self._cwd = Path.cwd()
        self.checks: Checks | None = None

    @cached_property
    def client(self) -> RegistryClient:
        """The registry client, with the accounts of the options."""
        options = self.options
        settings = Settings(
            insecure=options.insecure_registry,
            skip_tls_verify=options.skip_tls_verify_registry,
            ca_file=Path(options.registry_ca) if options.registry_ca else None,
            env=self._env,
            retry_timeout_s=float(options.retry_timeout),
        )
        return self._stack.enter_context(RegistryClient(keychain=self._keychain, settings=settings))

    @cached_property
    def _keychain(self) -> Keychain:
        """The accounts of the options and of the user's files."""
        options = self.options
        folder = Path(options.docker_config) if options.docker_config else None
        return Keychain(logins=logins_of(options, self._env), env=self._env, docker_config=folder)

    @property
    def stages(self) -> Repository | None:
        """The repository of stages; None in local mode."""
        return parse_repository(self.options.repo) if self.options.repo else None

    def permit(self) -> None:
        """Wait for the checks before the build, when there are any; raises what they found."""
        if self.checks is not None:
            self.checks.wait()

    @cached_property
    def buildkit(self) -> "BuildKit":
        """The door to builds; the engine's programs see the accounts of the options."""
        from exporter.build.buildkit import BuildKit  # noqa: PLC0415 - only to build
        from exporter.build.buildx import Buildx  # noqa: PLC0415 - the same
        from exporter.build.direct import Direct  # noqa: PLC0415 - the same
        from exporter.build.docker_config import (  # noqa: PLC0415 - the same
            docker_folder,
            private_config,
        )
        from exporter.build.farewells import Farewells  # noqa: PLC0415 - the same
        from exporter.build.reach import find_reach  # noqa: PLC0415 - the same

        options, env = self.options, self._env
        folder = docker_folder(options.docker_config, env)
        child_env = self._stack.enter_context(private_config(folder, logins_of(options, env), env))
        farewells = Farewells()
        reach = find_reach(options.builder, child_env)
        self._stack.callback(reach.close)
        buildx = Buildx(
            env=child_env,
            monotonic=time.monotonic,
            farewells=farewells,
            builder="" if reach.context else options.builder,  # buildx takes no context for one
            context=reach.context,
            cache_from=options.cache_from,
            cache_to=options.cache_to,
        )
        direct = Direct(
            reach=reach,
            env=child_env,
            monotonic=time.monotonic,
            find_account=self._keychain.find_host,
            farewells=farewells,
        )
        self._stack.callback(farewells.wait)
        return BuildKit(
            buildx=buildx, direct=direct, sleep=time.sleep, deliveries=self._deliveries(reach)
        )

    @cached_property
    def engine(self) -> "Engine":
        """The connected engine."""
        return self._connect(self._docker_env)

    @cached_property
    def builder_engine(self) -> "Engine | None":
        """The engine whose BuildKit builds; None when that is another builder's."""
        env = self.buildkit.direct.reach.engine_env(self._docker_env)
        return None if env is None else self._connect(env)

    @property
    def _docker_env(self) -> Mapping[str, str]:
        from exporter.build.docker_config import with_docker_folder  # noqa: PLC0415 - the same

        return with_docker_folder(self.options.docker_config, self._env)

    def _connect(self, env: Mapping[str, str]) -> "Engine":
        from exporter.build.engine import connect  # noqa: PLC0415 - the same

        return self._stack.enter_context(connect(env))

    @cached_property
    def engine_images(self) -> "EngineImages":
        """The images of the engine."""
        from exporter.build.documents import Documents  # noqa: PLC0415 - only without --repo
        from exporter.build.engine_images import EngineImages  # noqa: PLC0415 - the same

        folder = self._stack.enter_context(TemporaryDirectory(prefix="exporter-layers-"))
        return EngineImages(self.engine, Documents(self._home / "engine"), Path(folder))

    def session(self, project: Project) -> Session:
        """What all builds of the project share."""
        options = self.options
        publisher, storages = self._storages(project.config.project)
        return Session(
            config=project.config,
            git=project.repository,
            project_directory=project.path,
            giterminism=project.giterminism,
            storages=storages,
            publisher=publisher,
            open_buildkit=lambda: self.buildkit,
            permit=self.permit,
            build_platform=Platform.parse(f"linux/{os.uname().machine}"),
            now_ms=_Moments().next,
            env=self._env,
            network=options.backend_network,
            skip_image_spec=options.skip_image_spec_stage,
            home=self._home,
            ssh_keys=tuple(str(self._cwd / Path(key).expanduser()) for key in options.ssh_key),
        )

    @property
    def _home(self) -> Path:
        """For what is kept between runs."""
        return Path(self.options.home_dir or Path(self._env.get("HOME") or "/", ".exporter"))

    def _storages(self, project: str) -> "tuple[Publisher | LocalPublisher, Storages]":
        """Where stages are kept: repositories, or without ``--repo`` the engine."""
        client, options = self.client, self.options
        if self.stages is None:
            from exporter.build import local  # noqa: PLC0415 - only without --repo

            keeper = local.LocalPublisher(self.engine_images, client)
            registry = local.LocalRegistry(self.engine)
            primary = StageStorage(registry, local.local_repository(project))
            return keeper, Storages(primary, copy=keeper.copy)
        publisher = Publisher(client)

        def storage(text: str) -> StageStorage:
            return StageStorage(client, parse_repository(text))

        storages = Storages(
            StageStorage(client, self.stages),
            secondary=[storage(text) for text in options.secondary_repo],
            caches=[storage(text) for text in options.cache_repo],
            copy=publisher.copy,
        )
        return publisher, storages

    def _deliveries(self, reach: "Reach") -> "Deliveries":
        """How built images leave BuildKit, by ``--publish-from``."""
        from exporter.build.delivery import deliveries_of  # noqa: PLC0415 - builds only

        def by_client(reason: str) -> None:
            self._console.notice(
                f"the engine cannot reach the registry ({reason}): "
                "the exporter pushes what is built itself"
            )

        return deliveries_of(
            "keep" if self.stages is None else self.options.publish_from,
            client=self.client,
            open_engine=lambda: self.builder_engine,
            find_account=self._keychain.find_host,
            keeps_in_engine=not self.options.builder and reach.is_engine,
            on_fall_back=by_client,
        )


class _Moments:
    """Milliseconds since the epoch, never the same twice in a run."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000_000)
            return self._last
