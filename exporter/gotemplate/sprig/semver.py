"""Semantic versions: ``semver`` makes one, ``semverCompare`` checks one against a constraint.

Behaviour of Masterminds/semver 3.3.1.
"""

import re
from typing import ClassVar, Final

from exporter.gotemplate.function import Function, FunctionError, registrar, wrap_int
from exporter.gotemplate.sprig.casts import bounded_int
from exporter.gotemplate.sprig.objects import LibraryObject
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import Value

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_NUMBER: Final = r"(?:0|[1-9][0-9]*)"
_PRERELEASE_PART: Final = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION: Final = re.compile(
    rf"v?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?"
    rf"(?:-({_PRERELEASE_PART}(?:\.{_PRERELEASE_PART})*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?\Z"
)
_MAX_UINT64: Final = (1 << 64) - 1
_IDENTIFIER: Final = re.compile(r"[0-9A-Za-z-]+\Z")


class Version(LibraryObject):
    """A version, a pointer to one as ``semver`` gives, or the value that ``IncMajor`` gives."""

    __slots__ = ("major", "metadata", "minor", "original", "patch", "prerelease")
    kind = "ptr"
    go_type = "*semver.Version"
    go_methods: ClassVar[dict[str, Function]] = {}

    def __init__(
        self, numbers: tuple[int, int, int], prerelease: str, metadata: str, original: str
    ) -> None:
        self.major, self.minor, self.patch = numbers
        self.prerelease = prerelease
        self.metadata = metadata
        self.original = original

    def __eq__(self, other: object) -> bool:
        """All fields the same, as ``deepEqual`` compares; not the order of versions."""
        return (
            isinstance(other, Version)
            and type(other) is type(self)
            and (other.go_string(), other.original) == (self.go_string(), self.original)
        )

    def __hash__(self) -> int:
        return hash(self.go_string())

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Major, minor and patch."""
        return self.major, self.minor, self.patch

    def go_string(self) -> str:
        """Without a leading ``v``, always with three numbers."""
        text = f"{self.major}.{self.minor}.{self.patch}"
        if self.prerelease:
            text += f"-{self.prerelease}"
        return f"{text}+{self.metadata}" if self.metadata else text

    def json_value(self) -> Value:
        """The version as text."""
        return self.go_string()

    def deep_copied(self) -> "Version":
        """Zero: the original's copier cannot see the fields of a version."""
        return type(self)((0, 0, 0), "", "", "")


class VersionValue(Version):
    """The same, not as a pointer: Go then has fewer methods for it."""

    __slots__ = ()
    kind = "struct"
    go_type = "semver.Version"
    go_methods: ClassVar[dict[str, Function]] = {}


def parse_version(text: str) -> Version:
    """A version of one to three numbers, with or without a leading ``v``.

    Raises:
        FunctionError: With the text of the original.
    """
    match = _VERSION.match(text)
    if match is None:
        raise FunctionError("Invalid Semantic Version")
    numbers = []
    for part in match.groups()[:3]:
        numbers.append(bounded_int(part or "0"))
        if numbers[-1] > _MAX_UINT64:
            raise FunctionError(
                f'Error parsing version segment: strconv.ParseUint: parsing "{part}": '
                "value out of range"
            )
    major, minor, patch = numbers
    return Version((major, minor, patch), match[4] or "", match[5] or "", text)


def compare(left: Version, right: Version) -> int:
    """-1, 0 or 1; metadata does not count, a prerelease comes before its release."""
    if left.numbers != right.numbers:
        return 1 if left.numbers > right.numbers else -1
    if not (left.prerelease and right.prerelease):
        return bool(right.prerelease) - bool(left.prerelease)
    return compare_prereleases(left.prerelease, right.prerelease)


def compare_prereleases(left: str, right: str) -> int:
    """-1, 0 or 1: part by part, numbers before words, a missing part first of all."""
    ours, theirs = left.split("."), right.split(".")
    for index in range(max(len(ours), len(theirs))):
        one = ours[index] if index < len(ours) else ""
        other = theirs[index] if index < len(theirs) else ""
        if one != other:
            return 1 if _rank(one) > _rank(other) else -1
    return 0


def _rank(part: str) -> tuple[int, int, str]:
    if not part:
        return (0, 0, "")
    if part.isdigit() and bounded_int(part) <= _MAX_UINT64:
        return (1, bounded_int(part), "")
    return (2, 0, part)


