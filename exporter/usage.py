"""Reading the command line with werf's flag grammar; :mod:`exporter.help` has the texts.

Booleans take no separate value (``--dev``, ``--dev=false``), everything else takes one
(``--repo R``, ``--repo=R``), and image names may stand anywhere between the flags.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import get_args

from exporter import __version__
from exporter.errors import InputError
from exporter.options import ACCEPTED_WITHOUT_EFFECT, OPTIONS, Command, Option
from exporter.resolve import FlagValue, nearest
from exporter.value import dataclass

_COMMANDS: tuple[Command, ...] = get_args(Command)
_GROUPS = ("config",)
_HELP = ("-h", "--help", "--help=all")
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "t", "T", "TRUE", "True"), True),
    **dict.fromkeys(("false", "0", "f", "F", "FALSE", "False"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command line: the command, the flags that were given, and the positional arguments."""

    command: Command
    flags: Mapping[str, FlagValue]
    arguments: tuple[str, ...]


def read(words: Sequence[str]) -> Asked | str:
    """What the command line asks for, or the text to print when it asks for help.

    Raises:
        InputError: An unknown command or flag, or a flag without its value.
    """
    if not words or words[0] in ("-h", "--help", "help"):
        return read([*words[1:], "--help"]) if words[1:] else _overview()
    if words[0] in ("--version", "version"):
        return f"exporter {__version__}\n"
    if words[0] == "completion":
        from exporter.completion import script  # noqa: PLC0415 - only here

        return script(words[1] if len(words) > 1 else "bash")
    command, rest = _command(words)
    if command is None:
        return _overview(words[0])
    if asked := [word for word in rest if word in _HELP]:
        from exporter.help import command_help  # noqa: PLC0415 - only here

        after = rest[rest.index(asked[0]) + 1 :]
        return command_help(command, everything="=all" in asked[0] or after[:1] == ["all"])
    reader = _Reader(command, rest)
    given = reader.flags()
    for option in ACCEPTED_WITHOUT_EFFECT:
        if given.pop(option.name, None) is not None:
            sys.stderr.write(
                f"--{option.name} is accepted for compatibility and has no effect here\n"
            )
    return Asked(command=command, flags=given, arguments=tuple(reader.arguments))


def _overview(group: str = "") -> str:
    from exporter.help import overview  # noqa: PLC0415 - only for help

    return overview(group)


def _command(words: Sequence[str]) -> tuple[Command | None, list[str]]:
    if words[0] in _GROUPS and (len(words) == 1 or words[1] in ("-h", "--help")):
        return None, []
    size = 2 if words[0] in _GROUPS else 1
    name = " ".join(words[:size])
    for command in _COMMANDS:
        if command == name:
            return command, list(words[size:])
    raise InputError(
        f"there is no command '{name}'{nearest(name, _COMMANDS)}",
        remedy="exporter --help lists them.",
    )


class _Reader:
    """A command line read word by word, with the rules of pflag, which are werf's."""

    def __init__(self, command: Command, words: Sequence[str]) -> None:
        self.options = [
            option
            for option in (*OPTIONS, *ACCEPTED_WITHOUT_EFFECT)
            if command in option.commands and option.name != "image"
        ]
        self.words = iter(words)
        self.single: dict[str, str | bool] = {}
        self.lists: dict[str, list[str]] = {}
        self.arguments: list[str] = []

    def flags(self) -> dict[str, FlagValue]:
        """Read all words; gives the values of the flags by name."""
        for word in self.words:
            if word == "--":
                self.arguments += self.words
            elif word.startswith("--"):
                self._long(word)
            elif word.startswith("-") and word != "-":
                self._letters(word[1:])
            else:
                self.arguments.append(word)
        return {**self.single, **self.lists}

    def _long(self, word: str) -> None:
        shown, equals, value = word.partition("=")
        self._set(self._option(shown), value if equals else None, shown=shown)

    def _letters(self, letters: str) -> None:
        """``-Z``, or several letters in one word, of which the last one may have a value."""
        while letters:
            shown, letters = f"-{letters[0]}", letters[1:]
            option = self._option(shown)
            value = letters.removeprefix("=") if letters else None
            if option.kind != "flag" or letters.startswith("="):
                self._set(option, value, shown=shown)
                return
            self._set(option, None, shown=shown)

    def _option(self, shown: str) -> Option:
        for option in self.options:
            if shown == f"--{option.name}" or (option.short and shown == f"-{option.short}"):
                return option
        known = [f"--{option.name}" for option in self.options]
        raise InputError(f"unknown option {shown}{nearest(shown, known)}")

    def _set(self, option: Option, value: str | None, *, shown: str) -> None:
        if option.kind == "flag":
            if value is not None and value not in _BOOLEANS:
                raise InputError(f"option {shown}: '{value}' is neither true nor false")
            self.single[option.name] = value is None or _BOOLEANS[value]
            return
        if value is None:
            value = next(self.words, None)
        if value is None:
            raise InputError(f"option {shown}: expected one argument")
        if option.kind == "list":
            self.lists.setdefault(option.name, []).append(value)
        else:
            self.single[option.name] = value
