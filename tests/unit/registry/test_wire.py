import pytest

from exporter.registry.wire import Proxies

ENV = {"HTTPS_PROXY": "http://user:pass@proxy.example:3128", "http_proxy": "plain.example:8080"}


def through(url: str, **env: str) -> str:
    return Proxies({**ENV, **env}).find(url)


def test_the_scheme_decides_about_the_proxy() -> None:
    assert through("https://ghcr.io/v2/") == "http://user:pass@proxy.example:3128"
    assert through("http://registry.example/v2/") == "http://plain.example:8080"
    assert Proxies({}).find("https://ghcr.io/v2/") == ""


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"])
def test_loopback_is_reached_directly(host: str) -> None:
    assert through(f"http://{host}/v2/") == ""


@pytest.mark.parametrize(
    ("rules", "url", "direct"),
    [
        ("*", "https://ghcr.io/", True),
        ("ghcr.io", "https://ghcr.io/", True),
        ("GHCR.IO", "https://ghcr.io/", True),
        ("example.org", "https://registry.example.org/", True),
        (".example.org", "https://registry.example.org/", True),
        (".example.org", "https://example.org/", False),
        ("*.example.org", "https://a.example.org/", True),
        ("example.org", "https://notexample.org/", False),
        ("example.org:443", "https://example.org/", True),
        ("example.org:5000", "https://example.org/", False),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3", "https://10.1.2.3:5000/", True),
        (" a , ghcr.io ", "https://ghcr.io/", True),
        ("", "https://ghcr.io/", False),
    ],
)
def test_no_proxy_follows_the_rules_of_go(rules: str, url: str, direct: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (through(url, NO_PROXY=rules) == "") is direct
    assert (through(url, no_proxy=rules) == "") is direct
