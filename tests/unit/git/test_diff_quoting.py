import pytest

from exporter.git.diff import _go_quote, _section_path


@pytest.mark.parametrize(
    ("line", "path", "quoted"),
    [
        (b"diff --git a/x b/x\n", "x", False),
        (b"diff --git a/a b/c b/a b/c\n", "a b/c", False),
        (b'diff --git "a/q\\"x" "b/q\\"x"\n', 'q"x', True),
        (b'diff --git "a/t\\tn\\\\" "b/t\\tn\\\\"\n', "t\tn\\", True),
        (b'diff --git "a/\\001\xc3\xa9\\"" "b/\\001\xc3\xa9\\""\n', '\x01é"', True),
    ],
)
def test_the_path_of_a_section(line: bytes, path: str, *, quoted: bool) -> None:
    assert _section_path(line) == (path, quoted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a"b\\c', r'"a\"b\\c"'),
        ("\t\n\x01\x7f", r'"\t\n\x01\x7f"'),
        ("é日", '"é日"'),
        ("\u200b", r'"\u200b"'),
        ("\U000e0001", r'"\U000e0001"'),
        ("\udcff", r'"\xff"'),
    ],
)
def test_names_are_quoted_as_go_does(text: str, expected: str) -> None:
    assert _go_quote(text) == expected
