"""Encryption, certificates and password hashes.

AES is here; keys, certificates and bcrypt are not: they would need a cryptography library, and what
they give is different each time, so a configuration with them could never be built twice alike.
"""

import re
from collections.abc import Callable
from typing import Final

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.encoding import decode_base64
from exporter.gotemplate.sprig.objects import LibraryObject
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprig.runtime import Runtime
from exporter.gotemplate.values import Value, from_bytes, to_bytes

FUNCTIONS: Final[Implementations] = {}
RUNTIME_FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)
outside = register(RUNTIME_FUNCTIONS)

_KEY_BYTES: Final = 32
_PEM: Final = re.compile(
    rb"^-----BEGIN (?P<kind>[^\n]*?)-----[ \t]*\r?\n(?P<body>.*?)^-----END (?P=kind)-----",
    re.MULTILINE | re.DOTALL,
)


class Certificate(LibraryObject):
    """A certificate and its private key, both in PEM."""

    __slots__ = ("cert", "key")
    go_type = "sprig.certificate"

    def __init__(self, cert: str, key: str) -> None:
        self.cert = cert
        self.key = key

    def go_fields(self) -> dict[str, Value]:
        """``Cert`` and ``Key``."""
        return {"Cert": self.cert, "Key": self.key}


def _key(password: str) -> bytes:
    return to_bytes(password)[:_KEY_BYTES].ljust(_KEY_BYTES, b"\0")


@outside("encryptAES")
def encrypt_aes(runtime: Runtime, password: str, text: str) -> str:
    """The text in AES-256-CBC under the password, with a random vector in front, in base64."""
    from base64 import b64encode  # noqa: PLC0415 - costs start-up time

    from exporter.gotemplate.sprig import aes  # noqa: PLC0415 - makes its tables when imported

    if not text:
        return ""
    data = to_bytes(text)
    padding = aes.BLOCK - len(data) % aes.BLOCK
    vector = runtime.random_bytes(aes.BLOCK)
    sealed = aes.encrypt_cbc(_key(password), vector, data + bytes([padding]) * padding)
    return b64encode(vector + sealed).decode()


@named("decryptAES")
def decrypt_aes(password: str, text: str) -> str:
    """What ``encryptAES`` encrypted.

    Raises:
        FunctionError: It is no such thing, as Go panics.
    """
    from exporter.gotemplate.sprig import aes  # noqa: PLC0415 - makes its tables when imported

    if not text:
        return ""
    data = decode_base64(text)
    if len(data) < aes.BLOCK:
        capacity = len(text.replace("\n", "").replace("\r", "")) // 4 * 3
        if capacity < aes.BLOCK:
            raise FunctionError(
                f"runtime error: slice bounds out of range [:{aes.BLOCK}] with capacity {capacity}"
            )
        raise FunctionError(f"runtime error: slice bounds out of range [{aes.BLOCK}:{len(data)}]")
    vector, sealed = data[: aes.BLOCK], data[aes.BLOCK :]
    if len(sealed) % aes.BLOCK:
        raise FunctionError("crypto/cipher: input not full blocks")
    if not sealed:
        raise FunctionError("runtime error: index out of range [-1]")
    opened = aes.decrypt_cbc(_key(password), vector, sealed)
    end = len(opened) - opened[-1]
    if end < 0:
        raise FunctionError(f"runtime error: slice bounds out of range [:{end}]")
    return from_bytes(opened[:end])


@named("buildCustomCert")
def build_custom_cert(cert: str, key: str) -> Certificate:
    """A certificate from its two PEM texts in base64; their inner structure is not looked at.

    Raises:
        FunctionError: One of them is no base64, or no PEM.
    """
    texts = []
    for text, name in ((cert, "certificate"), (key, "private key")):
        try:
            texts.append(decode_base64(text))
        except FunctionError:
            raise FunctionError(f"unable to decode base64 {name}") from None
    if not _PEM.search(texts[0]):
        raise FunctionError("unable to decode certificate")
    block = _PEM.search(texts[1])
    if block is None:
        raise FunctionError("error parsing private key: no PEM data in input")
    kind = from_bytes(block["kind"])
    if kind != "PRIVATE KEY" and not kind.endswith(" PRIVATE KEY"):
        raise FunctionError(
            f"error parsing private key: no private key data in PEM block of type {kind}"
        )
    return Certificate(from_bytes(texts[0]), from_bytes(texts[1]))


@named("genPrivateKey")
def gen_private_key(kind: str) -> str:
    """A new private key in PEM; the original's text for an unknown kind."""
    if kind in ("", "rsa", "dsa", "ecdsa", "ed25519"):
        raise _refusal("genPrivateKey")
    return f"Unknown type {kind}"


@named("htpasswd")
def htpasswd(user: str, _password: str) -> str:
    """A line of a password file; the original's text for an impossible user name."""
    if ":" in user:
        return f"invalid username: {user}"
    raise _refusal("htpasswd")


def _refusal(name: str) -> FunctionError:
    return FunctionError(
        f"{name} is not supported: it needs a cryptography library, and its result is different "
        "each time. Create the value outside and pass it in, for example as a secret"
    )


def _refusing(name: str) -> Callable[..., Value]:
    def refuse(*_arguments: Value) -> Value:
        raise _refusal(name)

    return refuse


for _name in (
    "bcrypt",
    "genCA",
    "genCAWithKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
):
    named(_name)(_refusing(_name))
