"""Values behave as the standard library's frozen dataclasses do."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, field, fields, replace

import pytest

from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    name: str
    secret: str = field(default="", repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherThing(Thing):
    pass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Version:
    major: int
    minor: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Pair:
    left: str
    right: str = ""


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Even:
    number: int
    half: int = field(init=False)

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError(self.number)
        object.__setattr__(self, "half", self.number // 2)


def test_fields_are_given_or_have_their_default() -> None:
    thing = Thing(name="a", size=3)
    assert (thing.name, thing.secret, thing.labels, thing.size) == ("a", "", {}, 3)


def test_fields_can_be_given_in_order() -> None:
    assert Pair("a", right="b") == Pair("a", "b") == Pair(left="a", right="b")
    assert Pair("a").right == ""


def test_values_without_fields_are_equal() -> None:
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert repr(Nothing()) == "Nothing()"


def test_a_default_is_made_for_each_value() -> None:
    assert Thing(name="a").labels is not Thing(name="a").labels


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Thing, "Thing lacks name"),
        (lambda: Thing(name="a", nam="b"), "Thing has no field 'nam'"),  # type: ignore[call-arg]  # what is tested
        (lambda: Even(number=2, half=1), "Even has no field 'half'"),  # type: ignore[call-arg]  # the same
        (lambda: Thing("a"), "takes 1 positional argument but 2 were given"),  # type: ignore[call-arg]  # the same
        (lambda: Pair("a", "b", "c"), "Pair has 2 fields, not 3"),  # type: ignore[call-arg]  # the same
        (lambda: Pair("a", left="b"), "multiple values for keyword argument 'left'"),  # type: ignore[misc]  # the same
    ],
)
def test_other_arguments_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_a_value_cannot_be_changed() -> None:
    thing = Thing(name="a")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        thing.name = "b"  # type: ignore[misc]  # what is tested
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del thing.name
    assert not hasattr(thing, "__dict__")


def test_values_with_equal_compared_fields_are_equal() -> None:
    assert Thing(name="a", size=1) == Thing(name="a", size=2)
    assert Thing(name="a") != Thing(name="b")
    assert Thing(name="a") != OtherThing(name="a")
    assert len({Version(major=1), Version(major=1), Version(major=2)}) == 2


def test_ordered_values_compare_field_by_field() -> None:
    first, second = Version(major=1, minor=9), Version(major=2)
    assert first < second
    assert first <= second
    assert second > first
    assert second >= first
    assert sorted([second, first]) == [first, second]
    with pytest.raises(TypeError, match="not supported between instances"):
        first < Even(number=2)  # type: ignore[operator]  # noqa: B015 - what is tested


def test_repr_hides_what_must_not_be_shown() -> None:
    assert repr(Thing(name="a", secret="s")) == "Thing(name='a', labels={}, size=0)"


def test_written_methods_stay() -> None:
    assert str(Version(major=1)) == "1.0"


def test_checks_have_the_last_word() -> None:
    assert Even(number=4).half == 2
    with pytest.raises(ValueError, match="3"):
        Even(number=3)


def test_the_standard_library_knows_them() -> None:
    assert dataclasses.is_dataclass(Thing)
    assert [each.name for each in fields(Thing)] == ["name", "secret", "labels", "size"]
    assert replace(Thing(name="a", size=1), name="b") == Thing(name="b")
