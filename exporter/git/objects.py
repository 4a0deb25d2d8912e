"""Objects of one repository, read through ``git cat-file --batch`` processes that stay open.

One process serves all sequential reads; a stream that is still being consumed keeps its own, so
threads and nested reads need no care. Trees are kept, since commits share most of them.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from subprocess import Popen  # noqa: TID251 - for the annotation only, process.py starts it
from threading import Lock
from typing import IO

from exporter.errors import GitError
from exporter.git.command import Git
from exporter.value import dataclass

CHUNK_BYTES = 1 << 20
_REQUEST_BATCH = 500  # 500 names are 20 KB: less than a pipe holds, so writing them never blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class GitObject:
    """An object read as a whole: ``kind`` is commit, tree, blob or tag."""

    object_id: str
    kind: str
    content: bytes


class MissingObjectError(GitError):
    """The repository does not have an object."""

    def __init__(self, name: str) -> None:
        """Name the object."""
        super().__init__(
            f"the git object {name} is not in the repository",
            remedy="A shallow or partial clone may lack it: fetch the full history",
        )
        self.name = name


class ObjectStore:
    """The objects that git finds in a directory."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._idle: list[_Batch] = []
        self._trees: dict[str, dict[str, tuple[int, str]]] = {}
        self._lock = Lock()
        self._open = ExitStack()

    def close(self) -> None:
        """End the processes; the store may be used again and starts new ones."""
        with self._lock:
            self._idle.clear()
            stack, self._open = self._open, ExitStack()
        stack.close()

    def read(self, name: str) -> GitObject:
        """The object with this id (or revision such as ``HEAD``), as a whole.

        Raises:
            MissingObjectError: There is none.
        """
        with self._batch() as batch:
            batch.ask([name])
            object_id, kind, size = batch.header(name)
            return GitObject(object_id=object_id, kind=kind, content=batch.content(size))

    def read_blob(self, object_id: str) -> bytes:
        """The content of a blob, as a whole.

        Raises:
            MissingObjectError: There is none.
        """
        return self.read(object_id).content

    def has(self, object_id: str) -> bool:
        """Whether the repository has the object."""
        with self._batch("--batch-check") as batch:
            batch.ask([object_id])
            try:
                batch.header(object_id)
            except MissingObjectError:
                return False
            return True

    def sizes(self, object_ids: Iterable[str]) -> list[int]:
        """The sizes of objects in bytes, in the same order, without reading them.

        Raises:
            MissingObjectError: One of them is not there.
        """
        result: list[int] = []
        with self._batch("--batch-check") as batch:
            for names in _batches(object_ids):
                batch.ask(names)
                result.extend(batch.header(name)[2] for name in names)
        return result

    def stream(self, object_ids: Iterable[str]) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The blobs one after the other: size in bytes, and chunks of at most 1 MiB.

        What is not consumed of one blob is skipped when the next is asked for.

        Raises:
            MissingObjectError: One of them is not there.
        """
        with self._batch() as batch:
            for names in _batches(object_ids):
                batch.ask(names)
                for name in names:
                    _, _, size = batch.header(name)
                    yield size, batch.chunks()
                    batch.skip_rest()

    def tree(self, object_id: str) -> dict[str, tuple[int, str]]:
        """A directory: name to mode and object id, in git's order. Not to be changed.

        Raises:
            MissingObjectError: There is none.
        """
        known = self._trees.get(object_id)
        if known is None:
            known = parse_tree(self.read(object_id).content, digest_bytes=len(object_id) // 2)
            self._trees[object_id] = known
        return known

    def load_trees(self, object_ids: Iterable[str]) -> None:
        """Read many directories at once, for walks: one pipelined request for all of them."""
        wanted = [each for each in dict.fromkeys(object_ids) if each not in self._trees]
        with self._batch() as batch:
            for names in _batches(wanted):
                batch.ask(names)
                for name in names:
                    size = batch.header(name)[2]
                    content = batch.content(size)
                    self._trees[name] = parse_tree(content, digest_bytes=len(name) // 2)

    @contextmanager
    def _batch(self, mode: str = "--batch") -> Iterator["_Batch"]:
        """An idle process, or a new one; a failure in the block leaves it unusable."""
        with self._lock:
            batch = next((each for each in self._idle if each.mode == mode), None)
            if batch is not None:
                self._idle.remove(batch)
            else:
                child = self._open.enter_context(self._git.started(["cat-file", mode]))
                batch = _Batch(child, mode=mode)
        try:
            yield batch
        finally:
            with self._lock:
                if batch.pending:
                    batch.end()
                else:
                    self._idle.append(batch)


class _Batch:
    """One ``git cat-file`` process; ``pending`` answers have not been read completely."""

    def __init__(self, child: Popen[bytes], *, mode: str) -> None:
        self.mode = mode
        self.pending = 0
        self._left = 0
        self._child = child
        self._requests = _pipe(child.stdin)
        self._answers = _pipe(child.stdout)

    def ask(self, names: list[str]) -> None:
        self.pending += len(names)
        try:
            self._requests.write(("\n".join(names) + "\n").encode("utf-8", "surrogateescape"))
            self._requests.flush()
        except BrokenPipeError:
            raise self._died() from None

    def header(self, name: str) -> tuple[str, str, int]:
        """Object id, kind and size of the next answer."""
        line = self._answers.readline().decode("utf-8", "replace")
        if not line:
            raise self._died()
        parts = line.split()
        if len(parts) != 3 or parts[1] not in ("blob", "tree", "commit", "tag"):  # noqa: PLR2004
            self.pending -= 1
            raise MissingObjectError(name)
        self._left = int(parts[2])
        if self.mode != "--batch":
            self.pending -= 1
        return parts[0], parts[1], self._left

    def content(self, size: int) -> bytes:
        content = self._answers.read(size + 1)
        if len(content) != size + 1:
            raise self._died()
        self.pending -= 1
        self._left = 0
        return content[:-1]

    def chunks(self) -> Iterator[bytes]:
        while self._left:
            chunk = self._answers.read(min(self._left, CHUNK_BYTES))
            if not chunk:
                raise self._died()
            self._left -= len(chunk)
            yield chunk

    def skip_rest(self) -> None:
        """Finish the answer whose chunks were consumed, or not."""
        while self._left:
            chunk = self._answers.read(min(self._left, CHUNK_BYTES))
            if not chunk:
                raise self._died()
            self._left -= len(chunk)
        self._answers.read(1)
        self.pending -= 1

    def end(self) -> None:
        self._child.kill()

    def _died(self) -> GitError:
        stderr = _pipe(self._child.stderr).read().decode("utf-8", "replace").strip()
        return GitError(f"git ended while its objects were read: {stderr or 'no reason given'}")


def parse_tree(content: bytes, *, digest_bytes: int = 20) -> dict[str, tuple[int, str]]:
    """A tree object's entries: name to mode and object id.

    Names are UTF-8 with undecodable bytes as surrogate escapes.
    """
    entries: dict[str, tuple[int, str]] = {}
    at, end = 0, len(content)
    while at < end:
        space = content.index(b" ", at)
        nul = content.index(b"\0", space)
        stop = nul + 1 + digest_bytes
        name = content[space + 1 : nul].decode("utf-8", "surrogateescape")
        entries[name] = (int(content[at:space], 8), content[nul + 1 : stop].hex())
        at = stop
    return entries


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for name in names:
        batch.append(name)
        if len(batch) == _REQUEST_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("git was started without pipes")
    return stream
