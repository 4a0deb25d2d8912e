"""The parts of one instruction: its name, its ``--flags`` and its arguments.

Each instruction has its own form of arguments: a JSON list, words between white space,
``name=value`` pairs, or the rest of the line. Variables stay as they are written.
Source: BuildKit, package ``parser``.
"""

import json
import re
from collections.abc import Callable

from exporter.build.dockerfile.expand import is_space
from exporter.value import dataclass

_SPACES = re.compile(r"[\t\v\f\r ]+")


class MalformedError(ValueError):
    """The instruction does not have the form that it must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """An instruction in parts; ``is_json`` says that the arguments came as a JSON list."""

    name: str
    flags: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    is_json: bool = False


def split_instruction(line: str, *, escape: str) -> Parts:
    """The parts of a joined line.

    The name is as it is written. The arguments of ``ENV`` and ``LABEL`` are names and values by
    turns. Those of ``ONBUILD`` are the whole inner instruction. An unknown instruction has none.

    Raises:
        MalformedError: The arguments do not have the form that the instruction needs.
    """
    name, _, rest = _cut_at_spaces(_strip(line))
    flags, rest = _take_flags(rest)
    read = _FORMS.get(name.upper())
    if read is None:
        return Parts(name=name, flags=flags)
    arguments, is_json = read(_strip(rest), escape)
    return Parts(name=name, flags=flags, arguments=arguments, is_json=is_json)


def parse_words(text: str, *, escape: str) -> tuple[str, ...]:
    """The text split at white space outside of quotes; quotes and escapes stay in the words."""
    words: list[str] = []
    word, quote = "", ""
    is_word = False
    characters = iter(enumerate(text))
    for at, char in characters:
        is_last = at + 1 == len(text)
        if not quote and is_space(char):
            if is_word:
                words.append(word)
            word, is_word = "", False
            continue
        if char == escape and quote != "'":
            if is_last:  # an escape at the very end escapes nothing
                break
            word += char + next(characters)[1]
            is_word = True
            continue
        if not quote and char in "'\"":
            quote = char
        elif char == quote:
            quote = ""
        word += char
        is_word = True
    if is_word:
        words.append(word)
    return tuple(words)


def _cut_at_spaces(text: str) -> tuple[str, str, str]:
    found = _SPACES.search(text)
    if found is None:
        return text, "", ""
    return text[: found.start()], found[0], text[found.end() :]


def _strip(text: str) -> str:
    start, end = 0, len(text)
    while start < end and is_space(text[start]):
        start += 1
    while end > start and is_space(text[end - 1]):
        end -= 1
    return text[start:end]


def _take_flags(text: str) -> tuple[tuple[str, ...], str]:
    """The leading words that start with ``--``, without quotes and escapes; and what follows."""
    flags: list[str] = []
    at = 0
    while True:
        while at < len(text) and is_space(text[at]):
            at += 1
        if not text.startswith("--", at):
            return tuple(flags), text[at:]
        flag, at = _take_flag(text, at)
        if flag == "--":
            return tuple(flags), text[at:]
        flags.append(flag)


def _take_flag(text: str, at: int) -> tuple[str, int]:
    flag, quote = "", ""
    while at < len(text):
        char = text[at]
        if not quote and is_space(char):
            break
        at += 1
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char == "\\":  # BuildKit v0.13.1 does not look at the escape directive here
            flag += text[at : at + 1]
            at += 1
        else:
            flag += char
    return flag, at


_Read = tuple[tuple[str, ...], bool]


def _rest_of_line(text: str, _: str) -> _Read:
    return ((text,) if text else ()), False


def _words(text: str, escape: str) -> _Read:
    return parse_words(text, escape=escape), False


def _between_spaces(text: str, _: str) -> _Read:
    return (tuple(_SPACES.split(text)) if text else ()), False


def _list_or(otherwise: Callable[[str, str], _Read]) -> Callable[[str, str], _Read]:
    def read(text: str, escape: str) -> _Read:
        if text.startswith("["):
            try:
                # what follows the list is ignored, as BuildKit v0.13.1 does
                values, _ = json.JSONDecoder().raw_decode(text)
            except ValueError:
                return otherwise(text, escape)
            if not all(isinstance(value, str) for value in values):
                raise MalformedError(
                    "when using JSON array syntax, arrays must be comprised of strings only"
                )
            return tuple(values), True
        return otherwise(text, escape)

    return read


def _pairs(instruction: str) -> Callable[[str, str], _Read]:
    def read(text: str, escape: str) -> _Read:
        words = parse_words(text, escape=escape)
        if not words:
            return (), False
        if "=" not in words[0]:  # the old form: a name, and all that follows is its value
            name, space, value = _cut_at_spaces(text)
            if not space:
                raise MalformedError(f"{instruction} must have two arguments")
            return (name, value), False
        flat: list[str] = []
        for word in words:
            name, sign, value = word.partition("=")
            if not sign:
                raise MalformedError(
                    f'can\'t find = in "{word}"; it must be of the form name=value'
                )
            flat += [name, value]
        return tuple(flat), False

    return read


def _health(text: str, escape: str) -> _Read:
    kind, _, rest = _cut_at_spaces(text)
    if not kind:
        return (), False
    command, is_json = _list_or(_rest_of_line)(_strip(rest), escape)
    return (kind, *command), is_json


_FORMS: dict[str, Callable[[str, str], _Read]] = {
    "ADD": _list_or(_between_spaces),
    "ARG": _words,
    "CMD": _list_or(_rest_of_line),
    "COPY": _list_or(_between_spaces),
    "ENTRYPOINT": _list_or(_rest_of_line),
    "ENV": _pairs("ENV"),
    "EXPOSE": _between_spaces,
    "FROM": _between_spaces,
    "HEALTHCHECK": _health,
    "LABEL": _pairs("LABEL"),
    "MAINTAINER": _rest_of_line,
    "ONBUILD": _rest_of_line,
    "RUN": _list_or(_rest_of_line),
    "SHELL": _list_or(_rest_of_line),
    "STOPSIGNAL": _rest_of_line,
    "USER": _rest_of_line,
    "VOLUME": _list_or(_between_spaces),
    "WORKDIR": _rest_of_line,
}

INSTRUCTIONS = tuple(_FORMS)
"""Every instruction of BuildKit, in capitals."""
