"""Values: frozen dataclasses that cost little to define.

``@dataclass(frozen=True, slots=True)``, perhaps with ``kw_only`` or ``order``, means here what it
means in the standard library: to readers, to the type checker, to ``fields`` and to ``replace``.
The standard library, though, writes and compiles six methods for every class, and a run defines a
hundred classes before it does anything: a fifth of a repeated export. Here all classes share
their methods (``docs/adr/014-cheap-values.md``).

Making a value takes 2 µs instead of 1, so classes with many thousands of values keep to the
decorator of the standard library.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter, eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(
        *, frozen: Literal[True], slots: Literal[True], kw_only: bool = False, order: bool = False
    ) -> Callable[[type[T]], type[T]]:
        """As ``dataclasses.dataclass`` with these arguments."""
        if not (frozen and slots):
            raise TypeError("a value is frozen and has slots")
        return partial(_made, kw_only=kw_only, order=order)


class _Form(NamedTuple):
    """What the shared methods know of a class."""

    names: Mapping[str, None]
    """What may be given to make a value, in order."""
    optional: tuple[tuple[str, Any, Any], ...]
    """Names with their default, or with the function that makes it."""
    key: Callable[[object], Any]
    """What is compared and hashed."""
    shown: tuple[str, ...]
    is_checked: bool
    """Whether ``__post_init__`` has the last word."""


class _Value(Protocol):
    __value__: _Form


_assign = object.__setattr__


def _made(cls: type[T], *, kw_only: bool, order: bool) -> type[T]:
    with_fields = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=True, kw_only=kw_only
    )
    cls.__doc__ = cls.__doc__ or cls.__name__  # else a signature is made up for it, in 1 ms
    made: Any = with_fields(cls)
    fields = dataclasses.fields(made)
    compared = [field.name for field in fields if field.compare]
    made.__value__ = _Form(
        names=dict.fromkeys(field.name for field in fields if field.init),
        optional=tuple(
            (field.name, field.default, field.default_factory)
            for field in fields
            if not (field.default is field.default_factory is dataclasses.MISSING)
        ),
        key=attrgetter(*compared) if compared else type,
        shown=tuple(field.name for field in fields if field.repr),
        is_checked=hasattr(made, "__post_init__"),
    )
    made.__init__ = _init if kw_only else _init_in_order
    written = vars(cls)
    for name, method in (_METHODS | _COMPARISONS if order else _METHODS).items():
        if name not in written:
            setattr(made, name, method)
    return made  # type: ignore[no-any-return]  # the class, with more methods


def _init(self: _Value, /, **given: object) -> None:
    names, optional, _, _, is_checked = self.__value__
    for name, value in given.items():
        if name not in names:
            raise TypeError(f"{type(self).__name__} has no field {name!r}")
        _assign(self, name, value)
    if len(given) < len(names):
        for name, default, factory in optional:
            if name not in given:
                _assign(self, name, default if factory is dataclasses.MISSING else factory())
        missing = names.keys() - given.keys() - {name for name, _, _ in optional}
        if missing:
            raise TypeError(f"{type(self).__name__} lacks {', '.join(sorted(missing))}")
    if is_checked:
        self.__post_init__()  # type: ignore[attr-defined]  # just found


def _init_in_order(self: _Value, /, *values: object, **given: object) -> None:
    names = self.__value__.names
    if len(values) > len(names):
        raise TypeError(f"{type(self).__name__} has {len(names)} fields, not {len(values)}")
    _init(self, **dict(zip(names, values, strict=False)), **given)


def _repr(self: _Value) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name in self.__value__.shown)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _hash(self: _Value) -> int:
    return hash(self.__value__.key(self))


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _by(compare: Callable[[Any, Any], bool]) -> Callable[[_Value, object], object]:
    def method(self: _Value, other: object) -> object:
        if type(other) is not type(self):
            return NotImplemented
        key = self.__value__.key
        return compare(key(self), key(other))

    return method


_METHODS = {
    "__repr__": _repr,
    "__eq__": _by(eq),
    "__hash__": _hash,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
}
_COMPARISONS = {"__lt__": _by(lt), "__le__": _by(le), "__gt__": _by(gt), "__ge__": _by(ge)}
