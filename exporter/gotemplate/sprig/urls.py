"""URLs apart and together, by the rules of Go's ``net/url``."""

from dataclasses import dataclass
from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.quoting import quote
from exporter.gotemplate.sprig.kinds import kind_of_type
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import Value, from_bytes, to_bytes

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_UNRESERVED: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_PATH: Final = frozenset(to_bytes(_UNRESERVED + "$&+,/:;=@"))
_USER: Final = frozenset(to_bytes(_UNRESERVED + "$&+,;="))
_HOST: Final = frozenset(to_bytes(_UNRESERVED + "!$&'()*+,;=:[]<>\""))
_FRAGMENT: Final = frozenset(to_bytes(_UNRESERVED + "!$&()*+,/:;=?@"))
_USERINFO: Final = frozenset(_UNRESERVED + ":!$&'()*+,;=%@")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_ASCII: Final = 0x80
_SCHEME_LATER: Final = "0123456789+-."


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """The parts of a URL, decoded except ``query`` and ``user``; an absent part is empty."""

    scheme: str = ""
    opaque: str = ""
    user: str | None = None
    """Encoded, with the password behind a colon; None when there is no ``@``."""
    host: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""

    def __str__(self) -> str:
        text = f"{self.scheme}:" if self.scheme else ""
        if self.opaque:
            text += self.opaque
        else:
            text = self._with_location(text)
        if self.query:
            text += f"?{self.query}"
        return f"{text}#{_escape(self.fragment, _FRAGMENT)}" if self.fragment else text

    def _with_location(self, text: str) -> str:
        if (self.scheme and self.path) or self.host or self.user is not None:
            text += "//"
        if self.user is not None:
            text += f"{self.user}@"
        text += _escape(self.host, _HOST)
        path = "*" if self.path == "*" else _escape(self.path, _PATH)
        if path and path[0] != "/" and self.host:
            text += "/"
        if not text and ":" in path.partition("/")[0]:
            # Else the first segment would be taken for a scheme.
            text = "./"
        return text + path


def parse_url(text: str) -> Url:
    """Take a URL apart.

    Raises:
        FunctionError: ``parse "…": …`` as Go says it.
    """
    url, _, fragment = text.partition("#")
    try:
        parsed = _parse(url)
    except FunctionError as error:
        raise FunctionError(f"parse {quote(url)}: {error}") from None
    try:
        decoded = _unescape(fragment)
    except FunctionError as error:
        raise FunctionError(f"parse {quote(text)}: {error}") from None
    return Url(
        scheme=parsed.scheme,
        opaque=parsed.opaque,
        user=parsed.user,
        host=parsed.host,
        path=parsed.path,
        query=parsed.query,
        fragment=decoded,
    )


def _parse(text: str) -> Url:
    if any(char < " " or char == "\x7f" for char in text):
        raise FunctionError("net/url: invalid control character in URL")
    if text == "*":
        return Url(path="*")
    scheme, rest = _cut_scheme(text)
    scheme = scheme.lower()
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme=scheme, opaque=rest, query=query)
        if ":" in rest.partition("/")[0]:
            raise FunctionError("first path segment in URL cannot contain colon")
    user, host = None, ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        user, host = _parse_authority(authority)
    return Url(scheme=scheme, user=user, host=host, path=_unescape(rest), query=query)


def _cut_scheme(text: str) -> tuple[str, str]:
    for index, char in enumerate(text):
        if char.isascii() and char.isalpha():
            continue
        if char == ":":
            if index == 0:
                raise FunctionError("missing protocol scheme")
            return text[:index], text[index + 1 :]
        if char not in _SCHEME_LATER or index == 0:
            break
    return "", text


def _parse_authority(authority: str) -> tuple[str | None, str]:
    userinfo, at, host = authority.rpartition("@")
    host = _parse_host(host)
    if not at:
        return None, host
    if not set(userinfo) <= _USERINFO:
        raise FunctionError("net/url: invalid userinfo")
    name, colon, password = userinfo.partition(":")
    name, password = _unescape(name), _unescape(password)
    return _escape(name, _USER) + colon + _escape(password, _USER), host


