"""A rendered werf.yaml cut into its documents, at the lines where werf cuts (section 1.4).

A separator is ``---`` at the start of a line, then blanks, then perhaps a comment.
A dash inside that comment makes the line content, and ``---`` inside a block scalar cuts it:
both are werf's, and users' files have grown around them.
"""

import re
from collections.abc import Iterator
from typing import Final

from exporter.value import dataclass

# YAML's own ends of a document, which need not be separators.
_END: Final = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_SEPARATOR: Final = re.compile(r"^---[ \t\r]*(?:#[^\n-]*)?(?:\n|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: its text, and how many lines of the whole file come before it."""

    text: str
    first_line: int


def split_documents(rendered: str) -> tuple[Document, ...]:
    """Give the documents that hold more than blanks and comments, in order."""
    documents = []
    line = 0
    for chunk in split_chunks(rendered):
        if not _is_blank(chunk):
            documents.append(Document(text=chunk, first_line=line))
        line += chunk.count("\n") + 1
    return tuple(documents)


def ignored_line(document: Document) -> int:
    """Give the line from which on nothing of the document is read, 0 when all of it is.

    That is where YAML ends a document and werf does not: at ``...``, and at a ``---`` whose
    comment holds a dash. A user should hear of it, because what follows is lost.
    """
    for end in _END.finditer(document.text):
        before, after = document.text[: end.start()], document.text[end.end() :]
        if not _is_blank(before) and not _is_blank(after):
            return document.first_line + before.count("\n") + 1
    return 0


def split_chunks(rendered: str) -> Iterator[str]:
    """Give everything between separators, blank chunks too."""
    start = 0
    for separator in _SEPARATOR.finditer(rendered):
        yield rendered[start : separator.start()]
        start = separator.end()
    if start < len(rendered) or not rendered:
        yield rendered[start:]


def _is_blank(chunk: str) -> bool:
    return not any(line.partition("#")[0].strip(" \t\r") for line in chunk.split("\n"))
