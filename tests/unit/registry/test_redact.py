import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.log import hide
from exporter.registry.redact import one_line, redact_url


@given(st.text(max_size=3000))
def test_anything_becomes_one_harmless_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 300
    assert "::" not in line
    assert "##" not in line


def test_secrets_and_upload_keys_are_redacted() -> None:
    hide(["hunter22"])
    text = 'Put "http://u:p@r.example/v2/a/blobs/uploads/0f?_state=abc&digest=sha256:1": hunter22'
    shown = 'Put "http://r.example/v2/a/blobs/uploads/…?_state=***&digest=sha256:1": ***'
    assert one_line(text) == shown


def test_credentials_that_a_registry_repeats_are_redacted() -> None:
    assert (
        one_line("got Authorization: Bearer ey.J0-eXA_ now") == "got Authorization: Bearer *** now"
    )
    assert one_line("use basic dXNlcjpwYXNz") == "use basic ***"
    assert one_line("Basic or bearer auth is needed") == "Basic or bearer auth is needed"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://r.example/v2/a/tags/list?n=1&last=b",
            "https://r.example/v2/a/tags/list?n=1&last=b",
        ),
        ("https://s3.example/b?X-Amz-Signature=1", "https://s3.example/b?X-Amz-Signature=***"),
        ("https://me:pw@r.example/v2/", "https://r.example/v2/"),
        ("http://[", "(not a URL)"),
    ],
)
def test_urls_show_what_is_harmless(url: str, shown: str) -> None:
    assert redact_url(url) == shown
