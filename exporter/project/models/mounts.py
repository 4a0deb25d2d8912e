"""Directories mounted while a stapel image is built: the ``mount`` section."""

from dataclasses import dataclass
from typing import Literal, Protocol

from exporter.errors import Place
from exporter.project.models.paths import is_absolute
from exporter.project.models.shape import Key, Shape, Values

MOUNT = Shape(
    "mount",
    (
        Key("to", "text", "absolute path in the image"),
        Key("from", "text", "a directory kept for the build", ("tmp_dir", "build_dir")),
        Key("fromPath", "text", "a path on the machine that builds"),
    ),
)


class MountRules(Protocol):
    """What giterminism says about mounts."""

    def check_build_dir_mount(self, place: Place) -> None:
        """Refuse ``from: build_dir``."""

    def check_from_path_mount(self, path: str, place: Place) -> None:
        """Refuse ``fromPath`` of a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A directory mounted at ``to``; ``from_path`` is the host's path for ``custom_dir``."""

    place: Place
    kind: Literal["tmp_dir", "build_dir", "custom_dir"]
    from_path: str
    to: str


def mount_of(values: Values, rules: MountRules) -> Mount:
    """Read one entry of the ``mount`` section.

    Raises:
        ConfigError: A rule of spec section 2.4 is broken.
        GiterminismError: The mount is not allowed.
    """
    source, from_path, to = values.text("from"), values.text("fromPath"), values.text("to")
    if from_path:
        rules.check_from_path_mount(from_path, values.place_of("fromPath"))
    elif source == "build_dir":
        rules.check_build_dir_mount(values.place_of("from"))
    if source and from_path:
        raise values.error(
            f"cannot use `from: {source}` and `fromPath: {from_path}` at the same time for mount!",
            key="fromPath",
        )
    if not is_absolute(to):
        raise values.error("`to: PATH` absolute path required for mount!", key="to")
    match source:
        case "tmp_dir" | "build_dir":
            return Mount(place=values.place, kind=source, from_path="", to=to)
        case "" if from_path:
            return Mount(place=values.place, kind="custom_dir", from_path=from_path, to=to)
        case "":
            raise values.error("`fromPath: PATH` absolute or relative path required for mount!")
        case _:
            raise values.error(
                f"invalid `from: {source}` for mount: expected `tmp_dir` or `build_dir`!",
                key="from",
            )
