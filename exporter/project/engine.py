"""The template engine at work on a config."""

from collections.abc import Sequence
from dataclasses import replace
from posixpath import join

from exporter.errors import Place
from exporter.gotemplate.builtins import BUILTINS
from exporter.gotemplate.failure import GoTemplateError
from exporter.gotemplate.parser import parse
from exporter.gotemplate.quoting import quote
from exporter.gotemplate.template_set import TemplateSet
from exporter.gotemplate.values import StringMap, Value, from_bytes
from exporter.project.project_files import ConfigFile
from exporter.project.rendering import (
    ROOT,
    TEMPLATES,
    RenderedConfig,
    RenderError,
    RenderOptions,
)
from exporter.project.template_functions import Files, template_functions
from exporter.project.template_source import Source

HINT = (
    "Use --debug --debug-templates (or $WERF_DEBUG and $WERF_DEBUG_TEMPLATES environment variables)"
    " to get more details about this error."
)


class Engine:
    """One run of the engine."""

    def __init__(self, source: Source, options: RenderOptions) -> None:
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
        self.texts: dict[str, str] = {}

    def run(self, templates: Sequence[ConfigFile], main: ConfigFile | None) -> RenderedConfig:
        """Parse everything, execute the root."""
        for template in templates:
            try:
                self.parse(template.path, from_bytes(template.content))
            except GoTemplateError as error:
                raise self.error(error, prefix=f"{TEMPLATES}: ", hint=False) from error
        main = main or self.source.read_werf_config(self.options.config_path)
        self.main_path = main.path
        text = from_bytes(main.content)
        try:
            self.parse(ROOT, text)
        except GoTemplateError as error:
            raise self.error(error, prefix="", hint=False) from error
        try:
            rendered = self.set.execute(ROOT, self.data())
        except GoTemplateError as error:
            self.add_details(error, "", ROOT, "")
            raise self.error(error, prefix="", hint=not self.options.debug) from error
        return RenderedConfig(path=main.path, text=rendered, is_verbatim=rendered == text)

    def parse(self, name: str, text: str) -> None:
        """Add the text of a file to the set."""
        self.set.parse(name, text)
        self.texts[name] = text

    def spelling_of(self, name: str) -> str:
        """A template as the engine spells it, without the space around it."""
        functions = frozenset((*self.set.functions, *BUILTINS))
        found = ""
        for file, text in self.texts.items():
            tree = parse(file, text, functions=functions).get(name)
            found = str(tree.body).strip() if tree and not tree.is_empty else found
        return found

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
        content = text or self.spelling_of(name)
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
        spots = [spot for spot in (error.spot, *reversed(error.calls)) if spot]
        for spot in spots:
            if spot.name == ROOT:
                return replace(spot.place, path=self.main_path or "werf.yaml")
            if not spot.name.startswith("tpl-"):
                directory = self.options.templates_dir or ".werf"
                return replace(spot.place, path=join(directory, spot.name))
        return None
