"""From werf.yaml and its templates to the text of the config (spec sections 1.2 and 1.3)."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from exporter.errors import Place, TemplateError
from exporter.gotemplate.values import Value, from_bytes
from exporter.project.file_errors import doing
from exporter.project.template_source import Source
from exporter.value import dataclass

if TYPE_CHECKING:
    from exporter.gotemplate.sprig import Runtime

ROOT = "werfConfig"
"""The name of the root template, whatever the file is called."""

# Three layers of the original say it, and scripts look for the text.
TEMPLATES = ": ".join(["unable to read werf config templates"] * 3)


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
    with doing(TEMPLATES):
        templates = source.read_templates(options.templates_dir)
    if templates:
        main = None
    else:
        # Most configs are no templates at all: then the engine stays away.
        main = source.read_werf_config(options.config_path)
        if b"{{" not in main.content:
            text = from_bytes(main.content)
            return RenderedConfig(path=main.path, text=text, is_verbatim=True)
    from exporter.project.engine import Engine  # noqa: PLC0415 - most configs do not need it

    return Engine(source, options).run(templates, main)
