"""The base image of a stapel image, as its registry shows it."""

import logging
from dataclasses import dataclass, field

from exporter.build.local import LocalPublisher
from exporter.build.publisher import Publisher
from exporter.build.session import Session
from exporter.errors import BuildError, RegistryError
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.manifest import Index, Manifest
from exporter.oci.platform import Platform
from exporter.oci.reference import Reference, Repository
from exporter.project.models.stapel import StapelImage
from exporter.registry.client import RegistryClient

logger = logging.getLogger(__name__)

SCRATCH = "scratch"
_REMEDY = "Check `from` and the credentials of its registry."


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An image to build on: where it is by digest, its manifest and its config."""

    reference: Reference
    manifest: Manifest = field(repr=False)
    config: ImageConfig = field(repr=False)


def client_of(session: Session) -> RegistryClient:
    """The client that base images are read with, and stages published when there is a --repo."""
    return session.publisher.registry


def publisher_of(session: Session) -> Publisher:
    """The publisher of stages in a registry; in local mode there is none."""
    if not isinstance(session.publisher, Publisher):
        raise TypeError
    return session.publisher


def read_base(session: Session, image: StapelImage, platform: Platform) -> Base:
    """The base image for a platform.

    Raises:
        BuildError: It does not exist, or not for the platform.
        RegistryError: Its registry refuses.
    """
    client = client_of(session)
    try:
        reference = Reference.parse(image.base)
    except ValueError as error:
        raise BuildError(
            f"`from: {image.base}` is neither an image of the config nor a reference: {error}",
            place=image.place,
        ) from error
    try:
        found = client.find_manifest(reference)
    except RegistryError as error:
        if (own := _of_engine(session, image, str(error))) is None:
            raise
        return _checked(own, image, platform)
    if found is None and (own := _of_engine(session, image, "its registry has none")):
        return _checked(own, image, platform)
    if isinstance(found, Index):
        children = [
            child
            for child in found.manifests
            if child.platform == platform and not child.is_attestation
        ]
        if not children:
            names = ", ".join(str(child.platform) for child in found.manifests if child.platform)
            raise BuildError(
                f"the base image {image.base} is not there for {platform}, only for {names}",
                place=image.place,
            )
        reference = reference.repository.at(children[0].digest)
        found = client.find_manifest(reference)
    if not isinstance(found, Manifest):
        raise BuildError(
            f"the base image {image.base} does not exist", place=image.place, remedy=_REMEDY
        )
    config = parse_config(client.read_blob(reference.repository, found.config))
    base = Base(reference=reference.repository.at(found.digest), manifest=found, config=config)
    return _checked(base, image, platform)


def _of_engine(session: Session, image: StapelImage, reason: str) -> Base | None:
    """In local mode an image that only the engine has, as in werf."""
    if not isinstance(session.publisher, LocalPublisher):
        return None
    found = session.publisher.images.find(image.base)
    if found is None:
        return None
    logger.warning("the base image %s is that of the engine: %s", image.base, reason)
    manifest, config = found
    name, _, tag = image.base.rpartition(":")
    if not name or "/" in tag:
        name, tag = image.base, "latest"
    reference = Repository(registry="", name=name).tag(tag)
    return Base(reference=reference, manifest=manifest, config=config)


def _checked(base: Base, image: StapelImage, platform: Platform) -> Base:
    """The base, which must be for the platform."""
    config = base.config
    if config.platform.architecture != platform.architecture or config.platform.os != platform.os:
        raise BuildError(
            f"the base image {image.base} is for {config.platform}, not for {platform}",
            place=image.place,
            remedy="Choose a base image for this platform, or another `platform`.",
        )
    return base
