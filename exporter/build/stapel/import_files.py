"""Imported files: rules that select them, and the lines of the script that copy or sum them up.

Globs mean what rsync's filters mean, which werf makes of them.
Source: spec/stapel-observed.md, section 3, "dependencies…/imports".
"""

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import join, normpath

from exporter.build.stapel.scripts import SUM_LINE, call, ownership
from exporter.project.models.imports import Import

SOURCE = "/dev/exporter/from"
"""Where the images to import from are mounted, with their numbers behind."""


def copy_line(folder: Path, number: int, entry: Import, source: int) -> str:
    """Write the rules of an import into the folder; the line that copies its files.

    ``source`` is the number of the mounted image.
    """
    export = entry.export
    owner = ownership(export.owner, export.group)
    rules = _write_rules(folder, number, entry)
    return call("import", f"{SOURCE}{source}", export.add, export.to, owner, rules)


def checksum_line(folder: Path, number: int, entry: Import, source: int) -> str:
    """Write the rules of an import into the folder; the line that prints its checksum."""
    rules = _write_rules(folder, number, entry)
    return call("checksum", f"{SOURCE}{source}", entry.export.add, rules)


def told_checksum_line(folder: Path, number: int, entry: Import) -> str:
    """As ``checksum_line`` for the first mounted image; it is printed with the import's number."""
    return f"printf '{SUM_LINE}{number} %s\\n' \"$({checksum_line(folder, number, entry, 0)})\""


def _write_rules(folder: Path, number: int, entry: Import) -> str:
    name = f"rules-{number}"
    lines = "".join(f"{kind}\t{expression}\n" for kind, expression in rules_of(entry))
    (folder / name).write_text(lines, "utf-8")
    if entry.export.include_paths:
        (folder / f"{name}.includes").write_text("yes", "utf-8")
    return name


def rules_of(entry: Import) -> list[tuple[str, str]]:
    """Kinds and expressions: ``x`` leaves out, ``+`` takes anything, ``d`` takes directories.

    Expressions search paths in the image, without the leading slash.
    As in rsync what werf does not begin with a slash matches at any depth, which can be seen with
    ``add: /``: there ``*.pyc`` is left out everywhere.
    """
    export = entry.export
    found: list[tuple[str, str]] = []
    for glob in export.exclude_paths:
        for path, _ in _filter_paths(join(export.add, glob), final_only=True):
            found.append(("x", f"(^|/){_expression(path)}"))
    for glob in export.include_paths:
        target = normpath(join(export.add, glob)).lstrip("/")
        for path, is_directory in _filter_paths(target, final_only=False):
            found.append(("d" if is_directory else "+", f"(^|/){_expression(path)}"))
        found += [("+", f"^{_expression(each)}") for each in (target, f"{target}/**")]
    return list(dict.fromkeys(found))


def _filter_paths(glob: str, *, final_only: bool) -> Iterator[tuple[str, bool]]:
    """The paths that rsync must know for a glob, and whether each is for directories only.

    ``**`` may stand for no directory at all.
    """
    segments = normpath(glob).strip("/").split("/")
    prefixes = {""}
    for at, segment in enumerate(segments):
        is_last = at == len(segments) - 1
        following: set[str] = set()
        for prefix in sorted(prefixes):
            path = f"{prefix}/{segment}" if prefix else segment
            following.add(path)
            if segment == "**":
                following.add(prefix)
                if not is_last and not final_only:
                    yield path, True
            elif is_last:
                yield path, False
            elif not final_only:
                yield path, True
        prefixes = following


def _expression(glob: str) -> str:
    """The glob as an extended regular expression, whose beginning is left to the caller."""
    found, at = "", 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            stars = len(glob[at - 1 :]) - len(glob[at - 1 :].lstrip("*"))
            at += stars - 1
            found += ".*" if stars > 1 else "[^/]*"
        elif char == "?":
            found += "[^/]"
        elif char == "[" and "]" in glob[at + 1 :]:
            end = glob.index("]", at + 1)
            inside = glob[at:end]
            at = end + 1
            negated = inside[:1] in "!^"
            found += f"[{'^' if negated else ''}{inside[negated:]}]"
        elif char == "\\" and at < len(glob):
            found += _escaped(glob[at])
            at += 1
        else:
            found += _escaped(char)
    return f"{found}$"


def _escaped(char: str) -> str:
    return f"\\{char}" if re.fullmatch(r"[][{}().*+?^$|\\]", char) else char
