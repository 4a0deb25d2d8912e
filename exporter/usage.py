"""Reading the command line with werf's flag grammar; :mod:`exporter.help` has the texts.

Booleans take no separate value (``--dev``, ``--dev=false``), everything else takes one
(``--repo R``, ``--repo=R``), and image names may stand anywhere between the flags.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, get_args

from exporter import __version__
from exporter.errors import InputError
from exporter.options import ACCEPTED_WITHOUT_EFFECT, OPTIONS, Command, Option
from exporter.resolve import FlagValue, nearest
from exporter.value import dataclass

_COMMANDS: tuple[Command, ...] = get_args(Command)
_GROUPS = ("config",)
_HELP = ("-h", "--help", "--help=all")
_TRUE = ("true", "1", "t", "T", "TRUE", "True")
_FALSE = ("false", "0", "f", "F", "FALSE", "False")


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
    given = vars(_parser(command).parse_intermixed_args(rest))
    arguments = tuple(given.pop("arguments") or ())
    for option in ACCEPTED_WITHOUT_EFFECT:
        if given.pop(option.name, None) is not None:
            sys.stderr.write(
                f"--{option.name} is accepted for compatibility and has no effect here\n"
            )
    return Asked(command=command, flags=given, arguments=arguments)


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


class _Parser(argparse.ArgumentParser):
    """An argparse parser that raises InputError and suggests the nearest flag."""

    def error(self, message: str) -> NoReturn:
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            flag = unknown.split()[0].partition("=")[0]
            known = [text for text in self._option_string_actions if "=" not in text]
            raise InputError(f"unknown option {flag}{nearest(flag, known)}")
        raise InputError(message.replace("argument ", "option ", 1))


def _parser(command: Command) -> _Parser:
    parser = _Parser(
        prog=f"exporter {command}",
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("arguments", nargs="*", default=None)
    options = parser.add_argument_group()  # a parser would try to show each of them in the help
    for option in (*OPTIONS, *ACCEPTED_WITHOUT_EFFECT):
        if command in option.commands and option.name != "image":
            _add(options.add_argument, option)
    return parser


def _add(add: Callable[..., argparse.Action], option: Option) -> None:
    names = [f"--{option.name}"] + ([f"-{option.short}"] if option.short else [])
    if option.kind != "flag":
        action = "append" if option.kind == "list" else "store"
        add(*names, dest=option.name, action=action)
        return
    add(*names, dest=option.name, action="store_const", const=True)
    for values, const in ((_TRUE, True), (_FALSE, False)):
        add(
            *(f"{name}={value}" for name in names for value in values),
            dest=option.name,
            action="store_const",
            const=const,
        )
