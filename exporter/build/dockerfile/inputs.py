"""The inputs of a Dockerfile image: what its digest and its variant are made of.

``arguments`` are werf's own, to the byte. ``additions`` join the digest where werf overlooks
something that changes the image and that only some Dockerfiles have: heredocs, remote sources,
mounts of the context, links, stages named by a variable. ``variant`` covers what werf overlooks in
every Dockerfile: names, modes, quotes, the network.
Source: spec/werf-behaviour.md, sections 5.3 and 5.4; docs/explanation/digests.md.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from posixpath import join

from exporter.build.digest import h256
from exporter.build.dockerfile.added import added_checksum
from exporter.build.dockerfile.expand import ExpansionError
from exporter.build.dockerfile.lines import Heredoc
from exporter.build.dockerfile.links import follow, linked_paths
from exporter.build.dockerfile.parse import (
    Dockerfile,
    Instruction,
    Stage,
    parse_trigger,
    target_index,
)
from exporter.build.dockerfile.request import (
    BuildContext,
    ImageRequest,
    RemoteSources,
    literal_source,
    normalise_source,
)
from exporter.build.dockerfile.scope import (
    BuildScope,
    Globals,
    WerfScope,
    platform_arguments,
    resolve_globals,
)
from exporter.errors import ConfigError, Place
from exporter.git.doublestar import BadPatternError, clean
from exporter.git.path_match import PathMatcher, path_matcher
from exporter.git.trees import Entry, Selection
from exporter.value import dataclass

# Instructions besides ENV, ARG, ADD and COPY whose words BuildKit expands, and refuses.
_EXPANDED = frozenset({"LABEL", "USER", "WORKDIR", "EXPOSE", "VOLUME", "STOPSIGNAL"})
_INDEX = re.compile(r"[+-]?\d+\Z")
_REMOTE = re.compile(r"(?:https?|git|ssh)://|[\w-]+@[^/:]+:")
_ATTRIBUTES = re.compile(rb"\b(?:text|crlf|eol|ident|working-tree-encoding)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """An input that werf's digest lacks: for people what and in which line, and its text."""

    kind: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestInputs:
    """The inputs of one image on one platform.

    ``matchers`` select, in the repository, what each ``ADD`` and ``COPY`` takes from the commit,
    those of stages that are not needed included: these files must not have uncommitted changes.
    """

    arguments: tuple[str, ...]
    additions: tuple[Addition, ...]
    variant: str
    matchers: tuple[PathMatcher, ...] = field(repr=False)

    @property
    def dependencies(self) -> str:
        """What enters the stage digest as the hash of its dependencies."""
        return h256(*self.arguments, *(f"{each.kind} {each.text}" for each in self.additions))


def digest_inputs(
    request: ImageRequest, context: BuildContext, *, remote: RemoteSources
) -> DigestInputs:
    """Collect the inputs of an image.

    Raises:
        ConfigError: With the place in the Dockerfile: an expansion fails, a base name is empty, a
            glob is malformed, or the target does not exist.
        BuildError: A remote source cannot be reached.
    """
    target = target_index(request.dockerfile, request.target)
    collector = _Collector(request, context, remote)
    stages = collector.collect()
    wanted = stages[target]
    last = [request.cache_version] if request.cache_version else []
    return DigestInputs(
        arguments=(*wanted.arguments, *last),
        additions=tuple(wanted.additions),
        variant=h256(*wanted.variant),
        matchers=tuple(collector.matchers),
    )


class _Collected:
    """The lists of one docker stage; ``selected`` are its entries that stand for all below."""

    def __init__(self, arguments: list[str], scope: BuildScope) -> None:
        self.arguments = arguments
        self.scope = scope
        self.triggers: list[str] = []
        self.trigger_instructions: list[Instruction] = []
        self.additions: list[Addition] = []
        self.variant: list[str] = []
        self.selected: list[Entry] = []
        self.links: list[tuple[int, str]] = []

    def take(self, other: "_Collected", *, with_triggers: bool) -> None:
        """Depend on another stage."""
        self.arguments += other.arguments + (other.triggers if with_triggers else [])
        self.additions += other.additions
        self.variant += other.variant


