from pathlib import Path

import pytest

from exporter.errors import GiterminismError
from exporter.project.file_errors import NotFoundError
from exporter.project.work_tree import WorkTree


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    project = tmp_path / "top" / "project"
    (project / "d" / "e").mkdir(parents=True)
    (project / "d" / "a.txt").write_text("a")
    (project / "d" / "e" / "b.txt").write_text("b")
    (project / "link").symlink_to("d")
    (project / "up").symlink_to("../shared")
    (project / "out").symlink_to("/etc/hostname")
    (project / "loop").symlink_to("loop")
    (tmp_path / "top" / "shared").write_text("s")
    return WorkTree(project, top=tmp_path / "top")


def never(_: str) -> bool:
    return False


def test_links_are_followed_inside_the_work_tree(tree: WorkTree) -> None:
    goals: list[str] = []
    assert tree.resolve("link/e/b.txt", on_link=goals.append) == "d/e/b.txt"
    assert goals == ["d"]
    assert tree.read("up") == b"s"


def test_links_out_of_the_work_tree_lead_to_nothing(tree: WorkTree) -> None:
    assert not tree.exists("out")
    with pytest.raises(NotFoundError, match="/etc/hostname"):
        tree.read("out")


def test_a_directory_cannot_be_read(tree: WorkTree) -> None:
    with pytest.raises(GiterminismError, match=r'^unable to read file "d": is a directory$'):
        tree.read("d")


def test_a_circle_of_links_leads_to_nothing(tree: WorkTree) -> None:
    assert not tree.exists("loop")


def test_the_kinds_of_paths_are_told_apart(tree: WorkTree) -> None:
    assert (tree.is_file("d/a.txt"), tree.is_file("d"), tree.is_file("d/a.txt/x")) == (
        True,
        False,
        False,
    )
    assert (tree.is_directory("link"), tree.is_directory("")) == (True, True)


def test_globs_follow_links_to_directories(tree: WorkTree) -> None:
    (tree.project_dir / "out").unlink()
    (tree.project_dir / "loop").unlink()
    assert tree.glob("", "**/*.txt", skip=never) == [
        "link/a.txt",
        "link/e/b.txt",
        "d/a.txt",
        "d/e/b.txt",
    ]
    assert tree.glob("d", "*.txt", skip=never) == ["d/a.txt"]
    assert tree.glob("", "d", skip=never) == ["d/a.txt", "d/e/b.txt"]
    assert tree.glob("", "nothing/*", skip=never) == []


def test_a_walk_leaves_out_what_it_is_told_to(tree: WorkTree) -> None:
    assert tree.glob("d", "**", skip=lambda path: path == "d/e") == ["d/a.txt"]
