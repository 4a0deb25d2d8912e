"""Constraints on semantic versions: ``>=1.2 <2``, ``^1.2 || ~3.4``, ``1.2 - 1.4``, ``1.x``.

Behaviour of Masterminds/semver 3.3.1, whose lenient grammar (a number may hold ``x``, ``*`` or
``|``) is part of it. The expressions run on RE2, so no constraint can make them slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import re2

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.semver import Version, compare, compare_prereleases, parse_version
from exporter.gotemplate.values import from_bytes, to_bytes

_OPERATORS: Final = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^"
_VERSION: Final = (
    r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?"
    r"(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?"
    r"(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?"
)
_RANGE_END: Final = 11
"""The group of the second version of a range: the first one has nine groups inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """One comparison; ``minor_open`` for ``1`` and ``1.x``, ``patch_open`` for ``1.2``."""

    operator: str
    version: Version
    minor_open: bool = False
    patch_open: bool = False
    open: bool = False
    """Some number was not given; both others are false for ``*``."""

    def allows(self, version: Version) -> bool:
        """Whether the version keeps to it; a prerelease only if the constraint names one."""
        if version.prerelease and not self.version.prerelease:
            # Only != of a complete version looks at prereleases it does not name.
            return self.operator == "!=" and not self.open
        match self.operator:
            case "!=":
                return self._differs(version)
            case ">":
                return self._is_greater(version)
            case "<":
                return compare(version, self.version) < 0
            case ">=" | "=>":
                return compare(version, self.version) >= 0
            case "<=" | "=<":
                return self._is_at_most(version)
            case "^":
                return self._caret(version)
            case "~" | "~>":
                return self._tilde(version)
            case _:
                return self._tilde(version) if self.open else compare(version, self.version) == 0

    def _differs(self, version: Version) -> bool:
        ours = self.version
        if not self.open:
            return compare(version, ours) != 0
        if version.major != ours.major:
            return True
        if self.minor_open:
            return False
        if version.minor != ours.minor:
            return True
        if not self.patch_open:
            return version.patch != ours.patch or compare(version, ours) != 0
        return compare_prereleases(version.prerelease, ours.prerelease) != 0

    def _is_greater(self, version: Version) -> bool:
        if self.open and version.major != self.version.major:
            return version.major > self.version.major
        if self.minor_open:
            return False
        if self.patch_open:
            return version.minor > self.version.minor
        return compare(version, self.version) > 0

    def _is_at_most(self, version: Version) -> bool:
        if not self.open:
            return compare(version, self.version) <= 0
        if version.major != self.version.major:
            return version.major < self.version.major
        return self.minor_open or version.minor <= self.version.minor

    def _tilde(self, version: Version) -> bool:
        if compare(version, self.version) < 0:
            return False
        if self.version.numbers == (0, 0, 0) and not (self.minor_open or self.patch_open):
            return True
        if version.major != self.version.major:
            return False
        return self.minor_open or version.minor == self.version.minor

    def _caret(self, version: Version) -> bool:
        ours = self.version
        if compare(version, ours) < 0:
            return False
        if version.major != ours.major:
            return False
        if ours.major > 0 or self.minor_open:
            return True
        if ours.minor > 0 or self.patch_open:
            return version.minor == ours.minor
        return version.minor == 0 and version.patch == ours.patch


def parse_constraints(text: str) -> Sequence[Sequence[Constraint]]:
    """Alternatives, in each of which everything must hold.

    Raises:
        FunctionError: ``improper constraint: …``
    """
    data = _without_ranges(to_bytes(text))
    return [_parse_all(part) for part in data.split(b"||")]


@cache
def _compiled(pattern: str) -> "re2._Regexp":
    return re2.compile(to_bytes(pattern))


def _without_ranges(data: bytes) -> bytes:
    """``1.2 - 1.4`` as ``>= 1.2, <= 1.4``."""
    result = data
    for match in _compiled(rf"\s*({_VERSION})\s+-\s+({_VERSION})\s*").finditer(data):
        bounds = b">= %s, <= %s " % (match.group(1), match.group(_RANGE_END))
        result = result.replace(match.group(0), bounds, 1)
    return result


def _parse_all(data: bytes) -> Sequence[Constraint]:
    one = rf"({_OPERATORS})\s*({_VERSION})\s*"
    valid = _compiled(rf"^(\s*{one})((?:\s+|,\s*){one})*$")
    if valid.search(data) is None:
        raise FunctionError(f"improper constraint: {from_bytes(data)}")
    found = _compiled(rf"({_OPERATORS})\s*({_VERSION})").finditer(data)
    return [_parse_one([from_bytes(group or b"") for group in match.groups()]) for match in found]


def _parse_one(groups: Sequence[str]) -> Constraint:
    """``groups`` are those of an operator and a version."""
    operator, version, major, minor, patch, prerelease = groups[:6]
    major_open = _is_open(major)
    minor_open = not major_open and _is_open(minor)
    patch_open = not (major_open or minor_open) and _is_open(patch)
    if major_open:
        version = f"0.0.0{prerelease}"
    elif minor_open:
        version = f"{major}.0.0{prerelease}"
    elif patch_open:
        version = f"{major}{minor}.0{prerelease}"
    try:
        parsed = parse_version(version)
    except FunctionError:
        raise FunctionError("constraint Parser Error") from None
    return Constraint(
        operator=operator,
        version=parsed,
        minor_open=minor_open,
        patch_open=patch_open,
        open=major_open or minor_open or patch_open,
    )


def _is_open(part: str) -> bool:
    return part.removeprefix(".") in ("", "x", "X", "*")
