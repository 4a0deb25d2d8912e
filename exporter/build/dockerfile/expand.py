"""Shell words of a Dockerfile: variables, quotes and escapes, processed as BuildKit does.

``$X``, ``${X}``, ``${X:-default}``, ``${X:+set}``, ``${X:?error}``, ``${X#prefix}``, ``${X##…}``,
``${X%suffix}``, ``${X%%…}``, ``${X/pattern/replacement}`` and ``${X//…}`` are replaced; single and
double quotes and the escape character are taken away, unless they are asked for.
Source: BuildKit v0.13.1, package ``shell``; its behaviour enters werf's digests.
"""

import re
from collections.abc import Mapping

from exporter.value import dataclass

_SPECIAL_PARAMETERS = frozenset("@*#?-$!0")
_REGEX_CHARACTERS = frozenset("[]{}.+()|^$")
_END = ""


class ExpansionError(ValueError):
    """The word is not well-formed, or demands a variable that is not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRules:
    """How a word is processed.

    ``escape`` is the escape character. ``raw_quotes`` and ``raw_escapes`` keep what is normally
    taken away. ``keep_unset`` leaves the text of variables that are not set in place.
    """

    escape: str = "\\"
    raw_quotes: bool = False
    raw_escapes: bool = False
    keep_unset: bool = False


_USUAL = WordRules()


def process_word(word: str, variables: Mapping[str, str], rules: WordRules = _USUAL) -> str:
    """The word with its variables replaced; white space stays as it is.

    Raises:
        ExpansionError: A quote or brace is not closed, a modifier is unknown, or ``${X:?message}``
            finds X missing.
    """
    return _Lexer(word, variables, rules).until(_END, raw_escapes=rules.raw_escapes)[0]


def process_words(
    text: str, variables: Mapping[str, str], rules: WordRules = _USUAL
) -> tuple[str, ...]:
    """The text with its variables replaced, then split at white space that is not quoted.

    Raises:
        ExpansionError: As for `process_word`.
    """
    return tuple(_Lexer(text, variables, rules).until(_END, raw_escapes=rules.raw_escapes)[1])


class _Words:
    """Collects words while characters come in."""

    __slots__ = ("_current", "_done")

    def __init__(self) -> None:
        self._done: list[str] = []
        self._current = ""

    def add(self, text: str) -> None:
        """Add characters that split when they are white space."""
        for char in text:
            if not is_space(char):
                self._current += char
            elif self._current:
                self._done.append(self._current)
                self._current = ""

    def add_raw(self, text: str) -> None:
        """Add characters that never split."""
        self._current += text

    def finished(self) -> list[str]:
        """All words."""
        return [*self._done, self._current] if self._current else self._done


class _Lexer:
    __slots__ = ("_at", "_raw_escapes", "_rules", "_text", "_variables")

    def __init__(self, text: str, variables: Mapping[str, str], rules: WordRules) -> None:
        self._text = text
        self._variables = variables
        self._rules = rules
        self._at = 0
        self._raw_escapes = rules.raw_escapes

    def until(self, stop: str, *, raw_escapes: bool) -> tuple[str, list[str]]:
        """Process up to and over the character ``stop``; the result as a whole and as words."""
        outer, self._raw_escapes = self._raw_escapes, raw_escapes
        try:
            return self._until(stop)
        finally:
            self._raw_escapes = outer

    def _until(self, stop: str) -> tuple[str, list[str]]:
        result: list[str] = []
        words = _Words()
        while (char := self._peek()) != _END:
            if char == stop:
                self._at += 1
                return "".join(result), words.finished()
            match char:
                case "$":
                    piece = self._dollar()
                    words.add(piece)
                case "'":
                    piece = self._single_quoted()
                    words.add_raw(piece)
                case '"':
                    piece = self._double_quoted()
                    words.add_raw(piece)
                case "<":
                    piece = self._possible_heredoc()
                    words.add_raw(piece)
                case self._rules.escape:
                    piece = self._escaped()
                    words.add_raw(piece)
                case _:
                    piece = self._next()
                    words.add(piece)
            result.append(piece)
        if stop != _END:
            raise ExpansionError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(result), words.finished()

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else _END

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _escaped(self) -> str:
        escape = self._next()
        char = self._next()
        return escape + char if self._raw_escapes else char

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            self._at = len(self._text)
            raise ExpansionError(
                "unexpected end of statement while looking for matching single-quote"
            )
        start, self._at = self._at, end + 1
        return (
            self._text[start : end + 1] if self._rules.raw_quotes else self._text[start + 1 : end]
        )

    def _double_quoted(self) -> str:
        quote = self._next() if self._rules.raw_quotes else self._next()[:0]
        result = [quote]
        while (char := self._peek()) != '"':
            if char == _END:
                raise ExpansionError(
                    "unexpected end of statement while looking for matching double-quote"
                )
            if char == "$":
                result.append(self._dollar())
                continue
            self._at += 1
            if char == self._rules.escape:
                if self._raw_escapes:
                    result.append(char)
                following = self._peek()
                if following == _END:
                    continue
                if following in ('"', "$", self._rules.escape):
                    char = self._next()
            result.append(char)
        self._at += 1
        return "".join([*result, quote])

    def _possible_heredoc(self) -> str:
        """``<<`` keeps the white space after it in the same word: ``<< EOF`` is one heredoc."""
        found = re.compile(r"<(?:<[\t\r ]*)?").match(self._text, self._at)
        text = found[0] if found else ""
        self._at += len(text)
        return text

    def _dollar(self) -> str:
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            if name not in self._variables and self._rules.keep_unset:
                return "$" + name
            return self._variables.get(name, "")
        self._at += 1
        match self._peek():
            case "":
                raise ExpansionError("syntax error: missing '}'")
            case "{" | "}" | ":":
                raise ExpansionError("syntax error: bad substitution")
        return self._braced(self._name())

    def _name(self) -> str:
        char = self._peek()
        if char in _SPECIAL_PARAMETERS and char != _END and not char.isdecimal():
            return self._next()
        start = self._at
        if char.isdecimal():
            while self._peek().isdecimal():
                self._at += 1
        else:
            while (char := self._peek()) == "_" or char.isalpha() or char.isdecimal():
                self._at += 1
        return self._text[start : self._at]

    def _braced(self, name: str) -> str:
        modifier = self._next()
        null_is_unset = modifier == ":"
        if null_is_unset:
            modifier = self._next()
        match modifier:
            case "}" if not null_is_unset:
                if name not in self._variables and self._rules.keep_unset:
                    return f"${{{name}}}"
                return self._variables.get(name, "")
            case "-" | "+" | "?" | "#" | "%":
                return self._modified(name, modifier, null_is_unset=null_is_unset)
            case "/" if not null_is_unset:
                return self._replaced(name)
        shown = ":" * null_is_unset + modifier
        raise ExpansionError(f"unsupported modifier ({shown}) in substitution")

    def _modified(self, name: str, modifier: str, *, null_is_unset: bool) -> str:
        word = self._part("}", raw_escapes=modifier in "#%")
        value = self._variables.get(name)
        if value is None and self._rules.keep_unset:
            return f"${{{name}{':' * null_is_unset}{modifier}{word}}}"
        missing = value is None or (null_is_unset and not value)
        match modifier:
            case "-":
                return word if missing else value or ""
            case "+":
                return "" if missing else word
            case "?":
                if missing:
                    state = "unset" if value is None else "empty"
                    raise ExpansionError(f"{name}: {word or f'is not allowed to be {state}'}")
                return value or ""
        longest = word.startswith(modifier)
        pattern = word[1:] if longest else word
        if modifier == "#":
            return _without_prefix(pattern, value or "", longest=longest)
        reversed_value = (value or "")[::-1]
        return _without_prefix(_reversed_pattern(pattern), reversed_value, longest=longest)[::-1]

    def _replaced(self, name: str) -> str:
        everywhere = self._peek() == "/"
        self._at += everywhere
        pattern = self._part("/", raw_escapes=True)
        replacement = self._part("}", raw_escapes=True)
        value = self._variables.get(name)
        if value is None and self._rules.keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        expression = re.compile(_expression(pattern, longest=True))
        if everywhere:
            return expression.sub(lambda _: _go_template(replacement), value or "")
        return expression.sub(lambda _: replacement, value or "", count=1)

    def _part(self, stop: str, *, raw_escapes: bool) -> str:
        try:
            return self.until(stop, raw_escapes=raw_escapes)[0]
        except ExpansionError as error:
            if self._at >= len(self._text):
                where = " in ${}" if stop == "/" else ""
                raise ExpansionError(f"syntax error: missing '{stop}'{where}") from error
            raise


def is_space(char: str) -> bool:
    """Whether Go takes the character for white space."""
    return char.isspace() and char not in "\x1c\x1d\x1e\x1f"


def _without_prefix(pattern: str, value: str, *, longest: bool) -> str:
    found = re.match(_expression(pattern, longest=longest), value)
    return value[found.end() :] if found else value


def _reversed_pattern(pattern: str) -> str:
    """The pattern from its end to its start, with each escape before its character."""
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join(reversed(pieces))


def _expression(pattern: str, *, longest: bool) -> str:
    """A shell pattern (``*``, ``?``, backslash escapes) as a regular expression."""
    out: list[str] = []
    characters = iter(range(len(pattern)))
    for at in characters:
        char = pattern[at]
        following = pattern[at + 1 : at + 2]
        if char == "*":
            out.append(".*" if longest else ".*?")
        elif char == "?":
            out.append(".")
        elif char == "\\":
            if following in ("}", "/"):
                continue  # the escape was for the end of the ${}
            if following not in ("*", "?", "\\"):
                raise ExpansionError(
                    f"invalid pattern ({pattern}) in substitution: invalid escape '\\{following}'"
                )
            out.append("\\" + following)
            next(characters)
        else:
            out.append("\\" + char if char in _REGEX_CHARACTERS else char)
    return "".join(out)


def _go_template(replacement: str) -> str:
    """Go takes ``$name`` in the replacement of all matches for a group, and there is none."""
    return re.sub(r"\$(?:(\$)|\w+|\{\w+\})", lambda found: found[1] or "", replacement)
