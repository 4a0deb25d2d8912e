"""A Dockerfile as stages of instructions, with the places where they are written.

Nothing is expanded here: variables stay as they are written.
Source: BuildKit, packages ``parser`` and ``instructions``.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from exporter.build.dockerfile.expand import ExpansionError
from exporter.build.dockerfile.lines import Heredoc, Line, parse_heredoc, read_lines
from exporter.build.dockerfile.words import INSTRUCTIONS, MalformedError, Parts
from exporter.errors import ConfigError, Place
from exporter.value import dataclass

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*\Z")
_ONBUILD = re.compile(r"(?i)\A\s*ONBUILD\s*")
_FROM_AS = 3
_MOUNT_TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
_BOOLEANS = {"": "true", "true": "true", "false": "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A ``RUN --mount``; ``origin`` is its ``from``, and ``source`` is not expanded."""

    type: str = "bind"
    origin: str = ""
    source: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction.

    Attributes:
        name: In capitals.
        code: The joined line as BuildKit's parser has it, without white space around it.
        arguments: As in `words.split_instruction`.
        flags: Values of each ``--flag``, without dashes; booleans are ``true`` or ``false``.
        heredocs: With their content.
        mounts: Of ``RUN``.
        trigger: The inner instruction of ``ONBUILD``, as written: code and heredocs.
        line: First line in the file, from 1.
        end_line: Last line, inclusive.
    """

    name: str
    code: str
    line: int
    end_line: int
    arguments: tuple[str, ...] = ()
    is_json: bool = False
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[Mount, ...] = ()
    trigger: str = ""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names and values of ``ENV``, ``LABEL`` and ``ARG`` (where a missing value is "")."""
        if self.name == "ARG":
            split = (argument.partition("=") for argument in self.arguments)
            return tuple((name, value) for name, _, value in split)
        return tuple(zip(self.arguments[::2], self.arguments[1::2], strict=True))

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of ``ADD`` and ``COPY`` that are no heredocs."""
        return tuple(word for word in self.arguments[:-1] if not _is_heredoc(word))

    @property
    def origin(self) -> str:
        """``--from`` of ``COPY``: a stage's name or index, or an image; "" is the context."""
        return self.flag("from")

    def flag(self, name: str) -> str:
        """The last value of a flag, "" when it is not given."""
        return self.flags.get(name, ("",))[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A build stage; ``name`` is in lower case, "" when it has none; ``base`` is not expanded."""

    base: str
    name: str
    platform: str
    line: int
    instructions: tuple[Instruction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A whole file; ``meta_args`` are the ``ARG`` instructions before the first ``FROM``."""

    path: str
    text: str = field(repr=False)
    directives: Mapping[str, str]
    meta_args: tuple[Instruction, ...]
    stages: tuple[Stage, ...]


def parse_dockerfile(text: str, *, path: str = "Dockerfile") -> Dockerfile:
    """Parse a Dockerfile.

    Args:
        text: The whole file; bytes that are no UTF-8 as surrogate escapes.
        path: Its name in errors.

    Raises:
        ConfigError: With the line: an unknown instruction or flag, wrong arguments, a malformed
            heredoc, an instruction before the first ``FROM``, or no instruction at all.
    """
    read = read_lines(text, path=path)
    is_open = "syntax" in read.directives  # another frontend may know more flags than we do
    meta_args: list[Instruction] = []
    stages: list[Stage] = []
    for line in read.lines:
        instruction = _instruction(line, path=path, any_flag=is_open)
        if instruction.name == "FROM":
            stages.append(_stage(instruction, path))
        elif stages:
            last = stages[-1]
            stages[-1] = replace(last, instructions=(*last.instructions, instruction))
        elif instruction.name == "ARG":
            meta_args.append(instruction)
        else:
            raise _error(
                path, line.line, f"{instruction.name} stands before the first FROM: no build stage"
            )
    if not stages:
        raise _error(path, 1, "the Dockerfile has no instruction FROM")
    return Dockerfile(
        path=path,
        text=text,
        directives=read.directives,
        meta_args=tuple(meta_args),
        stages=tuple(stages),
    )


def parse_trigger(instruction: Instruction, *, path: str = "Dockerfile") -> Instruction:
    """The inner instruction of an ``ONBUILD``, placed where the ``ONBUILD`` is.

    Raises:
        ConfigError: It is malformed.
    """
    try:
        (line,) = read_lines(instruction.trigger, path=path).lines
        inner = _instruction(line, path=path, any_flag=True)
    except ConfigError as error:
        raise ConfigError(
            error.what, place=Place(path=path, line=instruction.line), remedy=error.remedy
        ) from error
    return replace(inner, line=instruction.line, end_line=instruction.end_line)


def target_index(dockerfile: Dockerfile, target: str) -> int:
    """The index of the stage to build: the named one, the last one when no name is given.

    The name is compared as written with the stages' lower-case names, as werf does.

    Raises:
        ConfigError: There is no such stage; the error names the nearest one.
    """
    if not target:
        return len(dockerfile.stages) - 1
    names = [stage.name for stage in dockerfile.stages]
    if target in names:
        return names.index(target)
    known = [name for name in names if name]
    raise ConfigError(
        f"target: there is no stage {target!r}",
        place=Place(path=dockerfile.path),
        remedy=_suggest(target.lower(), known)
        or (f"The named stages are: {', '.join(known)}" if known else "No stage has a name"),
    )


def _instruction(line: Line, *, path: str, any_flag: bool) -> Instruction:
    parts = line.parts
    name = parts.name.upper()
    if name not in INSTRUCTIONS:
        raise _error(
            path, line.line, f"unknown instruction: {parts.name}", _suggest(name, INSTRUCTIONS)
        )
    try:
        flags = _flags(name, parts.flags, any_flag=any_flag)
        mounts = tuple(_mount(value) for value in flags.get("mount", ()))
        _CHECKS.get(name, _no_check)(parts)
    except MalformedError as error:
        raise _error(path, line.line, str(error)) from error
    code = line.text.strip()
    trigger = ""
    if name == "ONBUILD":
        bodies = [f"\n{heredoc.content}{heredoc.name}" for heredoc in line.heredocs]
        trigger = _ONBUILD.sub("", line.text) + "".join(bodies)
    return Instruction(
        name=name,
        code=code,
        line=line.line,
        end_line=line.end_line,
        arguments=parts.arguments,
        is_json=parts.is_json,
        flags=flags,
        heredocs=line.heredocs,
        mounts=mounts,
        trigger=trigger,
    )


def _stage(instruction: Instruction, path: str) -> Stage:
    words = instruction.arguments
    name = words[2].lower() if len(words) == _FROM_AS else ""
    if name and not _STAGE_NAME.match(name):
        raise _error(
            path,
            instruction.line,
            f"invalid name for build stage: {words[2]!r}",
            "A name starts with a letter and goes on with letters, digits, '-', '_' and '.'",
        )
    return Stage(
        base=words[0], name=name, platform=instruction.flag("platform"), line=instruction.line
    )


def _flags(name: str, given: Sequence[str], *, any_flag: bool) -> dict[str, tuple[str, ...]]:
    if name in ("ARG", "STOPSIGNAL"):  # BuildKit does not look at their flags
        return {}
    known = _FLAGS.get(name, {})
    flags: dict[str, tuple[str, ...]] = {}
    for text in given:
        flag, sign, value = text[2:].partition("=")
        kind = known.get(flag)
        if kind is None:
            if any_flag:
                continue
            hint = _suggest(flag, tuple(known))
            raise MalformedError(f"unknown flag: --{flag}" + (f". {hint}" if hint else ""))
        if flag in flags and kind is not _MANY:
            raise MalformedError(f"duplicate flag specified: --{flag}")
        if kind is _BOOLEAN:
            if value.lower() not in _BOOLEANS or (sign and not value):
                raise MalformedError(f"expecting a boolean value for --{flag}, not: {value}")
            value = _BOOLEANS[value.lower()]
        elif not sign:
            raise MalformedError(f"missing a value on flag: --{flag}")
        flags[flag] = (*flags.get(flag, ()), value)
    return flags


def _mount(value: str) -> Mount:
    try:
        fields = next(csv.reader([value], strict=True), [])
    except csv.Error as error:
        raise MalformedError(f"malformed mount {value!r}: {error}") from error
    found = {"type": "bind"}
    for part in fields:
        key, _, text = part.partition("=")
        found[_MOUNT_KEYS.get(key.lower(), key.lower())] = text
    kind = found["type"].lower()
    if kind not in _MOUNT_TYPES and "$" not in kind:
        hint = _suggest(kind, _MOUNT_TYPES)
        raise MalformedError(f"unsupported mount type {kind!r}" + (f". {hint}" if hint else ""))
    origin = found.get("from", "")
    if re.search(r"\$.", origin):
        raise MalformedError(
            "'from' of a mount does not support variables: name a stage FROM it instead"
        )
    return Mount(
        type=kind, origin=origin, source=found.get("source", ""), target=found.get("target", "")
    )


def _is_heredoc(word: str) -> bool:
    try:
        return parse_heredoc(word) is not None
    except ExpansionError:
        return False


def _no_check(_: Parts) -> None:
    pass


def _at_least_one(parts: Parts) -> None:
    if not parts.arguments:
        raise MalformedError(f"{parts.name.upper()} requires at least one argument")


def _exactly_one(parts: Parts) -> None:
    if len(parts.arguments) != 1:
        raise MalformedError(f"{parts.name.upper()} requires exactly one argument")


def _names(parts: Parts) -> None:
    _at_least_one(parts)
    names = parts.arguments[::2]
    if parts.name.upper() == "ARG":
        names = tuple(argument.partition("=")[0] for argument in parts.arguments)
    if not all(names):
        raise MalformedError(f"{parts.name.upper()} names can not be blank")


def _sources_and_destination(parts: Parts) -> None:
    name = parts.name.upper()
    if len(parts.arguments) < 2:  # noqa: PLR2004 - a source and a destination
        raise MalformedError(
            f"{name} requires at least two arguments, but only one was provided: "
            "the destination could not be determined"
        )
    if _is_heredoc(parts.arguments[-1]):
        raise MalformedError(f"{name} cannot accept a heredoc as a destination")


def _from(parts: Parts) -> None:
    words = parts.arguments
    if len(words) != 1 and not (len(words) == _FROM_AS and words[1].lower() == "as"):
        raise MalformedError("FROM requires either one or three arguments")


def _health(parts: Parts) -> None:
    _at_least_one(parts)
    kind, *command = parts.arguments
    match kind.upper():
        case "NONE":
            if command:
                raise MalformedError("HEALTHCHECK NONE takes no arguments")
        case "CMD":
            if not command:
                raise MalformedError("missing command after HEALTHCHECK CMD")
        case _:
            raise MalformedError(f"unknown type {kind!r} in HEALTHCHECK (try CMD)")


def _shell(parts: Parts) -> None:
    _at_least_one(parts)
    if not parts.is_json:
        raise MalformedError("SHELL requires the arguments to be in JSON form")


def _onbuild(parts: Parts) -> None:
    _at_least_one(parts)
    trigger = parts.arguments[0].split()[0].upper()
    if trigger == "ONBUILD":
        raise MalformedError("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in ("MAINTAINER", "FROM"):
        raise MalformedError(f"{trigger} isn't allowed as an ONBUILD trigger")
    if trigger not in INSTRUCTIONS:
        hint = _suggest(trigger, INSTRUCTIONS)
        raise MalformedError(f"unknown instruction: {trigger}" + (f". {hint}" if hint else ""))


_BOOLEAN, _TEXT, _MANY = object(), object(), object()
_COPY_FLAGS = {"chown": _TEXT, "chmod": _TEXT, "link": _BOOLEAN, "exclude": _MANY}
_FLAGS: dict[str, dict[str, object]] = {
    "ADD": _COPY_FLAGS | {"keep-git-dir": _BOOLEAN, "checksum": _TEXT, "unpack": _BOOLEAN},
    "COPY": _COPY_FLAGS | {"from": _TEXT, "parents": _BOOLEAN},
    "FROM": {"platform": _TEXT},
    "HEALTHCHECK": dict.fromkeys(
        ("interval", "timeout", "start-period", "start-interval", "retries"), _TEXT
    ),
    "RUN": {"mount": _MANY, "network": _TEXT, "security": _TEXT, "device": _MANY},
}
_MOUNT_KEYS = {"src": "source", "dst": "target", "destination": "target"}
_CHECKS: dict[str, Callable[[Parts], None]] = {
    "ADD": _sources_and_destination,
    "ARG": _names,
    "COPY": _sources_and_destination,
    "ENV": _names,
    "EXPOSE": _at_least_one,
    "FROM": _from,
    "HEALTHCHECK": _health,
    "LABEL": _names,
    "MAINTAINER": _exactly_one,
    "ONBUILD": _onbuild,
    "SHELL": _shell,
    "STOPSIGNAL": _exactly_one,
    "USER": _exactly_one,
    "VOLUME": _at_least_one,
    "WORKDIR": _exactly_one,
}


def _suggest(word: str, known: Sequence[str]) -> str:
    import difflib  # noqa: PLC0415 - for mistakes only

    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}?" if near else ""


def _error(path: str, line: int, what: str, remedy: str = "") -> ConfigError:
    return ConfigError(what, place=Place(path=path, line=line), remedy=remedy)
