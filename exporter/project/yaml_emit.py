"""YAML text of a value as yaml.v2 2.4.0 marshals it: what the template function ``toYaml`` prints.

Block style, two blanks a level, lists of a mapping not indented, keys in natural order
(``v1.9`` before ``v1.10``), text folded at the first blank after column 80, and quotes of the kind
that yaml.v2 chooses: double ones where plain text would be read as something else.
"""

import base64
import re
from collections.abc import Iterator
from functools import cmp_to_key
from itertools import takewhile
from typing import Final

from exporter.gotemplate.floats import format_float
from exporter.gotemplate.values import GoObject, go_kind, go_type, to_bytes
from exporter.project.yaml_scalars import STR, resolve

_INDENT: Final = 2
_WIDTH: Final = 80
_MAX_DEPTH: Final = 200
_MAX_SIMPLE_KEY: Final = 128
_BASE64_LINE: Final = 70

_BREAKS: Final = "\n\r\x85\u2028\u2029"
_BREAK: Final = re.compile(f"[{_BREAKS}]")
_BREAK_SPACE: Final = re.compile(f"[{_BREAKS}] ")
_SPACE_BREAK: Final = re.compile(f" [{_BREAKS}]")
_UNPRINTABLE: Final = re.compile("[^\n -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
# What would make plain text mean something else: emitterc.go, yaml_emitter_analyze_scalar.
_INDICATOR: Final = re.compile(r"""---|\.\.\.|[#,\[\]{}&*!|>'"%@`]|[?:-](?=[ \t]|\Z)""")
_INNER_INDICATOR: Final = re.compile(r":(?=[ \t]|\Z)|(?<=[ \t])#")
_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_ESCAPES: Final = {
    0x00: "0",
    0x07: "a",
    0x08: "b",
    0x09: "t",
    0x0A: "n",
    0x0B: "v",
    0x0C: "f",
    0x0D: "r",
    0x1B: "e",
    0x22: '"',
    0x5C: "\\",
    0x85: "N",
    0xA0: "_",
    0x2028: "L",
    0x2029: "P",
}


class YamlEmitError(ValueError):
    """The value has no YAML form, contains itself, or is nested too deeply."""


def to_yaml(value: object) -> str:
    """Give the YAML document of a value of the types in ``gotemplate.values``.

    It ends in a line feed, which ``toYaml`` strips.

    Raises:
        YamlEmitError: A type that YAML does not know, or more than 200 levels.
    """
    emitter = _Emitter()
    emitter.node(value)
    emitter.write_indent()
    return "".join(emitter.out)


class _Emitter:
    """What yaml.v2's emitter knows between two writes."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.indents: list[int] = []
        self.indent = -1
        self.column = 0
        # Whether blanks separate what comes next, and whether the line holds but indentation.
        self.whitespace = True
        self.indention = True

    # Nodes.

    def node(self, value: object, *, in_mapping: bool = False) -> None:
        if len(self.indents) > _MAX_DEPTH:
            raise YamlEmitError("a value contains itself, or is nested too deeply for YAML")
        if isinstance(value, dict):
            self.mapping(value)
        elif isinstance(value, list | bytes):
            self.sequence(value, in_mapping=in_mapping)
        else:
            self.scalar(value)

    def mapping(self, value: dict[object, object]) -> None:
        if not value:
            self.empty("{", "}")
            return
        self.increase_indent(flow=False)
        for key in sorted(value, key=_natural_order):
            self.write_indent()
            text, style = _scalar(key)
            simple = not _BREAK.search(text) and len(to_bytes(text)) <= _MAX_SIMPLE_KEY
            if simple:
                self.text(text, style, is_key=True)
                self.indicator(":", separate=False)
            else:
                self.indicator("?", indention=True)
                self.text(text, style)
                self.write_indent()
                self.indicator(":", indention=True)
            self.node(value[key], in_mapping=True)
        self.indent = self.indents.pop()

    def sequence(self, value: list[object] | bytes, *, in_mapping: bool) -> None:
        if not value:
            self.empty("[", "]")
            return
        self.increase_indent(flow=False, indentless=in_mapping and not self.indention)
        for item in value:
            self.write_indent()
            self.indicator("-", indention=True)
            self.node(item)
        self.indent = self.indents.pop()

    def empty(self, opening: str, closing: str) -> None:
        self.indicator(opening, whitespace=True)
        self.indicator(closing, separate=False)

    def scalar(self, value: object) -> None:
        self.text(*_scalar(value))

    def text(self, text: str, style: str, *, is_key: bool = False) -> None:
        if style.startswith("!"):
            self.separate()
            self.write("!!binary")
            self.whitespace = self.indention = False
            style = style[1:]
        self.increase_indent(flow=True)
        match _allowed(text, style, is_key=is_key):
            case "|":
                self.literal(text)
            case "":
                self.plain(text, fold=not is_key)
            case "'":
                self.single_quoted(text, fold=not is_key)
            case _:
                self.double_quoted(text, fold=not is_key)
        self.indent = self.indents.pop()

    # Scalars in each style.

    def plain(self, text: str, *, fold: bool) -> None:
        self.separate()
        if not fold or self.column + len(text) <= _WIDTH:
            self.write(text)
        else:
            for piece in _folded(text):
                if piece == " " and self.column > _WIDTH:
                    self.write_indent()
                else:
                    self.write(piece)
        self.whitespace = self.indention = False

    def single_quoted(self, text: str, *, fold: bool) -> None:
        self.indicator("'")
        breaks = False
        last = len(to_bytes(text)) - 1
        for position, piece in _positions(_folded(text)):
            if piece[0] in _BREAKS:
                if not breaks and piece == "\n":
                    self.line_break()
                self.copy_break(piece)
                self.indention = breaks = True
                continue
            if piece == " " and fold and self.column > _WIDTH and 0 < position < last:
                self.write_indent()
                continue
            if breaks and piece[0] != " ":
                self.write_indent()
            self.write(piece.replace("'", "''"))
            if piece[0] != " ":
                self.indention = breaks = False
        self.indicator("'", separate=False)

    def double_quoted(self, text: str, *, fold: bool) -> None:
        self.indicator('"')
        # yaml.v2 looks for a byte order mark at the start of the text, whatever the character is.
        escape_all = text.startswith("\ufeff")
        last = len(to_bytes(text)) - 1
        previous = ""
        position = 0
        for index, char in enumerate(text):
            if escape_all or char in '"\\' or char in _BREAKS or _UNPRINTABLE.match(char):
                self.write(_escape(char))
                previous = ""
            elif char == " ":
                if fold and previous != " " and self.column > _WIDTH and 0 < position < last:
                    self.write_indent()
                    if text[index + 1] == " ":
                        self.write("\\")
                else:
                    self.write(char)
                previous = " "
            else:
                self.write(char)
                previous = ""
            position += len(to_bytes(char))
        self.indicator('"', separate=False)

    def literal(self, text: str) -> None:
        self.indicator("|")
        if text[0] == " " or text[0] in _BREAKS:
            self.indicator(str(_INDENT), separate=False)
        if text[-1] not in _BREAKS:
            self.indicator("-", separate=False)
        elif len(text) == 1 or text[-2] in _BREAKS:
            self.indicator("+", separate=False)
        self.line_break()
        self.indention = self.whitespace = breaks = True
        for piece in re.split(f"([{_BREAKS}])", text):
            if not piece:
                continue
            if piece in _BREAKS:
                self.copy_break(piece)
                self.indention = breaks = True
                continue
            if breaks:
                self.write_indent()
            self.write(piece)
            self.indention = breaks = False

    # Characters.

    def increase_indent(self, *, flow: bool, indentless: bool = False) -> None:
        self.indents.append(self.indent)
        if self.indent < 0:
            self.indent = _INDENT if flow else 0
        elif not indentless:
            self.indent += _INDENT

    def write_indent(self) -> None:
        indent = max(self.indent, 0)
        if (
            not self.indention
            or self.column > indent
            or (self.column == indent and not self.whitespace)
        ):
            self.line_break()
        if self.column < indent:
            self.write(" " * (indent - self.column))
        self.whitespace = self.indention = True

    def indicator(
        self, text: str, *, separate: bool = True, whitespace: bool = False, indention: bool = False
    ) -> None:
        if separate:
            self.separate()
        self.write(text)
        self.whitespace = whitespace
        self.indention = self.indention and indention

    def separate(self) -> None:
        if not self.whitespace:
            self.write(" ")

    def write(self, text: str) -> None:
        self.out.append(text)
        self.column += len(text)

    def line_break(self) -> None:
        self.out.append("\n")
        self.column = 0

    def copy_break(self, char: str) -> None:
        self.out.append(char)
        self.column = 0


def _scalar(value: object) -> tuple[str, str]:
    """Give the text of a scalar and the style that yaml.v2's encoder asks for.

    The style is ``""`` for plain, ``"``, or ``|``, with ``!`` before it for binary data.
    """
    match value:
        case str():
            return _string(value)
        case None:
            return "null", ""
        case bool():
            return ("true" if value else "false"), ""
        case int():
            return str(int(value)), ""
        case float():
            text = format_float(value)
            return {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(text, text), ""
        case GoObject():
            return _object(value)
        case _:
            raise YamlEmitError(f"cannot marshal type: {go_type(value)}")


def _object(value: GoObject) -> tuple[str, str]:
    from exporter.gotemplate.sprig.moments import Moment  # noqa: PLC0415 - few configs have dates

    if isinstance(value, Moment):
        return value.format("2006-01-02T15:04:05.999999999Z07:00"), ""
    text = value.go_string()
    if text is None:
        raise YamlEmitError(f"cannot marshal type: {go_type(value)}")
    return _string(text)


def _string(text: str) -> tuple[str, str]:
    if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
        encoded = base64.b64encode(to_bytes(text)).decode()
        if len(encoded) < _BASE64_LINE:
            return encoded, "!"
        return re.sub(f".{{1,{_BASE64_LINE}}}", r"\g<0>\n", encoded), "!|"
    if "\n" in text:
        return text, "|"
    return text, "" if resolve(text)[0] == STR and not _BASE_60.fullmatch(text) else '"'


def _allowed(text: str, style: str, *, is_key: bool) -> str:
    """Give the style nearest to ``style`` in which the text reads back the same."""
    if style == '"' or not text:
        return style
    first, last = text[0], text[-1]
    space_break = _UNPRINTABLE.search(text) or _SPACE_BREAK.search(text)
    if style == "|":
        return '"' if is_key or last == " " or space_break else "|"
    edges = first == " " or last == " " or first in _BREAKS or last in _BREAKS
    indicators = _INDICATOR.match(text) or _INNER_INDICATOR.search(text, 1)
    if not (edges or indicators or space_break or _BREAK.search(text)):
        return ""
    return '"' if space_break or _BREAK_SPACE.search(text) else "'"


def _folded(text: str) -> Iterator[str]:
    """Cut a text into single blanks, longer runs of blanks, line breaks, and the rest."""
    return iter(re.findall(f"[{_BREAKS}]| +|[^ {_BREAKS}]+", text))


def _positions(pieces: Iterator[str]) -> Iterator[tuple[int, str]]:
    position = 0
    for piece in pieces:
        yield position, piece
        position += len(to_bytes(piece))


def _escape(char: str) -> str:
    code = ord(char)
    if code in _ESCAPES:
        return f"\\{_ESCAPES[code]}"
    if code <= 0xFF:  # noqa: PLR2004 - two digits
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"  # noqa: PLR2004 - four digits


# Go's reflect.Kind numbers, as far as keys can have them: unlike kinds are ordered by them.
_KINDS: Final = {
    "bool": 1,
    "int": 2,
    "int8": 3,
    "int16": 4,
    "int32": 5,
    "int64": 6,
    "uint": 7,
    "uint8": 8,
    "uint16": 9,
    "uint32": 10,
    "uint64": 11,
    "float64": 14,
    "invalid": 20,
    "string": 24,
    "struct": 25,
}


def _compare(left: object, right: object) -> int:
    """Order keys as yaml.v2's sorter.go does."""
    if isinstance(left, str) and isinstance(right, str):
        return -1 if _is_before(left, right) else 1
    if isinstance(left, int | float) and isinstance(right, int | float) and left != right:
        return -1 if left < right else 1
    return _kind(left) - _kind(right)


def _kind(key: object) -> int:
    return _KINDS.get(go_kind(key), 0)


_natural_order: Final = cmp_to_key(_compare)


def _is_before(left: str, right: str) -> bool:
    index = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        index += 1
    else:
        return len(left) < len(right)
    if a.isalpha() or b.isalpha():
        return a < b if a.isalpha() and b.isalpha() else b.isalpha()
    # A zero behind other digits is no leading zero.
    digits_before = takewhile(_is_digit, reversed(left[:index]))
    lead = int("0" in (a, b) and any(digit != "0" for digit in digits_before))
    a_digits = "".join(takewhile(_is_digit, left[index:]))
    b_digits = "".join(takewhile(_is_digit, right[index:]))
    a_number, b_number = _number(a_digits, lead), _number(b_digits, lead)
    if a_number != b_number:
        return a_number < b_number
    if len(a_digits) != len(b_digits):
        return len(a_digits) < len(b_digits)
    return a < b


def _is_digit(char: str) -> bool:
    return char.isdecimal()


def _number(digits: str, lead: int) -> int:
    """Give the number that Go computes: in 64 bits, with the code points of foreign digits."""
    number = lead
    for digit in digits:
        number = number * 10 + ord(digit) - ord("0")
    return (number + 2**63) % 2**64 - 2**63
