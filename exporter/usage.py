"""Reading the command line with werf's flag grammar, and the help texts.

Booleans take no separate value (``--dev``, ``--dev=false``), everything else takes one
(``--repo R``, ``--repo=R``), and image names may stand anywhere between the flags.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, get_args

from exporter import __version__
from exporter.errors import InputError
from exporter.options import ACCEPTED_WITHOUT_EFFECT, OPTIONS, Command, Option
from exporter.resolve import FlagValue, nearest

_COMMANDS: tuple[Command, ...] = get_args(Command)
_GROUPS = ("config",)
_TRUE = ("true", "1", "t", "T", "TRUE", "True")
_FALSE = ("false", "0", "f", "F", "FALSE", "False")

_ABOUT: Mapping[Command, tuple[str, str]] = {
    "export": (
        "Build what is missing, publish it, and export the images clean under their tags.",
        "exporter export app --repo ghcr.io/me/app --tag ghcr.io/me/app:v1",
    ),
    "build": (
        "Build what is missing and publish it to --repo; export nothing.",
        "exporter build --repo ghcr.io/me/app --save-build-report",
    ),
    "plan": (
        "Say what an export would build, create, move and leave; write nothing.",
        "exporter plan --repo ghcr.io/me/app --tag ghcr.io/me/app:v1",
    ),
    "promote": (
        "Export images of an earlier report, or one image by digest; no project, no engine.",
        "exporter promote --from report.json --tag registry.example.com/app:stable",
    ),
    "config render": ("Print the rendered werf.yaml.", "exporter config render --env production"),
    "config list": ("Print the names of the images.", "exporter config list"),
    "config graph": ("Print which image needs which.", "exporter config graph app"),
    "config schema": (
        "Print the JSON schema of werf.yaml, for editors.",
        "exporter config schema > werf.schema.json",
    ),
    "ci-env": (
        "Print the WERF_* variables that fit the CI.",
        ". $(exporter ci-env github --as-file)",
    ),
    "doctor": (
        "Check git, engine, builder, registry and credentials, and say what to do.",
        "exporter doctor --repo ghcr.io/me/app",
    ),
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
        return overview()
    if words[0] in ("--version", "version"):
        return f"exporter {__version__}\n"
    if words[0] == "completion":
        from exporter.completion import script  # noqa: PLC0415 - only here

        return script(words[1] if len(words) > 1 else "bash")
    command, rest = _command(words)
    if command is None:
        return overview(words[0])
    parser = _parser(command)
    if "-h" in rest or "--help" in rest:
        return parser.format_help()
    given = vars(parser.parse_intermixed_args(rest))
    arguments = tuple(given.pop("arguments") or ())
    for option in ACCEPTED_WITHOUT_EFFECT:
        if given.pop(option.name, None) is not None:
            sys.stderr.write(
                f"--{option.name} is accepted for compatibility and has no effect here\n"
            )
    return Asked(command=command, flags=given, arguments=arguments)


def overview(group: str = "") -> str:
    """The commands (of a group), one line each."""
    lines = ["usage: exporter COMMAND [IMAGE…] [options]", ""]
    lines += [
        f"  {command:<14} {about}"
        for command, (about, _) in _ABOUT.items()
        if command.startswith(group)
    ]
    if not group:
        lines += [f"  {'completion':<14} Print the completion script for bash, zsh or fish."]
        lines += ["", "exporter COMMAND --help shows a command's options and an example."]
    return "\n".join(lines) + "\n"


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
    about, example = _ABOUT[command]
    parser = _Parser(
        prog=f"exporter {command}",
        description=about,
        epilog=f"example: {example}",
        usage=f"exporter {command} [IMAGE…] [options]",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32, width=110),
    )
    parser.add_argument("arguments", nargs="*", help=argparse.SUPPRESS, default=None)
    for option in (*OPTIONS, *ACCEPTED_WITHOUT_EFFECT):
        if command in option.commands and option.name != "image":
            _add(parser, option)
    return parser


def _add(parser: _Parser, option: Option) -> None:
    names = [f"--{option.name}"] + ([f"-{option.short}"] if option.short else [])
    shown = argparse.SUPPRESS if option.hidden else _help(option)
    if option.kind != "flag":
        action = "append" if option.kind == "list" else "store"
        parser.add_argument(
            *names, dest=option.name, action=action, help=shown, metavar=_metavar(option)
        )
        return
    parser.add_argument(*names, dest=option.name, action="store_const", const=True, help=shown)
    for values, const in ((_TRUE, True), (_FALSE, False)):
        parser.add_argument(
            *(f"{name}={value}" for name in names for value in values),
            dest=option.name,
            action="store_const",
            const=const,
            help=argparse.SUPPRESS,
        )


def _metavar(option: Option) -> str:
    return "{" + ",".join(option.choices) + "}" if option.choices else option.kind.upper()


def _help(option: Option) -> str:
    sources = [f"${name}" for name in option.variables]
    sources += [f"${option.prefix}*"] if option.prefix else []
    shown = f" [{', '.join(sources)}]" if sources else ""
    return f"{option.help}{shown}".replace("%", "%%")
