from dataclasses import dataclass

import pytest

from exporter.errors import InputError
from exporter.project.selection import Selection, select_images


@dataclass(frozen=True)
class Image:
    name: str
    final: bool = True


IMAGES = (Image("web"), Image("base", final=False), Image("group/api"), Image("group/db"))


def test_all_images_are_taken_in_the_order_of_the_configuration() -> None:
    selection = select_images(IMAGES, (), final_only=False)
    assert selection == Selection(
        build=("web", "base", "group/api", "group/db"), export=("web", "group/api", "group/db")
    )


def test_images_that_are_not_final_are_left_out_unless_asked_for() -> None:
    assert select_images(IMAGES, ["base"], final_only=True) == Selection(build=(), export=())
    assert select_images(IMAGES, ["base"], final_only=False).build == ("base",)


def test_star_stops_at_a_slash() -> None:
    assert select_images(IMAGES, ["*"], final_only=True).export == ("web",)
    assert select_images(IMAGES, ["group/*"], final_only=True).export == ("group/api", "group/db")


def test_name_that_is_spelled_out_wins_over_an_exclusion() -> None:
    selection = select_images(IMAGES, ["group/*", "group/db", "!group/*"], final_only=True)
    assert selection.export == ("group/db",)


def test_nearest_name_is_offered() -> None:
    with pytest.raises(InputError) as caught:
        select_images(IMAGES, ["grup/api"], final_only=True)
    assert str(caught.value) == (
        'no image matches pattern "grup/api". Did you mean "group/api" or "group/db"?'
    )


def test_all_names_are_listed_when_none_is_near() -> None:
    with pytest.raises(InputError) as caught:
        select_images(IMAGES, ["zzz"], final_only=True)
    assert str(caught.value) == (
        'no image matches pattern "zzz". The images are "base", "group/api", "group/db", "web"; '
        "* does not match '/'"
    )


def test_all_malformed_patterns_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        select_images(IMAGES, ["a**", "a|b", "x" * 101], final_only=True)
    assert len(caught.value.problems) == 3
