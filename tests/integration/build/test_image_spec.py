"""The stage ``imageSpec`` beside the stage that it is made of."""

from itertools import count

import pytest

from exporter import workshop
from tests.images import pull
from tests.integration.runs import Workplace

pytestmark = [pytest.mark.engine, pytest.mark.registry]

PROJECT = "project: test\nconfigVersion: 1\n"
IMAGE = "---\nimage: %s\ndockerfile: Dockerfile\nimageSpec: {%s}\n"


@pytest.fixture
def workplace(workplace: Workplace) -> Workplace:
    """A project with one file, which its images copy by a wildcard."""
    return workplace.commit({"Dockerfile": "FROM scratch\nCOPY *.txt /\n", "one.txt": "content\n"})


def test_it_is_not_older_than_its_parent(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of images that share the first stage only one builds it; the others planned it too."""
    moments = count(1_700_000_000_000, -1)
    monkeypatch.setattr(workshop._Moments, "next", lambda _: next(moments))
    images = IMAGE % ("app", "author: a") + IMAGE % ("more", "author: b")
    workplace.commit({"werf.yaml": PROJECT + images})
    assert workplace.run("build", "--repo", workplace.repo).code == 0
    again = workplace.run("build", "--repo", workplace.repo)
    assert again.code == 0
    assert again.built == []


def test_it_is_made_anew_with_its_parent_when_the_variant_is_removed(workplace: Workplace) -> None:
    workplace.commit({"werf.yaml": PROJECT + IMAGE % ("app", "config: {removeLabels: [/.*/]}")})
    assert workplace.export().code == 0
    workplace.project.delete("one.txt")
    workplace.commit({"two.txt": "content\n"})
    assert workplace.export().built == ["app/dockerfile", "app/imageSpec"]
    assert [entry["path"] for entry in pull(workplace.tag).tree()] == ["/two.txt"]
