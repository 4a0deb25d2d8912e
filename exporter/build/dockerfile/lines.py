"""A Dockerfile as joined lines: directives, continuations, comments and heredocs.

The text of a joined line is what BuildKit's parser calls the original line.
It enters werf's digests, so it is kept to the character.
Source: BuildKit, package ``parser``.
"""

import re
from collections.abc import Iterator

from exporter.build.dockerfile.expand import ExpansionError, WordRules, is_space, process_words
from exporter.build.dockerfile.words import MalformedError, Parts, split_instruction
from exporter.errors import ConfigError, Place
from exporter.value import dataclass

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z")
_DIRECTIVES = frozenset(("syntax", "escape", "check"))
_HEREDOC = re.compile(r"(\d*)<<(-?)\s*([^<]*)\Z")
_HEREDOC_INSTRUCTIONS = frozenset(("ADD", "COPY", "RUN"))
_ESCAPES = ("\\", "`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heredoc:
    """A document in the Dockerfile.

    ``content`` has every line with its line ending, before leading tabs are removed.
    ``expand``: variables in it are replaced. ``chomp``: leading tabs are removed (``<<-``).
    """

    name: str
    content: str = ""
    expand: bool = True
    chomp: bool = False

    @property
    def text(self) -> str:
        """What becomes the file or the script."""
        return re.sub(r"(?m)^\t+", "", self.content) if self.chomp else self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One instruction.

    ``text`` is the joined line, ``line`` and ``end_line`` count from 1 and are inclusive, heredocs
    included.
    """

    text: str
    line: int
    end_line: int
    parts: Parts
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """All instructions, and the directives at the top: name in lower case to value."""

    directives: dict[str, str]
    lines: tuple[Line, ...]

    @property
    def escape(self) -> str:
        """The escape character, a backslash unless a directive says otherwise."""
        return self.directives.get("escape", "\\")


def read_lines(text: str, *, path: str) -> Lines:
    """Join and split the lines of a Dockerfile.

    Args:
        text: The whole file.
        path: Its name in errors.

    Raises:
        ConfigError: A directive is repeated or has a wrong value, a heredoc does not end, or the
            arguments of an instruction are malformed.
    """
    reader = _Reader(text, path)
    lines = tuple(reader.lines())
    return Lines(directives=reader.directives, lines=lines)


def parse_heredoc(word: str) -> Heredoc | None:
    """The heredoc that a word such as ``<<EOF``, ``<<-"EOF"`` or ``3<<EOF`` starts, if it does.

    Raises:
        ExpansionError: The word has an unclosed quote.
    """
    found = _HEREDOC.match(word)
    if found is None or not found[3]:
        return None
    names = process_words(found[3], {}, WordRules(keep_unset=True))
    if len(names) != 1:
        return None
    quoted = process_words(found[3], {}, WordRules(keep_unset=True, raw_quotes=True))
    expand = _count_quotes(names[0]) == _count_quotes("".join(quoted))
    return Heredoc(name=names[0], expand=expand, chomp=found[2] == "-")


class _Reader:
    def __init__(self, text: str, path: str) -> None:
        self._raw = text.removeprefix("\ufeff").split("\n")
        if self._raw[-1] == "":
            self._raw.pop()
            self._last_ends = True
        else:
            self._last_ends = False
        self._path = path
        self._at = 0
        self._directives_are_over = False
        self.directives: dict[str, str] = {}
        self._continuation = _continuation("\\")

    def lines(self) -> Iterator[Line]:
        while self._at < len(self._raw):
            start = self._at + 1
            text, is_end = self._next(strip=True)
            if is_end and not text:
                continue
            pieces = [text]
            while not is_end and self._at < len(self._raw):
                raw = self._raw[self._at]
                piece, piece_is_end = self._next(strip=False)
                if _is_comment(raw) or (not _strip_left(piece) and piece_is_end):
                    continue  # comments and empty lines do not end an instruction
                pieces.append(piece)
                is_end = piece_is_end
            yield self._line("".join(pieces), start)

    def _next(self, *, strip: bool) -> tuple[str, bool]:
        """The next raw line without its continuation character, and whether it had none."""
        text = self._raw[self._at].rstrip("\r\n")
        if strip:
            text = _strip_left(text)
        self._directive(text)
        self._at += 1
        if text.startswith("#"):
            text = ""
        joined = self._continuation.sub(r"\1", text)
        return joined, joined == text

    def _directive(self, text: str) -> None:
        if self._directives_are_over:
            return
        found = _DIRECTIVE.match(text)
        name = found[1].lower() if found else ""
        if found is None or name not in _DIRECTIVES:
            self._directives_are_over = True
            return
        if name in self.directives:
            raise self._error(self._at + 1, f"only one {name} parser directive can be used")
        if name == "escape":
            if found[2] not in _ESCAPES:
                raise self._error(self._at + 1, f"invalid escape token {found[2]!r}: use ` or \\")
            self._continuation = _continuation(found[2])
        self.directives[name] = found[2]

    def _line(self, text: str, start: int) -> Line:
        escape = self.directives.get("escape", "\\")
        try:
            parts = split_instruction(text, escape=escape)
            heredocs = tuple(self._heredocs(text, parts, start))
        except (MalformedError, ExpansionError) as error:
            raise self._error(start, str(error)) from error
        return Line(text=text, line=start, end_line=self._at, parts=parts, heredocs=heredocs)

    def _heredocs(self, text: str, parts: Parts, start: int) -> Iterator[Heredoc]:
        if "<<" not in text or not _can_hold_heredocs(parts):
            return
        try:
            rules = WordRules(raw_quotes=True, raw_escapes=True, keep_unset=True)
            words = process_words(text, {}, rules)
        except ExpansionError:
            return  # not for us to say: the shell may understand it
        for word in words:
            heredoc = parse_heredoc(word)
            if heredoc is not None:
                yield Heredoc(
                    name=heredoc.name,
                    content=self._heredoc_content(heredoc, start),
                    expand=heredoc.expand,
                    chomp=heredoc.chomp,
                )

    def _heredoc_content(self, heredoc: Heredoc, start: int) -> str:
        content: list[str] = []
        while self._at < len(self._raw):
            raw = self._raw[self._at]
            self._at += 1
            candidate = raw.rstrip("\r\n")
            if heredoc.chomp:
                candidate = candidate.lstrip("\t")
            if candidate == heredoc.name:
                return "".join(content)
            ends = self._at < len(self._raw) or self._last_ends
            content.append(raw + "\n" * ends)
        raise self._error(start, f"unterminated heredoc: no line with {heredoc.name} alone")

    def _error(self, line: int, what: str) -> ConfigError:
        return ConfigError(what, place=Place(path=self._path, line=line))


def _can_hold_heredocs(parts: Parts) -> bool:
    if parts.name.upper() == "ONBUILD" and parts.arguments:
        parts = split_instruction(parts.arguments[0], escape="\\")
    return parts.name.upper() in _HEREDOC_INSTRUCTIONS and not parts.is_json


def _continuation(escape: str) -> re.Pattern[str]:
    token = re.escape(escape)
    return re.compile(rf"([^{token}]){token}[ \t]*\Z|\A{token}[ \t]*\Z")


def _strip_left(text: str) -> str:
    start = 0
    while start < len(text) and is_space(text[start]):
        start += 1
    return text[start:]


def _is_comment(raw: str) -> bool:
    return _strip_left(raw).startswith("#")


def _count_quotes(text: str) -> int:
    return text.count("'") + text.count('"')
