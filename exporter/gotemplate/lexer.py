"""From template text to tokens.

The scanner walks over the text by hand, as Go's does, because what it accepts and where it stops
is part of the error messages. It never fails: a mistake becomes the last token, of kind ``ERROR``,
which the parser reports if it gets that far.
"""

import sys
from enum import Enum, auto
from typing import Final, NamedTuple

from exporter.gotemplate.quoting import quote, show_rune

LEFT: Final = "{{"
RIGHT: Final = "}}"
SPACES: Final = " \t\r\n"
_DIGITS: Final = "0123456789_"
_HEX_DIGITS: Final = "0123456789abcdefABCDEF_"
_RADIX_DIGITS: Final = {"x": _HEX_DIGITS, "o": "01234567_", "b": "01_"}


class Kind(Enum):
    """What a token is."""

    __hash__ = object.__hash__  # the one of Enum is slow, and sets of kinds are all over the parser

    ERROR = auto()
    BOOL = auto()
    CHAR = auto()
    CHAR_CONSTANT = auto()
    COMPLEX = auto()
    ASSIGN = auto()
    DECLARE = auto()
    EOF = auto()
    FIELD = auto()
    IDENTIFIER = auto()
    LEFT_DELIM = auto()
    LEFT_PAREN = auto()
    NUMBER = auto()
    PIPE = auto()
    RAW_STRING = auto()
    RIGHT_DELIM = auto()
    RIGHT_PAREN = auto()
    SPACE = auto()
    STRING = auto()
    TEXT = auto()
    VARIABLE = auto()
    BLOCK = auto()
    BREAK = auto()
    CONTINUE = auto()
    DOT = auto()
    DEFINE = auto()
    ELSE = auto()
    END = auto()
    IF = auto()
    NIL = auto()
    RANGE = auto()
    TEMPLATE = auto()
    WITH = auto()


_KEYWORDS: Final = {
    "block": Kind.BLOCK,
    "break": Kind.BREAK,
    "continue": Kind.CONTINUE,
    "define": Kind.DEFINE,
    "else": Kind.ELSE,
    "end": Kind.END,
    "if": Kind.IF,
    "nil": Kind.NIL,
    "range": Kind.RANGE,
    "template": Kind.TEMPLATE,
    "with": Kind.WITH,
    "true": Kind.BOOL,
    "false": Kind.BOOL,
}
_SHOWN_BARE: Final = frozenset({*_KEYWORDS.values(), Kind.DOT} - {Kind.BOOL})
_SINGLE: Final = {"=": Kind.ASSIGN, "|": Kind.PIPE, "(": Kind.LEFT_PAREN, ")": Kind.RIGHT_PAREN}
_TERMINATORS: Final = f"{SPACES}.,|:)("
_SHOWN_LENGTH: Final = 10


class Token(NamedTuple):
    """A piece of template text; ``position`` counts characters from 0, ``line`` from 1.

    The ``text`` of an ``ERROR`` token is the message.
    """

    kind: Kind
    text: str
    position: int
    line: int

    def __str__(self) -> str:
        """As error messages name it."""
        if self.kind is Kind.EOF:
            return "EOF"
        if self.kind is Kind.ERROR:
            return self.text
        if self.kind in _SHOWN_BARE:
            return f"<{self.text}>"
        if len(self.text.encode("utf-8", "surrogateescape")) > _SHOWN_LENGTH:
            return f"{quote(self.text[:_SHOWN_LENGTH])}..."
        return quote(self.text)


def lex(
    text: str, *, functions: frozenset[str] = frozenset(), limit: int = sys.maxsize
) -> list[Token]:
    """Cut a template into at most ``limit`` tokens; the last one is ``EOF`` or ``ERROR``.

    When ``functions`` has ``break`` or ``continue``, they are no keywords.
    """
    return _Scanner(text, functions & {"break", "continue"}, limit).run()


class _ScanError(Exception):
    """Ends the scan with an error token."""


