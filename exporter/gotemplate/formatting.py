"""How Go's ``fmt`` formats one argument by a verb with flags, width and precision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.gotemplate.floats import SHORTEST, format_float
from exporter.gotemplate.nils import is_nil
from exporter.gotemplate.quoting import (
    REPLACEMENT,
    can_backquote,
    quote,
    quote_rune,
)
from exporter.gotemplate.sprint import POINTER, Pieces, check_depth
from exporter.gotemplate.values import (
    UNSIGNED,
    GoObject,
    NoValue,
    Uint8,
    Value,
    go_type,
    sorted_items,
    to_bytes,
)

_MAX_RUNE: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_TEXT_VERBS: Final = "vsxXq"
_DEFAULT_PRECISION: Final = 6
_FLAG_NAMES: Final = {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}
_BASES: Final = {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}


@dataclass(slots=True)
class Flags:
    """Flags of one verb; ``plus_v`` and ``sharp_v`` are what ``%+v`` and ``%#v`` mean."""

    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    plus_v: bool = False
    sharp_v: bool = False
    width: int | None = None
    precision: int | None = None

    def set(self, flag: str) -> None:
        """Switch on the flag of one character."""
        setattr(self, _FLAG_NAMES[flag], True)

    def prepare_value(self) -> None:
        """Before ``%v``: its flags mean something else."""
        self.sharp_v, self.sharp = self.sharp, False
        self.plus_v, self.plus = self.plus, False


