import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.oci.digest import Digest

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_digest_names_its_algorithm() -> None:
    digest = Digest.of(b"")
    assert (digest, digest.algorithm, digest.hex) == (EMPTY, "sha256", EMPTY[7:])


@given(st.binary())
def test_a_digest_survives_being_printed_and_parsed(content: bytes) -> None:
    assert Digest.parse(str(Digest.of(content))) == Digest.of(content)


@pytest.mark.parametrize(
    "text", ["", "sha256:", EMPTY[:-1], EMPTY + "\n", EMPTY.upper(), "md5:" + "0" * 32, "0" * 64]
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        Digest(text)
