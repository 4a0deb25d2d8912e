"""A set of templates that know each other by name: parse texts into it, execute by name."""

from collections.abc import Callable, Mapping
from typing import Final

from exporter.gotemplate.builtins import BUILTINS
from exporter.gotemplate.evaluate import Executable
from exporter.gotemplate.failure import GoTemplateError, LimitError
from exporter.gotemplate.function import Function
from exporter.gotemplate.lexer import lex
from exporter.gotemplate.limits import Limits, deep_recursion
from exporter.gotemplate.parser import parse_tokens
from exporter.gotemplate.quoting import quote
from exporter.gotemplate.runtime import Run
from exporter.gotemplate.values import NO_VALUE, Value

DEFAULT_LIMITS: Final = Limits()


class TemplateSet:
    """Templates, and the functions that they may call.

    A function may itself use the set: ``include`` executes a template of it, ``tpl`` parses and
    executes one. All that happens inside one outermost ``execute`` shares its limits.
    Parsing the same text again is free of charge.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        limits: Limits = DEFAULT_LIMITS,
        root: str = "",
        escape: Callable[[str], str] | None = None,
    ) -> None:
        """``root`` is the name that Go's messages call the set by.

        What actions print goes through ``escape``; the templates' own text never does.
        """
        self.functions = dict(functions)
        self.limits = limits
        self.root = root
        self._escape = escape
        self._names = frozenset((*self.functions, *BUILTINS))
        self._templates: dict[str, Executable] = {}
        self._parsed: dict[tuple[str, str], dict[str, Executable]] = {}
        self._tokens = 0
        self._run: Run | None = None

    def parse(self, name: str, text: str) -> None:
        """Add the template ``name`` and all that its text defines, in place of older ones.

        An empty template (space and comments only) does not replace one that is there.

        Raises:
            GoTemplateError: The text does not parse; the set is as before.
        """
        found = self._parsed.get((name, text))
        if found is None:
            tokens = lex(text, functions=self._names, limit=self.limits.tokens - self._tokens)
            self._tokens += len(tokens)
            trees = parse_tokens(
                name, text, tokens, functions=self._names, nesting=self.limits.nesting
            )
            found = {
                each: Executable(tree, self.functions, self._templates, self._escape)
                for each, tree in trees.items()
            }
            self._parsed[name, text] = found
        for each, executable in found.items():
            if not executable.is_empty or each not in self._templates:
                self._templates[each] = executable

    def lookup(self, name: str) -> bool:
        """Whether there is a template of that name."""
        return name in self._templates

    def source_of(self, name: str) -> str | None:
        """The text that a template was parsed from; None when there is no such template."""
        found = self._templates.get(name)
        return found.tree.text if found else None

    def names(self) -> list[str]:
        """The names of all templates, sorted."""
        return sorted(self._templates)

    def execute(self, name: str, data: Value) -> str:
        """The text that a template gives for ``data``, which is its dot and its ``$``.

        Raises:
            GoTemplateError: There is no such template, it fails, or it exceeds a limit.
        """
        target = self._templates.get(name)
        if target is None:
            known = f"associated with template {quote(self.root)}"
            raise GoTemplateError(f"no template {quote(name)} {known}", kind="exec")
        dot = NO_VALUE if data is None else data
        if self._run is not None:
            return self._execute_inside(target, dot, self._run)
        self._run = Run(self.limits)
        try:
            with deep_recursion():
                return _output(target, dot, self._run)
        except RecursionError:
            problem = f"template {quote(name)} recurses too deeply"
            raise LimitError(problem, kind="exec") from None
        finally:
            self._run = None

    def _execute_inside(self, target: Executable, dot: Value, run: Run) -> str:
        """An execution that a function asks for while another one is going on."""
        limit = self.limits.call_depth
        if run.calls >= limit:
            name = quote(target.tree.name)
            problem = f"template {name} is nested in more than {limit} calls of include or tpl"
            raise LimitError(problem, kind="exec")
        run.calls += 1
        try:
            return _output(target, dot, run)
        finally:
            run.calls -= 1


def _output(target: Executable, dot: Value, run: Run) -> str:
    pieces: list[str] = []
    body = target.prepare()
    body(target.frame(run, pieces.append, dot, 0), dot)
    if run.room < 0:
        raise LimitError(run.problem(), kind="exec")
    return "".join(pieces)
