"""Base images of the cases in ``export/stapel``, and how images differ from them."""

import gzip
import hashlib
import io
import json
import tarfile
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from tests.images import Pulled, pull
from tests.repositories import content_bytes

_DEFAULT_PARENT = "127.0.0.1:5000/base/busybox:1"
_KINDS = {
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.FIFOTYPE: "fifo",
}


def push_base(push: Mapping[str, Any]) -> Pulled:
    """Push a base image as a case describes it: a parent, a layer of files, keys of the config."""
    parent = pull(push.get("parent", _DEFAULT_PARENT))
    host, _, rest = push["ref"].partition("/")
    name, _, tag = rest.rpartition(":")
    manifest, config = json.loads(json.dumps(parent.manifest)), parent.config
    for layer in manifest["layers"]:
        _push_blob(host, name, parent.blob(layer["digest"]))
    if push.get("files"):
        content = _layer(push["files"])
        packed = gzip.compress(content, mtime=0)
        digest = _push_blob(host, name, packed)
        kind = manifest["layers"][0]["mediaType"]
        manifest["layers"].append({"mediaType": kind, "size": len(packed), "digest": digest})
        config["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(content).hexdigest()}")
        config["history"] = [*config.get("history", []), {"created_by": "files"}]
    run = config.setdefault("config", {})
    for key, value in push.get("config", {}).items():
        run[key] = [*(run.get("Env") or []), *value] if key == "Env" else value
    raw = json.dumps(config).encode()
    manifest["config"] |= {"size": len(raw), "digest": _push_blob(host, name, raw)}
    _put(
        f"http://{host}/v2/{name}/manifests/{tag}",
        json.dumps(manifest).encode(),
        manifest["mediaType"],
    )
    return pull(push["ref"])


def _layer(files: Mapping[str, Any]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for path, value in files.items():
            described = value if isinstance(value, Mapping) else {"text": value}
            info = tarfile.TarInfo(path)
            info.uid, info.gid = described.get("uid", 0), described.get("gid", 0)
            info.mode = int(str(described.get("mode", "0644")), 8)
            content = b""
            if "symlink" in described:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, described["symlink"], 0o777
            elif described.get("dir"):
                info.type = tarfile.DIRTYPE
                info.mode = int(str(described.get("mode", "0755")), 8)
            else:
                content = content_bytes(described)
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def _push_blob(host: str, name: str, content: bytes) -> str:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    start = urllib.request.Request(
        f"http://{host}/v2/{name}/blobs/uploads/", method="POST", data=b""
    )
    with urllib.request.urlopen(start, timeout=30) as answer:
        location = answer.headers["Location"]
    if location.startswith("/"):
        location = f"http://{host}{location}"
    mark = "&" if "?" in location else "?"
    _put(f"{location}{mark}digest={digest}", content, "application/octet-stream")
    return digest


def _put(url: str, content: bytes, media_type: str) -> None:
    request = urllib.request.Request(
        url, method="PUT", data=content, headers={"Content-Type": media_type}
    )
    urllib.request.urlopen(request, timeout=30).close()


def changed_tree(image: Pulled, base_layers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Every path of the image that differs from its base, as the vectors write it."""
    known = set(base_layers)
    layers = [layer["digest"] for layer in image.manifest["layers"]]
    count = 0
    while count < len(layers) and layers[count] in known:
        count += 1
    before = flattened(image, layers[:count])
    after = flattened(image, layers)
    changed = {path: entry for path, entry in after.items() if before.get(path) != entry}
    return changed | {path: {"type": "absent"} for path in before if path not in after}


def flattened(image: Pulled, layers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The files after applying layers in order; hard links are files."""
    entries: dict[str, dict[str, Any]] = {}
    for digest in layers:
        with tarfile.open(fileobj=io.BytesIO(image.blob(digest)), mode="r:*") as archive:
            for member in archive:
                _apply(archive, member, entries)
    return entries


def _apply(
    archive: tarfile.TarFile, member: tarfile.TarInfo, entries: dict[str, dict[str, Any]]
) -> None:
    path = member.name.strip("/").removeprefix("./")
    folder, _, base = path.rpartition("/")
    if base.startswith(".wh."):
        gone = folder if base == ".wh..wh..opq" else f"{folder}/{base[4:]}".strip("/")
        for each in [each for each in entries if each.startswith(f"{gone}/")]:
            del entries[each]
        if base != ".wh..wh..opq":
            entries.pop(gone, None)
        return
    if path in ("", "."):
        return
    kind = _KINDS.get(member.type, "file")
    if kind != "dir":
        for each in [each for each in entries if each.startswith(f"{path}/")]:
            del entries[each]
    entry: dict[str, Any] = {
        "type": kind,
        "mode": f"{member.mode & 0o7777:04o}",
        "uid": member.uid,
        "gid": member.gid,
    }
    if kind == "symlink":
        entry["linkname"] = member.linkname
    elif member.islnk():
        target = entries[member.linkname.strip("/").removeprefix("./")]
        entry |= {key: target[key] for key in ("mode", "uid", "gid", "size", "sha256")}
    elif member.isreg():
        opened = archive.extractfile(member)
        assert opened
        content = opened.read()
        entry |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    entries[path] = entry
