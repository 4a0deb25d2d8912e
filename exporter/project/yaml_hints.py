"""What to do about a YAML problem: one sentence for each thing that people run into."""

from types import MappingProxyType
from typing import Final

_TABS: Final = "YAML is indented with blanks, tabs are not allowed there"
_BRACKET: Final = "A bracket is not closed, or an element needs quotes"

_SYNTAX: Final = MappingProxyType(
    {
        "mapping values are not allowed in this context": (
            "Put text that holds ': ' in quotes, and check that keys of one mapping start in one "
            "column"
        ),
        "did not find expected key": (
            "Check the indentation of the line, and that nothing follows a quoted text"
        ),
        "could not find expected ':'": (
            "Every line of a mapping is KEY: VALUE, and text below | or > must be indented"
        ),
        "did not find expected ',' or ']'": _BRACKET,
        "did not find expected ',' or '}'": _BRACKET,
        "found unexpected end of stream": "A quote is not closed",
        "found a tab character where an indentation space is expected": _TABS,
        "found a tab character that violates indentation": _TABS,
        "block sequence entries are not allowed in this context": (
            "Start the list on a line of its own, or put the text in quotes"
        ),
        "found unknown escape character": (
            "A backslash in double quotes starts an escape: write it twice, or use single quotes"
        ),
        "control characters are not allowed": "Write the character as an escape in double quotes",
        "found incompatible YAML document": "Leave out the %YAML directive",
    }
)

_TYPES: Final = MappingProxyType(
    {
        "string": "Write a text",
        "bool": "Write true or false, without quotes",
        "int": "Write a whole number, without quotes",
        "uint64": "Write a whole number from 0 on, without quotes",
        "time.Duration": "Write a duration such as 72h or 30m; a day is 24h",
        "[]string": "Write a list of texts, such as [a, b]",
        "map[string]string": "Write a mapping of texts, such as {name: text}",
        "map[string]interface {}": "Write a mapping, such as {name: value}",
    }
)


def syntax_hint(text: str, found: str, opened: str) -> str:
    """Give the remedy for a syntax error, ``""`` when none is known.

    Args:
        text: The problem in libyaml's words.
        found: The character at the place of the problem, ``""`` at the end.
        opened: The place where what is being read began, ``""`` when unknown.
    """
    if text == "found character that cannot start any token":
        return _TABS if found == "\t" else f"Put the value in quotes: YAML reserves {found}"
    if found == "?":
        return "Put text that holds a question mark in quotes where it is between brackets"
    if text.startswith("unknown anchor"):
        return "An anchor is known only behind its place and up to the next ---"
    hint = _SYNTAX.get(text, "")
    if hint in (_BRACKET, _SYNTAX["found unexpected end of stream"]) and opened:
        return f"{hint}; it was opened at {opened}"
    return hint


def type_hint(go: str) -> str:
    """Give the remedy for a value that does not fit a Go type."""
    return _TYPES.get(go.removeprefix("*"), "Write a list" if go.startswith("[]") else "")
