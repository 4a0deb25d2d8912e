"""BuildKit's documented forms of variables, quotes and escapes, and its odd corners."""

import pytest

from exporter.build.dockerfile.expand import (
    ExpansionError,
    WordRules,
    process_word,
    process_words,
)

VARIABLES = {
    "HOME": "/home",
    "SHELL": "bash",
    "EMPTY": "",
    "FILE": "/srv/app/data.tar.gz",
    "WORD": "xxyy",
    "STARS": "a***yy*",
    "SLASH": "/",
}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("hello", "hello"),
        ("he'll'o", "hello"),
        (r"he\'llo", "he'llo"),
        (r"abc\tdef", "abctdef"),
        (r'"abc\tdef"', r"abc\tdef"),
        (r'"abc\\tdef"', r"abc\tdef"),
        (r"'abc\tdef'", r"abc\tdef"),
        ("hello\\", "hello"),
        ("hello\\\\", "hello\\"),
        ('"hel\'lo"', "hel'lo"),
        ("two  words ", "two  words "),
        ("$.", "$."),
        ("he$1x", "hex"),
        ("he$HOME.", "he/home."),
        (r"he\$HOME", "he$HOME"),
        (r'"he\$HOME"', "he$HOME"),
        ("'$HOME'", "$HOME"),
        ("$UNSET-x", "-x"),
        ("${HOME}x", "/homex"),
        ("${UNSET}x", "x"),
        ("${aaa}}", "}"),
        ("$(date)", "$(date)"),
        ("$$", ""),
        ("$0$@$#x", "x"),
        ("$KÖNIG", ""),
    ],
)
def test_quotes_escapes_and_plain_variables(word: str, expected: str) -> None:
    assert process_word(word, VARIABLES) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${UNSET:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${HOME:-d}", "/home"),
        ("${UNSET:-$HOME}", "/home"),
        ("${UNSET:-${ALSO_UNSET:-deep}}", "deep"),
        (r"${UNSET:-\${HOME}z}x", "${HOMEz}x"),
        ("${HOME:+set}", "set"),
        ("${EMPTY:+set}", ""),
        ("${EMPTY+set}", "set"),
        ("${HOME?message}", "/home"),
        ("${FILE#*/}", "srv/app/data.tar.gz"),
        ("${FILE##*/}", "data.tar.gz"),
        ("${FILE%.*}", "/srv/app/data.tar"),
        ("${FILE%%.*}", "/srv/app/data"),
        ("${WORD#?x}", "yy"),
        (r"${STARS%%\**\*}", "a"),
        ("${FILE/app/web}", "/srv/web/data.tar.gz"),
        (r"${FILE//\//-}", "-srv-app-data.tar.gz"),
        ("${FILE//$SLASH/.}", ".srv.app.data.tar.gz"),
        ("${FILE/[a]/x}", "/srv/app/data.tar.gz"),
        ("${UNSET#x}", ""),
    ],
)
def test_modifiers(word: str, expected: str) -> None:
    assert process_word(word, VARIABLES) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("it's", "looking for matching single-quote"),
        ('"open', "looking for matching double-quote"),
        ('"open\\"', "looking for matching double-quote"),
        ("${HOME", "unsupported modifier"),
        ("${HOME:-x", "missing '}'"),
        ("${FILE/a", "missing '/' in ${}"),
        ("${", "missing '}'"),
        ("${}", "bad substitution"),
        ("${:-x}", "bad substitution"),
        ("${HOME:=x}", "unsupported modifier (:=)"),
        ("${HOME^^}", "unsupported modifier (^)"),
        ("${UNSET?}", "UNSET: is not allowed to be unset"),
        ("${EMPTY:?}", "EMPTY: is not allowed to be empty"),
        ("${UNSET:?give it a value}", "UNSET: give it a value"),
        (r"${WORD#\x}", "invalid escape"),
    ],
)
def test_what_cannot_be_expanded_is_said(word: str, message: str) -> None:
    with pytest.raises(ExpansionError) as caught:
        process_word(word, VARIABLES)
    assert message in str(caught.value)


def test_the_escape_character_is_a_parameter() -> None:
    rules = WordRules(escape="`")
    assert process_word(r"c:\dir `$HOME `` $HOME", VARIABLES, rules) == r"c:\dir $HOME ` /home"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  b\tc", ("a", "b", "c")),
        ("a' b 'c d", ("a b c", "d")),
        (r"a\ b c", ("a b", "c")),
        ("a$SPACED b", ("ax", "y", "b")),
        ('a"$SPACED" b', ("ax  y", "b")),
        ("$EMPTY", ()),
        ("cat << EOF >x", ("cat", "<< EOF", ">x")),
    ],
)
def test_words_are_split_after_expansion(text: str, expected: tuple[str, ...]) -> None:
    assert process_words(text, {"SPACED": "x  y", "EMPTY": ""}) == expected


def test_raw_words_keep_what_is_not_for_us() -> None:
    rules = WordRules(raw_quotes=True, raw_escapes=True, keep_unset=True)
    text = r"""echo "a b" 'c' \d $E ${F:-g} ${H#i} ${J/k/l}"""
    assert process_words(text, {}, rules) == (
        "echo",
        '"a b"',
        "'c'",
        r"\d",
        "$E",
        "${F:-g}",
        "${H#i}",
        "${J/k/l}",
    )
