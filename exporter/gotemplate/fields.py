"""``.A.B``: map keys, fields and methods, as Go's reflection finds them."""

from dataclasses import dataclass
from typing import Final

from exporter.gotemplate.function import Function
from exporter.gotemplate.runtime import Blame, Last
from exporter.gotemplate.values import NO_VALUE, AnyMap, GoObject, Value, go_type

_INTERFACE: Final = "interface {}"


def find_method(receiver: Value, name: str) -> Function | None:
    """The method of that name, if the receiver has one."""
    if isinstance(receiver, GoObject):
        return receiver.go_methods.get(name)
    return None


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads fields on behalf of one node; ``has_arguments`` when the template gives it some."""

    blame: Blame
    last: Last
    has_arguments: bool

    def read(self, receiver: Value, name: str, *, is_element: bool) -> Value:
        """A map entry or struct field; nothing has no fields and gives nothing again.

        ``is_element`` tells whether Go has the receiver in an ``interface {}``.

        Raises:
            GoTemplateError: The receiver is nil, has no fields, or not this one.
        """
        if receiver is NO_VALUE:
            return NO_VALUE
        if isinstance(receiver, dict):
            if self.has_arguments:
                raise self.blame.error(self.last, f"{name} is not a method but has arguments")
            return receiver.get(name, NO_VALUE)
        if receiver is None:
            message = f"nil pointer evaluating {_INTERFACE}.{name}"
            raise self.blame.error(self.last, message)
        if isinstance(receiver, GoObject):
            fields = receiver.go_fields()
            if name in fields:
                if self.has_arguments:
                    message = f"{name} has arguments but cannot be invoked as function"
                    raise self.blame.error(self.last, message)
                return fields[name]
        shown = _INTERFACE if is_element else go_type(receiver)
        raise self.blame.error(self.last, f"can't evaluate field {name} in type {shown}")


def holds_interfaces(container: Value) -> bool:
    """Whether the elements of a container are of type ``interface {}``."""
    return type(container) in (dict, list, AnyMap)
