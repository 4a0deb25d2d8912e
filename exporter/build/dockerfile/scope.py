"""``ARG`` and ``ENV``: which variables an instruction of a Dockerfile sees.

There are two scopes. `WerfScope` decides what werf's digest is made of; `BuildScope` is what
BuildKit really uses. They differ: in werf an ``ARG`` wins over an ``ENV``, a variable of the same
``ENV`` is seen at once, and a stage inherits nothing from the stage it is built from.
Source: spec/werf-behaviour.md, section 5.3; BuildKit v0.13.1, package ``dockerfile2llb``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from exporter.build.dockerfile.expand import WordRules, process_word
from exporter.build.dockerfile.parse import Dockerfile, Instruction
from exporter.oci.platform import Platform
from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Globals:
    """What the stages take from outside.

    ``given`` are the build arguments: of the configuration, and of dependencies, which win.
    ``werf`` and ``build`` are the arguments before the first ``FROM``, with those of the platform,
    as each of the two resolves them.
    """

    given: Mapping[str, str]
    werf: Mapping[str, str]
    build: Mapping[str, str]


def platform_arguments(target: Platform, build: Platform) -> dict[str, str]:
    """The predefined arguments ``TARGETPLATFORM``, ``BUILDARCH`` and so on."""
    # containerd's default platform keeps the variant of a 64-bit ARM machine
    build_variant = build.variant or ("v8" if build.architecture == "arm64" else "")
    named = "/".join(part for part in (build.os, build.architecture, build_variant) if part)
    return {
        "BUILDPLATFORM": named,
        "BUILDOS": build.os,
        "BUILDARCH": build.architecture,
        "BUILDVARIANT": build_variant,
        "TARGETPLATFORM": str(target),
        "TARGETOS": target.os,
        "TARGETARCH": target.architecture,
        "TARGETVARIANT": target.variant,
    }


def resolve_globals(
    dockerfile: Dockerfile, *, given: Mapping[str, str], platform: Mapping[str, str]
) -> Globals:
    """Resolve the arguments before the first ``FROM``.

    Args:
        dockerfile: The parsed file.
        given: Build arguments.
        platform: As of `platform_arguments`.

    Raises:
        ExpansionError: A default value is malformed.
    """
    werf: dict[str, str] = {}
    build = {name: given.get(name, value) for name, value in platform.items()}
    rules = _rules(dockerfile)
    for instruction in dockerfile.meta_args:
        for name, sign, value in _declarations(instruction):
            werf_name = process_word(name, werf)
            werf[werf_name] = given[werf_name] if werf_name in given else process_word(value, werf)
            if name in given:
                build[name] = given[name]
            elif sign:
                build[name] = process_word(value, build, rules)
    return Globals(given=given, werf={**platform, **werf}, build=build)


class WerfScope:
    """The variables of one stage as werf's digest sees them."""

    def __init__(self, outside: Globals, arguments: Mapping[str, str] | None = None) -> None:
        """Start with some arguments and no environment."""
        self.outside = outside
        self.arguments = dict(arguments or {})
        self.environment: dict[str, str] = {}

    def expand(self, word: str) -> str:
        """The word with arguments and environment replaced."""
        return process_word(word, {**self.environment, **self.arguments})

    def expand_environment(self, word: str) -> str:
        """The word with the environment only replaced, as for ``ONBUILD``."""
        return process_word(word, self.environment)

    def declare(self, name: str, value: str) -> tuple[str, str]:
        """Take an ``ARG`` in; its expanded name and its value."""
        name = self.expand(name)
        if name in self.outside.given:
            resolved = self.outside.given[name]
        elif not value:
            resolved = self.outside.werf.get(name, "")
        else:
            resolved = self.expand(value)
        self.arguments[name] = resolved
        return name, resolved

    def set(self, name: str, value: str) -> tuple[str, str]:
        """Take an ``ENV`` in; its expanded name and value."""
        name, value = self.expand(name), self.expand(value)
        self.environment[name] = value
        return name, value


class BuildScope:
    """The variables of one stage as BuildKit has them; those of an external base are not known."""

    def __init__(
        self, outside: Globals, rules: WordRules, variables: Mapping[str, str] | None = None
    ) -> None:
        """Start with the variables of a parent, if any."""
        self.outside = outside
        self.rules = rules
        self.variables = dict(variables or {})

    @classmethod
    def of(cls, dockerfile: Dockerfile, outside: Globals) -> "BuildScope":
        """An empty scope."""
        return cls(outside, _rules(dockerfile))

    def child(self) -> "BuildScope":
        """The scope at the start of a stage built from this one."""
        return BuildScope(self.outside, self.rules, self.variables)

    def expand(self, word: str) -> str:
        """The word with variables replaced."""
        return process_word(word, self.variables, self.rules)

    def check(self, words: Iterable[str]) -> None:
        """Check that words can be expanded, whatever the external base sets.

        Raises:
            ExpansionError: A word is malformed in every case.
        """
        rules = replace(self.rules, keep_unset=True)
        for word in words:
            process_word(word, self.variables, rules)

    def apply(self, instruction: Instruction) -> None:
        """Take an ``ARG`` or ``ENV`` in."""
        if instruction.name == "ENV":
            # all of one instruction see the state before it
            pairs = [(self.expand(name), self.expand(value)) for name, value in instruction.pairs]
            self.variables.update(pairs)
        elif instruction.name == "ARG":
            for written, sign, value in _declarations(instruction):
                name = self.expand(written)
                if name in self.outside.given:
                    self.variables[name] = self.outside.given[name]
                elif sign:
                    self.variables[name] = self.expand(value)
                elif name in self.outside.build:
                    self.variables[name] = self.outside.build[name]


def _declarations(instruction: Instruction) -> list[tuple[str, str, str]]:
    return [argument.partition("=") for argument in instruction.arguments]


def _rules(dockerfile: Dockerfile) -> WordRules:
    return WordRules(escape=dockerfile.directives.get("escape", "\\"))