class _Scanner:
    """Scans one text; ``start`` is where the current token began, ``position`` where we are."""

    def __init__(self, text: str, functions: frozenset[str], limit: int) -> None:
        self.text = text
        self.limit = limit
        self.tokens: list[Token] = []
        self.start = 0
        self.position = 0
        self.line = 1  # of `start`
        self.parens = 0
        self.keywords = {word: kind for word, kind in _KEYWORDS.items() if word not in functions}

    def run(self) -> list[Token]:
        try:
            while self.scan_text():
                while self.scan_inside():
                    pass
        except _ScanError as error:
            self.tokens.append(Token(Kind.ERROR, str(error), self.start, self.line))
        else:
            self.skip_to(len(self.text))
            self.tokens.append(Token(Kind.EOF, "EOF", self.position, self.line))
        return self.tokens

    def emit(self, kind: Kind) -> bool:
        """Make a token of everything since `start`."""
        word = self.text[self.start : self.position]
        if len(self.tokens) >= self.limit:
            raise _ScanError("templates have too many tokens in all")
        self.tokens.append(Token(kind, word, self.start, self.line))
        self.line += word.count("\n")
        self.start = self.position
        return True

    def skip_to(self, position: int) -> None:
        """Drop everything from `start` to there."""
        self.line += self.text.count("\n", self.start, position)
        self.start = self.position = position

    def skip_spaces(self, position: int) -> int:
        text, end = self.text, len(self.text)
        while position < end and text[position] in SPACES:
            position += 1
        return position

    def scan_text(self) -> bool:
        """Text up to an action that is no comment; False at the end of the input."""
        text = self.text
        while True:
            left = text.find(LEFT, self.position)
            if left < 0:
                self.position = len(text)
                if self.position > self.start:
                    self.emit(Kind.TEXT)
                return False
            after = left + len(LEFT)
            trims = text[after : after + 1] == "-" and text[after + 1 : after + 2] in _SPACE_SET
            self.position = left
            if trims:
                while self.position > self.start and text[self.position - 1] in SPACES:
                    self.position -= 1
            if self.position > self.start:
                self.emit(Kind.TEXT)
            self.skip_to(left)
            inside = after + 2 if trims else after
            if not text.startswith("/*", inside):
                self.position = after
                self.emit(Kind.LEFT_DELIM)
                self.skip_to(inside)
                self.parens = 0
                return True
            self.skip_to(inside)
            self.skip_comment()

    def skip_comment(self) -> None:
        close = self.text.find("*/", self.position + 2)
        if close < 0:
            raise _ScanError("unclosed comment")
        delimiter, trims = self.right_delimiter(close + 2)
        if not delimiter:
            raise _ScanError("comment ends before closing delimiter")
        after = close + 2 + len(RIGHT) + (2 if trims else 0)
        self.skip_to(self.skip_spaces(after) if trims else after)

    def right_delimiter(self, position: int) -> tuple[bool, bool]:
        """Whether a right delimiter is there, and whether it trims the space behind it."""
        if self.text.startswith(RIGHT, position):
            return True, False
        trims = self.text.startswith(f"-{RIGHT}", position + 1) and self.text[position] in SPACES
        return trims, trims

    def scan_inside(self) -> bool:
        """One token inside an action; False behind its right delimiter."""
        text, start = self.text, self.position
        char = text[start : start + 1]
        if char == "}" or char in _SPACE_SET:
            delimiter, trims = self.right_delimiter(start)
            if delimiter:
                return self.close_action(trims=trims)
        self.position = start + 1
        if not char:
            raise _ScanError("unclosed action")
        if char in SPACES:
            return self.scan_spaces()
        if char.isalpha() or char == "_" or (char.isdecimal() and char > "9"):
            return self.scan_word()
        if char == "." and text[self.position : self.position + 1] not in _NUMBER_FOLLOWS:
            return self.scan_name(Kind.FIELD, Kind.DOT)
        if char == "$":
            return self.scan_name(Kind.VARIABLE, Kind.VARIABLE)
        if char in "+-.0123456789":
            return self.scan_number()
        if char == '"':
            return self.scan_quoted('"', "unterminated quoted string", Kind.STRING)
        if char == "`":
            return self.scan_raw()
        return self.scan_sign(char)

    def scan_sign(self, char: str) -> bool:
        if char == "'":
            return self.scan_quoted("'", "unterminated character constant", Kind.CHAR_CONSTANT)
        if char == ":":
            if self.text[self.position : self.position + 1] != "=":
                raise _ScanError("expected :=")
            self.position += 1
            return self.emit(Kind.DECLARE)
        if char == "(":
            self.parens += 1
        elif char == ")":
            self.parens -= 1
            if self.parens < 0:
                raise _ScanError("unexpected right paren")
        if char in _SINGLE:
            return self.emit(_SINGLE[char])
        if char.isascii() and char.isprintable():
            return self.emit(Kind.CHAR)
        raise _ScanError(f"unrecognized character in action: {show_rune(char)}")

    def close_action(self, *, trims: bool) -> bool:
        if self.parens:
            raise _ScanError("unclosed left paren")
        if trims:
            self.skip_to(self.position + 2)
        self.position += len(RIGHT)
        self.emit(Kind.RIGHT_DELIM)
        if trims:
            self.skip_to(self.skip_spaces(self.position))
        return False

    def scan_spaces(self) -> bool:
        end = self.skip_spaces(self.position)
        if self.text.startswith(f"-{RIGHT}", end):  # the last space belongs to the trim marker
            end -= 1
            if end == self.start:
                self.position = end
                return True
        self.position = end
        return self.emit(Kind.SPACE)

    def scan_word(self) -> bool:
        self.skip_alphanumeric()
        word = self.text[self.start : self.position]
        self.expect_terminator()
        return self.emit(self.keywords.get(word, Kind.IDENTIFIER))

    def scan_name(self, named: Kind, bare: Kind) -> bool:
        """A field or variable, whose first character is behind us."""
        if self.at_terminator():
            return self.emit(bare)
        self.skip_alphanumeric()
        self.expect_terminator()
        return self.emit(named)

    def skip_alphanumeric(self) -> None:
        text, position, end = self.text, self.position, len(self.text)
        while position < end:
            char = text[position]
            if not (char.isalpha() or char == "_" or char.isdecimal()):
                break
            position += 1
        self.position = position

    def at_terminator(self) -> bool:
        char = self.text[self.position : self.position + 1]
        return char in _TERMINATORS or self.text.startswith(RIGHT, self.position)

    def expect_terminator(self) -> None:
        if not self.at_terminator():
            raise _ScanError(f"bad character {show_rune(self.text[self.position])}")

    def scan_quoted(self, delimiter: str, message: str, kind: Kind) -> bool:
        text, position = self.text, self.position
        while True:
            char = text[position : position + 1]
            if char == "\\":
                position += 1
                char = text[position : position + 1]
                if char and char != "\n":
                    position += 1
                    continue
            if not char or char == "\n":
                raise _ScanError(message)
            position += 1
            if char == delimiter:
                self.position = position
                return self.emit(kind)

    def scan_raw(self) -> bool:
        close = self.text.find("`", self.position)
        if close < 0:
            raise _ScanError("unterminated raw quoted string")
        self.position = close + 1
        return self.emit(Kind.RAW_STRING)

    def scan_number(self) -> bool:
        self.position = self.start
        self.scan_real()
        if self.text[self.position : self.position + 1] not in _SIGNS:
            return self.emit(Kind.NUMBER)
        self.scan_real()
        if self.text[self.position - 1] != "i":
            raise self.bad_number()
        return self.emit(Kind.COMPLEX)

    def bad_number(self) -> _ScanError:
        return _ScanError(f"bad number syntax: {quote(self.text[self.start : self.position])}")

    def scan_real(self) -> None:
        """A number, one of the two parts of a complex number, or something near to one."""
        self.accept("+-")
        digits = _DIGITS
        if self.accept("0"):
            radix = self.text[self.position : self.position + 1].lower()
            if radix in _RADIX_DIGITS:
                digits = _RADIX_DIGITS[radix]
                self.position += 1
        self.accept_all(digits)
        if self.accept("."):
            self.accept_all(digits)
        if (digits is _DIGITS and self.accept("eE")) or (
            digits is _HEX_DIGITS and self.accept("pP")
        ):
            self.accept("+-")
            self.accept_all(_DIGITS)
        self.accept("i")
        char = self.text[self.position : self.position + 1]
        if char == "_" or char.isalpha() or char.isdecimal():
            self.position += 1
            raise self.bad_number()

    def accept(self, allowed: str) -> bool:
        if self.position < len(self.text) and self.text[self.position] in allowed:
            self.position += 1
            return True
        return False

    def accept_all(self, allowed: str) -> None:
        while self.accept(allowed):
            pass


_SPACE_SET: Final = frozenset(SPACES)
_NUMBER_FOLLOWS: Final = frozenset(("", *"0123456789"))  # a point at the very end is no field
_SIGNS: Final = frozenset("+-")
