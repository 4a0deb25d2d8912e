import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.naming.service_tags import (
    custom_tag_metadata_tag,
    import_metadata_tag,
    is_service_tag,
    is_stage_tag,
    managed_image_name,
    managed_image_tag,
    metadata_tag,
)

DIGEST = "2604b86b2c7a1c6d19c62601aadb19e7d5c6bb8f17bc2bf26a390ea7"


@pytest.mark.parametrize(
    ("tag", "is_stage"),
    [
        (f"{DIGEST}-1611836746968", True),
        (DIGEST, True),
        ("x" * 56, True),
        ("x" * 56 + "-1611836746968", True),
        (f"{'x' * 54}-1", True),
        (f"{'x' * 53}-ab", False),
        (f"{'x' * 54}-ab", False),
        (f"{'x' * 55}-161183674696a", False),
        (f"{DIGEST}-161183674696", False),
        (f"x-{'9' * 68}", False),
        ("latest", False),
        ("v1.0", False),
        ("", False),
    ],
)
def test_stage_is_told_by_its_length(tag: str, *, is_stage: bool) -> None:
    assert is_stage_tag(tag) is is_stage


@pytest.mark.parametrize(
    "tag",
    [
        managed_image_tag("app"),
        metadata_tag("app", commit="0" * 40, stage_id=f"{DIGEST}-1611836746968"),
        custom_tag_metadata_tag("v1"),
        import_metadata_tag("a" * 64),
        "client-id-x-1",
        "sync-server",
        "cleanup",
        f"{DIGEST}-1611836746968-rejected",
    ],
)
def test_records_are_service_tags_and_no_stages(tag: str) -> None:
    assert is_service_tag(tag)
    assert not is_stage_tag(tag)


def test_usual_tags_mean_nothing_to_cleanup() -> None:
    assert not any(is_service_tag(tag) for tag in ("latest", "v1", "main-app", "managed"))


@settings(deadline=None)
@given(st.text(alphabet="abc/ +_-.0", max_size=12))
def test_name_of_a_managed_image_comes_back(image: str) -> None:
    tag = managed_image_tag(image)
    spelled = image.replace(" ", "").replace("/", "").replace("+", "")
    if spelled[:1] not in ("-", ".") and "__" not in image and image[:1] not in ("-", "."):
        assert managed_image_name(tag) == image
    assert managed_image_tag(managed_image_name(tag)) == tag
