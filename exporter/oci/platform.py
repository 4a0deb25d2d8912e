"""Platforms: operating system, architecture and variant, in containerd's normal form."""

from typing import Self

from exporter.value import dataclass

_ARCHITECTURES = {
    "i386": ("386", ""),
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_KNOWN_ARCHITECTURES = frozenset(
    ("386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64le", "riscv64", "s390x")
)
_OS_ALIASES = {"macos": "darwin"}
_MOST_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Platform:
    """``os/architecture[/variant]``, normalised: ``linux/x86_64`` and ``linux/amd64`` are equal."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The platform that ``text`` spells, as ``containerd/platforms`` normalises it.

        A lone architecture (``arm64``) means linux.

        Raises:
            ValueError: The text has not one to three parts, or a part has other characters than
                letters, digits, ``_``, ``.`` and ``-``.
        """
        parts = text.strip().lower().split("/")
        if len(parts) > _MOST_PARTS or not all(map(_is_word, parts)):
            raise ValueError(f"not a platform: {text!r} (os/architecture[/variant])")
        if len(parts) == 1:
            architecture, variant = _normal(parts[0], "")
            if architecture not in _KNOWN_ARCHITECTURES:
                raise ValueError(f"a platform needs an architecture: {text!r}, as in linux/amd64")
            return cls(os="linux", architecture=architecture, variant=variant)
        return cls.of(os=parts[0], architecture=parts[1], variant="".join(parts[2:]))

    @classmethod
    def of(cls, *, os: str, architecture: str, variant: str = "") -> Self:
        """The normal form of three separate parts, as found in a config or a descriptor."""
        os = _OS_ALIASES.get(os.lower(), os.lower())
        name, normal_variant = _normal(architecture.lower(), variant.lower())
        return cls(os=os, architecture=name, variant=normal_variant)

    def __str__(self) -> str:
        parts = (self.os, self.architecture, self.variant)
        return "/".join(part for part in parts if part)


def _is_word(part: str) -> bool:
    return (
        bool(part) and part.isascii() and part.replace("_", "a").translate(_PUNCTUATION).isalnum()
    )


_PUNCTUATION = str.maketrans(".-", "aa")


def _normal(architecture: str, variant: str) -> tuple[str, str]:
    name, forced = _ARCHITECTURES.get(architecture, (architecture, None))
    if forced is not None:
        return name, forced
    match name, variant:
        case "amd64", "v1":
            return name, ""
        case "arm64", "8" | "v8":
            return name, ""
        case "arm", "5" | "6" | "7" | "8":
            return name, "v" + variant
    return name, variant
