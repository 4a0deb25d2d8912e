"""The patterns of ``.gitattributes``, as git matches them.

``*``, ``?`` and classes do not match a slash, ``**`` between slashes stands for any number of
directories, braces mean nothing.
"""

import re
from functools import lru_cache

_POSIX_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-\\/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_NOTHING = "(?!)"


@lru_cache(maxsize=4096)
def compile_wildmatch(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for ``fullmatch``; a malformed one matches nothing."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            text, at = _stars(pattern, at)
        elif char == "?":
            text, at = "[^/]", at + 1
        elif char == "[":
            text, at = _character_class(pattern, at)
        elif char == "\\" and at + 1 < len(pattern):
            text, at = re.escape(pattern[at + 1]), at + 2
        elif char == "\\":
            text, at = _NOTHING, at + 1
        else:
            text, at = re.escape(char), at + 1
        out.append(text)
    return re.compile("".join(out), re.DOTALL)


def _stars(pattern: str, at: int) -> tuple[str, int]:
    end = at
    while pattern[end : end + 1] == "*":
        end += 1
    starts = at == 0 or pattern[at - 1] == "/"
    if end - at == len("**") and starts:
        if end == len(pattern):
            return ".*", end
        if pattern[end] == "/":
            return "(?:.*/)?", end + 1
    return "[^/]*", end


def _character_class(pattern: str, at: int) -> tuple[str, int]:
    index = at + 1
    negate = pattern[index : index + 1] in ("!", "^") and index < len(pattern)
    index += negate
    members: list[str] = []
    first = True
    while first or pattern[index : index + 1] != "]":
        first = False
        if index >= len(pattern):
            return _NOTHING, len(pattern)
        if pattern.startswith("[:", index) and (stop := pattern.find(":]", index)) > 0:
            members.append(_POSIX_CLASSES.get(pattern[index + 2 : stop], ""))
            index = stop + 2
            continue
        low, index = _member(pattern, index)
        if pattern[index : index + 1] == "-" and pattern[index + 1 : index + 2] not in ("", "]"):
            high, index = _member(pattern, index + 1)
            if low <= high:
                members.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            members.append(re.escape(low))
    inside = "".join(members)
    if not inside:
        return ("[^/]" if negate else _NOTHING), index + 1
    return f"(?!/)[{'^' if negate else ''}{inside}]", index + 1


def _member(pattern: str, index: int) -> tuple[str, int]:
    if pattern[index] == "\\" and index + 1 < len(pattern):
        index += 1
    return pattern[index], index + 1
