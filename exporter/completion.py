"""Completion scripts for shells, made from the table of options."""

from collections.abc import Mapping
from typing import get_args

from exporter.errors import InputError
from exporter.options import OPTIONS, Command
from exporter.resolve import nearest

_SHELLS = ("bash", "zsh", "fish")

_BASH = """\
_exporter() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" command="${{COMP_WORDS[1]}}" words
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{first}"
    else
        case "$command" in
{cases}
            *) words="" ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _exporter exporter
"""


def script(shell: str) -> str:
    """The completion script of a shell.

    Raises:
        InputError: There is none for this shell.
    """
    if shell not in _SHELLS:
        raise InputError(
            f"no completion for '{shell}'{nearest(shell, _SHELLS)}",
            remedy=f"There is one for {', '.join(_SHELLS)}.",
        )
    flags = _flags()
    if shell == "fish":
        return _fish(flags)
    cases = "\n".join(
        f'            {name}) words="{" ".join(words)}" ;;' for name, words in flags.items()
    )
    text = _BASH.format(first=" ".join([*flags, "completion"]), cases=cases)
    if shell == "zsh":
        return f"autoload -U +X bashcompinit && bashcompinit\n{text}"
    return text


def _flags() -> Mapping[str, list[str]]:
    """What may follow each first word: flags, and the second words of a group."""
    found: dict[str, list[str]] = {}
    for command in get_args(Command):
        first, _, second = command.partition(" ")
        words = found.setdefault(first, [])
        if second:
            words.append(second)
        words += [
            flag
            for option in OPTIONS
            if command in option.commands
            and option.name != "image"
            and not option.hidden
            and (flag := f"--{option.name}") not in words
        ]
    return found


def _fish(flags: Mapping[str, list[str]]) -> str:
    lines = [f"complete -c exporter -n __fish_use_subcommand -a '{' '.join(flags)} completion'"]
    for name, words in flags.items():
        for word in words:
            kind = f"-l {word[2:]}" if word.startswith("--") else f"-a {word}"
            lines.append(f"complete -c exporter -n '__fish_seen_subcommand_from {name}' {kind}")
    return "\n".join(lines) + "\n"
