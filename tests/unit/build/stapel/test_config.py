"""The image config after a stage."""

import json
from datetime import UTC, datetime, timedelta, timezone

from exporter.build.stapel.config import Change, changed_config, empty_config, variables
from exporter.git.commits import Commit
from exporter.oci.config import parse_config
from exporter.oci.platform import Platform

COMMIT = Commit(
    object_id="c" * 40,
    tree="t" * 40,
    parents=(),
    author_time=datetime.fromtimestamp(1_700_000_300, tz=timezone(timedelta(hours=3))),
    committer_time=datetime.fromtimestamp(1_700_000_060, tz=UTC),
)


def test_variables_keep_their_order_and_the_locale_of_the_base() -> None:
    raw = json.dumps({"config": {"Env": ["B=1", "LANG=en_US.UTF-8", "A=2"]}}).encode()
    assert list(variables(parse_config(raw), {"B": "3", "C": "4"}, COMMIT).items()) == [
        ("B", "3"),
        ("LANG", "en_US.UTF-8"),
        ("A", "2"),
        ("LC_ALL", "C.UTF-8"),
        ("WERF_COMMIT_HASH", "c" * 40),
        ("WERF_COMMIT_TIME_HUMAN", "2023-11-15 01:18:20 +0300 +0300"),
        ("WERF_COMMIT_TIME_UNIX", "1700000300"),
        ("C", "4"),
    ]


def test_a_stage_adds_a_layer_and_its_history() -> None:
    change = Change(created_by="make", labels={"b": "2", "a": "1"}, env={}, run={})
    config = changed_config(
        empty_config(Platform.parse("linux/arm64/v7")),
        change,
        commit=COMMIT,
        diff_ids=["sha256:1"],
        is_empty=False,
    )
    assert config.diff_ids == ("sha256:1",)
    assert config.document["history"] == [{"created": "2023-11-14T22:14:20Z", "created_by": "make"}]
    assert (config.run["User"], config.run["WorkingDir"]) == ("0:0", "/")
    assert list(config.labels) == ["a", "b"]
    assert config.created == "2023-11-14T22:14:20Z"
