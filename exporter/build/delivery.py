"""How a built image leaves BuildKit: pushed by the engine, kept in it, or pushed by our client.

The engine's own push is the fastest way.
Our client is for engines that cannot reach the registry (another network, another certificate).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Protocol

from exporter.build.archive import Pieces, Put, Readable, read_archive
from exporter.build.engine import Engine
from exporter.oci.digest import Digest
from exporter.oci.reference import Reference, Repository
from exporter.registry.blob import BlobSource
from exporter.registry.client import RegistryClient
from exporter.registry.keychain import Credential


class Delivery(Protocol):
    """One way."""

    @property
    def pushes(self) -> bool:
        """Whether BuildKit itself pushes, and tells so."""
        ...

    def output(self, reference: Reference) -> str:
        """The value of buildx's option ``--output``."""
        ...

    def exporter(self, reference: Reference) -> Mapping[str, str] | None:
        """Attributes of BuildKit's exporter of images; None when only buildx knows the way."""
        ...

    def publish(self, reference: Reference) -> None:
        """Publish what the exporter has left, where buildx would do it.

        Raises:
            PushError: The engine could not.
        """
        ...

    def receive(self, stream: Readable, reference: Reference) -> Digest | None:
        """Take what buildx writes to its standard output while it runs, to the end.

        Returns:
            The digest of what was published without a tag, if anything.
        """
        ...

    def finish(self, reference: Reference) -> Digest | None:
        """What is left to do when the build has ended well; as ``receive``."""
        ...


class QuietDelivery:
    """A way on which nothing comes to us, and nothing is left to do; for others to build on."""

    pushes: ClassVar[bool] = False
    __slots__ = ()

    def exporter(self, reference: Reference) -> Mapping[str, str] | None:
        """Only buildx knows the way."""
        del reference
        return None

    def publish(self, reference: Reference) -> None:
        """Nothing is left."""
        del reference

    def receive(self, stream: Readable, reference: Reference) -> Digest | None:
        """Nothing comes."""
        del reference
        stream.read()
        return None

    def finish(self, reference: Reference) -> Digest | None:
        """Nothing is left."""
        del reference
        return None


class PushByBuildKit(QuietDelivery):
    """BuildKit pushes the image, and the engine's image store gets no copy.

    Unpacking a copy, and the second push that buildx has the engine make of it, cost a fifth of a
    small build. To buildx ``push=`` is no push, to BuildKit it is one.
    Asked directly it pushes without a tag, which buildx cannot ask of an engine's BuildKit.
    That of an engine without the containerd store cannot push.
    """

    pushes = True

    def output(self, reference: Reference) -> str:
        """An image in the registry."""
        return f"type=image,push=,store=false,oci-mediatypes=false,name={reference}"

    def exporter(self, reference: Reference) -> Mapping[str, str] | None:
        """An image in the registry."""
        named = _named(str(reference.repository))
        return {**named, "push": "true", "push-by-digest": "true", "store": "false"}


class PushByEngine(QuietDelivery):
    """The engine pushes what its store has got, which it can by tag only."""

    def __init__(
        self,
        open_engine: Callable[[], Engine | None],
        find_account: Callable[[str], Credential | None],
    ) -> None:
        """Take the engine that builds, None for a builder of its own, and the accounts."""
        self._open_engine = open_engine
        self._find_account = find_account

    def output(self, reference: Reference) -> str:
        """An image in the engine and in the registry."""
        return f"type=image,push=true,oci-mediatypes=false,name={reference}"

    def exporter(self, reference: Reference) -> Mapping[str, str] | None:
        """An image in the engine."""
        return None if self._engine is None else _named(str(reference))

    def publish(self, reference: Reference) -> None:
        """Have the engine push it."""
        if self._engine is not None:
            account = self._find_account(reference.repository.registry)
            self._engine.push_image(reference, account)

    @cached_property
    def _engine(self) -> Engine | None:
        return self._open_engine()


class KeepInEngine(QuietDelivery):
    """The image stays in the engine under its name: local mode.

    The engine's own BuildKit has it there at once; any other one sends it as an archive.
    """

    def __init__(self, *, is_engine: bool) -> None:
        """Take whether the builder is the BuildKit of the engine that keeps the images."""
        self.is_engine = is_engine

    def output(self, reference: Reference) -> str:
        """An image of the engine."""
        kind = "image" if self.is_engine else "docker"
        return f"type={kind},oci-mediatypes=false,name={local_name(reference)}"

    def exporter(self, reference: Reference) -> Mapping[str, str] | None:
        """An image of the engine."""
        return _named(local_name(reference)) if self.is_engine else None


