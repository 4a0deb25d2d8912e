from exporter.project.excerpt import excerpt

TEXT = "a: 1\nb:\n\tc: 2\nd: 3\ne: 4\nf: 5\ng: 6\nh: 7\n"


def test_the_lines_around_a_place_are_numbered_with_a_caret() -> None:
    assert excerpt(TEXT, line=3, column=5, around=1) == (
        "     2  b:\n     3  \tc: 2\n        \t   ^\n     4  d: 3"
    )


def test_a_place_outside_of_the_text_gives_nothing() -> None:
    assert excerpt(TEXT, line=0) == ""
    assert excerpt(TEXT, line=99) == ""


def test_secrets_written_in_the_config_are_hidden() -> None:
    text = "secrets:\n- {id: a, value: s3cret}\n- value: other one\n  id: b\n"
    assert excerpt(text, line=2) == (
        "     1  secrets:\n     2  - {id: a, value: ***}\n     3  - value: ***\n     4    id: b"
    )
