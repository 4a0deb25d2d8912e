"""Files of other images that go into a stapel image: the ``import`` section."""

from dataclasses import dataclass

from exporter.errors import Place
from exporter.project.models.exports import EXPORT_KEYS, Export, export_of
from exporter.project.models.moment import Moment, moment_of
from exporter.project.models.shape import Key, Shape, Values

_SOURCE_STAGES = ("beforeInstall", "install", "beforeSetup", "setup")

IMPORT = Shape(
    "import",
    (
        *EXPORT_KEYS,
        Key("from", "text", "image of this config, or external image with a tag or digest"),
        Key("image", "text", "older name of `from`"),
        Key("artifact", "text", "artifact of this config (deprecated: use `from`)"),
        Key("before", "text", "stage before which the files are added", ("install", "setup")),
        Key("after", "text", "stage after which the files are added", ("install", "setup")),
        Key("stage", "text", "stage of the source image to take the files from", _SOURCE_STAGES),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Files of another image and where they go.

    ``source`` is the name of an image of this config, or, when ``is_external``, a reference.
    ``stage`` is the source's stage to take the files from, "" for its last one.
    """

    export: Export
    source: str
    is_external: bool
    from_artifact: bool
    moment: Moment
    stage: str

    @property
    def place(self) -> Place:
        """Where the entry begins."""
        return self.export.place


def import_of(values: Values) -> Import:
    """Read one entry of the ``import`` section.

    Raises:
        ConfigError: A rule of spec section 2.4 is broken.
    """
    export = export_of(values, default_add="", default_to=None)
    if values.text("image") and values.text("from"):
        raise values.error("specify only `image: NAME` or `from: NAME` for import!", key="image")
    image, artifact = values.text("from") or values.text("image"), values.text("artifact")
    if not image and not artifact:
        raise values.error(
            "artifact name `artifact: NAME` or image name `image: NAME` required for import!"
        )
    if image and artifact:
        raise values.error(
            "specify only one artifact name using `artifact: NAME` or image name using"
            " `image: NAME` for import!",
            key="artifact",
        )
    moment = moment_of(
        values,
        missing="artifact stage is not specified with `before: install|setup` or"
        " `after: install|setup` for import!",
        both="specify only one artifact stage using `before: install|setup` or"
        " `after: install|setup` for import!",
        invalid="invalid artifact stage `{}` for import: expected install or setup!",
    )
    stage = values.text("stage")
    if stage and stage not in _SOURCE_STAGES:
        raise values.error(
            f"invalid stage `stage: {stage}` for import: expected beforeInstall, install,"
            " beforeSetup or setup",
            key="stage",
        )
    if export.add == "/" and not export.include_paths:
        raise values.error(
            "`add: '/'` requires not empty includePaths to interpret copy sources unambiguously",
            key="add",
        )
    return Import(
        export=export,
        source=image or artifact,
        is_external=bool(image) and has_tag_or_digest(image),
        from_artifact=bool(artifact),
        moment=moment,
        stage=stage,
    )


def has_tag_or_digest(name: str) -> bool:
    """Whether the name is an image reference with a tag or a digest, hence not of this config."""
    import re  # noqa: PLC0415 - only configs with imports need it

    component = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
    domain = r"(?:(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?"
    tag = r"(?::[\w][\w.-]{0,127})?"
    digest = r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
    pattern = re.compile(f"{domain}{component}(?:/{component})*({tag})({digest})", re.ASCII)
    found = pattern.fullmatch(name)
    return bool(found and (found[1] or found[2]))
