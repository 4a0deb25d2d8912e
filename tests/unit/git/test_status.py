import pytest

from exporter.errors import GitError
from exporter.git.path_match import path_matcher
from exporter.git.status import Change, FileStatus, Status, SubmoduleStatus, parse_status

_HASH = "0" * 40


def test_every_kind_of_record_is_read() -> None:
    printed = "\0".join(
        [
            f"1 .M N... 100644 100644 100644 {_HASH} {_HASH} a b",
            f"1 A. N... 000000 100644 100644 {_HASH} {_HASH} new",
            f"1 .M SCMU 160000 160000 160000 {_HASH} {_HASH} sub",
            f"u UU N... 100644 100644 100644 100644 {_HASH} {_HASH} {_HASH} both",
            "? un\ntracked",
            "",
        ]
    )
    assert parse_status(printed.encode()) == Status(
        untracked=("un\ntracked",),
        files=(
            FileStatus(path="a b", staged=None, unstaged=Change.MODIFIED),
            FileStatus(path="new", staged=Change.ADDED, unstaged=None),
            FileStatus(path="both", staged=Change.UNMERGED, unstaged=Change.UNMERGED),
        ),
        submodules=(
            SubmoduleStatus(
                path="sub",
                staged=None,
                unstaged=Change.MODIFIED,
                commit_changed=True,
                modified=True,
                untracked=True,
            ),
        ),
    )


def test_nothing_is_a_clean_status() -> None:
    assert not parse_status(b"")


def test_an_unknown_record_is_an_error() -> None:
    with pytest.raises(GitError, match="something unknown: 'x y'"):
        parse_status(b"x y\0")


def test_a_matcher_picks_its_part() -> None:
    status = Status(
        untracked=("src/u", "other/u"),
        files=(FileStatus(path="src/f", staged=None, unstaged=Change.DELETED),),
        submodules=(
            SubmoduleStatus(
                path="src",
                staged=None,
                unstaged=Change.MODIFIED,
                commit_changed=True,
                modified=False,
                untracked=False,
            ),
        ),
    )
    picked = status.of(path_matcher(base="src", include=["u"]))
    assert (picked.untracked, picked.files) == (("src/u",), ())
    assert [each.path for each in picked.submodules] == ["src"]
