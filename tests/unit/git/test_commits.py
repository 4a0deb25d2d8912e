from datetime import UTC, datetime, timedelta, timezone

import pytest

from exporter.git.commits import parse_commit
from exporter.git.objects import GitObject

_ID = "a" * 40


def _commit(author: str) -> GitObject:
    content = (
        f"tree {'b' * 40}\nparent {'c' * 40}\nparent {'d' * 40}\n"
        f"author {author}\ncommitter C <c@x> 1700000000 +0000\n"
        "gpgsig -----BEGIN\n author Not This <n@x> 1 +0000\n\nauthor in the text\n"
    )
    return GitObject(object_id=_ID, kind="commit", content=content.encode())


def test_a_commit_has_its_header() -> None:
    commit = parse_commit(_commit("A > B <a@x> 1700000060 +0530"))
    assert (commit.object_id, commit.tree) == (_ID, "b" * 40)
    assert commit.parents == ("c" * 40, "d" * 40)
    zone = timezone(timedelta(hours=5, minutes=30))
    assert commit.author_time == datetime(2023, 11, 15, 3, 44, 20, tzinfo=zone)
    assert commit.author_time.utcoffset() == timedelta(hours=5, minutes=30)
    assert commit.committer_time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "author",
    [
        pytest.param("A <a@x>", id="no time"),
        pytest.param("A <a@x> 99999999999999999 +0000", id="beyond the calendar"),
        pytest.param("A <a@x> soon +0000", id="no number"),
    ],
)
def test_a_time_that_cannot_be_is_the_epoch(author: str) -> None:
    assert parse_commit(_commit(author)).author_time == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_zone_that_cannot_be_is_utc() -> None:
    commit = parse_commit(_commit("A <a@x> 1700000000 +9900"))
    assert commit.author_time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
