"""MurmurHash3 in the one form that werf uses for names."""

import mmh3


def murmur(text: str) -> str:
    """Give the 32-bit x86 hash (seed 0) of the UTF-8 text in hexadecimal, without padding."""
    return f"{mmh3.hash(text.encode('utf-8', 'surrogateescape'), signed=False):x}"
