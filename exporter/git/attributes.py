"""File content as a checkout writes it: line ends, ``$Id$`` and encodings of ``.gitattributes``.

The attributes are those of the commit, never of the work tree or the machine, so the same commit
gives the same bytes everywhere. Filters such as LFS are not run: a pointer stays a pointer.
``export-ignore`` and ``export-subst`` mean nothing here, as in werf.
git's own ``cat-file --filters`` would read the work tree's attributes, hence this module.
Source: spec/werf-behaviour.md, section 15, item 28, and gitattributes(5).
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from posixpath import basename, dirname

from exporter.git.trees import CommitTree, Entry
from exporter.git.wildmatch import compile_wildmatch
from exporter.value import dataclass

Value = str | bool | None  # None: explicitly unspecified

_FILE = ".gitattributes"
_NAMES = frozenset({"text", "crlf", "eol", "ident", "working-tree-encoding"})
_BINARY: tuple[tuple[str, Value], ...] = (("diff", False), ("merge", False), ("text", False))
_IDENT = re.compile(rb"\$Id(?::(?:[^$\n][^ $\n]* ?)?)?\$")
_PRINTABLE_CONTROL = frozenset(b"\b\t\x1b\x0c\r\n")
_NON_PRINTABLE = bytes(
    code for code in range(128) if (code < 32 or code == 127) and code not in _PRINTABLE_CONTROL  # noqa: PLR2004 - ASCII
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What a checkout does to a file: ``crlf`` is "", "auto" or "always"."""

    crlf: str = ""
    ident: bool = False
    encoding: str = ""

    def apply(self, content: bytes, *, object_id: str) -> bytes:
        """The content of the work tree's file for the blob with this content and id."""
        if self.ident:
            content = _IDENT.sub(f"$Id: {object_id} $".encode(), content)
        if self.crlf:
            content = _with_crlf(content, auto=self.crlf == "auto")
        if self.encoding and content:
            content = _encoded(content, self.encoding)
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line: a pattern relative to ``directory`` (of the module) and its settings in order."""

    directory: str
    pattern: str
    settings: tuple[tuple[str, Value], ...]

    def matches(self, path: str) -> bool:
        """Whether the line is about a file, given by its path in the module."""
        pattern = self.pattern
        if "/" not in pattern:
            return compile_wildmatch(pattern).fullmatch(basename(path)) is not None
        relative = path[len(self.directory) :].lstrip("/")
        return compile_wildmatch(pattern.removeprefix("/")).fullmatch(relative) is not None


class Attributes:
    """The conversions of a commit's files; reads each ``.gitattributes`` once."""

    def __init__(self, tree: CommitTree) -> None:
        self._tree = tree
        self._rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._macros: dict[str, dict[str, tuple[tuple[str, Value], ...]]] = {}

    def conversion(self, entry: Entry) -> Conversion | None:
        """What a checkout does to the file; None when it writes the blob as it is."""
        if not entry.is_file:
            return None
        path = entry.path[len(entry.module) :].lstrip("/") if entry.module else entry.path
        rules = self._rules_for(entry.module, dirname(path))
        if not rules:
            return None
        return conversion_of(effective(path, rules, macros=self._macros.get(entry.module, {})))

    def _rules_for(self, module: str, directory: str) -> tuple[Rule, ...]:
        """The rules that may apply in a directory of a module, the weakest first."""
        key = (module, directory)
        if key not in self._rules:
            inherited = self._rules_for(module, dirname(directory)) if directory else ()
            self._rules[key] = inherited + self._read(module, directory)
        return self._rules[key]

    def _read(self, module: str, directory: str) -> tuple[Rule, ...]:
        path = "/".join(part for part in (module, directory, _FILE) if part)
        found = self._tree.entry(path)
        if found is None or not found.is_file:
            return ()
        text = self._tree.read_blob(found).decode("utf-8", "surrogateescape")
        rules, macros = parse_attributes(text, directory=directory)
        if not directory:
            self._macros[module] = macros
        return rules


