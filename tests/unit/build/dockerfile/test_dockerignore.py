"""Ignore files: moby's patterns, and werf's decision where to look below a directory."""

import pytest

from exporter.build.dockerfile.dockerignore import parse_dockerignore
from exporter.errors import ConfigError


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("*", "file", True),
        ("*", "dir/file", True),
        ("**", "file", True),
        ("**", "dir/file", True),
        ("**/", "dir/file", True),
        ("**/**", "dir/file", True),
        ("dir/**", "dir/file", True),
        ("dir/**", "dir/deep/file", True),
        ("abc/**", "abc", False),
        ("**/dir", "dir", True),
        ("**/dir", "a/dir", True),
        ("**/dir2/*", "dir/dir2/file", True),
        ("**file", "file", True),
        ("**file", "dir/dir/file", True),
        ("**/file*.txt", "dir/dir/file.txt", True),
        ("**/**/*.txt", "file.txt", True),
        ("**/**/*.txt2", "dir/dir/file.txt", False),
        ("a**/*.txt", "a/dir/dir/file.txt", True),
        ("a/*.txt", "a/dir/file.txt", False),
        ("a/*.txt**", "a/file.txt", True),
        ("a[b-d]e", "ace", True),
        ("a[b-d]e", "aae", False),
        ("a[^b-d]e", "aze", True),
        ("a[&~|[]e", "a|e", True),
        (".*", ".foo", True),
        (".*", "foo", False),
        ("abc.def", "abcZdef", False),
        ("abc?def", "abcZdef", True),
        ("abc?def", "abc/def", False),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("a(b)c/def", "a(b)c/def", True),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
        ("dist/*.whl", "dist/proxy.py-2.4+g08-py3.whl", True),
        ("**/.foo", "bar.foo", False),
        ("docs\n!docs/README.md", "docs/README.md", False),
        ("docs\n!docs/README.md", "docs/other", True),
        ("docs/*\n!docs/README.md", "docs/README.md", False),
        ("!docs/README.md\ndocs", "docs/README.md", True),
        ("**\n!util/web", "util/web/x", False),
        ("**\n!util/web\nutil/web/x", "util/web/x", True),
        ("# docs\n\n  tmp/  \n", "tmp/x", True),
        ("# docs\n", "# docs", False),
        ("/docs/", "docs/x", True),
        ("./docs", "docs", True),
        ("a/../docs", "docs", True),
        ("! docs\ndocs\n! docs", "docs", False),
        ("\ufefftmp", "tmp", True),
        ("tmp\r\n", "tmp", True),
    ],
)
def test_the_last_pattern_that_matches_decides(rules: str, path: str, *, ignored: bool) -> None:
    assert parse_dockerignore(rules, path=".dockerignore").ignores(path) is ignored


def test_one_parent_directory_is_looked_at_per_pattern() -> None:
    """As in werf: moby's newer functions would ignore this file."""
    rules = parse_dockerignore("**/er", path=".dockerignore")
    assert rules.ignores("src/deep/er")
    assert not rules.ignores("src/deep/er/t.pyc")


@pytest.mark.parametrize(
    ("rules", "path", "descends"),
    [
        ("", "", False),
        ("tmp", "", True),
        ("tmp", "tmp", False),
        ("tmp", "src", False),
        ("docs/*\n!docs/keep.md", "docs", True),
        ("docs\n!docs/keep.md", "docs", True),
        ("!docs/keep.md\ndocs", "docs", False),
        ("**/*.md", "any/where", True),
        ("a/b/c", "a", True),
        ("a/b/c", "a/b", True),
        ("a/b/c", "a/x", False),
    ],
)
def test_a_directory_is_entered_while_a_pattern_is_in_progress(
    rules: str, path: str, *, descends: bool
) -> None:
    assert parse_dockerignore(rules, path=".dockerignore").descends(path) is descends


def test_an_exception_can_be_added_at_the_end() -> None:
    rules = parse_dockerignore("*", path=".dockerignore").with_exception("Dockerfile")
    assert rules.matches("Dockerfile")
    assert not rules.matches("other")


def test_an_exception_with_a_leading_dot_takes_nothing_back() -> None:
    """The patterns of werf for ``dockerfile: ./Dockerfile`` leave it ignored."""
    rules = parse_dockerignore("*", path=".dockerignore").with_exception("./Dockerfile")
    assert not rules.matches("Dockerfile")


@pytest.mark.parametrize("rule", ["!", "!/", "[", "a[", "[]a]", "[a-]", "a\\", "[-]"])
def test_malformed_patterns_are_named_with_their_line(rule: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_dockerignore(f"ok\n{rule}\n", path="app/.dockerignore")
    assert str(caught.value).startswith(f"app/.dockerignore:2: malformed pattern {rule!r}")
