import pytest

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig.semver import Version, VersionValue
from tests.unit.gotemplate.sprig.calls import call


@pytest.mark.parametrize(
    ("constraint", "version", "expected"),
    [
        pytest.param("^0", "0.9.0", True, id="caret of zero"),
        pytest.param("^0.0", "0.1.0", False, id="caret of zero minor"),
        pytest.param("!=1.2.3", "1.2.3-rc", True, id="a prerelease is another version"),
        pytest.param("!=1.2", "1.2.3-rc", False, id="no prerelease for an open version"),
        pytest.param("~*", "7.0.0", True, id="tilde of anything"),
        pytest.param("<=1.2.x", "1.2.9", True, id="up to an open version"),
        pytest.param("1.0 - 2.x, !=1.5.0", "1.5.0", False, id="range and exception"),
        pytest.param(">=1.0.0-alpha.2", "1.0.0-alpha.10", True, id="numbers in prereleases"),
        pytest.param(">1.0.0-1", "1.0.0-a", True, id="words after numbers"),
        pytest.param("^1.2.x-beta", "1.3.0-alpha", True, id="open with prerelease"),
    ],
)
def test_constraints(
    constraint: str,
    version: str,
    expected: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    assert call("semverCompare", constraint, version) is expected


@pytest.mark.parametrize("constraint", ["", "||", "1.2.3.4", "==1", "1 and 2", "1|2.3"])
def test_an_improper_constraint_is_an_error(constraint: str) -> None:
    with pytest.raises(FunctionError, match=r"^(improper constraint: |constraint Parser Error)"):
        call("semverCompare", constraint, "1.2.3")


def test_a_number_of_a_constraint_must_fit_64_bits() -> None:
    with pytest.raises(FunctionError, match=r"^constraint Parser Error$"):
        call("semverCompare", ">99999999999999999999", "1.2.3")


def test_versions_can_be_map_keys() -> None:
    assert len({call("semver", "1.2.3"), call("semver", "1.2.3")}) == 1


def test_a_number_must_fit_64_bits() -> None:
    with pytest.raises(FunctionError, match="value out of range"):
        call("semver", "99999999999999999999")


def test_the_next_version_is_a_value_with_fewer_methods() -> None:
    following = Version.go_methods["IncMinor"].call(call("semver", "v1.2.3-rc+b"))

    assert isinstance(following, VersionValue)
    assert (following.go_string(), following.original) == ("1.3.0", "v1.3.0")
    assert "Compare" not in following.go_methods
    assert "IncPatch" in following.go_methods


def test_a_deep_copy_of_a_version_is_zero_as_in_the_original() -> None:
    copied = call("deepCopy", call("semver", "1.2.3"))

    assert isinstance(copied, Version)
    assert copied.go_string() == "0.0.0"