class Formatter:
    """Collects text; ``flags`` are those of the verb at hand."""

    def __init__(self) -> None:
        self.flags = Flags()
        self.is_erroring = False
        pieces = Pieces()
        self.write = pieces.write
        self.text = pieces.text

    def pad(self, text: str, *, with_zeros: bool = True) -> None:
        """Add text, filled up to the width."""
        flags = self.flags
        missing = (flags.width or 0) - len(text)
        if missing <= 0:
            self.write(text)
        elif flags.minus:
            self.write(text + " " * missing)
        else:
            self.write(("0" if flags.zero and with_zeros else " ") * missing + text)

    def argument(self, arg: Value, verb: str) -> None:
        """One argument of a format."""
        if arg is None or isinstance(arg, NoValue):
            if verb in "Tv":
                self.pad("<nil>")
            else:
                self._bad_verb(arg, verb)
        elif verb == "T":
            self._string(go_type(arg), "s")
        elif verb == "p":
            self._pointer(arg)
        elif isinstance(arg, bytes):
            self._bytes(arg, verb, "[]byte")
        elif verb == "w" and isinstance(arg, list | dict | GoObject) and not self.is_erroring:
            self._bad_verb(arg, verb)
        else:
            self._value(arg, verb, 0)

    def _bad_verb(self, arg: Value, verb: str) -> None:
        """``%!d(string=x)``."""
        self.write(f"%!{verb}(")
        if arg is None or isinstance(arg, NoValue):
            self.write("<nil>")
        else:
            before, self.is_erroring = self.is_erroring, True
            self.write(f"{go_type(arg)}=")
            self.argument(arg, "v")
            self.is_erroring = before
        self.write(")")

    def _pointer(self, arg: Value) -> None:
        """Slices and maps have an address in Go; here it is always the same."""
        if isinstance(arg, list | dict | bytes):
            sharp = self.flags.sharp
            self.flags.sharp = not sharp
            self._integer(0xC000000000, "x", unsigned=True)
            self.flags.sharp = sharp
        else:
            self._bad_verb(arg, "p")

    def _value(self, value: Value, verb: str, depth: int) -> None:  # noqa: C901, PLR0912 - one case for each kind
        """A value, or an element of one."""
        check_depth(depth)
        match value:
            case str():
                self._string(value, verb)
            case bool():
                if verb in "tv":
                    self.pad("true" if value else "false")
                else:
                    self._bad_verb(value, verb)
            case int():
                if verb == "v" or verb in "dboOxXcqU":
                    self._integer(value, verb, unsigned=type(value) in UNSIGNED)
                else:
                    self._bad_verb(value, verb)
            case float():
                if verb in "vbgGxXfFeE":
                    self._float(value, verb)
                else:
                    self._bad_verb(value, verb)
            case complex():
                self._complex(value, verb)
            case None | NoValue():
                self.write("interface {}(nil)" if self.flags.sharp_v else "<nil>")
            case list() | dict() if self.flags.sharp_v and is_nil(value):
                self.write(f"{go_type(value)}(nil)")
            case bytes() if verb in "sqxX":
                self._bytes(value, verb, "[]uint8")
            case bytes():
                self._list([Uint8(byte) for byte in value], "[]uint8", verb, depth)
            case list():
                self._list(value, go_type(value), verb, depth)
            case dict():
                self._map(value, verb, depth)
            case GoObject():
                self._object(value, verb, depth)
            case _:
                self.write(f"?{type(value).__name__}?")

    def _list(self, items: Sequence[Value], name: str, verb: str, depth: int) -> None:
        is_go = self.flags.sharp_v
        self.write(f"{name}{{" if is_go else "[")
        for number, item in enumerate(items):
            if number:
                self.write(", " if is_go else " ")
            self._value(item, verb, depth + 1)
        self.write("}" if is_go else "]")

    def _map(self, items: Mapping[Value, Value], verb: str, depth: int) -> None:
        is_go = self.flags.sharp_v
        self.write(f"{go_type(items)}{{" if is_go else "map[")
        for number, (key, item) in enumerate(sorted_items(items)):
            if number:
                self.write(", " if is_go else " ")
            self._value(key, verb, depth + 1)
            self.write(":")
            self._value(item, verb, depth + 1)
        self.write("}" if is_go else "]")

    def _object(self, value: GoObject, verb: str, depth: int) -> None:
        flags = self.flags
        text = value.go_string()
        if text is not None and verb in _TEXT_VERBS and not flags.sharp_v and not self.is_erroring:
            self._string(text, verb)
            return
        name = go_type(value)
        if name.startswith("*"):
            if depth and verb == "v":
                self.write(POINTER)
                return
            if depth:
                self._bad_verb(value, verb)
                return
            self.write("&")
            name = name[1:]
        self.write(f"{name}{{" if flags.sharp_v else "{")
        for number, (field, item) in enumerate(value.go_fields().items()):
            if number:
                self.write(", " if flags.sharp_v else " ")
            if flags.sharp_v or flags.plus_v:
                self.write(f"{field}:")
            self._value(item, verb, depth + 1)
        self.write("}")

    # Text

    def _string(self, text: str, verb: str) -> None:
        flags = self.flags
        if verb == "q" or (verb == "v" and flags.sharp_v):
            text = text if flags.precision is None else text[: flags.precision]
            if flags.sharp and can_backquote(text):
                self.pad(f"`{text}`")
            else:
                self.pad(quote(text, ascii_only=flags.plus))
        elif verb in "sv":
            self.pad(text if flags.precision is None else text[: flags.precision])
        elif verb in "xX":
            self._hexadecimal(to_bytes(text), verb)
        else:
            self._bad_verb(text, verb)

    def _bytes(self, data: bytes, verb: str, name: str) -> None:
        if verb in "vd":
            if self.flags.sharp_v:
                self.write(f"{name}{{")
                for number, byte in enumerate(data):
                    if number:
                        self.write(", ")
                    self._digits(byte, "x", sharp=True, letter="v")
                self.write("}")
                return
            self._list([Uint8(byte) for byte in data], name, "d", 0)
        elif verb in "sqxX":
            if verb in "sq":
                self._string(data.decode("utf-8", "surrogateescape"), verb)
            else:
                self._hexadecimal(data, verb)
        else:
            self._value(data, verb, 0)

    def _hexadecimal(self, data: bytes, verb: str) -> None:
        flags = self.flags
        if flags.precision is not None:
            data = data[: flags.precision]
        prefix = f"0{verb}" if flags.sharp else ""
        digits = data.hex().upper() if verb == "X" else data.hex()
        if not data:
            text = ""
        elif flags.space:
            pairs = [digits[place : place + 2] for place in range(0, len(digits), 2)]
            text = prefix + f" {prefix}".join(pairs)
        else:
            text = prefix + digits
        self.pad(text)

    # Numbers

    def _integer(self, value: int, verb: str, *, unsigned: bool) -> None:
        flags = self.flags
        number = int(value)
        if verb == "c":
            self.pad(_rune(number))
        elif verb == "q":
            self.pad(quote_rune(number if number >= 0 else _MAX_RUNE + 1, ascii_only=flags.plus))
        elif verb == "U":
            self._unicode(number)
        else:
            sharp = flags.sharp or (verb == "v" and flags.sharp_v and unsigned)
            base = "x" if verb == "v" and sharp and flags.sharp_v else _BASES.get(verb, "d")
            self._digits(number, base, sharp=sharp, letter=verb)

    def _digits(self, number: int, base: str, *, sharp: bool, letter: str) -> None:
        """Sign, prefix and digits; zeros in front by precision, or by width with the 0 flag."""
        flags = self.flags
        sign = "-" if number < 0 else "+" if flags.plus else " " if flags.space else ""
        wanted = 0
        if flags.precision is not None:
            wanted = flags.precision
            if not wanted and not number:
                self.write(" " * (flags.width or 0))
                return
        elif flags.zero and not flags.minus and flags.width is not None:
            wanted = flags.width - len(sign)
        text = f"{abs(number):{base}}".rjust(wanted, "0")
        if sharp:
            if base in "xX":
                text = f"0{base}{text}"
            elif base == "b":
                text = f"0b{text}"
            elif base == "o" and text[0] != "0":
                text = f"0{text}"
        if letter == "O":
            text = f"0o{text}"
        self.pad(sign + text, with_zeros=False)

    def _unicode(self, number: int) -> None:
        flags = self.flags
        code = number & ((1 << 64) - 1)
        text = f"U+{code:0{max(4, flags.precision or 0)}X}"
        if flags.sharp and code <= _MAX_RUNE and chr(code).isprintable():
            text += f" '{chr(code)}'"
        self.pad(text, with_zeros=False)

    def _float(self, value: float, verb: str) -> None:
        flags = self.flags
        style = {"v": "g", "F": "f"}.get(verb, verb)
        default = _DEFAULT_PRECISION if verb in "feEF" else SHORTEST
        precision = default if flags.precision is None else flags.precision
        text = format_float(value, style, precision)
        sign, body = (text[0], text[1:]) if text[0] in "+-" else ("+", text)
        if flags.space and sign == "+" and not flags.plus:
            sign = " "
        if body in ("Inf", "NaN"):
            keeps_sign = flags.plus or flags.space or sign == "-" or body == "Inf"
            shown = sign if keeps_sign and (sign != "+" or flags.plus or body == "Inf") else ""
            self.pad(shown + body, with_zeros=False)
            return
        if flags.sharp and style != "b":
            body = _with_point(body, style, precision)
        if not flags.plus and sign == "+":
            self.pad(body)
            return
        width = flags.width or 0
        if flags.zero and not flags.minus and width > len(body) + 1:
            self.write(sign + body.rjust(width - 1, "0"))
        else:
            self.pad(sign + body)

    def _complex(self, value: complex, verb: str) -> None:
        if verb not in "vbgGxXfFeE":
            self._bad_verb(value, verb)
            return
        plus = self.flags.plus
        self.write("(")
        self._float(value.real, verb)
        self.flags.plus = True
        self._float(value.imag, verb)
        self.write("i)")
        self.flags.plus = plus


def _rune(code: int) -> str:
    """The character of a code point; U+FFFD when there is none."""
    return chr(code) if 0 <= code <= _MAX_RUNE and code not in _SURROGATES else REPLACEMENT


def _with_point(body: str, style: str, precision: int) -> str:
    """The # flag: always a decimal point, and trailing zeros up to the precision."""
    marks = "pP" if style in "xX" else "eEpP"
    cut = next((place for place, char in enumerate(body) if char in marks), len(body))
    number, tail = body[:cut], body[cut:]
    digits = 0
    if style in "gGx":
        digits = _DEFAULT_PRECISION if precision == SHORTEST else precision
    significant = number.replace(".", "").lstrip("0")
    digits -= len(significant)
    if "." not in number:
        if number == "0":
            digits -= 1
        number += "."
    return number + "0" * max(0, digits) + tail