@named("semver")
def semver(text: str) -> Version:
    """The version with its methods ``Major``, ``Compare``, ``IncMinor`` ….

    Raises:
        FunctionError: The text is no version.
    """
    return parse_version(text)


@named("semverCompare")
def semver_compare(constraint: str, version: str) -> bool:
    """Whether the version keeps to the constraint, such as ``^1.2 || >=3``.

    Raises:
        FunctionError: The constraint or the version cannot be read.
    """
    # Most projects compare no versions.
    from exporter.gotemplate.sprig.constraints import parse_constraints  # noqa: PLC0415

    alternatives = parse_constraints(constraint)
    parsed = parse_version(version)
    return any(all(part.allows(parsed) for part in parts) for parts in alternatives)


_method = registrar(Version.go_methods)


@_method("func() string", "String")
def _string(version: Version) -> str:
    return version.go_string()


@_method("func() string", "Original")
def _original(version: Version) -> str:
    return version.original


@_method("func() uint64", "Major")
def _major(version: Version) -> int:
    return version.major


@_method("func() uint64", "Minor")
def _minor(version: Version) -> int:
    return version.minor


@_method("func() uint64", "Patch")
def _patch(version: Version) -> int:
    return version.patch


@_method("func() string", "Prerelease")
def _prerelease(version: Version) -> str:
    return version.prerelease


@_method("func() string", "Metadata")
def _metadata(version: Version) -> str:
    return version.metadata


@_method("func(*semver.Version) int", "Compare")
def _compare(version: Version, other: Version) -> int:
    return compare(version, other)


@_method("func(*semver.Version) bool", "Equal")
def _equal(version: Version, other: Version) -> bool:
    return compare(version, other) == 0


@_method("func(*semver.Version) bool", "LessThan")
def _less_than(version: Version, other: Version) -> bool:
    return compare(version, other) < 0


@_method("func(*semver.Version) bool", "LessThanEqual")
def _less_than_equal(version: Version, other: Version) -> bool:
    return compare(version, other) <= 0


@_method("func(*semver.Version) bool", "GreaterThan")
def _greater_than(version: Version, other: Version) -> bool:
    return compare(version, other) > 0


@_method("func(*semver.Version) bool", "GreaterThanEqual")
def _greater_than_equal(version: Version, other: Version) -> bool:
    return compare(version, other) >= 0


def _changed(
    version: Version, numbers: tuple[int, int, int], prerelease: str, metadata: str
) -> VersionValue:
    """A new version that keeps the leading ``v`` of the original."""
    major, minor, patch = (wrap_int(number, "uint64") for number in numbers)
    changed = VersionValue((major, minor, patch), prerelease, metadata, "")
    prefix = "v" if version.original.startswith("v") else ""
    changed.original = prefix + changed.go_string()
    return changed


@_method("func() semver.Version", "IncPatch")
def _inc_patch(version: Version) -> VersionValue:
    patch = version.patch + (not version.prerelease)
    return _changed(version, (version.major, version.minor, patch), "", "")


@_method("func() semver.Version", "IncMinor")
def _inc_minor(version: Version) -> VersionValue:
    return _changed(version, (version.major, version.minor + 1, 0), "", "")


@_method("func() semver.Version", "IncMajor")
def _inc_major(version: Version) -> VersionValue:
    return _changed(version, (version.major + 1, 0, 0), "", "")


@_method("func(string) (semver.Version, error)", "SetPrerelease")
def _set_prerelease(version: Version, prerelease: str) -> VersionValue:
    for part in prerelease.split(".") if prerelease else ():
        if not part:
            raise FunctionError("Invalid Metadata string")
        if len(part) > 1 and part[0] == "0" and part.isdigit():
            raise FunctionError("Version segment starts with 0")
        if not _IDENTIFIER.match(part):
            raise FunctionError("Invalid Prerelease string")
    return _changed(version, version.numbers, prerelease, version.metadata)


@_method("func(string) (semver.Version, error)", "SetMetadata")
def _set_metadata(version: Version, metadata: str) -> VersionValue:
    for part in metadata.split(".") if metadata else ():
        if not _IDENTIFIER.match(part):
            raise FunctionError("Invalid Metadata string")
    return _changed(version, version.numbers, version.prerelease, metadata)


_POINTER_METHODS: Final = ("Original", "Compare", "Equal", "LessThan", "GreaterThan")
VersionValue.go_methods.update(
    (name, method)
    for name, method in Version.go_methods.items()
    if name.removesuffix("Equal") not in _POINTER_METHODS and name not in _POINTER_METHODS
)
