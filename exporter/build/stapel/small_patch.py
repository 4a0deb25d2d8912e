"""A patch made at the registry: the layer of changed git files, without an engine.

That is right only when it is known what the files are in the image: the layers since the git files
were added are read, and every changed file must still be as git had it. Where that is not so, or
those layers are big, the engine applies the patch (docs/adr/017-stages-at-the-registry.md).
"""

import io
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from posixpath import dirname, join

from exporter.build import image_spec
from exporter.build.images import PlannedStage
from exporter.build.stapel import instructions
from exporter.build.stapel.chain import FROM, GIT_ARCHIVE, GIT_CACHE, GIT_PATCH, Chain, Work
from exporter.build.stapel.git_files import Owner, file_info, has_binary, write_entry
from exporter.build.stapel.mappings import Mapping as GitMapping
from exporter.git.archive import archive_entries
from exporter.git.diff import changed_paths, patch_text
from exporter.git.trees import EXECUTABLE, FILE, LINK, Entry
from exporter.oci.descriptor import Descriptor
from exporter.oci.reference import Repository
from exporter.registry.client import RegistryClient

_LARGEST_READ = 4 << 20
"""Compressed bytes of all layers that are read for a patch."""

_TOP_MODE = 0o755
_MODES = (FILE, EXECUTABLE, LINK)

_State = tuple[str, int, str]
"""Kind, mode, and the SHA-256 of the content or the target of a link."""


class _UnknownError(Exception):
    """It cannot be known here what is in the image."""


def needs_engine(stage: PlannedStage, work: Work) -> bool:
    """Whether a missing stage changes files."""
    name = stage.stage.name
    if name in (image_spec.STAGE, instructions.STAGE):
        return False
    return bool(work.commands or work.archive or work.patch_from or work.imports) or (
        name == FROM and any(key.startswith("werf-mount-") for key in work.labels)
    )


def changes_files(chain: Chain) -> bool:
    """Whether any missing stage changes files."""
    return any(
        stage.image is None and needs_engine(stage, work)
        for stage, work in zip(chain.stages, chain.work, strict=True)
    )


def small_patch(
    chain: Chain, mappings: Sequence[GitMapping], client: RegistryClient
) -> bytes | None:
    """The layer of the only missing stage that changes files, when that is a patch.

    Returns:
        The uncompressed layer, or None when the engine must make it.
    """
    found = [
        index
        for index, (stage, work) in enumerate(zip(chain.stages, chain.work, strict=True))
        if stage.image is None and needs_engine(stage, work)
    ]
    if len(found) != 1 or chain.stages[found[0]].stage.name not in (GIT_CACHE, GIT_PATCH):
        return None
    before = chain.stages[found[0] - 1].image
    archive = next(
        (at for at, stage in enumerate(chain.stages) if stage.stage.name == GIT_ARCHIVE), 0
    )
    first = chain.stages[archive - 1].image
    if before is None or first is None or not archive:
        return None
    layers = before.manifest.layers[len(first.manifest.layers) :]
    if sum(layer.size for layer in layers) > _LARGEST_READ:
        return None
    try:
        image = _Image(client, before.repository, layers)
        return _layer(image, mappings, chain.work[found[0]].patch_from)
    except _UnknownError:
        return None


class _Image:
    """What the layers since the git files were added say of paths; None for what is gone."""

    def __init__(
        self, client: RegistryClient, repository: Repository, layers: Iterable[Descriptor]
    ) -> None:
        self.paths: dict[str, _State | None] = {}
        for layer in layers:
            content = b"".join(client.pull_blob(repository, layer))
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
                for member in archive:
                    self._take(archive, member)

    def _take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = "/" + member.name.strip("/").removeprefix("./")
        folder, _, name = path.rpartition("/")
        if name == ".wh..wh..opq":
            raise _UnknownError
        if name.startswith(".wh."):
            self._remove(f"{folder}/{name.removeprefix('.wh.')}")
            return
        if not member.isdir():
            self._remove(path)
        self.paths[path] = _state(archive, member)

    def _remove(self, path: str) -> None:
        for each in [each for each in self.paths if each.startswith(f"{path}/")]:
            self.paths[each] = None
        self.paths[path] = None

    def is_directory(self, path: str) -> bool:
        """Whether a directory is known to be there."""
        found = self.paths.get(path)
        return found is not None and found[0] == "directory"

    def holds_others(self, folder: str, gone: set[str]) -> bool:
        """Whether something is in a directory besides what goes."""
        return any(
            dirname(path) == folder and state is not None and path not in gone
            for path, state in self.paths.items()
        )


