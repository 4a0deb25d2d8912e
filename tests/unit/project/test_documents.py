import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.project.documents import (
    Document,
    ignored_line,
    split_chunks,
    split_documents,
)


def test_documents_know_the_lines_before_them() -> None:
    assert split_documents("a: 1\n---\n\n# only a comment\n--- # next\nb: 2\n") == (
        Document(text="a: 1\n", first_line=0),
        Document(text="b: 2\n", first_line=5),
    )


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        pytest.param("", [""], id="nothing"),
        pytest.param("---", [""], id="separator without a line feed"),
        pytest.param("---\n", [""], id="separator at the end"),
        pytest.param("---\r\na: 1\r\n", ["", "a: 1\r\n"], id="carriage returns"),
        pytest.param("---#c\na: 1", ["", "a: 1"], id="comment without a blank"),
        pytest.param("a\n--- # x-y\nb", ["a\n--- # x-y\nb"], id="dash in the comment"),
        pytest.param("a\n----\nb", ["a\n----\nb"], id="four dashes"),
        pytest.param("a\n ---\nb", ["a\n ---\nb"], id="not at the start of the line"),
        pytest.param("a\n--- b\nc", ["a\n--- b\nc"], id="text behind"),
        pytest.param("x: |\n---\n", ["x: |\n"], id="in a block scalar"),
    ],
)
def test_text_is_cut_at_separators_only(text: str, chunks: list[str]) -> None:
    assert list(split_chunks(text)) == chunks


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a: 1\n--- # my-app\nb: 2\n", 12, id="dash in the comment"),
        pytest.param("a: 1\n...\nb: 2\n", 12, id="end of a document"),
        pytest.param("--- a\n", 0, id="start of a document"),
        pytest.param("a: 1\n...\n# nothing\n", 0, id="nothing behind it"),
        pytest.param("a: 1\n...b\n", 0, id="no marker"),
        pytest.param("a: |\n  ---\n  ...\n", 0, id="indented"),
    ],
)
def test_place_is_known_from_which_on_nothing_is_read(text: str, line: int) -> None:
    assert ignored_line(Document(text=text, first_line=10)) == line


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("-# \t\r\na"), max_size=60))
def test_documents_are_where_they_say_they_are(text: str) -> None:
    lines = text.split("\n")
    for document in split_documents(text):
        own = document.text.split("\n")
        if own[-1] == "":
            own.pop()
        start = document.first_line
        assert lines[start : start + len(own)] == own


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("-# \t\r\na"), max_size=60))
def test_what_is_in_no_document_means_nothing(text: str) -> None:
    rest: list[str | None] = list(text.split("\n"))
    for document in split_documents(text):
        count = document.text.count("\n") + (not document.text.endswith("\n"))
        rest[document.first_line : document.first_line + count] = [None] * count
    left = [line.strip(" \t\r") for line in rest if line is not None]
    assert all(not line or line.startswith(("#", "---")) for line in left)
