"""What an engine without the containerd store has built, taken out of what it saves.

Its layers are unpacked, and known by their diff IDs.
"""

import json
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import join, normpath

from exporter.build.archive import Readable
from exporter.oci import media_type as types
from exporter.oci.config import ImageConfig, parse_config
from exporter.oci.digest import Digest

_BLOBS = "blobs/sha256"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The config, and files of the new layers by diff ID."""

    config: ImageConfig
    layers: Mapping[Digest, Path]

    def descriptor(self, diff_id: Digest) -> dict[str, str | int]:
        """The entry of a manifest for a layer; the size of one that is not new is not known."""
        size = self.layers[diff_id].stat().st_size if diff_id in self.layers else 0
        return {"mediaType": str(types.DOCKER_LAYER), "size": size, "digest": str(diff_id)}


def unpack(stream: Readable, folder: Path, known: Collection[Digest]) -> Saved:
    """Take the config and the new layers out of an archive of ``docker save``.

    Args:
        stream: The archive; read to its end.
        folder: Where files are written.
        known: Diff IDs of layers that are not wanted.
    """
    skipped = {f"{_BLOBS}/{digest.hex}" for digest in known}
    files: dict[str, Path] = {}
    links: dict[str, str] = {}
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as archive:  # type: ignore[call-overload]  # typeshed wants more than read()
        for member in archive:
            if member.issym():  # engines before 25 link equal layers
                base = member.name.rpartition("/")[0]
                links[member.name] = normpath(join(base, member.linkname))
            opened = archive.extractfile(member) if member.isreg() else None
            if opened is None or member.name in skipped:
                continue
            path = folder / str(len(files))
            with path.open("wb") as file:
                while piece := opened.read(_CHUNK):
                    file.write(piece)
            files[member.name] = path
    while stream.read(_CHUNK):
        pass
    [entry] = json.loads(files["manifest.json"].read_bytes())
    config = parse_config(files[entry["Config"]].read_bytes())
    layers = {
        Digest(diff_id): files[links.get(name, name)]
        for diff_id, name in zip(config.diff_ids, entry["Layers"], strict=True)
        if diff_id not in known
    }
    return Saved(config=config, layers=layers)
