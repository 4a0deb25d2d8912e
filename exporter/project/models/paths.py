"""Rules about paths in werf.yaml."""

import posixpath


def clean(path: str) -> str:
    """The shortest equal path, ``.`` for an empty one: Go's ``path.Clean``."""
    normal = posixpath.normpath(path) if path else "."
    return normal[1:] if normal.startswith("//") else normal


def is_absolute(path: str) -> bool:
    """Whether it starts at the root."""
    return path.startswith("/")


def is_relative(path: str) -> bool:
    """Whether it is relative and does not leave its directory through ``..``."""
    if is_absolute(path):
        return False
    inside = clean(path)
    return inside != ".." and not inside.startswith("../")


def is_at_or_below(path: str, directory: str) -> bool:
    """Whether the path is the directory or below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")
