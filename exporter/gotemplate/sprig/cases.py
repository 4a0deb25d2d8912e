"""Letter case: upper, lower, title, camelcase, snakecase, kebabcase, initials and the like.

Behaviour of Go's ``strings``, of Masterminds/goutils 1.1.1 and of huandu/xstrings 1.4.0.
"""

from collections.abc import Callable, Sequence
from typing import Final

from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprig.runes import (
    SPACES,
    category,
    is_space,
    runes,
    to_lower,
    to_title,
    to_upper,
)
from exporter.gotemplate.values import to_bytes

FUNCTIONS: Final[Implementations] = {}
named = register(FUNCTIONS)


@named("upper")
def upper(text: str) -> str:
    """Every letter in upper case."""
    return text.upper() if text.isascii() else "".join(map(to_upper, runes(text)))


@named("lower")
def lower(text: str) -> str:
    """Every letter in lower case."""
    return text.lower() if text.isascii() else "".join(map(to_lower, runes(text)))


@named("title")
def title(text: str) -> str:
    """The first letter of each word in title case; ``-``, ``.`` and ``'`` end words, ``_`` not."""
    result, before = [], " "
    for rune in runes(text):
        result.append(to_title(rune) if _separates(before) else rune)
        before = rune
    return "".join(result)


def _separates(rune: str) -> bool:
    if rune.isascii():
        return not (rune.isalnum() or rune == "_")
    return is_space(rune)


@named("untitle")
def untitle(text: str) -> str:
    """The first letter of each word in lower case."""
    result, at_start = [], True
    for rune in runes(text):
        space = is_space(rune)
        result.append(to_lower(rune) if at_start and not space else rune)
        at_start = space
    return "".join(result)


@named("swapcase")
def swapcase(text: str) -> str:
    """Upper case to lower and the other way round."""
    result, at_start = [], True
    for rune in runes(text):
        kind = category(rune)
        if kind in ("Lu", "Lt"):
            result.append(to_lower(rune))
            at_start = False
        elif kind == "Ll":
            result.append(to_title(rune) if at_start else to_upper(rune))
            at_start = False
        else:
            result.append(rune)
            at_start = is_space(rune)
    return "".join(result)


@named("initials")
def initials(text: str) -> str:
    """The first byte of each word, as goutils does: other letters than ASCII come out wrong."""
    result, at_start = [], True
    for char in to_bytes(text).decode("latin-1"):
        space = is_space(char)
        if at_start and not space:
            result.append(char)
        at_start = space
    return "".join(result)


@named("nospace")
def nospace(text: str) -> str:
    """The text without white space; byte by byte when there is some, as goutils does."""
    chars = to_bytes(text).decode("latin-1")
    kept = "".join(char for char in chars if char not in SPACES)
    return text if kept == chars else kept


@named("camelcase")
def camelcase(text: str) -> str:
    """``some_words`` becomes ``SomeWords``; leading connectors stay."""
    letters = runes(text)
    start = next((i for i, rune in enumerate(letters) if not _is_connector(rune)), None)
    if start is None:
        # xstrings writes the last connector twice.
        return letters + letters[-1:]
    result = [letters[:start]]
    current = to_upper(letters[start])
    for rune in letters[start + 1 :]:
        before, current = current, rune
        if not _is_connector(before) or _is_connector(current):
            result.append(before)
        else:
            current = to_upper(current)
    return "".join(result) + current


@named("snakecase")
def snakecase(text: str) -> str:
    """``HTTPServer`` becomes ``http_server``."""
    return _words_joined(text, "_")


@named("kebabcase")
def kebabcase(text: str) -> str:
    """``HTTPServer`` becomes ``http-server``."""
    return _words_joined(text, "-")


_END, _NUMBER, _UPPER, _LETTERS, _CONNECTOR, _PUNCTUATION, _OTHER = range(7)
_APART: Final = (_CONNECTOR, _PUNCTUATION)
_Word = tuple[int, str]
"""What kind of word, and its text."""
_Unit = tuple[str, str]
"""A piece of text and the rune that it counts as."""


def _units(text: str) -> list[_Unit]:
    """The runes; a byte that is no UTF-8 belongs to the rune behind it, at the end to the last."""
    units: list[_Unit] = []
    start = 0
    for end, rune in enumerate(runes(text), 1):
        if rune != "\ufffd":
            units.append((text[start:end], rune))
            start = end
    if start < len(text):
        units.append((text[start:], units[-1][1] if units else ""))
    return units


