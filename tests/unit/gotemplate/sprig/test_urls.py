import pytest

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.values import Value
from tests.unit.gotemplate.sprig.calls import call


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        pytest.param("http://[fe80::1%25en0]:80/", "hostname", "fe80::1%en0", id="zone"),
        pytest.param("http://a:b:80/", "host", "a:b:80", id="several colons"),
        pytest.param("///x", "path", "///x", id="three slashes"),
        pytest.param("*", "path", "*", id="asterisk"),
        pytest.param("http://u:@h", "userinfo", "u:", id="empty password"),
        pytest.param("http://h/#a%20b", "fragment", "a b", id="fragment"),
        pytest.param("1a:b", "path", None, id="no scheme"),
    ],
)
def test_parts(text: str, part: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(FunctionError, match="first path segment in URL cannot contain colon"):
            call("urlParse", text)
        return

    parts = call("urlParse", text)

    assert isinstance(parts, dict)
    assert parts[part] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("http://h\n", "net/url: invalid control character in URL", id="control"),
        pytest.param("http://a[::1]", "invalid IP-literal", id="bracket"),
        pytest.param("http://[::1", "missing ']' in host", id="open bracket"),
        pytest.param("http://[1.2.3.4]", "invalid IP-literal", id="IPv4 in brackets"),
        pytest.param("http://h/%4", 'invalid URL escape "%4"', id="short escape"),
        pytest.param("http://h/#%4", 'invalid URL escape "%4"', id="fragment"),
        pytest.param("http://h%4", 'invalid URL escape "%4"', id="host"),
        pytest.param("http://[x]", 'invalid host: ParseAddr("x"): unable to parse IP', id="name"),
        pytest.param(
            "http://[::1%25]",
            'invalid host: ParseAddr("::1%"): zone must be a non-empty string',
            id="empty zone",
        ),
    ],
)
def test_a_wrong_url_is_an_error(text: str, message: str) -> None:
    with pytest.raises(FunctionError) as caught:
        call("urlParse", text)

    assert str(caught.value).startswith('unable to parse url: parse "http://')
    assert str(caught.value).endswith(f'": {message}')


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({"userinfo": "u:p", "host": "h"}, "//u:p@h", id="no scheme"),
        pytest.param({"path": "*"}, "*", id="asterisk"),
        pytest.param({"scheme": "x"}, "x:", id="only a scheme"),
        pytest.param({"path": "/a?b"}, "/a%3Fb", id="escaped path"),
        pytest.param(None, "", id="nil"),
    ],
)
def test_joining(parts: dict[str, Value] | None, expected: str) -> None:
    assert call("urlJoin", parts) == expected
