"""A commit: its hash, tree, parents and times."""

import re
from datetime import UTC, datetime, timedelta, timezone

from exporter.errors import GitError
from exporter.git.objects import GitObject, ObjectStore
from exporter.value import dataclass

_SIGNATURE = re.compile(rb"[^\n]*?> (-?\d+) ([+-]\d{2,})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit; both times are aware and keep the zone that was recorded."""

    object_id: str
    tree: str
    parents: tuple[str, ...]
    author_time: datetime
    committer_time: datetime


def read_commit(store: ObjectStore, name: str) -> Commit:
    """The commit with this hash or revision; a tag is followed to its commit.

    Raises:
        MissingObjectError: There is none.
        GitError: It is no commit.
    """
    found = store.read(name)
    while found.kind == "tag":
        found = store.read(found.content.partition(b"\n")[0].split()[1].decode())
    if found.kind != "commit":
        raise GitError(f"{name} is a {found.kind}, not a commit")
    return parse_commit(found)


def parse_commit(found: GitObject) -> Commit:
    """A commit from its object."""
    header, _, _ = found.content.partition(b"\n\n")
    parents: list[str] = []
    values: dict[bytes, bytes] = {}
    for line in header.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"parent":
            parents.append(value.decode())
        else:
            values.setdefault(key, value)
    return Commit(
        object_id=found.object_id,
        tree=values[b"tree"].decode(),
        parents=tuple(parents),
        author_time=_moment(values.get(b"author", b"")),
        committer_time=_moment(values.get(b"committer", b"")),
    )


def _moment(signature: bytes) -> datetime:
    """The time of ``Name <mail> seconds zone``; the epoch when it cannot be read."""
    found = _SIGNATURE.match(signature)
    if found is None:
        return datetime.fromtimestamp(0, tz=UTC)
    seconds, zone = int(found[1]), found[2].decode()
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0))
    if offset >= timedelta(hours=24):
        offset = timedelta()
    try:
        return datetime.fromtimestamp(
            seconds, tz=timezone(-offset if zone.startswith("-") else offset)
        )
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, tz=UTC)
