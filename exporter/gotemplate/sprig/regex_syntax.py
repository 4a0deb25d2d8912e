"""The syntax of Go regular expressions: checks a pattern with Go's error texts, readies it for RE2.

Go's ``regexp`` is RE2 in syntax and matching, so the pattern passes nearly unchanged. What differs
is settled here: the texts of errors, the names of groups, spellings of Unicode classes.
Behaviour of Go 1.26, ``regexp/syntax``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from exporter.gotemplate.function import FunctionError

_MAX_REPEAT: Final = 1000
_MAX_DEPTH: Final = 999
_TOO_BIG: Final = 100_000_000
_SIMPLE_ESCAPES: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_MAX_RUNE: Final = 0x10FFFF
_OCTAL: Final = "01234567"
_HEX: Final = "0123456789abcdefABCDEF"
_POSIX_CLASSES: Final = (
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
)  # fmt: skip
_ALIASES: Final = {
    "Casedletter": "LC", "Lc": "LC", "Closepunctuation": "Pe", "Combiningmark": "M",
    "Connectorpunctuation": "Pc", "Control": "Cc", "Currencysymbol": "Sc", "Dashpunctuation": "Pd",
    "Decimalnumber": "Nd", "Enclosingmark": "Me", "Finalpunctuation": "Pf", "Format": "Cf",
    "Initialpunctuation": "Pi", "Letter": "L", "Letternumber": "Nl", "Lineseparator": "Zl",
    "Lowercaseletter": "Ll", "Mark": "M", "Mathsymbol": "Sm", "Modifierletter": "Lm",
    "Modifiersymbol": "Sk", "Nonspacingmark": "Mn", "Number": "N", "Openpunctuation": "Ps",
    "Other": "C", "Otherletter": "Lo", "Othernumber": "No", "Otherpunctuation": "Po",
    "Othersymbol": "So", "Paragraphseparator": "Zp", "Privateuse": "Co", "Punctuation": "P",
    "Separator": "Z", "Spaceseparator": "Zs", "Spacingmark": "Mc", "Surrogate": "Cs",
    "Symbol": "S", "Titlecaseletter": "Lt", "Uppercaseletter": "Lu", "Cntrl": "Cc",
    "Digit": "Nd", "Punct": "P",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A pattern that RE2 understands, and the names of its groups, "" for those without."""

    text: str
    group_names: tuple[str, ...]


@dataclass(slots=True)
class _Group:
    """An open parenthesis, or the whole pattern."""

    repeatable: bool = False
    """Something stands right before the current position."""
    last: int = 0
    """How many copies the last item makes of its innermost part."""
    most: int = 0
    """The same, the maximum of all items."""

    def add(self, copies: int = 0) -> None:
        self.repeatable = True
        self.last = copies
        self.most = max(self.most, copies)


def parse_pattern(text: str, knows: Callable[[str], bool]) -> Pattern:
    r"""Check a pattern.

    Args:
        text: The pattern.
        knows: Whether RE2 knows a class such as ``\p{Greek}``.

    Raises:
        FunctionError: ``error parsing regexp: …``, as Go says it.
    """
    parser = _Parser(text, knows)
    parser.parse()
    return Pattern(text="".join(parser.output), group_names=tuple(parser.names))


def syntax_error(problem: str, where: str) -> FunctionError:
    """The error of Go's ``regexp/syntax``."""
    return FunctionError(f"error parsing regexp: {problem}: `{where}`")


