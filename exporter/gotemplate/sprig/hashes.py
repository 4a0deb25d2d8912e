"""Checksums, and passwords derived from a master password."""

from typing import Final

from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.values import to_bytes

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)

_SEED: Final = b"com.lyndir.masterpassword"
_SCRYPT_MEMORY: Final = 128 * 1024 * 1024
_TEMPLATES: Final = {
    "maximum": "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
    "long": (
        "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno"
        " CvcvnoCvccCvcv CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno"
        " CvccnoCvccCvcv CvccCvccnoCvcv CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno"
        " CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno"
    ),
    "medium": "CvcnoCvc CvcCvcno",
    "short": "Cvcn",
    "basic": "aaanaaan aannaaan aaannaaa",
    "pin": "nnnn",
}
"""The password templates of the Master Password algorithm, by type."""
_CHARACTERS: Final = {
    "V": "AEIOU",
    "C": "BCDFGHJKLMNPQRSTVWXYZ",
    "v": "aeiou",
    "c": "bcdfghjklmnpqrstvwxyz",
    "A": "AEIOUBCDFGHJKLMNPQRSTVWXYZ",
    "a": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
    "n": "0123456789",
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
}
"""Which characters a letter of a template stands for."""


@named("sha256sum")
def sha256sum(text: str) -> str:
    """The SHA-256 sum in hexadecimal digits."""
    from hashlib import sha256  # noqa: PLC0415 - costs start-up time

    return sha256(to_bytes(text)).hexdigest()


@named("sha1sum")
def sha1sum(text: str) -> str:
    """The SHA-1 sum in hexadecimal digits."""
    from hashlib import sha1  # noqa: PLC0415 - costs start-up time

    return sha1(to_bytes(text), usedforsecurity=False).hexdigest()


@named("adler32sum")
def adler32sum(text: str) -> str:
    """The Adler-32 sum in decimal digits."""
    from zlib import adler32  # noqa: PLC0415 - costs start-up time

    return str(adler32(to_bytes(text)))


@named("derivePassword")
def derive_password(counter: int, kind: str, password: str, user: str, site: str) -> str:
    """The site's password by the Master Password algorithm."""
    import hmac  # noqa: PLC0415 - costs start-up time
    from hashlib import scrypt  # noqa: PLC0415 - costs start-up time

    templates = _TEMPLATES.get(kind, "").split()
    if not templates:
        return f"cannot find password template {kind}"
    key = scrypt(
        to_bytes(password), salt=_salt(user), n=32_768, r=8, p=2, maxmem=_SCRYPT_MEMORY, dklen=64
    )
    seed = hmac.digest(key, _salt(site) + counter.to_bytes(4, "big"), "sha256")
    template = templates[seed[0] % len(templates)]
    sets = [_CHARACTERS[letter] for letter in template]
    return "".join(chars[byte % len(chars)] for chars, byte in zip(sets, seed[1:], strict=False))


def _salt(name: str) -> bytes:
    data = to_bytes(name)
    return _SEED + len(data).to_bytes(4, "big") + data
