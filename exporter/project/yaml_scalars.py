"""What a plain scalar means: yaml.v2 2.4.0's resolution of text to typed values.

It is YAML 1.1 with yaml.v2's own taste: ``y`` and ``off`` are booleans, ``0o17``, ``017`` and
``0b11`` are integers, ``018`` is a float, ``1:30`` is text, and timestamps stay text in the end.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from exporter.gotemplate.values import Uint64

_PREFIX: Final = "tag:yaml.org,2002:"
STR: Final = f"{_PREFIX}str"
BOOL: Final = f"{_PREFIX}bool"
INT: Final = f"{_PREFIX}int"
FLOAT: Final = f"{_PREFIX}float"
NULL: Final = f"{_PREFIX}null"
TIMESTAMP: Final = f"{_PREFIX}timestamp"
MERGE: Final = f"{_PREFIX}merge"
BINARY: Final = f"{_PREFIX}binary"
SEQ: Final = f"{_PREFIX}seq"
MAP: Final = f"{_PREFIX}map"

Resolved = str | bool | int | float | None

MIN_INT64: Final = -(2**63)
MAX_INT64: Final = 2**63 - 1
MAX_UINT64: Final = 2**64 - 1

_INF: Final = float("inf")
_WORDS: Final[Mapping[str, tuple[str, Resolved]]] = MappingProxyType(
    {
        **dict.fromkeys(["y", "Y", "yes", "Yes", "YES"], (BOOL, True)),
        **dict.fromkeys(["true", "True", "TRUE", "on", "On", "ON"], (BOOL, True)),
        **dict.fromkeys(["n", "N", "no", "No", "NO"], (BOOL, False)),
        **dict.fromkeys(["false", "False", "FALSE", "off", "Off", "OFF"], (BOOL, False)),
        **dict.fromkeys(["", "~", "null", "Null", "NULL"], (NULL, None)),
        **dict.fromkeys([".nan", ".NaN", ".NAN"], (FLOAT, float("nan"))),
        **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], (FLOAT, _INF)),
        **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], (FLOAT, -_INF)),
    }
)
# Only a text that starts like this can be anything but a string.
_CANDIDATES: Final = frozenset("yYnNtTfFoO~.+-0123456789")
_NUMERIC: Final = frozenset("+-0123456789")
_RESOLVABLE: Final = frozenset({"", STR, BOOL, INT, FLOAT, NULL, TIMESTAMP})

_INTEGER: Final = re.compile(
    r"[-+]?(?:(?P<decimal>0|[1-9][0-9]*)|0[oO]?(?P<octal>[0-7]+)"
    r"|0[xX](?P<hexadecimal>[0-9a-fA-F]+)|0[bB](?P<binary>[01]+))"
)
# A sign in the middle comes from yaml.v2 parsing what follows the prefix once more.
_SIGNED_BINARY: Final = re.compile(r"0b(?P<binary>[-+][01]+)")
_BASES: Final = MappingProxyType({"decimal": 10, "octal": 8, "hexadecimal": 16, "binary": 2})
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# The layouts of yaml.v2's resolve.go as Go's time.Parse reads them.
_TIMESTAMP: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:(?:(?P<t>[Tt])| +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})"
    r"(?:[.,][0-9]+)?(?P<zone>Z|[-+](?P<zone_hour>[0-9]{2}):(?P<zone_minute>[0-9]{2}))?)?"
)
_BASE64: Final = re.compile(
    r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII
)


class ScalarError(ValueError):
    """A scalar contradicts its explicit tag; the message is yaml.v2's."""


def short_tag(tag: str) -> str:
    """Give ``!!int`` for the long form of it."""
    return f"!!{tag[len(_PREFIX) :]}" if tag.startswith(_PREFIX) else tag


def resolve(text: str, tag: str = "") -> tuple[str, Resolved]:
    """Give the tag and the value of a plain or tagged scalar.

    Integers beyond int64 are ``Uint64``; a timestamp's value is its text.

    Raises:
        ScalarError: The text is not what ``tag`` says.
    """
    if not tag:
        return _resolve_plain(text)
    if tag == BINARY:
        compact = text.replace("\r", "").replace("\n", "")
        if not _BASE64.fullmatch(compact):
            raise ScalarError("!!binary value contains invalid base64 data")
        import base64  # noqa: PLC0415 - rarely used

        return BINARY, base64.b64decode(compact).decode("utf-8", "surrogateescape")
    if tag == STR or tag not in _RESOLVABLE:
        return tag, text
    found, value = _resolve_plain(text, timestamps=tag == TIMESTAMP)
    if found == tag:
        return found, value
    if tag == FLOAT and type(value) is int:
        return FLOAT, float(value)
    raise ScalarError(f"cannot decode {short_tag(found)} `{text}` as a {short_tag(tag)}")


@lru_cache(maxsize=4096)
def _resolve_plain(text: str, *, timestamps: bool = True) -> tuple[str, Resolved]:
    first = text[:1]
    if first and first not in _CANDIDATES:
        return STR, text
    if text in _WORDS:
        return _WORDS[text]
    if first == ".":
        return _float(text) or (STR, text)
    if first not in _NUMERIC:
        return STR, text
    if timestamps and is_timestamp(text):
        return TIMESTAMP, text
    plain = text.replace("_", "")
    return _integer(plain) or _float(plain) or (STR, text)


def _integer(text: str) -> tuple[str, Resolved] | None:
    match = _INTEGER.fullmatch(text) or _SIGNED_BINARY.fullmatch(text)
    if match is None:
        return None
    base = match.lastgroup or "decimal"
    number = int(match[base], _BASES[base])
    if text[0] == "-":
        number = -number
    if MIN_INT64 <= number <= MAX_INT64:
        return INT, number
    if 0 <= number <= MAX_UINT64 and text[0] != "+":
        return INT, Uint64(number)
    return None


def _float(text: str) -> tuple[str, Resolved] | None:
    if not _FLOAT.fullmatch(text):
        return None
    number = float(text)
    # Go's ParseFloat calls a number beyond the range an error, so it stays text.
    return None if number in (_INF, -_INF) else (FLOAT, number)


def is_timestamp(text: str) -> bool:
    """Whether yaml.v2 takes the text for a date or a moment."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    # With T a zone is a must, with a space none is allowed.
    if match["hour"] and bool(match["t"]) != bool(match["zone"]):
        return False
    from calendar import monthrange  # noqa: PLC0415 - rarely used

    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    # monthrange knows no year 0, which is a leap year like 2000
    if not 1 <= month <= 12 or not 1 <= day <= monthrange(year or 2000, month)[1]:  # noqa: PLR2004
        return False
    limits = {"hour": 23, "minute": 59, "second": 59, "zone_hour": 24, "zone_minute": 60}
    return all(int(match[part] or 0) <= limit for part, limit in limits.items())