class _Parser:
    """One pass over a pattern; ``here`` is the position that was reached."""

    __slots__ = ("groups", "here", "knows", "last_repeat", "names", "output", "text")

    def __init__(self, text: str, knows: Callable[[str], bool]) -> None:
        self.text = text
        self.here = 0
        self.output: list[str] = []
        self.names: list[str] = []
        self.knows = knows
        self.groups = [_Group()]
        self.last_repeat = -1
        """Where the repetition right before starts; -1 when there is none."""

    def parse(self) -> None:
        while self.here < len(self.text):
            start = self.here
            match self.text[start]:
                case "(":
                    self._open()
                case ")":
                    self._close()
                case "|":
                    self._copy(1)
                    self.groups[-1].repeatable = False
                case "*" | "+" | "?":
                    self._repeat(start + 1, -1)
                    continue
                case "{":
                    if self._repeat_counted():
                        continue
                    self._literal()
                case "[":
                    self._class()
                    self.groups[-1].add()
                case "\\":
                    self._backslash()
                case _:
                    self._literal()
            self.last_repeat = -1
        if len(self.groups) > 1:
            raise syntax_error("missing closing )", self.text)

    def _copy(self, count: int) -> None:
        self.output.append(self.text[self.here : self.here + count])
        self.here += count

    def _rune(self, position: int) -> str:
        """The character there, "" at the end."""
        char = self.text[position : position + 1]
        if "\ud800" <= char <= "\udfff":
            raise syntax_error("invalid UTF-8", self.text[position:])
        return char

    def _check_utf8(self, start: int, end: int) -> None:
        for position in range(start, end):
            self._rune(position)

    def _literal(self) -> None:
        self._rune(self.here)
        char = self.text[self.here]
        self.output.append("\\{" if char == "{" else char)
        self.here += 1
        self.groups[-1].add()

    def _open(self) -> None:
        if self.text.startswith("(?", self.here):
            if not self._flags():
                return
        else:
            self.names.append("")
            self._copy(1)
        self.groups.append(_Group())
        if len(self.groups) > _MAX_DEPTH:
            raise syntax_error("expression nests too deeply", self.text)

    def _flags(self) -> bool:
        """After ``(?``: a named group, or flags; whether a group was opened."""
        start, text = self.here, self.text
        if text.startswith("(?P<", start) and len(text) - start > len("(?P<"):
            return self._named(start + 4)
        if text.startswith("(?<", start) and len(text) - start > len("(?<"):
            return self._named(start + 3)
        position = start + 2
        negative = seen = False
        while position < len(text):
            char = self._rune(position)
            position += 1
            if char in "imsU":
                seen = True
            elif char == "-" and not negative:
                negative, seen = True, False
            elif char in ":)" and (seen or not negative):
                self._copy(position - start)
                return char == ":"
            else:
                break
        raise syntax_error("invalid or unsupported Perl syntax", text[start:position])

    def _named(self, start: int) -> bool:
        end = self.text.find(">", self.here)
        if end < 0:
            self._check_utf8(self.here, len(self.text))
            raise syntax_error("invalid named capture", self.text[self.here :])
        self._check_utf8(start, end)
        name = self.text[start:end]
        if not name.isascii() or not name.replace("_", "a").isalnum():
            raise syntax_error("invalid named capture", self.text[self.here : end + 1])
        self.names.append(name)
        self.output.append("(")
        self.here = end + 1
        return True

    def _close(self) -> None:
        if len(self.groups) == 1:
            raise syntax_error("unexpected )", self.text)
        inner = self.groups.pop()
        self.groups[-1].add(inner.most)
        self._copy(1)

    def _repeat(self, after: int, count: int) -> None:
        """A repetition from ``here`` to ``after``; ``count`` is its maximum, -1 without bound."""
        start = self.here
        if self.text.startswith("?", after):
            after += 1
        if self.last_repeat >= 0:
            where = self.text[self.last_repeat : after]
            raise syntax_error("invalid nested repetition operator", where)
        group = self.groups[-1]
        if not group.repeatable:
            where = self.text[start:after]
            raise syntax_error("missing argument to repetition operator", where)
        if count >= 0:
            copies = max(count, count * group.last)
            if copies > _MAX_REPEAT:
                raise syntax_error("invalid repeat count", self.text[start:after])
            group.add(copies)
        self._copy(after - start)
        self.last_repeat = start

    def _repeat_counted(self) -> bool:
        """``{2}``, ``{2,}``, ``{2,5}``; anything else after a brace is literal."""
        least, position = self._number(self.here + 1)
        if least is None:
            return False
        most: int | None = least
        if self.text.startswith(",", position):
            position += 1
            most = None
            if not self.text.startswith("}", position):
                most, position = self._number(position)
                if most is None:
                    return False
        if not self.text.startswith("}", position):
            return False
        position += 1
        if max(least, most or 0) > _MAX_REPEAT or (most is not None and least > most):
            raise syntax_error("invalid repeat count", self.text[self.here : position])
        self._repeat(position, least if most is None else most)
        return True

    def _number(self, start: int) -> tuple[int | None, int]:
        """Digits without leading zeros; too large ones count as too large."""
        end = start
        while self.text[end : end + 1] in tuple("0123456789"):
            end += 1
        digits = self.text[start:end]
        if not digits or (digits[0] == "0" and len(digits) > 1):
            return None, start
        return min(int(digits[:10]), _TOO_BIG), end

    def _backslash(self) -> None:
        following = self.text[self.here + 1 : self.here + 2]
        if following == "Q":
            self._quoted()
            return
        if following == "C":
            raise syntax_error("invalid escape sequence", "\\C")
        if following and following in "AbBzdDsSwW":
            self._copy(2)
        elif following and following in "pP":
            self._unicode_class()
        else:
            self._escape()
        self.groups[-1].add()

    def _quoted(self) -> None:
        end = self.text.find("\\E", self.here + 2)
        stop = len(self.text) if end < 0 else end
        for position in range(self.here + 2, stop):
            char = self._rune(position)
            self.output.append(f"\\{char}" if char.isascii() and not char.isalnum() else char)
            self.groups[-1].add()
        self.here = stop if end < 0 else end + 2

    def _unicode_class(self) -> None:
        start = self.here
        char = self._rune(start + 2)
        end = start + 3
        name = char
        if char == "{":
            close = self.text.find("}", start)
            if close < 0:
                self._check_utf8(start, len(self.text))
                raise syntax_error("invalid character class range", self.text[start:])
            end, name = close + 1, self.text[start + 3 : close]
            self._check_utf8(start + 3, close)
        spelling = self.text[start:end]
        negated = (self.text[start + 1] == "P") != name.startswith("^")
        name = _canonical(name.removeprefix("^"))
        name = _ALIASES.get(name, name)
        text = f"\\{'P' if negated else 'p'}{{{name}}}"
        if not self.knows(text):
            raise syntax_error("invalid character class range", spelling)
        self.output.append(text)
        self.here = end

    def _escape(self) -> int:
        """A single escaped character; its code point."""
        start = self.here
        char = self._rune(start + 1)
        if not char:
            raise syntax_error("trailing backslash at end of expression", "")
        end = start + 2
        if char == "0" or (char in _OCTAL and self.text[end : end + 1] in tuple(_OCTAL)):
            while end < start + 4 and self.text[end : end + 1] in tuple(_OCTAL):
                end += 1
            code = int(self.text[start + 1 : end], 8)
        elif char == "x":
            code, end = self._hexadecimal(end)
        elif char in _SIMPLE_ESCAPES:
            code = _SIMPLE_ESCAPES[char]
        elif char.isascii() and not char.isalnum():
            code = ord(char)
        else:
            raise syntax_error("invalid escape sequence", self.text[start:end])
        self._copy(end - start)
        return code

    def _hexadecimal(self, start: int) -> tuple[int, int]:
        r"""After ``\x``: two digits, or some in braces; the code point and where it ends."""
        text, position = self.text, start
        if self._rune(position) == "{":
            position += 1
            while self._rune(position) and self._rune(position) in _HEX:
                position += 1
                if int(text[start + 1 : position], 16) > _MAX_RUNE:
                    raise syntax_error("invalid escape sequence", text[self.here : position])
            if self._rune(position) == "}" and position > start + 1:
                return int(text[start + 1 : position], 16), position + 1
            position += bool(self._rune(position))
        elif self._rune(position):
            position += 1 + bool(self._rune(position + 1))
            digits = text[start:position]
            if len(digits) == 2 and all(digit in _HEX for digit in digits):  # noqa: PLR2004 - \x41
                return int(digits, 16), position
        raise syntax_error("invalid escape sequence", text[self.here : position])

    def _class(self) -> None:
        whole = self.here
        self._copy(1)
        if self.text.startswith("^", self.here):
            self._copy(1)
        first = True
        while first or not self.text.startswith("]", self.here):
            first = False
            if self._named_class() or self._class_escape():
                continue
            self._class_range(whole)
        self._copy(1)

    def _named_class(self) -> bool:
        """``[:alpha:]``."""
        if not self.text.startswith("[:", self.here):
            return False
        end = self.text.find(":]", self.here + 2)
        if end < 0:
            return False
        name = self.text[self.here + 2 : end].removeprefix("^")
        if name not in _POSIX_CLASSES:
            where = self.text[self.here : end + 2]
            raise syntax_error("invalid character class range", where)
        self._copy(end + 2 - self.here)
        return True

    def _class_escape(self) -> bool:
        r"""``\d`` or ``\p{L}``."""
        following = self.text[self.here + 1 : self.here + 2]
        if self.text[self.here : self.here + 1] != "\\" or not following:
            return False
        if following in "pP":
            self._unicode_class()
        elif following in "dDsSwW":
            self._copy(2)
        else:
            return False
        return True

    def _class_range(self, whole: int) -> None:
        """A character, or two with a hyphen between them."""
        start = self.here
        low = self._class_char(whole)
        rest = self.text[self.here : self.here + 2]
        if rest[:1] != "-" or rest in ("-", "-]"):
            return
        self._copy(1)
        if self._class_char(whole) < low:
            where = self.text[start : self.here]
            raise syntax_error("invalid character class range", where)

    def _class_char(self, whole: int) -> int:
        char = self._rune(self.here)
        if not char:
            raise syntax_error("missing closing ]", self.text[whole:])
        if char == "\\":
            return self._escape()
        self.output.append(f"\\{char}" if char in "[-]" else char)
        self.here += 1
        return ord(char)


def _canonical(name: str) -> str:
    """Names of Unicode classes ignore letter case, hyphens, underscores and spaces."""
    joined = name.replace("_", "").replace("-", "").replace(" ", "")
    return joined[:1].upper() + joined[1:].lower() if joined.isascii() else joined
