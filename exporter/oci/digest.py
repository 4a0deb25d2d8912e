"""Digests: the algorithm and the hexadecimal hash of some bytes."""

import hashlib
import re
from typing import Self

# The registered algorithms of the OCI image specification, section "Digests".
_FORM = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class Digest(str):
    """``algorithm:hex``; a value that exists is valid. Compares and hashes as its text."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the form.

        Raises:
            ValueError: The text is not a digest of a registered algorithm.
        """
        if not _FORM.fullmatch(text):
            raise ValueError(f"not a digest: {text[:200]!r}")
        return super().__new__(cls, text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The digest that ``text`` spells; ValueError when it does not."""
        return cls(text)

    @classmethod
    def of(cls, content: bytes) -> Self:
        """The SHA-256 digest of the bytes."""
        return cls("sha256:" + hashlib.sha256(content).hexdigest())

    @property
    def algorithm(self) -> str:
        """``sha256`` or ``sha512``, as ``hashlib`` names them."""
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        """The part behind the colon."""
        return self.partition(":")[2]
