import pytest

from exporter.registry.host import Host
from exporter.registry.settings import Settings


def host(registry: str, *, scheme: str) -> Host:
    made = Host(registry, Settings())
    made.settle(scheme)
    return made


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/v2/a/blobs/uploads/1", "https://r.example/v2/a/blobs/uploads/1"),
        ("https://r.example/x?y=z", "https://r.example/x?y=z"),
        ("http://r.example/x", "https://r.example/x"),
        ("http://r.example:80/x", "https://r.example/x"),
        ("http://r.example:8443/x", "https://r.example:8443/x"),
        ("https://storage.example/x", "https://storage.example/x"),
        ("http://storage.example/x", "http://storage.example/x"),
    ],
)
def test_a_location_is_resolved_in_the_scheme_that_was_used(location: str, url: str) -> None:
    made = host("r.example", scheme="https")
    assert made.resolve("https://r.example/v2/a/blobs/uploads/", location) == url


@pytest.mark.parametrize(
    "location",
    ["http://[bad", "https://r.example:99999/x", "file:///etc/passwd", "gopher://x/"],
)
def test_a_location_that_leads_nowhere_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match=r"[Pp]ort|IPv6|address"):
        host("r.example", scheme="https").resolve("https://r.example/v2/", location)


def test_only_the_very_same_origin_is_home() -> None:
    made = host("r.example", scheme="https")
    assert made.is_home("https://r.example:443/x")
    assert not made.is_home("https://r.example:8443/x")
    assert not made.is_home("http://r.example/x")
    assert not made.is_home("https://r.example.evil.example/x")


@pytest.mark.parametrize(
    ("registry", "insecure", "schemes"),
    [
        ("ghcr.io", False, ("https",)),
        ("ghcr.io", True, ("https", "http")),
        ("127.0.0.1:5000", False, ("http", "https")),
        ("10.1.2.3", False, ("http", "https")),
        ("registry.local", True, ("http", "https")),
    ],
)
def test_plain_http_is_tried_where_it_may_be(
    registry: str,
    insecure: bool,  # noqa: FBT001 - a column of the table
    schemes: tuple[str, ...],
) -> None:
    assert Host(registry, Settings(insecure=insecure)).schemes == schemes