def _parse_host(host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise FunctionError("invalid IP-literal")
    if bracket == 0:
        return _parse_ip_literal(host)
    if ":" in host:
        # Several colons pass, as in every program built for a Go before 1.26.
        _check_port(host[host.rfind(":") :])
    return _unescape_host(host)


def _parse_ip_literal(host: str) -> str:
    close = host.rfind("]")
    if close < 0:
        raise FunctionError("missing ']' in host")
    _check_port(host[close + 1 :])
    address, percent, zone = host[1:close].partition("%25")
    name = _unescape_host(address)
    if percent:
        name += _unescape_host(percent + zone, is_zone=True)
    _check_address(name)
    return f"[{name}]{host[close + 1 :]}"


def _check_address(name: str) -> None:
    """Only IPv6 addresses stand in brackets."""
    from ipaddress import AddressValueError, IPv4Address, IPv6Address  # noqa: PLC0415 - rarely needed

    address, percent, zone = name.partition("%")
    try:
        IPv6Address(address)
    except AddressValueError:
        pass
    else:
        if percent and not zone:
            raise FunctionError(
                f"invalid host: ParseAddr({quote(name)}): zone must be a non-empty string"
            )
        return
    try:
        IPv4Address(name)
    except AddressValueError:
        raise FunctionError(f"invalid host: ParseAddr({quote(name)}): unable to parse IP") from None
    raise FunctionError("invalid IP-literal")


def _check_port(colon_port: str) -> None:
    digits = colon_port[1:]
    if colon_port and not (
        colon_port[0] == ":" and (not digits or (digits.isascii() and digits.isdigit()))
    ):
        raise FunctionError(f"invalid port {quote(colon_port)} after host")


def _hostname(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or not (not port or (port.isascii() and port.isdigit())):
        name = host
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name


def _bad_escape(data: bytes, position: int) -> FunctionError:
    shown = from_bytes(data[position : position + 3])
    return FunctionError(f"invalid URL escape {quote(shown)}")


def _unescape(text: str) -> str:
    """Decode ``%41``; a plus sign stays."""
    if "%" not in text:
        return text
    data = to_bytes(text)
    result = bytearray()
    position = 0
    while position < len(data):
        if data[position] != ord("%"):
            result.append(data[position])
            position += 1
            continue
        digits = data[position + 1 : position + 3]
        if len(digits) < 2 or not set(digits) <= _HEX:  # noqa: PLR2004 - %41
            raise _bad_escape(data, position)
        result.append(int(digits, 16))
        position += 3
    return from_bytes(bytes(result))


def _unescape_host(text: str, *, is_zone: bool = False) -> str:
    """As ``_unescape``; of ASCII only what a host may hold, and escapes of no ASCII but ``%25``."""
    data = to_bytes(text)
    position = 0
    while position < len(data):
        byte = data[position]
        if byte == ord("%"):
            digits = data[position + 1 : position + 3]
            if len(digits) < 2 or not set(digits) <= _HEX:  # noqa: PLR2004 - %41
                raise _bad_escape(data, position)
            code = int(digits, 16)
            allowed = code in _HOST or code == ord(" ") if is_zone else code >= _ASCII
            if digits != b"25" and not allowed:
                raise _bad_escape(data, position)
            position += 3
            continue
        if byte < _ASCII and byte not in _HOST:
            raise FunctionError(f"invalid character {quote(chr(byte))} in host name")
        position += 1
    return _unescape(text)


def _escape(text: str, allowed: frozenset[int]) -> str:
    return "".join(chr(byte) if byte in allowed else f"%{byte:02X}" for byte in to_bytes(text))


@named("urlParse")
def url_parse(text: str) -> dict[str, Value]:
    """The parts of a URL by name.

    Raises:
        FunctionError: The text is no URL.
    """
    try:
        url = parse_url(text)
    except FunctionError as error:
        raise FunctionError(f"unable to parse url: {error}") from None
    return {
        "scheme": url.scheme,
        "host": url.host,
        "hostname": _hostname(url.host),
        "path": url.path,
        "query": url.query,
        "opaque": url.opaque,
        "fragment": url.fragment,
        "userinfo": url.user or "",
    }


@named("urlJoin")
def url_join(parts: dict[str, Value] | None) -> str:
    """The URL of such parts.

    Raises:
        FunctionError: A part is no string, or the user information is none.
    """

    def part(name: str) -> str:
        if not parts or name not in parts:
            return ""
        value = parts[name]
        kind = kind_of_type(value)
        if not isinstance(value, str):
            raise FunctionError(
                f"unable to parse {name} key, must be of type string, but {kind} found"
            )
        return value

    url = Url(
        scheme=part("scheme"),
        host=part("host"),
        path=part("path"),
        query=part("query"),
        opaque=part("opaque"),
        fragment=part("fragment"),
        user=_joined_user(part("userinfo")),
    )
    return str(url)


def _joined_user(userinfo: str) -> str | None:
    if not userinfo:
        return None
    try:
        return parse_url(f"proto://{userinfo}@host").user
    except FunctionError as error:
        raise FunctionError(f"unable to parse userinfo in dict: {error}") from None
