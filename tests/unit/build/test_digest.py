"""The check vectors of spec/werf-behaviour.md, section 5.1, and the rules around them."""

import pytest

from exporter.build.digest import (
    VARIANT_LABEL,
    content_digest,
    h224,
    h256,
    index_digest,
    is_variant,
    stage_digest,
)
from exporter.oci.platform import Platform

AMD64 = Platform.parse("linux/amd64")
ARM64 = Platform.parse("linux/arm64")
ALPINE = "b9d5527ee7a7047747bce5fb5fd1d7ab2b687f141a91151620098b60c2ad0eae"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(
            (), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", id="none"
        ),
        pytest.param(("alpine:latest", "RUN echo hello"), ALPINE, id="dockerfile"),
        pytest.param(
            ("scratch",),
            "5a9cb6b54ea56d52a69891af8c21afb73d3841611bbabb5d7c61312d81e6e041",
            id="scratch",
        ),
        pytest.param(
            ("alpine:latest", "RUN echo hello", "image-cache-version"),
            "08298d918e51f6572692ca642027870539a71c46beafd403719360928ffe11de",
            id="cache version",
        ),
    ],
)
def test_h256_joins_its_parts(parts: tuple[str, ...], expected: str) -> None:
    assert h256(*parts) == expected


def test_h224_is_sha3_with_the_same_joiner() -> None:
    assert h224("a-1", "b-2") == "c412766e6ce09791a517de765c12fa0f0a8a87449ead9f295311f043"


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        pytest.param(
            AMD64,
            "0883bdbcff5e101c016d27f63b08bc4bddcc655837e06f4b801c942f",
            id="amd64 is left out",
        ),
        pytest.param(
            ARM64, "3d982379919ca2abbe5b9d97c772f3f918fb231de0ff74a8fd40f81a", id="arm64 enters"
        ),
        pytest.param(
            None, "0883bdbcff5e101c016d27f63b08bc4bddcc655837e06f4b801c942f", id="no platform"
        ),
    ],
)
def test_the_platform_enters_unless_it_is_the_usual_one(
    platform: Platform | None, expected: str
) -> None:
    assert stage_digest("dockerfile", ALPINE, platform=platform) == expected


def test_a_first_stage_hashes_its_name() -> None:
    digest = stage_digest("from", h256("alpine:3.20"), platform=AMD64)
    assert digest == "fabcc5fa267a845ae1b203af61362adf86fa4b30bd2e16f84f23e911"


def test_the_previous_stage_enters_with_what_it_says_about_the_next() -> None:
    base = stage_digest("from", h256("alpine:3.20"), platform=AMD64)
    digest = stage_digest(
        "install", h256(h256("date"), h256()), platform=AMD64, previous=(base, "")
    )
    assert digest == "83f45f748fab5d2a9f39e62366a710aa366e1159efd68c4464e54e2a"


def test_content_digests_chain_into_images_built_on_top() -> None:
    backend = "c70c9fb24d58fdfc1b52f93eef3bb09ba102f0a042282ada9b9e737f"
    content = content_digest("from", backend, platform=AMD64)
    assert content == "166058599917f7a25b39e14979e7f31ca4b90880a90e39c90fc028c3"
    on_top = stage_digest("from", h256(content), platform=AMD64)
    assert on_top == "ea1264141b11ca3cc85ee36e834859bebff2e10dedf3fcdc3cf24032"


def test_stages_of_dependencies_hash_the_old_name() -> None:
    assert stage_digest("dependenciesAfterSetup", "x", platform=None) == h224(
        "1.2", "importsAfterSetup", "x"
    )


def test_an_index_hashes_the_stage_ids_in_the_order_of_the_platforms() -> None:
    ids = {
        ARM64: "54edf056a7ad4306206f829ccf76ae2a294e774354771a2624462fbf-1795310463369",
        AMD64: "2aa3073bb0e7181ada0179caaac543a2ba4e9c89d86cddcce7500023-1795310466545",
    }
    assert index_digest(ids) == h224(ids[AMD64], ids[ARM64])
    assert index_digest(list(ids.items())) == index_digest(ids)


def test_a_stage_of_another_variant_is_not_used() -> None:
    assert is_variant({VARIANT_LABEL: "a"}, "a")
    assert not is_variant({VARIANT_LABEL: "b"}, "a")
    assert is_variant({}, "a")
