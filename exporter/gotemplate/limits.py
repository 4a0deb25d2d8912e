"""How much a template may do: a bomb ends with an error, not with the machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of parsing and of one rendering; everything that include and tpl do counts too."""

    nodes: int = 5_000_000
    """Executed nodes: texts, actions, iterations."""
    size: int = 1 << 27
    """Characters written by all templates and returned by functions."""
    tokens: int = 2_000_000
    """Tokens of all texts that are parsed, those of tpl included."""
    template_depth: int = 100_000
    """Nested ``{{template}}``; the number is Go's own."""
    call_depth: int = 1_000
    """Nested calls of functions that execute templates, such as include and tpl."""
    nesting: int = 10_000
    """Nested parentheses (the number is Go's own) and, here, nested bodies."""


_FRAMES = 2_000_000


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Let Python recurse as deeply as the limits of templates allow.

    Calls among Python functions take memory, not stack; the limits above keep the depth in bounds.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
