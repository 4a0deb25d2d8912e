"""Go's ``fmt.Sprintf``, ``Sprint`` and ``Sprintln``: format strings and what is wrong with them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from exporter.gotemplate.formatting import Flags, Formatter
from exporter.gotemplate.sprint import sprint_value
from exporter.gotemplate.values import INTEGERS, Value, go_type

_MAX_NUMBER: Final = 1_000_000
_NOT_SIMPLE: Final = frozenset("#0+- 123456789.*[")


def sprintf(template: str, *args: Value) -> str:
    """Format as ``printf`` does; mistakes appear in the text as ``%!d(string=x)``.

    Raises:
        TooLargeError: The text would be too large.
    """
    plan = _simple_plan(template)
    if plan is not None and len(plan) == len(args) * 2 + 1:
        pieces = list(plan)
        for number, arg in enumerate(args):
            verb, kind = plan[2 * number + 1], type(arg)
            if kind is str and verb != "d":
                pieces[2 * number + 1] = arg  # type: ignore[call-overload]  # the exact type was tested
            elif kind is int and verb != "s":
                pieces[2 * number + 1] = f"{arg}"
            elif verb == "v":
                pieces[2 * number + 1] = sprint_value(arg)
            else:
                break
        else:
            return "".join(pieces)
    return _Printer(template, args).run()


def sprint_all(*args: Value) -> str:
    """``print``: a space between two arguments when neither is a string."""
    pieces: list[str] = []
    after_string = True
    for arg in args:
        is_string = type(arg) is str
        if not after_string and not is_string:
            pieces.append(" ")
        pieces.append(sprint_value(arg))
        after_string = is_string
    return "".join(pieces)


def sprintln(*args: Value) -> str:
    """``println``: a space between all arguments, a newline at the end."""
    return " ".join([sprint_value(arg) for arg in args]) + "\n"


@lru_cache(maxsize=1024)
def _simple_plan(template: str) -> tuple[str, ...] | None:
    """Texts and verbs in turn when there are only plain ``%s``, ``%d``, ``%v``; else None."""
    text, *parts = template.split("%")
    plan = [text]
    for part in parts:
        if part[:1] not in ("s", "d", "v"):
            return None
        plan += part[0], part[1:]
    return tuple(plan)


class _Printer:
    """Walks over one format string."""

    def __init__(self, template: str, args: Sequence[Value]) -> None:
        self.template = template
        self.args = args
        self.position = 0
        self.number = 0  # of the next argument
        self.is_reordered = False
        self.is_good_number = True
        self.is_after_index = False
        self.formatter = Formatter()

    def run(self) -> str:
        template, write = self.template, self.formatter.write
        while True:
            percent = template.find("%", self.position)
            if percent < 0:
                write(template[self.position :])
                break
            write(template[self.position : percent])
            self.position = percent + 1
            self.one_verb()
        if not self.is_reordered and self.number < len(self.args):
            self.extra()
        return self.formatter.text()

    def char(self) -> str:
        return self.template[self.position : self.position + 1]

    def one_verb(self) -> None:
        self.is_good_number = True
        self.is_after_index = False
        flags = self.formatter.flags = Flags()
        while (char := self.char()) and char in "#0+- ":
            flags.set(char)
            self.position += 1
        if not ("a" <= char <= "z" and self.number < len(self.args)):
            self.index()
            self.width(flags)
            self.precision(flags)
            if not self.is_after_index:
                self.index()
        self.verb(flags)

    def verb(self, flags: Flags) -> None:
        write = self.formatter.write
        verb = self.char()
        if not verb:
            write("%!(NOVERB)")
            return
        self.position += 1
        if verb == "%":
            write("%")
        elif not self.is_good_number:
            write(f"%!{verb}(BADINDEX)")
        elif self.number >= len(self.args):
            write(f"%!{verb}(MISSING)")
        else:
            if verb in "vw":
                flags.prepare_value()
            self.formatter.argument(self.args[self.number], verb)
            self.number += 1

    def index(self) -> None:
        """An explicit argument index such as ``[2]``."""
        self.is_after_index = False
        if self.char() != "[":
            return
        self.is_reordered = True
        close = self.template.find("]", self.position)
        if close < 0 or len(self.template) - self.position < len("[n]"):
            self.position += 1
            self.is_good_number = False
            return
        digits = self.template[self.position + 1 : close]
        self.position = close + 1
        is_number = digits.isdecimal() and digits.isascii() and int(digits[:8]) <= _MAX_NUMBER * 10
        if is_number and 1 <= int(digits) <= len(self.args):
            self.number = int(digits) - 1
            self.is_after_index = True
        else:
            self.is_good_number = False
            self.is_after_index = is_number

    def width(self, flags: Flags) -> None:
        if self.char() == "*":
            self.position += 1
            flags.width = self.number_from_argument()
            if flags.width is None:
                self.formatter.write("%!(BADWIDTH)")
            elif flags.width < 0:
                flags.width = -flags.width
                flags.minus = True
                flags.zero = False
            self.is_after_index = False
            return
        flags.width = self.digits()
        if self.is_after_index and flags.width is not None:
            self.is_good_number = False

    def precision(self, flags: Flags) -> None:
        if self.char() != "." or self.position + 1 >= len(self.template):
            return
        self.position += 1
        if self.is_after_index:
            self.is_good_number = False
        self.index()
        if self.char() == "*":
            self.position += 1
            flags.precision = self.number_from_argument()
            if flags.precision is not None and flags.precision < 0:
                flags.precision = None
            if flags.precision is None:
                self.formatter.write("%!(BADPREC)")
            self.is_after_index = False
        else:
            flags.precision = self.digits() or 0

    def digits(self) -> int | None:
        """A decimal number; a crazy one swallows the rest of the format, as in Go."""
        number: int | None = None
        while (char := self.char()) and char in "0123456789":
            if number is not None and number > _MAX_NUMBER:
                self.position = len(self.template)
                return None
            number = (number or 0) * 10 + int(char)
            self.position += 1
        return number

    def number_from_argument(self) -> int | None:
        """The next argument as a width or precision; None when it is none or too large."""
        if self.number >= len(self.args):
            return None
        arg = self.args[self.number]
        self.number += 1
        if type(arg) in INTEGERS and isinstance(arg, int) and abs(arg) <= _MAX_NUMBER:
            return int(arg)
        return None

    def extra(self) -> None:
        """Arguments that no verb asked for."""
        self.formatter.flags = Flags()
        write = self.formatter.write
        write("%!(EXTRA ")
        for place, arg in enumerate(self.args[self.number :]):
            if place:
                write(", ")
            if arg is None:
                write("<nil>")
            else:
                write(f"{go_type(arg)}=")
                self.formatter.argument(arg, "v")
        write(")")
