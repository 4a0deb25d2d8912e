"""Images as a third party sees them: pulled with plain HTTP, layers applied to a tree of files."""

import hashlib
import io
import json
import tarfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A manifest by reference ``host:port/name:tag``, and the JSON of its config."""

    host: str
    name: str
    manifest: Mapping[str, Any]
    digest: str

    @property
    def config(self) -> dict[str, Any]:
        """The whole config document."""
        return dict(json.loads(self.blob(self.manifest["config"]["digest"])))

    def blob(self, digest: str) -> bytes:
        """The bytes of a blob of the same repository, checked."""
        content = _get(f"http://{self.host}/v2/{self.name}/blobs/{digest}")[0]
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
        return content

    def child(self, digest: str) -> "Pulled":
        """A manifest of an index."""
        return pull(f"{self.host}/{self.name}@{digest}")

    def tree(self, *, skip_layers: int = 0) -> list[dict[str, Any]]:
        """Every path after applying the layers but the first ones, as the vectors write them."""
        entries: dict[str, dict[str, Any]] = {}
        for layer in self.manifest["layers"][skip_layers:]:
            content = self.blob(layer["digest"])
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
                _apply(archive, entries)
        return [entries[path] for path in sorted(entries)]


def pull(reference: str) -> Pulled:
    """What a registry on this machine shows under a reference."""
    host, _, rest = reference.partition("/")
    name, at, identifier = rest.partition("@")
    if not at:
        name, _, identifier = rest.rpartition(":")
    raw, digest = _get(f"http://{host}/v2/{name}/manifests/{identifier}")
    assert digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return Pulled(host=host, name=name, manifest=json.loads(raw), digest=digest)


def tags(repository: str) -> list[str]:
    """The tags of a repository ``host:port/name``; none when it does not exist."""
    host, _, name = repository.partition("/")
    try:
        found = json.loads(_get(f"http://{host}/v2/{name}/tags/list")[0])
    except urllib.error.HTTPError:
        return []
    return sorted(found.get("tags") or [])


def _get(url: str) -> tuple[bytes, str]:
    request = urllib.request.Request(url, headers={"Accept": _ACCEPT})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read(), answer.headers.get("Docker-Content-Digest", "")


def _apply(archive: tarfile.TarFile, entries: dict[str, dict[str, Any]]) -> None:
    for member in archive:
        path = "/" + member.name.strip("/").removeprefix("./")
        folder, _, base = path.rpartition("/")
        if base == ".wh..wh..opq":
            _remove_below(entries, folder)
        elif base.startswith(".wh."):
            removed = f"{folder}/{base.removeprefix('.wh.')}"
            _remove_below(entries, removed)
            entries.pop(removed, None)
        elif path != "/":
            entries[path] = _entry(archive, member, path, entries)


def _remove_below(entries: dict[str, dict[str, Any]], folder: str) -> None:
    for path in [path for path in entries if path.startswith(f"{folder}/")]:
        del entries[path]


def _entry(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    path: str,
    entries: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "path": path,
        "type": "d" if member.isdir() else "l" if member.issym() else "f",
        "mode": f"{member.mode & 0o7777:04o}",
        "uid": member.uid,
        "gid": member.gid,
    }
    if member.issym():
        entry["link"] = member.linkname
    elif member.islnk():
        target = entries[f"/{member.linkname.strip('/')}"]
        entry |= {"size": target["size"], "sha256": target["sha256"]}
    elif member.isreg():
        opened = archive.extractfile(member)
        assert opened
        content = opened.read()
        entry |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return entry