def _state(archive: tarfile.TarFile, member: tarfile.TarInfo) -> _State:
    if member.isdir():
        return "directory", member.mode, ""
    if member.issym():
        return "link", member.mode, member.linkname
    if not member.isreg():
        return "other", member.mode, ""
    opened = archive.extractfile(member)
    content = opened.read() if opened else b""
    return "file", member.mode, sha256(content).hexdigest()


def _layer(image: _Image, mappings: Sequence[GitMapping], patch_from: Mapping[str, str]) -> bytes:
    sink = io.BytesIO()
    for mapping in mappings:
        if mapping.id in patch_from:
            _write_mapping(sink, image, mapping, patch_from[mapping.id])
    sink.write(b"\0" * 2 * tarfile.BLOCKSIZE)
    return sink.getvalue()


def _write_mapping(sink: io.BytesIO, image: _Image, mapping: GitMapping, base: str) -> None:
    """Write the changes of a mapping.

    Raises:
        _UnknownError: The image must be asked for names, or is not as git left it.
    """
    if any(name and not name.isdigit() for name in (mapping.owner, mapping.group)):
        raise _UnknownError
    directory = mapping.to if mapping.is_directory else dirname(mapping.to)
    top = image.paths.get(directory)
    if top is not None and top[:2] != ("directory", _TOP_MODE):
        raise _UnknownError
    changes = changed_paths(mapping.repository.tree(base), mapping.tree, mapping.files.matcher)
    text = patch_text(mapping.repository, base, mapping.commit.object_id, mapping.files)
    if has_binary(text):
        raise _UnknownError
    naming = mapping.files.naming(mapping.tree)

    def place(path: str) -> str:
        return join(directory, naming(path))

    _check_old(image, mapping, base, [each.old for each in changes if each.old], place)
    time = int(mapping.commit.committer_time.timestamp())
    gone = {place(each.path) for each in changes if each.new is None}
    for path in sorted(gone):
        folder, _, name = path.rpartition("/")
        if folder != directory and not image.holds_others(folder, gone):
            raise _UnknownError  # the directory goes too, if the base image has nothing in it
        info = tarfile.TarInfo(f"{folder}/.wh.{name}".lstrip("/"))
        info.mtime = time
        write_entry(sink, info, ())
    owner = Owner.of(mapping.owner, mapping.group)
    new = [each.new for each in changes if each.new is not None]
    if any(entry.mode not in _MODES for entry in new):
        raise _UnknownError
    for file in archive_entries(mapping.tree, new):
        path = place(file.path)
        folder = dirname(path)
        if folder != directory and not image.is_directory(folder):
            raise _UnknownError
        write_entry(sink, file_info(path.lstrip("/"), file, owner, time), file.chunks)


def _check_old(
    image: _Image,
    mapping: GitMapping,
    base: str,
    old: Sequence[Entry],
    place: Callable[[str], str],
) -> None:
    """Refuse when a changed file is not in the image as git had it."""
    for file in archive_entries(mapping.repository.tree(base), old):
        found = image.paths.get(place(file.path))
        if file.mode == LINK:
            wanted = ("link", file.read().decode("utf-8", "surrogateescape"))
            is_same = found is not None and (found[0], found[2]) == wanted
        else:
            digest = sha256(file.read()).hexdigest()
            is_same = found == ("file", file.mode & 0o777, digest)
        if not is_same:
            raise _UnknownError
