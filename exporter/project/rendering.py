"""From werf.yaml and its templates to the text of the config (spec sections 1.2 and 1.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from exporter.errors import Place, TemplateError
from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.values import StringMap, Value, from_bytes
from exporter.project.file_errors import doing
from exporter.project.project_files import ConfigFile
from exporter.project.template_functions import (
    Files,
    Permissions,
    TemplateFiles,
    template_functions,
)

if TYPE_CHECKING:
    from exporter.gotemplate.sprig import Runtime

ROOT = "werfConfig"
"""The name of the root template, whatever the file is called."""

HINT = (
    "Use --debug --debug-templates (or $WERF_DEBUG and $WERF_DEBUG_TEMPLATES environment variables)"
    " to get more details about this error."
)
# Three layers of the original say it, and scripts look for the text.
_TEMPLATES = ": ".join(["unable to read werf config templates"] * 3)


class Source(TemplateFiles, Permissions, Protocol):
    """Where a config comes from; ``Giterminism`` is one, a test may have its own."""

    def read_werf_config(self, path: str = "") -> ConfigFile:
        """The main file; the default one without a path."""

    def read_templates(self, directory: str = "") -> Sequence[ConfigFile]:
        """The template files, in the order in which they are parsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """What ``.Commit`` shows: the hash, and the author's time as Go prints it and in seconds."""

    hash: str
    human: str
    unix: str

    @staticmethod
    def of(object_id: str, moment: datetime) -> "CommitFacts":
        """The facts of a commit; ``moment`` is aware, in the author's time zone."""
        return CommitFacts(
            hash=object_id,
            human=moment.strftime("%Y-%m-%d %H:%M:%S %z %z"),
            unix=str(int(moment.timestamp())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """What a config is rendered with.

    Attributes:
        env: The process environment, for ``env``.
        werf_env: ``.Env``.
        commit: ``.Commit``.
        config_path: The main file; "" for the default one.
        templates_dir: The directory of templates; "" for the default one.
        debug: Errors show the templates that they passed.
        data: Further keys of the root map.
        runtime: Clock and randomness of the templates; None for the real ones.
    """

    env: Mapping[str, str]
    werf_env: str = ""
    commit: CommitFacts
    config_path: str = ""
    templates_dir: str = ""
    debug: bool = False
    data: Mapping[str, Value] = field(default_factory=dict)
    runtime: "Runtime | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedConfig:
    """A rendered config: the file it comes from, its text, and whether that is the file's own."""

    path: str
    text: str
    is_verbatim: bool


class RenderError(TemplateError):
    """A config does not render.

    ``text`` is werf's exact message, ``kind`` how far it came (``parse``, ``exec``, ``func``).
    """

    def __init__(
        self, text: str, *, kind: Literal["parse", "exec", "func"], place: Place | None
    ) -> None:
        """Take the text and the innermost place in a file of the project."""
        super().__init__(text, place=place)
        self.text = text
        self.kind: Literal["parse", "exec", "func"] = kind


def render(source: Source, *, options: RenderOptions) -> RenderedConfig:
    """Render the config.

    Raises:
        NotFoundError: There is no config file.
        GiterminismError: A file is not committed.
        RenderError: A template does not parse or execute.
    """
    with doing(_TEMPLATES):
        templates = source.read_templates(options.templates_dir)
    if templates:
        main = None
    else:
        # Most configs are no templates at all: then the engine stays away.
        main = source.read_werf_config(options.config_path)
        if b"{{" not in main.content:
            text = from_bytes(main.content)
            return RenderedConfig(path=main.path, text=text, is_verbatim=True)
    return _Rendering(source, options).run(templates, main)


class _Rendering:
    """One run of the engine."""

    def __init__(self, source: Source, options: RenderOptions) -> None:
        from exporter.gotemplate.template_set import TemplateSet  # noqa: PLC0415 - heavy

        self.source = source
        self.options = options
        self.main_path = options.config_path
        functions = template_functions(
            lambda: self.set,
            source,
            runtime=options.runtime,
            env=options.env,
            debug=self.add_details,
        )
        self.set = TemplateSet(functions, root=ROOT)

    def run(self, templates: Sequence[ConfigFile], main: ConfigFile | None) -> RenderedConfig:
        """Parse everything, execute the root."""
        for template in templates:
            try:
                self.set.parse(template.path, from_bytes(template.content))
            except GoTemplateError as error:
                raise self.error(error, prefix=f"{_TEMPLATES}: ", hint=False) from error
        main = main or self.source.read_werf_config(self.options.config_path)
        self.main_path = main.path
        text = from_bytes(main.content)
        try:
            self.set.parse(ROOT, text)
        except GoTemplateError as error:
            raise self.error(error, prefix="", hint=False) from error
        try:
            rendered = self.set.execute(ROOT, self.data())
        except GoTemplateError as error:
            self.add_details(error, "", ROOT, "")
            raise self.error(error, prefix="", hint=not self.options.debug) from error
        return RenderedConfig(path=main.path, text=rendered, is_verbatim=rendered == text)

    def data(self) -> dict[str, Value]:
        """The root map, which templates may change."""
        commit = self.options.commit
        return {
            "Files": Files(self.source),
            "Env": self.options.werf_env,
            "Commit": {
                "Hash": commit.hash,
                "Date": StringMap({"Human": commit.human, "Unix": commit.unix}),
            },
            **self.options.data,
        }

    def add_details(self, error: GoTemplateError, function: str, name: str, text: str) -> None:
        """With ``debug``, put the template that an error passes below its text."""
        if not self.options.debug:
            return
        from exporter.gotemplate.quoting import quote  # noqa: PLC0415 - errors only

        content = text or self.set.source_of(name) or ""
        lines = content.split("\n")
        numbered = "\n".join(f"{number:6d}  {line}" for number, line in enumerate(lines, 1))
        error.text += (
            f"\n\nDetails:\n  Function name: {quote(function)}\n  Template name: {quote(name)}"
            f"\n  Template content:\n{numbered.rstrip()}"
        )

    def error(self, error: GoTemplateError, *, prefix: str, hint: bool) -> RenderError:
        """The engine's error in werf's words, with the place in a file and the way there."""
        text = f"{prefix}{error.text}" + (f"\n{HINT}" if hint else "")
        found = RenderError(text, kind=error.kind, place=self.place(error))
        _, _, found.excerpt = error.render().partition("\n")
        return found

    def place(self, error: GoTemplateError) -> Place | None:
        """The innermost place that is in a file."""
        from dataclasses import replace  # noqa: PLC0415 - errors only
        from posixpath import join  # noqa: PLC0415 - errors only

        spots = [spot for spot in (error.spot, *reversed(error.calls)) if spot]
        for spot in spots:
            if spot.name == ROOT:
                return replace(spot.place, path=self.main_path or "werf.yaml")
            if not spot.name.startswith("tpl-"):
                directory = self.options.templates_dir or ".werf"
                return replace(spot.place, path=join(directory, spot.name))
        return None
