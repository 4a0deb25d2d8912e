import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import InputError
from exporter.naming.murmur import murmur
from exporter.naming.tag_template import check_cleanup, check_tags, compile_tags
from exporter.oci.reference import Reference, parse_repository

CONTENT = "c" * 56 + "-1700000000000"


def render(template: str, image: str = "group/App") -> str:
    (compiled,) = compile_tags([template])
    return compiled.render(image, content_tag=CONTENT)


def refusal(templates: list[str], images: list[str]) -> str:
    with pytest.raises(InputError) as caught:
        check_tags(compile_tags(templates), images)
    return str(caught.value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("r.io/pp:%image_slug%", "r.io/pp:group-app"),
        ("r.io/pp:%image_safe_slug%", "r.io/pp:group-app-" + murmur("group/App")),
        ("r.io/pp:%image_content_based_tag%", f"r.io/pp:{CONTENT}"),
        ("r.io/pp:v1", "r.io/pp:v1"),
        ("r.io/pp:%- image_slug -%  ", "r.io/pp:group-app"),
        ('r.io/pp:%printf "%s-x" image_slug%', "r.io/pp:group-app-x"),
        ("r.io/pp:%`a`%", "r.io/pp:a"),
        ("r.io/pp:%/* %image% */%v1", "r.io/pp:v1"),
        ("r.io/pp:%image_slug%{{x}}", "r.io/pp:group-app{{x}}"),
        ('r.io/pp:%"{{"%', "r.io/pp:{{"),
    ],
)
def test_template_is_go_between_percent_signs(template: str, text: str) -> None:
    assert render(template) == text


def test_name_in_the_repository_is_written_in_lower_case() -> None:
    assert render("r.io/P/%image%:%image_slug%") == "r.io/P/group/app:group-app"


def test_tag_that_a_name_makes_too_long_is_cut_with_a_stable_hash() -> None:
    long = "x" * 120 + "-" + "y" * 120
    tag = f"{'x' * 120}-{'y' * 120}-v1"
    cut = render("r.io/pp:%image_slug%-v1", long).removeprefix("r.io/pp:")
    assert cut == f"{tag[: 127 - len(murmur(tag))]}-{murmur(tag)}"
    assert len(cut) == 128


def test_content_tag_and_own_text_are_never_cut() -> None:
    with pytest.raises(InputError, match="could not parse reference"):
        compile_tags([f"r.io/pp:{'t' * 60}%image_content_based_tag%"])[0].reference(
            "app", content_tag=CONTENT
        )


def test_template_error_tells_the_place_in_the_users_text() -> None:
    with pytest.raises(InputError) as caught:
        compile_tags(["r.io/pp:%image image%", "r.io/pp:%nope%"])
    assert str(caught.value) == (
        'invalid tag template "r.io/pp:%image image%": template: --tag:1:9: executing "--tag" at '
        "<image>: wrong number of args for image: want 0 got 1; "
        'invalid tag template "r.io/pp:%nope%": template: --tag:1: function "nope" not defined. '
        "Known names are image, image_slug, image_safe_slug, image_content_based_tag"
    )


def test_empty_template_repeats_the_one_before() -> None:
    first, second = compile_tags(["r.io/pp:%image%", ""])
    assert second.render("app", content_tag=CONTENT) == first.render("app", content_tag=CONTENT)


def test_reference_without_a_registry_is_refused_with_its_three_meanings() -> None:
    assert refusal(["user/repo:v1"], ["app"]) == (
        'invalid tag template "user/repo:v1": user/repo:v1 names no registry. The export goes to a '
        "registry, never to local images: write index.docker.io/user/repo:v1 for Docker Hub, "
        "REGISTRY/user/repo:v1 for another registry such as ghcr.io, or "
        "localhost:5000/user/repo:v1 for one on this machine"
    )


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io"])
def test_docker_hub_goes_by_two_names(host: str) -> None:
    (template,) = compile_tags([f"{host}/user/repo:%image%"])
    reference = template.reference("app", content_tag=CONTENT)
    assert str(reference) == "index.docker.io/user/repo:app"


def test_two_images_must_not_get_one_reference() -> None:
    assert refusal(["r.io/pp:latest"], ["app", "web"]) == (
        'invalid tag template "r.io/pp:latest": images "app" and "web" would both be exported as '
        "r.io/pp:latest. The tag template must contain image name shortcut %image% or %image_slug% "
        "if multiple images are exported (e.g. REPO:TAG-%image% or REPO-%image%:TAG)"
    )


def test_images_are_compared_under_all_templates() -> None:
    message = refusal(["r.io/pp:%image%", "r.io/pp:%image%-1"], ["a", "a-1"])
    assert message.startswith(
        'invalid tag template "r.io/pp:%image%-1": images "a-1" and "a" would both be exported as '
        'r.io/pp:a-1, the first one by "r.io/pp:%image%"'
    )


def test_names_with_one_slug_are_pointed_to_the_safe_slug() -> None:
    message = refusal(["r.io/pp:%image_slug%"], ["x", "a/b", "a_b"])
    assert message.endswith("Names that have the same slug are told apart by %image_safe_slug%")


def test_one_image_may_get_a_reference_twice() -> None:
    check_tags(compile_tags(["r.io/pp:v1", "r.io/pp:v1"]), ["app"])


def test_nothing_is_checked_without_images() -> None:
    check_tags(compile_tags(["user/repo"]), [])


@pytest.mark.parametrize("tag", [CONTENT, "c" * 56, "managed-image-app", "cleanup"])
def test_tag_with_a_meaning_is_refused_in_the_stages_repository(tag: str) -> None:
    stages = parse_repository("r.io/pp")
    with pytest.raises(InputError, match="stages repository"):
        check_cleanup(Reference.parse(f"r.io/pp:{tag}"), stages)
    check_cleanup(Reference.parse(f"r.io/other:{tag}"), stages)
    check_cleanup(Reference.parse("r.io/pp:latest"), stages)


@settings(deadline=None)
@given(st.text(alphabet="%{}image \"'`\\/*-.$|(a", max_size=30))
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        (template,) = compile_tags([text])
    except InputError:
        return
    template.render("app", content_tag=CONTENT)
