import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import InputError
from exporter.oci.digest import Digest
from exporter.oci.reference import Reference, Repository, parse_repository

HOSTS = st.sampled_from(["ghcr.io", "localhost:5000", "127.0.0.1:5000", "[::1]:80", "a.b.example"])
NAMES = st.from_regex(r"[a-z0-9]{2,8}(/[a-z0-9]{1,8}){1,3}", fullmatch=True)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,20}", fullmatch=True)
DIGESTS = st.binary(max_size=8).map(Digest.of)


@given(
    st.builds(
        Reference,
        repository=st.builds(Repository, registry=HOSTS, name=NAMES),
        tag=TAGS,
        digest=st.none() | DIGESTS,
    )
)
def test_a_reference_survives_being_printed_and_parsed(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference
    reference.check_strict()


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_an_input_error(text: str) -> None:
    try:
        parsed = Reference.parse(text)
    except InputError as error:
        assert "could not parse reference" in error.what  # noqa: PT017 - both outcomes are right
    else:
        assert Reference.parse(str(parsed)) == parsed


def test_docker_hub_has_one_name() -> None:
    assert str(Reference.parse("docker.io/debian:13")) == "index.docker.io/library/debian:13"


@pytest.mark.parametrize(
    "text",
    ["https://ghcr.io/a/b:1", "ghcr.io/a//b:1", "ghcr.io/a/:1", "ghcr.io/aa:-x", "ghcr.io/-a:1"],
)
def test_names_that_no_registry_accepts_fail_the_strict_check(text: str) -> None:
    reference = Reference.parse(text)
    with pytest.raises(InputError):
        reference.check_strict()


def test_a_repository_is_parsed_strictly() -> None:
    assert parse_repository("127.0.0.1:5000/a/b") == Repository(
        registry="127.0.0.1:5000", name="a/b"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ghcr.io/a/b:1", "Leave out the tag"),
        ("ghcr.io/a/b@sha256:" + "0" * 64, "Leave out the tag"),
        ("ghcr.io/Owner/app", "Names are lower case"),
        ("https://ghcr.io/a/b", "without https://"),
        ("", "not a repository"),
    ],
    ids=["tag", "digest", "upper-case", "scheme", "empty"],
)
def test_what_is_no_repository_says_why(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_repository(text)


def test_a_tag_that_is_none_is_refused_when_a_reference_is_made() -> None:
    repository = parse_repository("ghcr.io/a/b")
    assert str(repository.tag("v1")) == "ghcr.io/a/b:v1"
    with pytest.raises(InputError, match="not a tag"):
        repository.tag("a/b")


def test_a_digest_reference_can_shed_its_tag() -> None:
    digest = Digest.of(b"")
    reference = Reference.parse(f"ghcr.io/a/b:1@{digest}")
    assert (reference.tag, reference.identifier) == ("1", digest)
    assert reference.by_digest == reference.repository.at(digest)
    assert reference.repository.tag("1").by_digest == reference.repository.tag("1")
