"""The reference pages that are made of the program itself: commands, exit codes, report, keys."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from exporter import errors
from exporter.gotemplate.builtins import BUILTINS
from exporter.gotemplate.sprig.catalogue import SIGNATURES
from exporter.options import Command
from exporter.project.schema import json_schema
from exporter.usage import read

ROOT = Path(__file__).resolve().parents[1]

_LANGUAGES: Mapping[str, str] = {".yml": "yaml", ".json": "json", "": "groovy"}
_MEANINGS: Mapping[int, str] = {
    0: "Everything asked for is in place, also when nothing had to be written.",
    70: "A bug in the exporter: the traceback and where to report it are in the log.",
    130: "Interrupted by SIGINT: builds are cancelled, nothing is half-tagged.",
    143: "Interrupted by SIGTERM: the same.",
}
"""Codes that belong to no class of errors, or whose class says too little."""


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    cells = [header, tuple("---" for _ in header), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in cells
    )


def file_block(path: str) -> str:
    """A file of the repository as a fenced block."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return f"```{_LANGUAGES[Path(path).suffix]}\n{text.rstrip()}\n```"


def commands() -> str:
    """Every command with its purpose and an example."""
    rows = []
    for command in get_args(Command):
        text = str(read([*command.split(), "--help"]))
        _, about, *_ = text.split("\n\n")
        example = re.search(r"^examples?:\s+(.+)$", text, re.MULTILINE)
        shown = f"<br>`{example[1]}`" if example else ""
        rows.append((f"`{command}`", f"{' '.join(about.split())}{shown}"))
    completion = "Print the completion script for bash, zsh or fish.<br>`exporter completion bash`"
    return table(("Command", "What it does, and an example"), [*rows, ("`completion`", completion)])


def exit_codes() -> str:
    """Every exit code with the errors that end with it."""
    meanings: dict[int, list[str]] = {code: [text] for code, text in _MEANINGS.items()}
    for error in _classes(errors.ExporterError):
        if error.exit_code not in _MEANINGS:
            about = (error.__doc__ or "").strip().splitlines()[0].partition(";")[0].rstrip(".")
            about = about.replace("``", "`")
            meanings.setdefault(error.exit_code, []).append(f"{about}.")
    return table(
        ("Code", "Meaning"),
        ((str(code), " ".join(texts)) for code, texts in sorted(meanings.items())),
    )


def _classes(root: type[errors.ExporterError]) -> Iterator[type[errors.ExporterError]]:
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:  # those of other modules are kinds of these
            yield each
        yield from _classes(each)


def report() -> str:
    """The keys of the report, section by section, from its schema."""
    schema = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
    parts = [_section(schema, "")]
    parts += [
        f"### {name.capitalize()}\n\n{_section(definition, '')}"
        for name, definition in schema["$defs"].items()
        if "properties" in definition
    ]
    return "\n\n".join(parts)


def _section(definition: Mapping[str, Any], prefix: str) -> str:
    return table(("Key", "Value", "Meaning"), _report_rows(definition, prefix))


def _report_rows(definition: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, ...]]:
    for name, value in definition["properties"].items():
        yield f"`{prefix}{name}`", _type(value), value.get("description", "")
        items = value.get("items", {})
        if "properties" in items:
            yield from _report_rows(items, f"{prefix}{name}[].")


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        name = str(value["$ref"]).rpartition("/")[2]
        return name if name == "digest" else f"[{name}](#{name.lower().replace(' ', '-')})"
    if "const" in value:
        return str(value["const"])
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    if value.get("type") == "array" and "$ref" in value.get("items", {}):
        return f"list of {_type(value['items'])}"
    inner = value.get("additionalProperties")
    if isinstance(inner, dict) and "$ref" in inner:
        return f"object of {_type(inner)}"
    return str(value.get("type", ""))


def werf_yaml() -> str:
    """The keys of werf.yaml, section by section, from the schema that editors use."""
    definitions: Mapping[str, Any] = json.loads(json_schema())["definitions"]
    first = ("project", "dockerfileImage", "stapelImage")
    names = [*first, *sorted(set(definitions) - set(first))]
    return "\n\n".join(
        f"### {name}\n\n"
        + table(
            ("Key", "Value", "Meaning"),
            (
                (f"`{key}`", _yaml_type(value), _capital(value.get("description", "")))
                for key, value in definitions[name]["properties"].items()
            ),
        )
        for name in names
        if definitions[name]["properties"]
    )


def _yaml_type(value: Mapping[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    if "$ref" in value:
        return _type(value)
    if "oneOf" in value:
        return " or ".join(
            kind for each in value["oneOf"] if (kind := _yaml_type(each)) and kind != "null"
        )
    kinds = value.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    if kinds == ["string", "number", "boolean"]:
        return "text"
    items = value.get("items", {})
    if "array" in kinds:
        inner = _yaml_type(items) if items else "any"
        listed = f"list of {inner}"
        return listed if kinds == ["array"] else f"text or {listed}"
    if kinds == ["object"]:
        entry = value.get("additionalProperties")
        return f"map of {_yaml_type(entry)}" if isinstance(entry, dict) else "map"
    words = {"string": "text", "boolean": "yes or no", "integer": "whole number"}
    return " or ".join(words.get(kind, kind) for kind in kinds)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def functions() -> str:
    """The functions of templates: Go's own, and sprig's by subject."""
    rows = [("Go", ", ".join(f"`{name}`" for name in sorted(BUILTINS)))]
    rows += [
        (subject.capitalize(), ", ".join(f"`{name}`" for name in sorted(names)))
        for subject, names in SIGNATURES.items()
    ]
    return table(("Subject", "Functions"), rows)
