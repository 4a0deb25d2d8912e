"""Writes what is generated from the tables of options and outputs into action.yml, README and docs.

``python -m scripts.docs`` writes, ``python -m scripts.docs --check`` fails when something is stale.
A generated part stands between a line with ``BEGIN name`` and a line with ``END name``.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial

from exporter.options import MODES, OPTION_GROUPS, OPTIONS, Option
from exporter.outputs import OUTPUTS
from scripts import reference
from scripts.reference import ROOT, table

MAIN_INPUTS = (
    "repo", "tags", "images", "add-labels", "platforms", "mode", "if-exists", "on-error", "env",
    "dir", "config", "dev", "github-token", "registry-username", "registry-password", "registries",
)  # fmt: skip
"""What most workflows need; the README shows these, the reference shows all."""

DOOR_INPUTS: Mapping[str, str] = {
    "mode": f"What to do: {', '.join(MODES)} (default: export).",
    "args": "Further command-line arguments, as in a shell.",
}
"""Inputs that are no options: they choose the command."""

_DEFAULTS = {"github-token": "${{ github.token }}"}
_NOT_SHOWN = ("", "\n", False, (), "_werf-dev")


def inputs() -> Mapping[str, str]:
    """Every input of the action with its description, in the order of the options."""
    described = {}
    for option in OPTIONS:
        if option.input and set(option.commands) & set(MODES):
            described[option.input] = _for_inputs(option)
    return {**described, **DOOR_INPUTS}


def _description(option: Option) -> str:
    """The option's help with its choices and default, as a sentence about an input or option."""
    remarks = [", ".join(option.choices)] if option.choices else []
    if option.default not in _NOT_SHOWN:
        remarks.append(f"default: {str(option.default).lower()}")
    return f"{option.help.rstrip('.')} ({'; '.join(remarks)})." if remarks else option.help


def _for_inputs(option: Option) -> str:
    """The description in the words of inputs instead of flags."""
    text = _description(option).replace(" (positional arguments on the command line)", "")
    text = re.sub(r" Repeatable\b", " One per line", text)
    text = re.sub(r"--([a-z-]+)", r"`\1`", text)
    if option.kind == "list" and not option.secret and "One per line" not in text:
        text = f"{text} One per line."
    return text


def action_inputs() -> str:
    """The ``inputs`` of action.yml; no defaults but expressions, so that empty means not given."""
    lines = []
    for name, description in inputs().items():
        lines += [f"  {name}:", f"    description: {json.dumps(description, ensure_ascii=False)}"]
        if name in _DEFAULTS:
            lines.append(f"    default: {_DEFAULTS[name]}")
    return "\n".join(lines)


def action_outputs() -> str:
    """The ``outputs`` of action.yml."""
    return "\n".join(
        f"  {name}:\n    description: {json.dumps(description)}"
        for name, description in OUTPUTS.items()
    )


def main_inputs_table() -> str:
    """The inputs of the README."""
    described = inputs()
    return table(("Input", "What it does"), ((f"`{n}`", described[n]) for n in MAIN_INPUTS))


def inputs_table() -> str:
    """Every input with the variable that it stands for."""
    variables = {option.input: _variables(option) for option in OPTIONS}
    return table(
        ("Input", "What it does", "Variable"),
        ((f"`{name}`", text, variables.get(name, "")) for name, text in inputs().items()),
    )


def outputs_table() -> str:
    """The outputs with their meaning."""
    return table(("Output", "What it holds"), ((f"`{n}`", text) for n, text in OUTPUTS.items()))


def options_table() -> str:
    """Every option of the command line by its group, with its variables and commands."""
    parts = []
    for group, options in OPTION_GROUPS.items():
        rows = []
        for option in options:
            if not option.hidden:
                flag = f"`--{option.name}`" + (f", `-{option.short}`" if option.short else "")
                commands = ", ".join(option.commands)
                rows.append((flag, _description(option), _variables(option), commands))
        header = ("Option", "What it does", "Variable", "Commands")
        parts.append(f"## {group}\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def _variables(option: Option) -> str:
    """The variables that stand for an option."""
    names = (*option.variables, *([f"{option.prefix}*"] if option.prefix else []))
    return ", ".join(f"`{name}`" for name in names)


def _pages_with_files() -> dict[str, Mapping[str, Callable[[], str]]]:
    """The how-to pages that show files, and how each file is shown."""
    found: dict[str, Mapping[str, Callable[[], str]]] = {}
    for page in sorted((ROOT / "docs" / "how-to").glob("*.md")):
        files = re.findall(r"BEGIN (file (\S+))", page.read_text(encoding="utf-8"))
        if files:
            makers = {name: partial(reference.file_block, path) for name, path in files}
            found[str(page.relative_to(ROOT))] = makers
    return found


PARTS: dict[str, Mapping[str, Callable[[], str]]] = {
    "action.yml": {"inputs": action_inputs, "outputs": action_outputs},
    "README.md": {"inputs": main_inputs_table, "outputs": outputs_table},
    "docs/reference/inputs-and-outputs.md": {"inputs": inputs_table, "outputs": outputs_table},
    "docs/reference/options.md": {"options": options_table},
    "docs/reference/commands.md": {"commands": reference.commands},
    "docs/reference/exit-codes.md": {"exit-codes": reference.exit_codes},
    "docs/reference/report.md": {"report": reference.report},
    "docs/reference/werf-yaml.md": {"werf-yaml": reference.werf_yaml},
    "docs/reference/template-functions.md": {"functions": reference.functions},
    **_pages_with_files(),
}


def generated(path: str) -> str:
    """The text of a file with its generated parts made anew.

    Raises:
        ValueError: A part has no place in the file.
    """
    text = (ROOT / path).read_text(encoding="utf-8")
    for name, make in PARTS[path].items():
        found = re.search(
            rf"BEGIN {re.escape(name)}\b[^\n]*\n(.*?\n|)[^\n]*END {re.escape(name)}\b",
            text,
            re.DOTALL,
        )
        if found is None:
            raise ValueError(f"{path} has no lines 'BEGIN {name}' and 'END {name}'")
        text = f"{text[: found.start(1)]}{make()}\n{text[found.end(1) :]}"
    return text


def main(arguments: list[str]) -> int:
    """Write, or with ``--check`` compare; the exit code says whether all was up to date."""
    stale = []
    for path in PARTS:
        text = generated(path)
        if text != (ROOT / path).read_text(encoding="utf-8"):
            stale.append(path)
            if "--check" not in arguments:
                (ROOT / path).write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'stale' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