class _Collector:
    def __init__(self, request: ImageRequest, context: BuildContext, remote: RemoteSources) -> None:
        self._request = request
        self._context = context
        self._remote = remote
        self._dockerfile = request.dockerfile
        self.matchers: list[PathMatcher] = []

    def collect(self) -> list[_Collected]:
        request = self._request
        with _Located(self._dockerfile, 1):
            outside = resolve_globals(
                self._dockerfile,
                given={**request.arguments, **request.dependency_arguments},
                platform=platform_arguments(request.platform, request.build_platform),
            )
        stages: list[_Collected] = []
        parents: list[int | None] = []
        for stage in self._dockerfile.stages:
            parent = self._parent(stage, len(stages), outside)
            parents.append(parent)
            stages.append(self._stage(stage, outside, None if parent is None else stages[parent]))
        self._join(stages, parents)
        return stages

    def _parent(self, stage: Stage, count: int, outside: Globals) -> int | None:
        """The index of the earlier stage that a stage is really built from."""
        with _Located(self._dockerfile, stage.line):
            base = BuildScope.of(self._dockerfile, outside)
            base.variables = dict(outside.build)
            name = base.expand(stage.base).lower()
        for index in reversed(range(count)):
            if self._dockerfile.stages[index].name == name and name:
                return index
        return None

    def _stage(self, stage: Stage, outside: Globals, parent: _Collected | None) -> _Collected:
        werf = WerfScope(outside)
        scope = parent.scope.child() if parent else BuildScope.of(self._dockerfile, outside)
        with _Located(self._dockerfile, stage.line):
            base = WerfScope(outside, outside.werf).expand(stage.base)
            if not base:
                raise ConfigError(
                    f"the base image of FROM {stage.base} is empty",
                    place=Place(path=self._dockerfile.path, line=stage.line),
                    remedy="Give the argument a value: args, dependencies, or a default",
                )
            collected = _Collected([*self._request.add_hosts, base], scope)
            if stage.platform:
                collected.variant.append(f"FROM {self._base_platform(stage, outside)}")
        for trigger in parent.trigger_instructions if parent else ():
            with _Located(self._dockerfile, trigger.line):
                self._run_trigger(collected, trigger)
        for instruction in stage.instructions:
            with _Located(self._dockerfile, instruction.line):
                self._instruction(collected, instruction, werf)
        self._add_links(collected)
        return collected

    def _base_platform(self, stage: Stage, outside: Globals) -> str:
        """The ``--platform`` of a base; the building machine's own does not change the image."""
        names = {name: name for name in outside.build if name.startswith("BUILD")}
        scope = BuildScope.of(self._dockerfile, outside)
        scope.variables = {**outside.build, **names}
        return scope.expand(stage.platform)

    def _instruction(
        self, collected: _Collected, instruction: Instruction, werf: WerfScope
    ) -> None:
        collected.variant.append(instruction.code)
        if instruction.name == "ONBUILD":
            inner = parse_trigger(instruction, path=self._dockerfile.path)
            collected.arguments.append(instruction.trigger)
            collected.trigger_instructions.append(inner)
            collected.triggers += self._arguments(
                collected, inner, werf.expand_environment, werf=None
            )
            return
        collected.arguments += self._arguments(collected, instruction, werf.expand, werf=werf)
        collected.scope.apply(instruction)
        if instruction.name in ("ADD", "COPY") and not instruction.origin:
            self._compare_sources(collected, instruction, werf.expand)
            self._add_remote(collected, instruction)
        elif instruction.name == "RUN":
            self._add_run(collected, instruction)

    def _arguments(
        self,
        collected: _Collected,
        instruction: Instruction,
        expand: Callable[[str], str],
        *,
        werf: WerfScope | None,
    ) -> Iterator[str]:
        """What werf hashes; without a scope nothing is declared, as in ``ONBUILD``."""
        match instruction.name:
            case "ARG":
                for name, value in instruction.pairs:
                    shown = werf.declare(name, value) if werf else (expand(name), expand(value))
                    yield "ARG {}={}".format(*shown)
            case "ENV":
                for name, value in instruction.pairs:
                    shown = werf.set(name, value) if werf else (expand(name), expand(value))
                    yield "ENV {}={}".format(*shown)
            case "ADD" | "COPY":
                yield instruction.code
                if not instruction.origin:
                    globs = [expand(source) for source in instruction.sources]
                    yield self._files(collected, instruction, globs)
            case _:
                try:
                    yield expand(instruction.code)
                except ExpansionError:
                    # shell syntax beyond BuildKit's lexer: werf gives up, the build does not
                    if instruction.name in _EXPANDED:
                        collected.scope.check(instruction.arguments)
                    yield instruction.code

    # files

    def _files(self, collected: _Collected, instruction: Instruction, globs: list[str]) -> str:
        """Werf's checksum of the files that an instruction takes from the context."""
        context = self._context
        sources = [normalise_source(glob) for glob in globs]
        matcher = context.matcher(sources)
        self.matchers.append(context.uncommitted_matcher(sources))
        selection = context.tree.select(context.directory, matcher)
        checksum = h256(selection.checksum)
        collected.selected += selection.entries
        collected.variant.append(self._names(selection))
        covers_dockerfile = self._covers_dockerfile(collected, sources, matcher)
        if not covers_dockerfile:
            _add_heredocs(collected, instruction)
        if not context.added:
            return checksum
        werf_matcher = path_matcher(base=context.directory, include=globs)
        hashed = [file for file in context.added if werf_matcher.matches(file.project_path)]
        own_matcher = path_matcher(include=sources)
        taken = [file for file in context.added if own_matcher.matches(file.path)]
        collected.variant += [f"{file.path} {file.mode:o}" for file in taken]
        if taken != hashed:
            # werf compares paths of the project with a context in the repository
            text = added_checksum(taken)
            collected.additions.append(
                Addition(kind="contextAddFiles", line=instruction.line, text=text)
            )
        return h256(checksum, added_checksum(hashed)) if hashed else checksum

    def _covers_dockerfile(
        self, collected: _Collected, sources: Sequence[str], matcher: PathMatcher
    ) -> bool:
        """Whether the selected files hold the text of the Dockerfile that is really built."""
        if not path_matcher(include=sources).matches(self._context.dockerfile):
            return False
        path = clean(join(self._context.directory, self._context.dockerfile))
        entry = self._context.tree.entry(path) if matcher.matches(path) else None
        text = self._dockerfile.text.encode("utf-8", "surrogateescape")
        if entry is not None and entry.is_file and self._context.tree.read_blob(entry) == text:
            return True
        collected.variant.append(f"Dockerfile {h256(self._dockerfile.text)}")
        return False

    def _names(self, selection: Selection) -> str:
        """Names and modes of what is selected, and the attributes that change content."""
        lines = sorted(
            f"{self._context.inside(entry.path)} {entry.mode:o}"
            for entry in _all_entries(selection)
        )
        return h256(*lines, *self._attributes(_all_entries(selection)))

    def _attributes(self, entries: Iterator[Entry]) -> Iterator[str]:
        directories = {""}
        for entry in entries:
            path = entry.path
            while path:
                path = path.rpartition("/")[0]
                directories.add(path)
        for directory in sorted(directories):
            found = self._context.tree.entry(clean(join(directory, ".gitattributes")))
            if found is None or not found.is_file:
                continue
            lines = self._context.tree.read_blob(found).splitlines()
            relevant = [line for line in lines if _ATTRIBUTES.search(line)]
            if relevant:
                yield h256(directory, b"\n".join(relevant).decode("utf-8", "surrogateescape"))

    # what werf overlooks

    def _compare_sources(
        self, collected: _Collected, instruction: Instruction, expand: Callable[[str], str]
    ) -> None:
        """Add the files that BuildKit really takes when werf's variables name others."""
        really = [
            normalise_source(collected.scope.expand(source)) for source in instruction.sources
        ]
        local = [source for source in really if not _REMOTE.match(source)]
        collected.links += [(instruction.line, source) for source in local]
        hashed = [normalise_source(expand(source)) for source in instruction.sources]
        if really != hashed and local:
            self._add_files(collected, "sources", instruction.line, local)

    def _run_trigger(self, collected: _Collected, trigger: Instruction) -> None:
        """An ``ONBUILD`` of the parent stage, with the variables of this one."""
        before = len(collected.additions)
        collected.scope.apply(trigger)
        if trigger.name in ("ADD", "COPY") and not trigger.origin:
            self._compare_sources(collected, trigger, lambda source: source)
            self._add_remote(collected, trigger)
        elif trigger.name == "RUN":
            self._add_run(collected, trigger, with_heredocs=False)
        for added in collected.additions[before:]:
            collected.variant.append(added.text)

    def _add_run(
        self, collected: _Collected, instruction: Instruction, *, with_heredocs: bool = True
    ) -> None:
        if with_heredocs:
            _add_heredocs(collected, instruction)
        if self._request.network not in ("", "default"):
            collected.variant.append(f"network {self._request.network}")
        for mount in instruction.mounts:
            if mount.origin or collected.scope.expand(mount.type) != "bind":
                continue
            source = normalise_source("/" + collected.scope.expand(mount.source))
            self._add_files(collected, "mount", instruction.line, [source])
            collected.links.append((instruction.line, source))

    def _add_files(
        self, collected: _Collected, kind: str, line: int, sources: Sequence[str]
    ) -> None:
        context = self._context
        selection = context.tree.select(context.directory, context.matcher(sources))
        collected.selected += selection.entries
        added = path_matcher(include=sources)
        files = [file for file in context.added if added.matches(file.path)]
        text = h256(
            *sources,
            selection.checksum,
            self._names(selection),
            added_checksum(files),
            *(f"{file.path} {file.mode:o}" for file in files),
        )
        collected.additions.append(Addition(kind=kind, line=line, text=text))

    def _add_remote(self, collected: _Collected, instruction: Instruction) -> None:
        if instruction.name != "ADD" or instruction.flag("checksum"):
            return
        for source in instruction.sources:
            url = collected.scope.expand(source)
            if _REMOTE.match(url):
                text = h256(url, self._remote.identify(url))
                collected.additions.append(
                    Addition(kind="remote", line=instruction.line, text=text)
                )

    def _add_links(self, collected: _Collected) -> None:
        """Add what is behind the links of sources, unless the stage has hashed it anyway."""
        context = self._context
        seen: set[str] = set()
        for line, source in collected.links:
            with _Located(self._dockerfile, line):
                for path in linked_paths(context.tree, context.directory, source):
                    full = clean(join(context.directory, path))
                    if path in seen or any(_holds(entry, full) for entry in collected.selected):
                        continue
                    seen.add(path)
                    real = follow(context.tree, context.directory, path) or path
                    self._add_files(collected, "link", line, [literal_source(real)])

    # stages

    def _join(self, stages: list[_Collected], parents: Sequence[int | None]) -> None:
        """Append, as werf does, the lists of the stages that each stage is made from."""
        for index, stage in enumerate(self._dockerfile.stages):
            mine = stages[index]
            is_joined = False
            for other, related in enumerate(self._dockerfile.stages):
                if other != index and stage.base == related.name:
                    mine.take(stages[other], with_triggers=True)
                    is_joined = is_joined or other == parents[index]
            parent = parents[index]
            if parent is not None and not is_joined:
                # werf misses a stage named by a variable or in other letters
                text = _identity(stages[parent])
                mine.additions.append(Addition(kind="stage", line=stage.line, text=text))
                mine.variant += stages[parent].variant
            for origin in _origins(stage):
                found = self._stage_index(origin)
                if found is not None:
                    mine.take(stages[found], with_triggers=False)

    def _stage_index(self, origin: str) -> int | None:
        names = [stage.name for stage in self._dockerfile.stages]
        if origin.lower() in names:
            return len(names) - 1 - names[::-1].index(origin.lower())
        if _INDEX.match(origin) and 0 <= int(origin) < len(names):
            return int(origin)
        return None


