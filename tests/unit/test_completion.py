"""Completion, asked of a real bash."""

import subprocess

import pytest

from exporter.completion import script
from exporter.errors import InputError


def complete(words: list[str]) -> list[str]:
    """What bash offers for the last word."""
    line = " ".join(f"'{word}'" for word in words)
    program = (
        f"{script('bash')}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _exporter; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_commands_are_completed() -> None:
    assert complete(["exporter", "ex"]) == ["export"]


def test_flags_of_the_command_are_completed() -> None:
    assert complete(["exporter", "export", "--add-label"]) == [
        "--add-label",
        "--add-label-separator",
    ]
    assert complete(["exporter", "config", "re"]) == ["render"]


def test_an_unknown_shell_is_refused() -> None:
    with pytest.raises(InputError, match="no completion for 'powershell'"):
        script("powershell")
