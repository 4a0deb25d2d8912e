import json
from typing import Any

import pytest

from exporter.build.digest import h224, h256
from exporter.errors import InputError
from exporter.gotemplate.quoting import quote
from exporter.naming import service_tags, slug
from exporter.naming.labels import parse_labels
from exporter.naming.murmur import murmur
from exporter.naming.tag_template import check_tags, compile_tags
from exporter.resolve import FlagValue, resolve
from tests.vectors.folder import VECTORS

CASES = [
    (f"{path.stem}-{number}", case)
    for path in sorted((VECTORS / "naming").glob("*.json"))
    for number, case in enumerate(json.loads(path.read_text())["cases"])
]


def having(*keys: str) -> list[Any]:
    """The cases that have all of these keys, whatever file they are in."""
    return [pytest.param(case, id=name) for name, case in CASES if set(keys) <= set(case)]


SLUGS = {
    "slug": slug.slugify,
    "docker_tag": slug.docker_tag,
    "is_valid_docker_tag": slug.is_docker_tag,
    "project": slug.project_slug,
    "valid_project": slug.is_project_name,
    "kubernetes_namespace": slug.kubernetes_namespace,
    "helm_release": slug.helm_release,
    "murmur": murmur,
}


@pytest.mark.parametrize(
    "case", [case for case in having("in", "expect") if "slug" in case.values[0]["expect"]]
)
def test_name_becomes_the_slug_that_werf_makes(case: dict[str, Any]) -> None:
    found = {
        key: slug.limited_slug(case["in"], int(key.removeprefix("limited_slug_")))
        if key.startswith("limited_slug_")
        else SLUGS[key](case["in"])
        for key in case["expect"]
    }
    assert found == case["expect"]


@pytest.mark.parametrize("case", having("image", "commit", "stage_id"))
def test_record_of_an_image_has_the_tag_that_werf_gives_it(case: dict[str, Any]) -> None:
    image = case["image"]
    assert {
        "managed_image_tag": service_tags.managed_image_tag(image),
        "managed_image_name_back": service_tags.managed_image_name(
            service_tags.managed_image_tag(image)
        ),
        "metadata_id": service_tags.metadata_id(image),
        "metadata_tag": service_tags.metadata_tag(
            image, commit=case["commit"], stage_id=case["stage_id"]
        ),
    } == case["expect"]


@pytest.mark.parametrize("case", having("tag", "expect"))
def test_record_of_a_custom_tag_has_the_tag_that_werf_gives_it(case: dict[str, Any]) -> None:
    expected = case["expect"]["custom_tag_metadata_tag"]
    assert service_tags.custom_tag_metadata_tag(case["tag"]) == expected


@pytest.mark.parametrize("case", having("flags", "env"))
def test_labels_to_add_are_read_as_werf_reads_them(case: dict[str, Any]) -> None:
    expected = case["expect"]
    flags: dict[str, FlagValue] = {"add-label": case["flags"]}
    if case.get("separator") is not None:
        flags["add-label-separator"] = case["separator"]
    options = resolve("export", flags=flags, arguments=(), env=case["env"])
    inputs, separator = options.add_label, options.add_label_separator
    assert list(inputs) == (expected["inputs"] or [])
    if "error" in expected:
        with pytest.raises(InputError, match="unsupported --add-label value"):
            parse_labels(inputs, separator=separator)
    else:
        assert parse_labels(inputs, separator=separator) == expected["labels"]


@pytest.mark.parametrize("case", having("args", "expect"))
def test_parts_are_joined_and_hashed_as_werf_does(case: dict[str, Any]) -> None:
    found = {"sha256": h256(*case["args"]), "sha3_224": h224(*case["args"])}
    assert found == case["expect"]


def deviation(case: dict[str, Any]) -> str:
    """Why the exporter differs on purpose from what is recorded for these templates."""
    images, templates = case["images"], case["templates"]
    names_in_use = [name for name in images if any("%image" in text for text in templates)]
    if any(text.startswith("docker.io/") for text in templates):
        return "design.md section 8: docker.io is an alias of index.docker.io"
    if "references" in case["expect"]:
        flat = [ref for refs in case["expect"]["references"].values() for ref in set(refs)]
        if len(set(images)) < len(images) or len(set(flat)) < len(flat):
            return "design.md section 8: all images are compared, not only with the first"
        return ""
    if "could not parse reference" not in case["expect"]["error"]:
        return ""
    if any(name != name.lower() for name in names_in_use):
        return "users.md F23: a generated repository name is written in lower case"
    if any(len(name) > slug.TAG_LENGTH // 2 for name in names_in_use):
        return "users.md F23: a generated tag that is too long is cut, with a stable hash"
    return ""


TEMPLATE_CASES = having("images", "templates", "content_tag")


def rendered(case: dict[str, Any]) -> dict[str, list[str]]:
    templates = compile_tags(case["templates"])
    check_tags(templates, case["images"])
    return {
        image: [template.render(image, content_tag=case["content_tag"]) for template in templates]
        for image in case["images"]
    }


@pytest.mark.parametrize("case", [case for case in TEMPLATE_CASES if not deviation(case.values[0])])
def test_tag_templates_give_the_references_that_werf_gives(case: dict[str, Any]) -> None:
    expected = case["expect"]
    if "error" not in expected:
        assert rendered(case) == expected["references"]
        return
    with pytest.raises(InputError) as caught:
        rendered(case)
    invalid = [text for text in case["templates"] if f"template {quote(text)}" in expected["error"]]
    assert all(f"invalid tag template {quote(text)}" in str(caught.value) for text in invalid)


# A deviating case may still end as recorded: what must not happen is that it crashes, or that two
# images get one reference.
@pytest.mark.parametrize("case", [case for case in TEMPLATE_CASES if deviation(case.values[0])])
def test_tag_templates_that_we_treat_differently_never_collide(case: dict[str, Any]) -> None:
    try:
        references = rendered(case)
    except InputError:
        return
    assert len(references) == len(case["images"])
    for number in range(len(case["templates"])):
        column = [refs[number] for refs in references.values()]
        assert len(set(column)) == len(column)
