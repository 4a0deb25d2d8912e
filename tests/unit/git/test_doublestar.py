import pytest

from exporter.git.doublestar import BadPatternError, covers, literal_prefix, match, split_path


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a.txt", "a.txt", True),
        ("a.txt", "d/a.txt", False),
        ("*", "a", True),
        ("*", "", True),
        ("*", "a/b", False),
        ("a*", "a", True),
        ("?", "/", False),
        ("?", "é", True),
        ("**", "a/b/c", True),
        ("**/*", "a", True),
        ("**/*.txt", "a.txt", True),
        ("**/*.txt", "d/e/a.txt", True),
        ("d/**/*.txt", "d/a.txt", True),
        ("d/**/*.txt", "d/e/f/a.txt", True),
        ("d/**", "d", True),
        ("d/**", "d/e/f", True),
        ("d/**", "de", False),
        ("d/**/", "d", True),
        ("d/**.txt", "d/e/a.txt", False),
        ("d/**.txt", "d/a.txt", True),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[^a-c]x", "dx", True),
        ("[a-]", "-", True),
        ("[z-a]", "b", False),
        ("[!z-a]", "b", True),
        ("{a,b/{c,d}}.txt", "b/d.txt", True),
        ("{a,b}.txt", "c.txt", False),
        ("{,x}a", "a", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"\{a,b\}", "{a,b}", True),
        ("a.b", "axb", False),
        ("*\n", "x\n", True),
    ],
)
def test_a_pattern_matches_whole_paths(pattern: str, path: str, expected: object) -> None:
    assert match(pattern, path) is expected


@pytest.mark.parametrize("pattern", ["[]", "[a", "{a,b", "a\\"])
def test_a_malformed_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(BadPatternError, match="malformed glob pattern"):
        match(pattern, "a")


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("d", "d/a", True),
        ("d", "d/a/b", True),
        ("d/*", "d/a/b", True),
        ("d/**/*", "d", True),
        ("d/*.txt", "d/a.txt", True),
        ("d/*.txt", "d/e/a.txt", False),
        ("", "anything/at/all", True),
        ("**", "x", True),
        ("/srv", "/srv/x", False),
        ("/srv/*", "/srv/x", True),
        ("/srv/x", "/srv/x", True),
    ],
)
def test_a_glob_covers_what_is_below_a_directory(glob: str, path: str, expected: object) -> None:
    assert covers(glob, path) is expected


def test_the_leading_directories_of_a_glob_are_split_off() -> None:
    assert literal_prefix("a/b/*.txt") == ("a/b", "*.txt")
    assert literal_prefix("a/b") == ("a/b", "")
    assert literal_prefix("**/*") == ("", "**/*")
    assert literal_prefix("/a/./?") == ("a", "?")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src*/**", "src", False),  # as the library answers, though "src1" matches
        ("src*/**", "src1", True),
        ("**/*", "", False),
        ("a**/", "a", True),
        ("x{/**,}", "x", True),
        ("{**,b}/c", "a/b/c", True),
        ("a{b,c}{d,e}", "ace", True),
        (r"{a\,b,c}", "a,b", True),
        (r"[\]]", "]", True),
        (r"[a\-z]", "b", False),
        ("[!a]", "/", True),
        ("a/**/**/b", "a/b", True),
    ],
)
def test_odd_patterns_match_as_in_the_library(pattern: str, path: str, expected: object) -> None:
    assert match(pattern, path) is expected


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("", []),
        ("/", []),
        ("/a//b/./c/../d/", ["a", "b", "d"]),
        (r"a\/b/c", [r"a\/b", "c"]),
        ("../a", ["..", "a"]),
    ],
)
def test_a_path_is_split_into_segments(path: str, segments: list[str]) -> None:
    assert split_path(path) == segments
