"""Go's view of characters: one rune maps to one rune, and white space is Unicode's."""

import unicodedata
from typing import Final

SPACES: Final = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""``unicode.IsSpace``; Python's ``str.isspace`` takes four control characters more."""

_BROKEN: Final = {0xDC00 + byte: "\ufffd" for byte in range(0x80, 0x100)}


def runes(text: str) -> str:
    """``[]rune(text)``: a byte that is no UTF-8 becomes U+FFFD."""
    return text if text.isascii() else text.translate(_BROKEN)


def is_space(rune: str) -> bool:
    """``unicode.IsSpace``."""
    return rune in SPACES


def category(rune: str) -> str:
    """The Unicode category, two letters: ``Lu``, ``Nd``, ``Po`` …."""
    return unicodedata.category(rune)


def to_upper(rune: str) -> str:
    """``unicode.ToUpper``: always one rune, so ``ß`` stays."""
    upper = rune.upper()
    return upper if len(upper) == 1 else to_title(rune)


def to_title(rune: str) -> str:
    """``unicode.ToTitle``: always one rune."""
    title = rune.title()
    return title if len(title) == 1 else rune


def to_lower(rune: str) -> str:
    """``unicode.ToLower``: always one rune; Python makes two of the dotted capital I."""
    return rune.lower()[0]
