"""From flags, inputs and variables to an ``Options``, with every problem told at once.

Sources of one option, the first that is given wins (a list that ``collects`` joins them, weakest
first):
flag, ``INPUT_*``, ``PLUGIN_*``, environment variables, default. The environment is a parameter.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exporter.errors import InputError
from exporter.options import MODES, OPTIONS, Command, Option, Options

_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"0", "false", "no"})
_INPUT_BOOLEANS = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INPUTS_OF_THE_DOOR = ("mode", "args")
"""Inputs that the entrypoint reads itself: which command to run, and further arguments."""

FlagValue = str | bool | Sequence[str]


def resolve(
    command: Command,
    *,
    flags: Mapping[str, FlagValue],
    arguments: Sequence[str],
    env: Mapping[str, str],
) -> Options:
    """The options of one run.

    Args:
        command: The subcommand.
        flags: Only what the command line really gave, by option name.
        arguments: Positional arguments: image names and patterns.
        env: The environment.

    Raises:
        InputError: With every wrong value and every unknown input, in the order of the table.
    """
    problems: list[str] = []
    inputs = _named(env, "INPUT_", "input", problems)
    plugin = _named(env, "PLUGIN_", "setting", problems)
    values: dict[str, Any] = {}
    for option in OPTIONS:
        if command in option.commands:
            value = _Sources(option, command, flags, inputs, plugin, env, problems).value()
            values[option.field] = option.default_for(command) if value is None else value
    images = tuple(arguments) or values.get("image", ())
    if values.get("check_built_images"):
        values["require_built_images"] = True
    if problems:
        raise InputError(*problems)
    return Options(command=command, arguments=tuple(arguments), **{**values, "image": images})


def mode_of(env: Mapping[str, str]) -> Command:
    """The command that the action's input ``mode`` names; ``export`` when it names none.

    Raises:
        InputError: The input names no mode.
    """
    given = env.get("INPUT_MODE", "").strip() or env.get("PLUGIN_MODE", "").strip() or "export"
    for mode in MODES:
        if given == mode:
            return mode
    raise InputError(
        f"input 'mode': '{given}' is no mode{nearest(given, MODES)}",
        remedy=f"Use one of {', '.join(MODES)}.",
    )


def nearest(name: str, known: Sequence[str]) -> str:
    """`` (did you mean 'x'?)`` when a known name is close, else nothing."""
    import difflib  # noqa: PLC0415 - for mistakes only

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-").replace(" ", "-")


def _named(
    env: Mapping[str, str], prefix: str, kind: str, problems: list[str]
) -> Mapping[str, str]:
    """Inputs or settings by name; an unknown one that is close to a known name is a problem."""
    known = [option.input for option in OPTIONS if option.input] + list(_INPUTS_OF_THE_DOOR)
    inputs = {}
    for key, value in env.items():
        if not key.startswith(prefix):
            continue
        name = _normal(key.removeprefix(prefix))
        if name in known:
            inputs[name] = value
        elif value.strip() and (hint := nearest(name, known)):
            problems.append(f"{kind} '{name}' does not exist{hint}")
    return inputs


class _Sources:
    """Looks one option up in all its sources."""

    def __init__(
        self,
        option: Option,
        command: Command,
        flags: Mapping[str, FlagValue],
        inputs: Mapping[str, str],
        plugin: Mapping[str, str],
        env: Mapping[str, str],
        problems: list[str],
    ) -> None:
        self._option = option
        self._default = option.default_for(command)
        self._flag = flags.get(option.name)
        self._input = inputs.get(option.input, "") if option.input else ""
        self._plugin = plugin.get(option.input, "") if option.input else ""
        self._env = {} if command in option.no_variables_for else env
        self._problems = problems

    def value(self) -> object | None:
        """The value, or None to take the default."""
        read: Mapping[str, Callable[[], object | None]] = {
            "text": self._text, "flag": self._switch, "list": self._items, "int": self._number,
        }  # fmt: skip
        return read[self._option.kind]()

    def _given(self) -> tuple[str, str] | None:
        """Where the strongest value comes from (for messages), and its text."""
        option = self._option
        if self._flag is not None:
            return f"--{option.name}", str(self._flag)
        if self._input.strip():
            return f"input '{option.input}'", self._input
        if self._plugin.strip():
            return f"setting '{option.input}'", self._plugin
        for variable in option.variables:
            if self._env.get(variable):
                return f"variable {variable}", self._env[variable]
        return None

    def _text(self) -> str | None:
        given = self._given()
        if given is None:
            return None
        where, text = given
        if not self._option.secret and where.startswith(("input", "setting")):
            separator_counts = self._option.name == "add-label-separator"
            text = text if separator_counts else text.strip()
        if self._option.choices and text not in self._option.choices:
            choices = self._option.choices
            self._problems.append(
                f"{where}: '{text}' is not one of {', '.join(choices)}{nearest(text, choices)}"
            )
            return None
        return text

    def _switch(self) -> bool | None:
        given = self._given()
        if given is None:
            return None
        where, text = given
        if isinstance(self._flag, bool):
            return self._flag
        if where.startswith("variable"):  # werf's rule: anything else leaves the default
            return text not in _NO if self._default else text in _YES
        known = _INPUT_BOOLEANS.get(text.strip())
        if known is None:
            self._problems.append(f"{where}: '{text}' is neither true nor false")
        return known

    def _number(self) -> int | None:
        given = self._given()
        if given is None:
            return None
        where, text = given
        try:
            return int(text)
        except ValueError:
            self._problems.append(f"{where}: '{text}' is not a whole number")
            return None

    def _items(self) -> tuple[str, ...] | None:
        flag = tuple(self._flag) if isinstance(self._flag, (list, tuple)) else ()
        is_whole = self._option.secret
        entered = _whole(self._input) if is_whole else _lines(self._input)
        setting = _whole(self._plugin) if is_whole else _plugin_items(self._plugin)
        from_env = self._from_variables()
        if self._option.collects:
            return from_env + setting + entered + flag
        return next((found for found in (flag, entered, setting, from_env) if found), None)

    def _from_variables(self) -> tuple[str, ...]:
        option = self._option
        for variable in option.variables:
            if self._env.get(variable):
                return (self._env[variable],)
        if not option.prefix:
            return ()
        separator = f"{option.prefix}SEPARATOR"
        pairs = sorted(
            f"{key}={value}"
            for key, value in self._env.items()
            if key.startswith(option.prefix)
            and not (option.name == "add-label" and key.startswith(separator))
        )
        return tuple(pair.partition("=")[2] for pair in pairs)


def _lines(text: str) -> tuple[str, ...]:
    """One item per line, blank lines left out."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _whole(text: str) -> tuple[str, ...]:
    return (text,) if text.strip() else ()


def _plugin_items(text: str) -> tuple[str, ...]:
    """Drone joins lists with commas, Woodpecker writes JSON."""
    if text.lstrip().startswith("["):
        try:
            return tuple(str(item) for item in json.loads(text))
        except ValueError:
            return _lines(text)
    return tuple(
        item.strip() for line in text.splitlines() for item in line.split(",") if item.strip()
    )
