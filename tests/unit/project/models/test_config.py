import pytest

from exporter.errors import ConfigError, GiterminismError, Place
from exporter.project.models.config import ReadOptions, read_config, relations
from exporter.project.models.warnings import warnings_of
from tests.unit.project.reading import META, Allowing, config, image, refusal, stapel


def test_images_keep_the_order_of_their_documents() -> None:
    found = config(
        """\
        configVersion: 1
        project: demo
        ---
        image: [web, worker]
        from: debian:12
        ---
        image: api
        dockerfile: Dockerfile
        """
    )
    assert [each.name for each in found.images] == ["web", "worker", "api"]
    assert [each.kind for each in found.images] == ["stapel", "stapel", "dockerfile"]
    assert found.project == "demo"


def test_an_image_remembers_its_document_and_place() -> None:
    found = image("image: a\nfrom: scratch\n# tail\n")
    assert found.document == "image: a\nfrom: scratch\n# tail\n"
    assert found.place == Place(path="werf.yaml", line=4, column=1)


def test_an_error_has_place_suggestion_and_the_lines_around_it() -> None:
    with pytest.raises(ConfigError) as raised:
        config(META + "image: a\nfrom: scratch\nfromLattest: true\n")
    assert str(raised.value) == (
        "werf.yaml:6:1: unknown fields: `fromLattest`! Did you mean `fromLatest` instead of"
        " `fromLattest`?\n"
        "\n"
        "     3  ---\n"
        "     4  image: a\n"
        "     5  from: scratch\n"
        "     6  fromLattest: true\n"
        "        ^"
    )


def test_a_value_of_a_wrong_type_is_named_with_its_line() -> None:
    assert refusal("image: a\nfrom: scratch\nplatform: linux/amd64\nfinal: 'no'\n") == (
        "werf.yaml:6:11: yaml: unmarshal errors:"
    )


def test_all_values_of_wrong_types_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        config(META + "image: a\nfrom: scratch\nplatform: linux/amd64\nfinal: 'no'\n")
    assert raised.value.what == (
        "yaml: unmarshal errors:\n"
        "  line 6: cannot unmarshal !!str `linux/a...` into []string\n"
        "  line 7: cannot unmarshal !!str `no` into bool"
    )


def test_a_missing_project_document_suggests_one() -> None:
    with pytest.raises(ConfigError, match="project: suggested"):
        config("image: a\nfrom: scratch\n")


def test_a_second_project_document_is_refused() -> None:
    assert refusal("configVersion: 1\nproject: other\n") == (
        "werf.yaml:4:1: duplicate meta config section definition. The first one is at werf.yaml:1:1"
    )


def test_the_project_name_can_be_replaced() -> None:
    options = ReadOptions(path="w", project_name="Any Name", default_project=lambda: "")
    assert read_config(META, Allowing(), options=options).project == "Any Name"


def test_a_base_that_is_an_image_is_known_as_one() -> None:
    found = stapel("image: base\nfrom: scratch\n---\nimage: app\nfrom: base\n")
    assert (found.base, found.base_is_image) == ("base", True)


def test_an_image_called_like_its_base_means_the_latest_tag() -> None:
    found = stapel("image: alpine\nfrom: alpine\n")
    assert (found.base, found.base_is_image) == ("alpine:latest", False)


def test_relations_are_base_imports_and_dependencies() -> None:
    found = config(
        META
        + "image: [a, b, c]\nfrom: scratch\n---\nimage: d\nfrom: a\n"
        + "import: [{from: b, add: /1, after: setup}, {from: 'x:1', add: /2, after: setup},"
        + " {from: b, add: /3, after: setup}]\n"
        + "dependencies: [{image: c, before: setup}, {image: c, before: install}]\n"
    )
    needs = relations(found.images[-1])
    assert (needs.base, needs.imports, needs.dependencies) == ("a", ("b", "b"), ("c",))
    assert needs.names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image: a\nfromImage: b\n---\nimage: b\nfromImage: a\n", "a -> b -> a"),
        ("image: a\ndockerfile: D\ndependencies: [{image: a}]\n", "a -> a"),
    ],
)
def test_images_that_need_each_other_are_refused(text: str, message: str) -> None:
    assert f"infinite loop detected: {message}." in refusal(text)


def test_a_missing_image_is_named_where_it_is_used() -> None:
    text = (
        "image: base\nfrom: x\n---\nimage: a\nfrom: x\nimport: [{from: bse, add: /, after: setup}]"
    )
    assert refusal(text.replace("add: /,", "add: /x,")) == (
        "werf.yaml:9:10: image \"bse\" not found! Did you mean 'base'?"
    )


def test_a_dependency_needs_the_same_platform() -> None:
    text = (
        "image: b\ndockerfile: D\nplatform: [linux/arm64]\n---\n"
        "image: a\ndockerfile: D\nplatform: [linux/amd64]\ndependencies: [{image: b}]\n"
    )
    assert 'requires dependency image="b" platform="linux/amd64"' in refusal(text)


def test_the_same_name_twice_is_refused() -> None:
    assert refusal("image: a\nfrom: x\n---\nimage: a\nfrom: y\n") == (
        'werf.yaml:7:1: conflict between images names! "a" is also the image at werf.yaml:4:1'
    )


def test_a_nameless_image_must_be_the_only_final_one() -> None:
    assert "a nameless image cannot" in refusal("image: ~\nfrom: x\n---\nimage: a\nfrom: y\n")
    assert image("image: ~\nfrom: x\n---\nimage: a\nfinal: false\nfrom: y\n").name == "a"


def test_an_empty_list_item_is_refused_with_its_place() -> None:
    assert refusal("image: a\nfrom: x\ngit:\n- ~\n") == (
        "werf.yaml:7:3: an item of `git` is empty. Fill or remove it"
    )


def test_a_refusal_of_giterminism_keeps_its_class_and_gets_the_lines() -> None:
    with pytest.raises(GiterminismError) as raised:
        config(META + "image: a\nfrom: x\nfromLatest: true\n", Allowing("from latest"))
    assert raised.value.place == Place(path="werf.yaml", line=6, column=1)
    assert "     6  fromLatest: true\n        ^" in str(raised.value)


def test_deprecations_are_told_once() -> None:
    found = config(
        META
        + "artifact: a\nfrom: x\n---\nartifact: b\nfromArtifact: a\n---\nimage: c\nfrom: x\n"
        + "docker: {USER: u}\nansible: {}\ngit: [{add: /x, to: /y/}]\n"
    )
    assert [text.partition(" ")[0] for text in warnings_of(found)] == [
        "DEPRECATION",
        "WARNING:",
        "DEPRECATION",
        "DEPRECATION",
    ]


def test_a_config_of_nothing_deprecated_gives_no_warnings() -> None:
    assert warnings_of(config(META + "image: a\nfrom: x\n")) == ()
