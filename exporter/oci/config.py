"""The config of an image: labels, environment, platform, and what its layers unpack to."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from exporter.oci.descriptor import read_platform
from exporter.oci.digest import Digest
from exporter.oci.document import Json, View, read_object
from exporter.oci.platform import Platform
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """An image config; ``raw`` is the truth, the rest a view on it.

    ``env`` keeps the order and the ``NAME=value`` form. ``created`` is the text as it stands.
    ``run`` is the object under ``config`` (Entrypoint, Cmd, User, …), empty when there is none.
    """

    raw: bytes = field(repr=False)
    digest: Digest
    platform: Platform = field(compare=False)
    labels: Mapping[str, str] = field(compare=False)
    env: tuple[str, ...] = field(compare=False)
    created: str = field(compare=False)
    diff_ids: tuple[str, ...] = field(compare=False)
    run: Mapping[str, Json] = field(compare=False, repr=False)
    document: Mapping[str, Json] = field(compare=False, repr=False)


def parse_config(raw: bytes) -> ImageConfig:
    """The image config in these bytes.

    Raises:
        MalformedError: It is not an image config.
    """
    view = View(read_object(raw))
    run = view.view("config") or View({}, "config")
    rootfs = view.view("rootfs") or View({}, "rootfs")
    return ImageConfig(
        raw=raw,
        digest=Digest.of(raw),
        platform=read_platform(view),
        labels=run.text_map("Labels"),
        env=run.texts("Env"),
        created=view.text("created", ""),
        diff_ids=rootfs.texts("diff_ids"),
        run=MappingProxyType(dict(run.values)),
        document=MappingProxyType(dict(view.values)),
    )