class PushByClient(QuietDelivery):
    """Our own client pushes: BuildKit's archive as it comes, nothing of it touches the disk.

    An engine without the containerd store writes no archive while it builds.
    There the image is kept in the engine, saved from it, and forgotten.
    """

    def __init__(self, client: RegistryClient, open_engine: Callable[[], Engine | None]) -> None:
        """Take the client and the engine that builds, None for a builder of its own."""
        self._client = client
        self._open_engine = open_engine

    @cached_property
    def _keeper(self) -> Engine | None:
        """The engine that has to keep the image; None when it comes as a stream."""
        engine = self._open_engine()
        return engine if engine is not None and not engine.facts().containerd_store else None

    def output(self, reference: Reference) -> str:
        """An archive on standard output, or an image of the engine."""
        if self._keeper is None:
            return "type=oci,oci-mediatypes=false,dest=-"
        return f"type=docker,name={reference}"

    def receive(self, stream: Readable, reference: Reference) -> Digest | None:
        """Push the blobs as they come, then the manifest."""
        if self._keeper is None:
            return self._push(stream, reference)
        stream.read()
        return None

    def finish(self, reference: Reference) -> Digest | None:
        """Push what the engine saves, then take its name away from it."""
        engine = self._keeper
        if engine is None:
            return None
        try:
            return self._push(Pieces(engine.image_archive(str(reference))), reference)
        finally:
            engine.remove_image(str(reference))

    def _push(self, stream: Readable, reference: Reference) -> Digest:
        repository = reference.repository
        archived = read_archive(stream, put_into(self._client, repository))
        manifest = archived.manifest
        config = BlobSource.of(archived.config.raw, manifest.config.media_type)
        self._client.push_blob(repository, config)
        self._client.put_manifest(repository.at(manifest.digest), manifest)
        return manifest.digest


def deliveries_of(
    publish_from: str,
    *,
    client: RegistryClient,
    open_engine: Callable[[], Engine | None],
    find_account: Callable[[str], Credential | None],
    keeps_in_engine: bool,
    on_fall_back: Callable[[str], None],
) -> "Deliveries":
    """The ways that ``--publish-from`` allows, in order; ``keep`` means local mode.

    ``open_engine`` gives the engine whose BuildKit builds, None for a builder of its own.
    ``find_account`` gets the host of a registry. In local mode ``keeps_in_engine`` says whether the
    builder is the BuildKit of the engine that keeps the images.
    """
    if publish_from == "keep":
        return Deliveries([KeepInEngine(is_engine=keeps_in_engine)], on_fall_back)
    by_client = PushByClient(client, open_engine)
    by_engine: list[Delivery] = [
        PushByBuildKit(),
        PushByEngine(open_engine, find_account),
    ]
    ways: dict[str, list[Delivery]] = {"client": [by_client], "engine": by_engine}
    return Deliveries(ways.get(publish_from, [*by_engine, by_client]), on_fall_back)


class Deliveries:
    """The ways of a run: the first one until it turns out that it leads nowhere."""

    def __init__(self, ways: Sequence[Delivery], on_fall_back: Callable[[str], None]) -> None:
        """Take the ways in order; ``on_fall_back`` is told why another one is taken, once."""
        self._ways = list(ways)
        self._tell = on_fall_back
        self._lock = threading.Lock()

    @property
    def by_client(self) -> bool:
        """Whether our client may push."""
        return isinstance(self._ways[-1], PushByClient)

    @property
    def current(self) -> Delivery:
        """The way to take now."""
        return self._ways[0]

    def fall_back(self, failed: Delivery, unreachable: str = "") -> bool:
        """Whether there is another way than the failed one; taken from now on.

        With a reason why the engine does not reach the registry, it is one without the engine.
        """
        with self._lock:
            if failed is not self._ways[0]:
                return True
            others = [way for way in self._ways[1:] if not unreachable or not _by_engine(way)]
            if not others:
                return False
            self._ways = others
        if unreachable:
            self._tell(unreachable)
        return True


def _by_engine(way: Delivery) -> bool:
    return isinstance(way, PushByBuildKit | PushByEngine)


def _named(name: str) -> dict[str, str]:
    return {"name": name, "oci-mediatypes": "false"}


def local_name(reference: Reference) -> str:
    """``project:tag``, the name of a stage inside the engine."""
    return f"{reference.repository.name}:{reference.tag}"


def put_into(client: RegistryClient, repository: Repository) -> Put:
    """Pushes layers into a repository; those that it holds are skipped."""

    def put(source: BlobSource) -> None:
        client.push_blob(repository, source)

    return put