def parse_attributes(
    text: str, *, directory: str
) -> tuple[tuple[Rule, ...], dict[str, tuple[tuple[str, Value], ...]]]:
    """The rules of a file in order, and its macros (which count at the top of a tree only)."""
    rules: list[Rule] = []
    macros: dict[str, tuple[tuple[str, Value], ...]] = {}
    for raw in text.removeprefix("\ufeff").split("\n"):
        line = raw.strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        pattern, words = _pattern(line)
        settings = tuple(_setting(word) for word in words)
        if pattern.startswith("[attr]"):
            macros[pattern.removeprefix("[attr]")] = settings
        elif not pattern.startswith("!") and not pattern.endswith("/"):
            rules.append(Rule(directory=directory, pattern=pattern, settings=settings))
    return tuple(rules), macros


def effective(
    path: str, rules: Sequence[Rule], *, macros: Mapping[str, tuple[tuple[str, Value], ...]]
) -> dict[str, Value]:
    """The attributes of a file: the last matching line decides each, macros in their places."""
    known: dict[str, Value] = {}
    macros = {"binary": _BINARY, **macros}

    def settle(settings: Sequence[tuple[str, Value]]) -> None:
        for name, value in reversed(settings):
            if name not in known:
                known[name] = value
                if value is True and name in macros:
                    settle(macros[name])

    for rule in reversed(rules):
        if rule.matches(path):
            settle(rule.settings)
    return {name: value for name, value in known.items() if name in _NAMES}


def conversion_of(attributes: Mapping[str, Value]) -> Conversion | None:
    """The conversion that attributes ask for on a machine with git's defaults; None for none."""
    text = attributes.get("text")
    if text is None or (isinstance(text, str) and text not in ("auto", "input")):
        text = attributes.get("crlf")  # the old name of "text"
    crlf = ""
    if text is not False and attributes.get("eol") == "crlf":
        crlf = "auto" if text == "auto" else "always"
    encoding = attributes.get("working-tree-encoding")
    conversion = Conversion(
        crlf=crlf,
        ident=attributes.get("ident") is True,
        encoding=encoding if isinstance(encoding, str) and not _is_utf8(encoding) else "",
    )
    return conversion if conversion != Conversion() else None


def _pattern(line: str) -> tuple[str, list[str]]:
    if line.startswith('"'):
        found = re.match(r'"((?:[^"\\]|\\.)*)"', line)
        if found is not None:
            return re.sub(r"\\(.)", r"\1", found[1]), line[found.end() :].split()
    pattern, *words = line.split()
    return pattern, words


def _setting(word: str) -> tuple[str, Value]:
    if word.startswith("-"):
        return word[1:], False
    if word.startswith("!"):
        return word[1:], None
    name, equals, value = word.partition("=")
    return name, value if equals else True


def _with_crlf(content: bytes, *, auto: bool) -> bytes:
    crlf = content.count(b"\r\n")
    if content.count(b"\n") == crlf:
        return content  # no bare line feed
    if auto and (b"\r" in content or _is_binary(content)):
        return content
    return re.sub(rb"(?<!\r)\n", b"\r\n", content)


def _is_binary(content: bytes) -> bool:
    """Git's guess, for content without carriage returns."""
    if b"\0" in content:
        return True
    line_ends = content.count(b"\n")
    rest = content.translate(None, delete=_NON_PRINTABLE)
    non_printable = len(content) - len(rest) - content.endswith(b"\x1a")
    printable = len(rest) - line_ends
    return printable >> 7 < non_printable


def _is_utf8(encoding: str) -> bool:
    return encoding.upper().replace("-", "") == "UTF8"


def _encoded(content: bytes, encoding: str) -> bytes:
    """The UTF-8 content in another encoding; as it is when that cannot be, as git leaves it."""
    mark = b""
    name = encoding.upper()
    if name.endswith("-BOM"):
        name = name.removesuffix("-BOM")
        mark = codecs.BOM_UTF16_LE if name == "UTF-16LE" else codecs.BOM_UTF16_BE
    try:
        return mark + content.decode("utf-8").encode(name)
    except (UnicodeError, LookupError):
        return content
