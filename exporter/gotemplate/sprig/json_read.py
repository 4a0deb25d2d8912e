"""Read JSON as Go's ``encoding/json`` does into ``interface {}``: every number is a float64."""

import math
import re
from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.quoting import quote
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprig.runes import runes
from exporter.gotemplate.values import Value, to_bytes

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_MAX_DEPTH: Final = 10_000
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*')
_HEX4: Final = re.compile(r"[0-9a-fA-F]{4}")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERALS: Final[dict[str, tuple[str, Value]]] = {
    "t": ("true", True),
    "f": ("false", False),
    "n": ("null", None),
}
_ESCAPES: Final = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip


class _SyntaxError(Exception):
    """The text is no JSON; the message is Go's."""


def parse_json(text: str) -> tuple[Value, str]:
    """The value of a JSON text, and Go's complaint, "" when there is none.

    As in Go a text that is no JSON gives nil, while a number that no float64 holds is nil itself
    and everything around it is there.
    """
    reader = _Reader(text)
    try:
        value = reader.document()
    except _SyntaxError as error:
        return None, str(error)
    return value, reader.complaint


class _Reader:
    """One pass over a JSON text; containers are kept on a stack, so depth costs no recursion."""

    __slots__ = ("complaint", "here", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.here = 0
        self.complaint = ""

    def document(self) -> Value:
        value = self._value()
        self._skip_space()
        if self.here < len(self.text):
            raise self._unexpected("after top-level value")
        return value

    def _value(self) -> Value:
        stack: list[tuple[list[Value] | dict[str, Value], str]] = []
        while True:
            value = self._begin()
            if isinstance(value, (list, dict)) and not self._closes(value):
                if len(stack) >= _MAX_DEPTH:
                    bracket = "[" if isinstance(value, list) else "{"
                    raise _SyntaxError(f"invalid character '{bracket}' exceeded max depth")
                stack.append((value, self._key() if isinstance(value, dict) else ""))
                continue
            while stack:
                container, key = stack[-1]
                if isinstance(container, dict):
                    container[key] = value
                else:
                    container.append(value)
                if self._continues(container):
                    stack[-1] = (container, self._key() if isinstance(container, dict) else "")
                    break
                stack.pop()
                value = container
            else:
                return value

    def _skip_space(self) -> None:
        match = _SPACE.match(self.text, self.here)
        self.here = match.end() if match else self.here

    def _peek(self) -> str:
        return self.text[self.here : self.here + 1]

    def _unexpected(self, context: str) -> _SyntaxError:
        """Go's error for the character here; at the end a space stands for it."""
        char = to_bytes(self._peek())[:1].decode("latin-1") or " "
        shown = {"'": "'\\''", '"': "'\"'"}.get(char) or f"'{quote(char)[1:-1]}'"
        return _SyntaxError(f"invalid character {shown} {context}")

    def _expect(self, context: str) -> None:
        """The next character is wrong: say so, or that the text ends."""
        if self.here >= len(self.text):
            raise _SyntaxError("unexpected end of JSON input")
        raise self._unexpected(context)

    def _begin(self) -> Value:
        """A scalar, or an empty container whose bracket was read."""
        self._skip_space()
        char = self._peek()
        if char == '"':
            return self._string()
        if char in _LITERALS:
            return self._literal(*_LITERALS[char])
        if char and char in "-0123456789":
            return self._number()
        if char in ("[", "{"):
            self.here += 1
            return [] if char == "[" else {}
        self._expect("looking for beginning of value")
        return None

    def _closes(self, container: list[Value] | dict[str, Value]) -> bool:
        """Whether the container that was just opened is empty."""
        self._skip_space()
        if self._peek() != ("]" if isinstance(container, list) else "}"):
            return False
        self.here += 1
        return True

    def _continues(self, container: list[Value] | dict[str, Value]) -> bool:
        """Behind an item: whether a comma follows, else the closing bracket was read."""
        self._skip_space()
        char = self._peek()
        if char == "," or char == ("]" if isinstance(container, list) else "}"):
            self.here += 1
            return char == ","
        is_list = isinstance(container, list)
        self._expect("after array element" if is_list else "after object key:value pair")
        return False

    def _key(self) -> str:
        self._skip_space()
        if self._peek() != '"':
            self._expect("looking for beginning of object key string")
        key = self._string()
        self._skip_space()
        if self._peek() != ":":
            self._expect("after object key")
        self.here += 1
        return key

    def _literal(self, word: str, value: Value) -> Value:
        for expected in word:
            if self._peek() != expected:
                raise self._unexpected(f"in literal {word} (expecting '{expected}')")
            self.here += 1
        return value

    def _number(self) -> Value:
        match = _NUMBER.match(self.text, self.here)
        if match is None:
            self.here += 1
            raise self._unexpected("in numeric literal")
        self.here = match.end()
        following = self._peek()
        number = match[0]
        if following == "." and not set(".eE") & set(number):
            self.here += 1
            raise self._unexpected("after decimal point in numeric literal")
        if following in ("e", "E") and not set("eE") & set(number):
            self.here += 1
            self.here += self._peek() in ("+", "-")
            raise self._unexpected("in exponent of numeric literal")
        value = float(number)
        if math.isfinite(value):
            return value
        self.complaint = self.complaint or (
            f"json: cannot unmarshal number {number} into Go value of type float64"
        )
        return None

    def _string(self) -> str:
        pieces: list[str] = []
        self.here += 1
        while True:
            match = _PLAIN.match(self.text, self.here)
            end = match.end() if match else self.here
            pieces.append(runes(self.text[self.here : end]))
            self.here = end
            char = self._peek()
            if char == '"':
                self.here += 1
                return "".join(pieces)
            if char != "\\":
                self._expect("in string literal")
            self.here += 1
            pieces.append(self._escape())

    def _escape(self) -> str:
        char = self._peek()
        if char in _ESCAPES:
            self.here += 1
            return _ESCAPES[char]
        if char != "u":
            raise self._unexpected("in string escape code")
        self.here += 1
        code = self._hex4()
        if not 0xD800 <= code < 0xE000:  # noqa: PLR2004 - surrogates
            return chr(code)
        if code < 0xDC00 and self.text.startswith("\\u", self.here):  # noqa: PLR2004 - the first of a pair
            match = _HEX4.match(self.text, self.here + 2)
            low = int(match[0], 16) if match else 0
            if 0xDC00 <= low < 0xE000:  # noqa: PLR2004 - the second of a pair
                self.here += 6
                return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00)
        return "\ufffd"

    def _hex4(self) -> int:
        match = _HEX4.match(self.text, self.here)
        if match is None:
            while self._peek() and self._peek() in "0123456789abcdefABCDEF":
                self.here += 1
            raise self._unexpected("in \\u hexadecimal character escape")
        self.here += 4
        return int(match[0], 16)


@named("mustFromJson")
def must_from_json(text: str) -> Value:
    """The value of a JSON text.

    Raises:
        FunctionError: The text is no JSON.
    """
    value, complaint = parse_json(text)
    if complaint:
        raise FunctionError(complaint)
    return value


@named("fromJson")
def from_json(text: str) -> Value:
    """The value of a JSON text; nil when it is none."""
    return parse_json(text)[0]