class _Located:
    """Gives errors of one instruction their place in the Dockerfile."""

    __slots__ = ("_dockerfile", "_line")

    def __init__(self, dockerfile: Dockerfile, line: int) -> None:
        self._dockerfile = dockerfile
        self._line = line

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        place = Place(path=self._dockerfile.path, line=self._line)
        if isinstance(error, ExpansionError):
            raise ConfigError(str(error), place=place) from error
        if isinstance(error, BadPatternError) and error.place is None:
            raise ConfigError(error.what, place=place, remedy=error.remedy) from error


def _origins(stage: Stage) -> Iterator[str]:
    for instruction in stage.instructions:
        if instruction.name == "COPY" and instruction.origin:
            yield instruction.origin
        for mount in instruction.mounts:
            if mount.origin:
                yield mount.origin


def _add_heredocs(collected: _Collected, instruction: Instruction) -> None:
    for heredoc in instruction.heredocs:
        collected.additions.append(
            Addition(kind="heredoc", line=instruction.line, text=_heredoc_identity(heredoc))
        )


def _heredoc_identity(heredoc: Heredoc) -> str:
    return h256(heredoc.name, str(heredoc.expand), str(heredoc.chomp), heredoc.content)


def _identity(stage: _Collected) -> str:
    additions = [f"{each.kind} {each.text}" for each in stage.additions]
    return h256(*stage.arguments, *stage.triggers, *additions)


def _all_entries(selection: Selection) -> Iterator[Entry]:
    yield from selection.entries
    for _, inner in selection.submodules:
        yield from _all_entries(inner)


def _holds(entry: Entry, path: str) -> bool:
    return entry.path == path or (
        entry.is_directory and (not entry.path or path.startswith(entry.path + "/"))
    )
