import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.naming.murmur import murmur
from exporter.naming.slug import (
    docker_tag,
    helm_release,
    is_docker_tag,
    is_project_name,
    kubernetes_namespace,
    limited_slug,
    project_slug,
    slugify,
)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("group/sub/App", "group-sub-app"),
        ("--a--b--", "a-b"),
        ("a@b", "ab"),
        ("a@-/b", "a-b"),
        ("straße", "strabe"),
        ("привет объект", "privyet-obyekt"),
        ("ığüşöç", "lgusoc"),
        ("x²³µ", "x23u"),
        ("日本語", ""),
        ("a\nb", "ab"),
    ],
)
def test_slug_is_lower_case_with_single_dashes(text: str, slug: str) -> None:
    assert slugify(text) == slug


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("", ""),
        ("My_App.v2", "My_App.v2"),
        ("group/app", "group-app-b1cace51"),
        ("日本語", "a5a47297"),
        ("x" * 128, "x" * 128),
        ("x" * 129, "x" * 119 + "-8cca70eb"),
        ("a/" * 70, "a-" * 59 + "a-7bb816bc"),
    ],
)
def test_name_that_is_no_tag_gets_a_slug_with_a_hash(name: str, tag: str) -> None:
    assert docker_tag(name) == tag


def test_hash_is_not_padded() -> None:
    assert murmur("") == "0"
    assert murmur("da/ta") == "afa96f8"


@pytest.mark.parametrize(
    ("text", "limit", "slug"),
    [
        ("data", 42, "data"),
        ("A", 42, "a-54dcf7ce"),
        ("a--b", 48, "a--b"),
        ("a--b--c", 48, "a-b-c-" + murmur("a--b--c")),
        ("x" * 43, 42, "x" * 33 + "-27e2f02f"),
        (
            "postgres-feature-31981-change-delivery-date-del-result",
            48,
            "postgres-feature-31981-change-delivery--852739dc",
        ),
    ],
)
def test_limited_slug_is_itself_when_it_is_one(text: str, limit: int, slug: str) -> None:
    assert limited_slug(text, limit) == slug


def test_project_name_is_cut_without_a_hash() -> None:
    assert project_slug("My/Group/" + "x" * 60) == "my-group-" + "x" * 41
    assert project_slug("a--b") == "a--b"
    assert not is_project_name("-a")


def test_namespace_and_release_take_dns_names() -> None:
    assert kubernetes_namespace("kubernetes.namespace") == "kubernetes-namespace-1507f75c"
    assert helm_release("release.name") == "release.name"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_docker_tag_of_any_name_is_a_tag(name: str) -> None:
    tag = docker_tag(name)
    assert is_docker_tag(tag)
    assert docker_tag(tag) == tag


@settings(deadline=None)
@given(st.text(max_size=100), st.integers(10, 60))
def test_limited_slug_keeps_its_limit_and_is_stable(text: str, limit: int) -> None:
    slug = limited_slug(text, limit)
    assert len(slug) <= limit
    if slug.count("--") <= 1:
        assert limited_slug(slug, limit) == slug
