"""What git mappings and imports have in common: files from ``add`` go to ``to`` in the image."""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from exporter.errors import Place
from exporter.project.models.paths import clean, is_absolute, is_at_or_below, is_relative
from exporter.project.models.shape import Key, Values

EXPORT_KEYS = (
    Key("add", "text", "absolute path of a file or directory in the source"),
    Key("to", "text", "absolute path in the image"),
    Key("includePaths", "text or texts", "globs relative to `add`; only these are copied"),
    Key("excludePaths", "text or texts", "globs relative to `add`; these are left out"),
    Key("owner", "text", "user name or number that owns the files in the image"),
    Key("group", "text", "group name or number that owns the files in the image"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Files and where they go.

    ``add`` and ``to`` are absolute and clean.
    ``exclude_paths`` includes what another mapping below ``to`` provides (spec section 2.4).
    ``written_to`` is ``to`` as the user wrote it.
    """

    place: Place
    add: str
    to: str
    include_paths: tuple[str, ...]
    exclude_paths: tuple[str, ...]
    owner: str
    group: str
    written_add: str
    written_to: str


def export_of(values: Values, *, default_add: str, default_to: str | None) -> Export:
    """Read the keys of ``EXPORT_KEYS``.

    Args:
        values: The git or import section.
        default_add: What ``add`` is when its key is absent.
        default_to: What ``to`` is when it is absent or empty; None means that it is ``add``.

    Raises:
        ConfigError: A path is missing, or not of the kind that it has to be.
    """
    add = values.text("add", default_add)
    to = values.text("to") or (add if default_to is None else default_to)
    export = Export(
        place=values.place,
        add=clean(add),
        to=clean(to),
        include_paths=tuple(map(clean, values.text_or_texts("includePaths"))),
        exclude_paths=tuple(map(clean, values.text_or_texts("excludePaths"))),
        owner=values.text("owner"),
        group=values.text("group"),
        written_add=add,
        written_to=to,
    )
    if not is_absolute(export.add):
        raise values.error("`add: PATH` absolute path required for import!", key="add")
    if not is_absolute(export.to):
        raise values.error("`to: PATH` absolute path required for import!", key="to")
    for key, paths in (
        ("includePaths", export.include_paths),
        ("excludePaths", export.exclude_paths),
    ):
        if not all(map(is_relative, paths)):
            raise values.error(f"`{key}: [PATH, ...]|PATH` should be relative paths!", key=key)
    return export


def without_overlaps(
    exports: Sequence[Export],
) -> tuple[list[Export], tuple[Export, Export] | None]:
    """Exclude from each export what another one puts below its ``to`` (spec section 2.4).

    Returns:
        The exports in the same order, and the first pair that claims the same files, if any.
    """
    result = list(exports)
    for index, outer in enumerate(result):
        for other, inner in enumerate(result):
            if index == other or not is_at_or_below(inner.to, outer.to):
                continue
            extra = _excluded_by(result[index], inner)
            if extra is None:
                return result, (outer, inner)
            kept = result[index]
            result[index] = replace(kept, exclude_paths=(*kept.exclude_paths, *extra))
    return result, None


def _excluded_by(outer: Export, inner: Export) -> list[str] | None:
    """What the outer export has to leave to the inner one; None when both claim the same."""
    ours, theirs = _claims(outer), _claims(inner)
    if not ours and not theirs:
        return None
    excluded = _below_to(outer, outer.exclude_paths)
    extra: list[str] = []
    for path in theirs:
        if path in ours:
            return None
        if _leads_to(path, ours) or _leads_to(path, excluded):
            continue
        extra.append(posixpath.relpath(posixpath.join("/", path), outer.to))
        excluded.append(posixpath.normpath(path))
    return extra


def _leads_to(path: str, others: Iterable[str]) -> bool:
    return any(is_at_or_below(other, path) for other in others)


def _claims(export: Export) -> list[str]:
    """Paths in the image, without leading slash, that the export provides."""
    to = export.to.strip("/")
    if not export.include_paths and to:
        return [to]
    return _below_to(export, export.include_paths)


def _below_to(export: Export, paths: Iterable[str]) -> list[str]:
    to = export.to.strip("/")
    return [posixpath.normpath(posixpath.join(to, path)) for path in paths]
