import pytest

from exporter.git.path_match import (
    AllPaths,
    Every,
    Exclude,
    Include,
    NoPaths,
    PathMatcher,
    may_hold,
    path_matcher,
)

# (matches, descends) of each path
SELECTED, BELOW, NOTHING = (True, False), (False, True), (False, False)


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        pytest.param("dir", "", BELOW, id="the root leads to a glob"),
        pytest.param("dir", "dir", SELECTED, id="the directory itself"),
        pytest.param("dir", "dir/sub/file", SELECTED, id="below a matched directory"),
        pytest.param("dir", "dirs", NOTHING, id="not a prefix of the name"),
        pytest.param("a/b/c", "a/b", BELOW, id="a parent leads on"),
        pytest.param("a/b/c", "a/x", NOTHING, id="a sibling does not"),
        pytest.param("dir/**/*", "dir", SELECTED, id="trailing stars may be left out"),
        pytest.param("dir/**/*.txt", "dir", BELOW, id="a star in the middle leads on"),
        pytest.param("dir/**/*.txt", "dir/x/y", BELOW, id="for ever"),
        pytest.param("*.txt", "", BELOW, id="a pattern of names needs a look"),
        pytest.param("*.txt", "a.txt/b", SELECTED, id="a directory may match it"),
        pytest.param("**", "", SELECTED, id="everything"),
        pytest.param("*", "x/y", SELECTED, id="everything, said otherwise"),
        pytest.param("*/b", "a", BELOW, id="any directory"),
        pytest.param(".", "", SELECTED, id="a dot is the root"),
        pytest.param("/dir/", "dir/x", SELECTED, id="slashes at the ends mean nothing"),
        pytest.param("a/./b/../c", "a/c", SELECTED, id="globs are cleaned"),
        pytest.param("{a,b/c}/d", "b", BELOW, id="a slash in braces leads on"),
        pytest.param("src*/**", "src1", SELECTED, id="stars at the end of a name stay"),
    ],
)
def test_an_include_selects_and_leads_on(glob: str, path: str, expected: tuple[bool, bool]) -> None:
    matcher = Include([glob])
    assert (matcher.matches(path), matcher.descends(path) and not matcher.matches(path)) == expected


@pytest.mark.parametrize(
    ("globs", "path", "matches", "descends"),
    [
        pytest.param(["dir"], "", True, True, id="something below the root is excluded"),
        pytest.param(["dir"], "dir", False, False, id="the directory is excluded"),
        pytest.param(["dir/sub"], "dir", True, True, id="a part of it is"),
        pytest.param(["dir/sub"], "other", True, False, id="nothing of it is"),
        pytest.param(["dir", "dir/sub/x"], "dir", False, False, id="as a whole wins"),
        pytest.param(["**"], "dir", False, False, id="everything is"),
        pytest.param(["**/*.o"], "dir", True, True, id="names anywhere"),
    ],
)
def test_an_exclude_keeps_the_rest(
    globs: list[str], path: str, *, matches: bool, descends: bool
) -> None:
    matcher = Exclude(globs)
    assert (matcher.matches(path), matcher.descends(path)) == (matches, descends)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("", BELOW, id="leads to the base"),
        pytest.param("base", BELOW, id="the base leads on"),
        pytest.param("base/a", SELECTED, id="included"),
        pytest.param("base/a/no", NOTHING, id="excluded"),
        pytest.param("base/b", NOTHING, id="not included"),
        pytest.param("a", NOTHING, id="outside of the base"),
    ],
)
def test_include_and_exclude_are_relative_to_the_base(
    path: str, expected: tuple[bool, bool]
) -> None:
    matcher = path_matcher(base="base", include=["a"], exclude=["a/no"])
    assert (matcher.matches(path), matcher.descends(path) and not matcher.matches(path)) == expected


def test_one_that_wants_to_look_below_is_enough_unless_another_objects() -> None:
    whole, part = Include(["a"]), Exclude(["a/x"])
    assert Every([whole, part]).descends("a")
    assert not Every([whole, part, NoPaths()]).descends("a")
    assert not Every([whole, AllPaths()]).descends("a")


@pytest.mark.parametrize("matcher", [path_matcher(), path_matcher(base="/"), AllPaths()])
def test_without_conditions_the_root_is_selected_as_a_whole(matcher: PathMatcher) -> None:
    assert matcher.matches("")
    assert not matcher.descends("")
    assert may_hold(matcher, "x")