def _words_joined(text: str, connector: str) -> str:  # noqa: C901 - one state machine of xstrings
    """Lower-case words with connectors between them."""
    result: list[str] = []
    word, rest = _next_word(_units(text))

    def emit(word: _Word) -> None:
        result.append(_lowered(word, connector))

    def emit_run(word: _Word, rest: list[_Unit]) -> tuple[_Word, list[_Unit]]:
        """Letters and digits that follow a number belong to it."""
        while word[0] in (_LETTERS, _NUMBER):
            emit(word)
            word, rest = _next_word(rest)
        if word[0] != _END and word[0] not in _APART:
            result.append(connector)
        return word, rest

    while rest:
        before = word
        if before[0] != _CONNECTOR:
            emit(before)
        word, rest = _next_word(rest)
        if before[0] == _NUMBER:
            word, rest = emit_run(word, rest)
        elif before[0] == _CONNECTOR:
            emit(before)
        elif before[0] == _PUNCTUATION:
            pass
        elif word[0] != _NUMBER:
            if word[0] not in _APART:
                result.append(connector)
        elif rest:
            number = word
            word, rest = _next_word(rest)
            if word[0] == _LETTERS:
                # Letters after a number: the connector goes before the number.
                result.append(connector)
                emit(number)
                word, rest = emit_run(word, rest)
            else:
                emit(number)
                if word[0] not in _APART:
                    result.append(connector)
    emit(word)
    return "".join(result)


def _is_connector(rune: str) -> bool:
    return rune in "-_" or is_space(rune)


def _is_upper(rune: str) -> bool:
    return category(rune) == "Lu"


def _is_letter(rune: str) -> bool:
    """A letter of an alphabet; Chinese characters are none."""
    if category(rune)[0] != "L":
        return False
    return not (
        "\u4e00" <= rune <= "\u9fcc"
        or "\u3400" <= rune <= "\u4d85"
        or "\U00020000" <= rune <= "\U0002b81d"
    )


def _is_small(rune: str) -> bool:
    return _is_letter(rune) and not _is_upper(rune)


def _is_number(rune: str) -> bool:
    return category(rune)[0] == "N"


def _is_punctuation(rune: str) -> bool:
    return category(rune)[0] == "P"


def _is_other(rune: str) -> bool:
    return not (_is_connector(rune) or _is_letter(rune) or category(rune)[0] in "NP")


_KINDS: Final[Sequence[tuple[int, Callable[[str], bool]]]] = (
    (_CONNECTOR, _is_connector),
    (_PUNCTUATION, _is_punctuation),
    (_LETTERS, _is_small),
    (_NUMBER, _is_number),
    (_OTHER, _is_other),
)
"""The kinds of words that are runs of runes of one sort; capitals have rules of their own."""


def _next_word(units: list[_Unit]) -> tuple[_Word, list[_Unit]]:
    """The first word with its kind, and what follows it."""
    if not units or not units[0][1]:
        return (_END, "".join(text for text, _ in units)), []
    first = units[0][1]
    if _is_upper(first):
        kind, end = _UPPER, _upper_word_end(units)
    else:
        kind, belongs = next((kind, belongs) for kind, belongs in _KINDS if belongs(first))
        end = _run(units, 1, belongs)
    return (kind, "".join(text for text, _ in units[:end])), units[end:]


def _upper_word_end(units: list[_Unit]) -> int:
    """Where ``HTTP`` of ``HTTPServer``, or ``Server`` of ``ServerName``, ends."""
    capitals = _run(units, 1, _is_upper)
    if capitals == 1:
        return _run(units, 1, _is_small)
    if capitals < len(units) and _is_letter(units[capitals][1]):
        return capitals - 1
    return capitals


def _run(units: list[_Unit], start: int, belongs: Callable[[str], bool]) -> int:
    """The end of the run of runes that belong, from ``start`` on."""
    end = start
    while end < len(units) and belongs(units[end][1]):
        end += 1
    return end


def _lowered(word: _Word, connector: str) -> str:
    """A word in lower case when it is one of capitals; connectors all become ``connector``."""
    kind, text = word
    if kind not in (_CONNECTOR, _UPPER):
        return text
    return "".join(
        connector if _is_connector(rune) else to_lower(rune) if _is_upper(rune) else rune
        for rune in runes(text)
    )
