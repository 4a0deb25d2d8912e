"""Patterns of image names, matched as Go's ``filepath.Match`` does on Unix.

``*`` and ``?`` stop at ``/``, ``[a-z]`` and ``[^a-z]`` are classes, and a backslash takes the next
character as it is.
A pattern must match the whole name.
"""

import re
from functools import lru_cache


class PatternError(ValueError):
    """The pattern is malformed; the message is Go's."""

    def __init__(self) -> None:
        super().__init__("syntax error in pattern")


def matches(pattern: str, name: str) -> bool:
    """Whether the pattern matches the whole name.

    Raises:
        PatternError: The pattern is malformed.
    """
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # The text before each star is matched at the first place where it fits, never again: that is
    # what Go does, and it keeps the time linear. The text behind the last star is bound to the end.
    chunks = _chunks(pattern)
    expression = chunks[0]
    for chunk in chunks[1:-1]:
        expression += f"(?>[^/]*?{chunk})" if chunk else "[^/]*?"
    if len(chunks) > 1:
        expression += f"[^/]*{chunks[-1]}"
    return re.compile(expression, re.DOTALL)


def _chunks(pattern: str) -> list[str]:
    """Give the expressions of what stands before, between and behind the stars."""
    chunks = [""]
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            chunks.append("")
        elif char == "?":
            chunks[-1] += "[^/]"
        elif char == "[":
            expression, position = _class(pattern, position)
            chunks[-1] += expression
        elif char == "\\":
            if position == len(pattern):
                raise PatternError
            chunks[-1] += re.escape(pattern[position])
            position += 1
        else:
            chunks[-1] += re.escape(char)
    return chunks


def _class(pattern: str, position: int) -> tuple[str, int]:
    negated = pattern[position : position + 1] == "^"
    position += negated
    ranges = ""
    count = 0
    while count == 0 or pattern[position : position + 1] != "]":
        low, position = _bound(pattern, position)
        high = low
        if pattern[position : position + 1] == "-":
            high, position = _bound(pattern, position + 1)
        if low <= high:
            ranges += f"{re.escape(low)}-{re.escape(high)}"
        count += 1
    if not ranges:
        return ("." if negated else "(?!)"), position + 1
    return f"[{'^' if negated else ''}{ranges}]", position + 1


def _bound(pattern: str, position: int) -> tuple[str, int]:
    """Give one character of a class, which cannot be its last one."""
    char = pattern[position : position + 1]
    if char in ("", "-", "]"):
        raise PatternError
    if char == "\\":
        position += 1
        char = pattern[position : position + 1]
    if not char or position + 1 == len(pattern):
        raise PatternError
    return char, position + 1
