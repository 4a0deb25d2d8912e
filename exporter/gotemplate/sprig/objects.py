"""Objects of Go types that functions return, and the small ones: months, weekdays, durations."""

from typing import ClassVar, Final

from exporter.gotemplate.function import Function, registrar
from exporter.gotemplate.values import GoObject, Value

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
WEEKDAYS: Final = (
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
)  # fmt: skip


class LibraryObject(GoObject):
    """A value of a Go type that this package makes: what other functions must know of it."""

    __slots__ = ()
    kind: ClassVar[str] = "struct"
    """Go's ``reflect.Kind``."""

    def json_value(self) -> Value:
        """What JSON has in its place.

        Raises:
            FunctionError: JSON cannot have it.
        """
        return dict(self.go_fields())

    def deep_copied(self) -> "LibraryObject":
        """What ``deepCopy`` makes of it; these objects never change, so mostly itself."""
        return self


class Named(LibraryObject):
    """A number with a name of its own: a month or a weekday."""

    __slots__ = ("number",)
    kind = "int"
    go_methods: ClassVar[dict[str, Function]] = {}
    names: ClassVar[tuple[str, ...]] = ()
    first: ClassVar[int] = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.number == self.number

    def __hash__(self) -> int:
        return hash((type(self), self.number))

    def go_string(self) -> str:
        """Its English name."""
        return self.names[self.number - self.first]

    def json_value(self) -> Value:
        """The number."""
        return self.number


class Month(Named):
    """Go's ``time.Month``, January being 1."""

    __slots__ = ()
    go_type = "time.Month"
    names = MONTHS
    first = 1


class Weekday(Named):
    """Go's ``time.Weekday``, Sunday being 0."""

    __slots__ = ()
    go_type = "time.Weekday"
    names = WEEKDAYS


class Duration(LibraryObject):
    """Go's ``time.Duration``."""

    __slots__ = ("nanoseconds",)
    kind = "int64"
    go_type = "time.Duration"
    go_methods: ClassVar[dict[str, Function]] = {}

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and other.nanoseconds == self.nanoseconds

    def __hash__(self) -> int:
        return hash((Duration, self.nanoseconds))

    def go_string(self) -> str:
        """Such as ``1h2m3s``."""
        from exporter.gotemplate.sprig.durations import format_duration  # noqa: PLC0415 - rarely needed

        return format_duration(self.nanoseconds)

    def json_value(self) -> Value:
        """The nanoseconds."""
        return self.nanoseconds


_named = registrar(Named.go_methods)
_duration = registrar(Duration.go_methods)


@_named("func() string", "String")
def _name_of(value: Named) -> str:
    return value.go_string()


@_duration("func() string", "String")
def _duration_text(value: Duration) -> str:
    return value.go_string()


def _add_units() -> None:
    """``Hours`` to ``Nanoseconds``: large units as floats, small ones as whole numbers."""

    def as_float(value: Duration, unit: int) -> float:
        whole, rest = divmod(abs(value.nanoseconds), unit)
        size = whole + rest / unit
        return -size if value.nanoseconds < 0 else size

    def as_integer(value: Duration, unit: int) -> int:
        size = abs(value.nanoseconds) // unit
        return -size if value.nanoseconds < 0 else size

    second = 1_000_000_000
    for name, unit in (("Hours", 3600 * second), ("Minutes", 60 * second), ("Seconds", second)):
        _duration("func() float64", name)(lambda value, unit=unit: as_float(value, unit))
    for name, unit in (("Milliseconds", 1_000_000), ("Microseconds", 1_000), ("Nanoseconds", 1)):
        _duration("func() int64", name)(lambda value, unit=unit: as_integer(value, unit))


_add_units()
