"""Pages of the documentation as the tests read them.

A comment before a fenced block says what a test does with it::

    <!-- run -->                 a shell block: run in the page's directory, must succeed
    <!-- run: exit 2 -->         the same, must end with this code
    <!-- shows -->               what the block before it prints: its lines occur in this order
    <!-- not run: the reason --> a shell block that needs what a test has not

In a ``shows`` block ``…`` stands for anything, and white space is loose.
``<!-- project: examples/two-images -->`` lets a page begin in a committed copy of that project.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SHELL = ("sh", "bash")

_BLOCK = re.compile(
    r"(?:^[ ]*<!-- (?P<marker>run|shows|not run)(?:: (?P<detail>[^\n]*?))? -->\n\n?)?"
    r"^(?P<indent>[ ]*)```(?P<language>[\w-]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block; ``marker`` and ``detail`` come from the comment before it."""

    language: str
    text: str
    marker: str
    detail: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page and its blocks; ``name`` is its path below ``docs`` or the root."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks in order."""
        return [
            Block(
                language=found["language"],
                text=_without_indent(found["text"], len(found["indent"])),
                marker=found["marker"] or "",
                detail=found["detail"] or "",
                line=self.text.count("\n", 0, found.start("language")) + 1,
            )
            for found in _BLOCK.finditer(self.text)
        ]

    @property
    def project(self) -> str:
        """The project that the page begins in; empty when it makes its own."""
        found = re.search(r"<!-- project: (\S+) -->", self.text)
        return found[1] if found else ""


def pages() -> list[Page]:
    """The README and every page of the site, without the decisions."""
    paths = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    return [
        Page(name=str(path.relative_to(ROOT)), text=path.read_text("utf-8"))
        for path in paths
        if DOCS / "adr" not in path.parents
    ]


def command_lines(script: str) -> Iterator[list[str]]:
    """The words of every ``exporter …`` command of a script, its variables left as they are.

    In ``docker run … exporter:v0.1.0 export …`` what is behind the image counts.
    """
    for line in re.sub(r"\\\n", " ", script).splitlines():
        for command in _commands(line) if "exporter" in line else ():
            words = iter(command)
            for word in words:
                if re.fullmatch(r"(\S*/)?exporter(:v\S+)?", word):
                    yield list(words)


def _commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("();<>|&"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def _without_indent(text: str, width: int) -> str:
    return "".join(
        line[width:] if line.strip() else line for line in text.splitlines(keepends=True)
    )


def shows(printed: str, expected: str) -> str:
    """The first expected line that is not in what was printed, in its order; empty when all are."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    position = 0
    for wanted in filter(str.strip, expected.splitlines()):
        pattern = ".*?".join(re.escape(part) for part in " ".join(wanted.split()).split("…"))
        while position < len(lines) and not re.fullmatch(pattern, lines[position]):
            position += 1
        if position == len(lines):
            return wanted
        position += 1
    return ""
