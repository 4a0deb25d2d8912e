"""Paths with slashes, by their text alone: Go's ``path`` and, the same on Linux, ``filepath``."""

from typing import Final

from exporter.gotemplate.sprig.register import Implementations, register

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)


@named("clean", "osClean")
def clean(path: str) -> str:
    """The shortest path that means the same: no ``.``, no ``x/..``, no double slash."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif (part == ".." and not rooted) or part not in ("", ".", ".."):
            parts.append(part)
    return "/" * rooted + "/".join(parts) or "."


@named("base", "osBase")
def base(path: str) -> str:
    """The last element: ``.`` of nothing, ``/`` of slashes."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


@named("dir", "osDir")
def dir_(path: str) -> str:
    """All but the last element, cleaned."""
    head, slash, _ = path.rpartition("/")
    return clean(head + slash)


@named("ext", "osExt")
def ext(path: str) -> str:
    """The last element from its last dot on."""
    name = path.rpartition("/")[2]
    return name[name.rfind(".") :] if "." in name else ""


@named("isAbs", "osIsAbs")
def is_abs(path: str) -> bool:
    """Whether it starts with a slash."""
    return path.startswith("/")
