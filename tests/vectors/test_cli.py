"""Every flag and variable of werf's commands: accepted, with werf's type, default and effect."""

import json
from typing import Any

import pytest

from exporter import usage
from exporter.options import ACCEPTED_WITHOUT_EFFECT, OPTIONS, Kind, Option
from exporter.resolve import FlagValue, resolve
from tests.vectors.folder import VECTORS

HELP = VECTORS / "cli" / "help.json"
ENV = VECTORS / "cli" / "env.json"
FLAGS = [
    pytest.param(command["name"], flag, id=f"{command['name']} {flag['name']}")
    for command in json.loads(HELP.read_text("utf-8"))["commands"]
    for flag in command["flags"]
]
EFFECTS = [
    pytest.param(case, id=f"{case['name']} {case['flag']}")
    for case in json.loads(ENV.read_text("utf-8"))["cases"]
]
KINDS: dict[str, Kind] = {"string": "text", "bool": "flag", "list": "list", "int": "int"}
ROWS = {option.name: option for option in (*OPTIONS, *ACCEPTED_WITHOUT_EFFECT)}
READ_ELSEWHERE = ("tmp-dir", "home-dir")
"""Flags whose variable werf reads apart from the flag's default; the effect is the same."""


@pytest.mark.parametrize(("command", "flag"), FLAGS)
def test_every_flag_of_werf_is_accepted(command: str, flag: dict[str, Any]) -> None:
    option = _row(flag["name"])
    words = [f"--{option.name}"] if option.kind == "flag" else [f"--{option.name}", "1"]
    asked = usage.read([*command.split(), *words])
    assert isinstance(asked, usage.Asked)
    assert option.kind == KINDS[flag["type"]]
    assert option.short == (flag["short"] or "").lstrip("-")
    default = tuple(flag["default"]) if isinstance(flag["default"], list) else flag["default"]
    assert option.default_for(asked.command) == default


@pytest.mark.parametrize("case", EFFECTS)
def test_every_variable_has_its_effect(case: dict[str, Any]) -> None:
    option = _row(case["flag"])
    expect = case["expect"]
    if option in ACCEPTED_WITHOUT_EFFECT:
        pytest.skip("the flag concerns cleaning, the lock server or the log's look: no effect here")
    if option.prefix and expect["default_with"] == []:
        pytest.skip("werf adds these variables to the flag, not to its default")
    if option.name in READ_ELSEWHERE:
        pytest.skip("werf reads this variable apart from the flag; ours has the effect")
    assert _value(case["command"], option, case["env"]) == _read(expect["default_with"])
    if "default_without" in expect:
        assert _value(case["command"], option, {}) == _read(expect["default_without"])


def _row(name: str) -> Option:
    return ROWS[name.removeprefix("--")]


def _value(command: str, option: Option, env: dict[str, str]) -> object:
    asked = usage.read(command.split())
    assert isinstance(asked, usage.Asked)
    flags: dict[str, FlagValue] = {}
    return getattr(resolve(asked.command, flags=flags, arguments=(), env=env), option.field)


def _read(shown: object) -> object:
    """A default as the help prints it: lists in brackets."""
    if isinstance(shown, list):
        return tuple(shown)
    if isinstance(shown, str) and shown.startswith("["):
        return (shown[1:-1],)
    return shown
