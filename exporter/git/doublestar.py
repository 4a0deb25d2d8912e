"""Glob patterns with ``**``, as werf understands them.

``*`` and ``?`` stay within one path component, ``**/`` stands for any number of directories,
``[a-z]`` and ``[!a-z]`` are classes, ``{a,b}`` are alternatives, a backslash takes the next
character literally.
``**`` beside other characters of a component is just ``*``.
A pattern ending in ``/**`` also matches the directory itself.
"""

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise


class BadPatternError(ValueError):
    """The pattern is malformed: an open class, an open alternative or a trailing backslash."""

    def __init__(self, pattern: str) -> None:
        """Remember the pattern."""
        super().__init__(f"malformed glob pattern {pattern!r}")
        self.pattern = pattern


def match(pattern: str, path: str) -> bool:
    """Whether the pattern matches the whole slash-separated path.

    Raises:
        BadPatternError: The pattern is malformed.
    """
    return any(expression.fullmatch(path) for expression in _compiled(pattern))


def covers(glob: str, path: str) -> bool:
    """Whether a glob of werf's configuration covers a path.

    It covers what it matches, and everything below a directory that it matches; trailing stars do
    not count, so ``dir/**`` covers ``dir`` too.
    An absolute glob covers only what it matches itself (spec section 15, item 17).

    Raises:
        BadPatternError: The glob is malformed.
    """
    trimmed = _without_trailing_stars(glob)
    below = f"{trimmed}/**/*" if trimmed else "**/*"
    return match(glob, path) or match(trimmed, path) or match(below, path)


def literal_prefix(glob: str) -> tuple[str, str]:
    """Split a glob into its leading directories without patterns, and the rest.

    A glob without patterns is all prefix.
    """
    parts = _components(glob)
    count = 0
    while count < len(parts) and not any(sign in parts[count] for sign in "*?[{\\"):
        count += 1
    return "/".join(parts[:count]), "/".join(parts[count:])


def _without_trailing_stars(glob: str) -> str:
    parts = _components(glob)
    while parts and not parts[-1].strip("*"):
        parts.pop()
    return "/".join(parts)


def _components(path: str) -> list[str]:
    clean = posixpath.normpath(path).strip("/")
    return clean.split("/") if clean not in {"", "."} else []


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(_expression(plain, pattern), re.DOTALL)
        for plain in _alternatives(pattern, pattern)
    )


def _alternatives(text: str, pattern: str) -> Iterator[str]:
    """Every pattern that ``{a,b}`` stands for, in order."""
    start = _find(text, "{")
    if start < 0:
        yield text
        return
    end, commas = _closing(text, start, pattern)
    edges = [start, *commas, end]
    for left, right in pairwise(edges):
        yield from _alternatives(text[:start] + text[left + 1 : right] + text[end + 1 :], pattern)


def _find(text: str, sign: str) -> int:
    """Index of the first unescaped sign outside of a class, or -1."""
    index, in_class = 0, False
    while index < len(text):
        if text[index] == "\\":
            index += 1
        elif text[index] == "[" and not in_class:
            in_class = True
        elif text[index] == "]":
            in_class = False
        elif text[index] == sign and not in_class:
            return index
        index += 1
    return -1


def _closing(text: str, start: int, pattern: str) -> tuple[int, list[int]]:
    """The index of the brace that closes the one at ``start``, and those of its own commas."""
    depth, index, commas = 0, start, list[int]()
    while index < len(text):
        sign = text[index]
        if sign == "\\":
            index += 1
        elif sign == "{":
            depth += 1
        elif sign == "," and depth == 1:
            commas.append(index)
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return index, commas
        index += 1
    raise BadPatternError(pattern)


def _expression(text: str, pattern: str) -> str:
    """The regular expression of a pattern without alternatives."""
    if text == "**":
        return ".*"
    tail = ""
    if text.endswith("/**"):
        text, tail = text[:-3], "(?:/.*)?"
    elif text.endswith("/**/"):
        text, tail = text[:-4], "(?:/(?:[^/]*/)*)?"
    parts: list[str] = []
    index, at_start = 0, True
    while index < len(text):
        sign = text[index]
        if at_start and text.startswith("**/", index):
            parts.append("(?:[^/]*/)*")
            index += 3
            continue
        if sign == "*":
            parts.append("[^/]*")
            while index < len(text) and text[index] == "*":
                index += 1
            at_start = False
            continue
        if sign == "?":
            parts.append("[^/]")
        elif sign == "[":
            expression, index = _character_class(text, index, pattern)
            parts.append(expression)
            at_start = False
            continue
        elif sign == "\\":
            index += 1
            if index == len(text):
                raise BadPatternError(pattern)
            parts.append(re.escape(text[index]))
        else:
            parts.append(re.escape(sign))
        at_start = text[index] == "/"
        index += 1
    return "".join(parts) + tail


def _character_class(text: str, start: int, pattern: str) -> tuple[str, int]:
    """The expression of the class at ``start``, and the index behind it."""
    index = start + 1
    negated = text[index : index + 1] in {"!", "^"}
    index += negated
    members: list[str] = []
    last = ""
    while index < len(text) and text[index] != "]":
        sign = text[index]
        if sign == "-" and last and text[index + 1 : index + 2] not in {"", "]"}:
            index += 1
            index += text[index] == "\\"
            end = text[index : index + 1]
            members[-1] = f"{re.escape(last)}-{re.escape(end)}" if end and last <= end else ""
            last = ""
        else:
            index += sign == "\\"
            last = text[index : index + 1]
            members.append(re.escape(last))
        index += 1
    if index >= len(text) or index == start + 1 + negated:
        raise BadPatternError(pattern)
    inside = "".join(members)
    if not inside:  # only ranges that run backwards, which match nothing
        return (r"[\s\S]" if negated else r"[^\s\S]"), index + 1
    return f"[{'^' if negated else ''}{inside}]", index + 1
