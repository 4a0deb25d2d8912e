# ruff: noqa: E501 - one case is one line, whatever its length
import pytest

from exporter.gotemplate.printf import sprint_all, sprintf, sprintln
from exporter.gotemplate.values import NO_VALUE, AnyMap, GoObject, Int64, IntSlice, Uint64, Value
from tests.unit.gotemplate.engine import Thing


class Named(GoObject):
    """Has a String method."""

    __slots__ = ()

    def go_string(self) -> str:
        return "named"


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("%s-%d-%v", ("a", 1, None), "a-1-<nil>"),
        ("%s", (1,), "%!s(int=1)"),
        ("%d", ("x",), "%!d(string=x)"),
        ("%d", (None,), "%!d(<nil>)"),
        ("%d %d", (1,), "1 %!d(MISSING)"),
        ("%d", (1, 2.5, None), "1%!(EXTRA float64=2.5, <nil>)"),
        ("%!", (), "%!!(MISSING)"),
        ("%", (), "%!(NOVERB)"),
        ("100%%", (), "100%"),
        ("%[2]d %[1]d", (1, 2), "2 1"),
        ("%[9]d", (1,), "%!d(BADINDEX)"),
        ("%*d|%-*d", (5, 1, 3, 2), "    1|2  "),
        ("%*d", ("x", 1), "%!(BADWIDTH)1"),
        ("%.*f", (2, 1.005), "1.00"),
        ("%05d|%+d|% d|%x|%X|%#x|%o|%#o|%O|%b", (42, 1, 2, 255, 255, 255, 8, 8, 8, 5), "00042|+1| 2|ff|FF|0xff|10|010|0o10|101"),
        ("%c %q %U %#U", (65, 65, 65, 65), "A 'A' U+0041 U+0041 'A'"),
        ("%6.2f|%-8.3e|%g|%G|%08.3f|%+.1f", (3.14159, 1.5, 1e21, 1e-7, -3.14159, 2.0), "  3.14|1.500e+00|1e+21|1E-07|-003.142|+2.0"),
        ("%v %v %v", (1e6, 123456789.0, float("inf")), "1e+06 1.23456789e+08 +Inf"),
        ("%q|%+q|%#q|%x|% x|%.2s|%5s|%-5s|%05s", ('a"é', "é", "a", "hi", "hi", "héllo", "a", "a", "a"), '"a\\"é"|"\\u00e9"|`a`|6869|68 69|hé|    a|a    |0000a'),
        ("%t %v", (True, False), "true false"),
        ("%v %d %s", ([1, "a", None], [1, "a"], ["x", 1]), "[1 a <nil>] [1 %!d(string=a)] [x %!s(int=1)]"),
        ("%v %#v", ({"b": 1, "a": None}, {"a": [1, "x", None]}), 'map[a:<nil> b:1] map[string]interface {}{"a":[]interface {}{1, "x", interface {}(nil)}}'),
        ("%T %T %T %T", (1, Int64(1), AnyMap(), IntSlice()), "int int64 map[interface {}]interface {} []int"),
        ("%v %s %x %#v", (b"ab", b"ab", b"ab", b"ab"), "[97 98] ab 6162 []byte{0x61, 0x62}"),
        ("%v %.1f", (1 + 2j, 1 + 2j), "(1+2i) (1.0+2.0i)"),
        ("%d %#v", (Uint64(2**64 - 1), Uint64(16)), "18446744073709551615 0x10"),
        ("%v %+v", (Thing(), Thing()), "&{thing} &{Name:thing}"),
        ("%p %p", ({}, 1), "0xc000000000 %!p(int=1)"),
        ("%w %w", ([1], "a"), "%!w([]interface {}=[1]) %!w(string=a)"),
        ("%t %d %e", (1, True, "a"), "%!t(int=1) %!d(bool=true) %!e(string=a)"),
        ("%d", (b"ab",), "[97 98]"),
        ("%s", ([b"ab"],), "[ab]"),
        ("%d", ([b"ab", None],), "[[97 98] <nil>]"),
        ("%#v %#v %#v", (Thing(), [Thing()], NO_VALUE), '&test.Thing{Name:"thing"} []interface {}{0xc000000000} <nil>'),
        ("%d %d", (Thing(), [Thing()]), "&{%!d(string=thing)} [%!d(*test.Thing=&{thing})]"),
        ("%s %x", (Named(), [Named()]), "named [6e616d6564]"),
        ("%[x]d|%[|%[1]", (1,), "%!d(BADINDEX)|%!(NOVERB)"),
        ("%.*d|%.-1d|%.", (-1, 5), "%!(BADPREC)5|%!-(MISSING)1d|%!.(MISSING)"),
        ("%*d", (-3, 1), "1  "),
        ("%*d", (1 << 40, 1), "%!(BADWIDTH)1"),
        ("%[1]*d", (3,), "%!d(MISSING)"),
        ("%.0d|%5.3d|%#b|%+q|% x|%#x|%# x|%5x", (0, 7, 5, "é", "ab", "ab", "ab", ""), '|  007|0b101|"\\u00e9"|61 62|0x6162|0x61 0x62|     '),
        ("%#g|%#.3x|%#e|%#.0f|%+08.2f|% f", (1.0, 1.0, 1.0, 1.0, 1.5, 1.5), "1.00000|0x1.000p+00|1.000000e+00|1.|+0001.50| 1.500000"),
        ("%+v %+v % v %08v", (float("inf"), float("nan"), float("nan"), float("-inf")), "+Inf NaN  NaN     -Inf"),
        ("%#U %c %q", (-1, -1, 0x110000), "U+FFFFFFFFFFFFFFFF \ufffd '\ufffd'"),
        ("%z", (1j,), "%!z(complex128=(0+1i))"),
        ("%99999999d", (1,), "%!(NOVERB)%!(EXTRA int=1)"),
    ],
)  # fmt: skip
def test_verbs(text: str, args: tuple[Value, ...], expected: str) -> None:
    assert sprintf(text, *args) == expected


def test_print_puts_a_space_between_two_values_that_are_no_strings() -> None:
    assert sprint_all(1, 2, "a", 3, "b", "c", None, None) == "1 2a3bc<nil> <nil>"


def test_println_always_puts_a_space() -> None:
    assert sprintln("a", "b", 1) == "a b 1\n"
