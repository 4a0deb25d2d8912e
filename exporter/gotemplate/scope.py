"""Which slot of a frame a variable name means at a place in the template."""

from collections.abc import Iterator
from contextlib import contextmanager


class Scope:
    """The variables of one template, innermost last, as Go's stack has them while executing."""

    def __init__(self) -> None:
        self.visible: list[tuple[str, int]] = [("$", 0)]
        self.count = 1
        """Slots that a frame of this template needs."""
        self.maybe_unset: set[int] = set()
        """Declared inside arguments of ``and`` or ``or``, which may not be evaluated."""
        self.elements: set[int] = set()
        """Declared by a range, so that they may hold the nil of an interface."""
        self.shortcuts = 0
        """In how many ``and`` or ``or`` we are."""

    def declare(self, name: str, *, by_range: bool) -> int:
        """A new slot for a variable, visible until its block ends."""
        slot = self.count
        self.count += 1
        self.visible.append((name, slot))
        if self.shortcuts:
            self.maybe_unset.add(slot)
        if by_range:
            self.elements.add(slot)
        return slot

    def slots_of(self, name: str) -> list[int]:
        """The slots that a name may mean, innermost first; all but the last may be unset."""
        slots: list[int] = []
        for known, slot in reversed(self.visible):
            if known == name:
                slots.append(slot)
                if slot not in self.maybe_unset:
                    break
        return slots

    @contextmanager
    def block(self) -> Iterator[None]:
        """Forget at the end what was declared inside."""
        mark = len(self.visible)
        try:
            yield
        finally:
            del self.visible[mark:]

    @contextmanager
    def shortcut(self) -> Iterator[None]:
        """What is declared inside may never be set."""
        self.shortcuts += 1
        try:
            yield
        finally:
            self.shortcuts -= 1
