import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.oci.document import Json, MalformedError, View, read_object, write_object

VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # any code point, lone surrogates included
    | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(), max_size=6), VALUES, max_size=5))
def test_an_object_survives_writing_and_reading(value: dict[str, Json]) -> None:
    raw = write_object(value)
    assert read_object(raw) == value
    assert list(read_object(raw)) == list(value)
    assert write_object(read_object(raw)) == raw


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not JSON"),
        (b"[]", "a JSON object was expected, found a list"),
        (b'"x"', "found a string"),
        (b"1", "found the number 1"),
        (b"null", "found null"),
        (b"true", "found a boolean"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b"\xff", "not JSON"),
    ],
    ids=["empty", "list", "string", "number", "null", "boolean", "nan", "deep", "bytes"],
)
def test_what_is_no_object_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        read_object(raw)


def test_a_view_reads_by_type() -> None:
    view = View({"t": "x", "n": 3, "l": ["a", "b"], "m": {"k": "v"}, "o": [{"t": "y"}], "z": None})
    assert (view.text("t"), view.size("n"), view.texts("l"), view.text_map("m")) == (
        "x",
        3,
        ("a", "b"),
        {"k": "v"},
    )
    assert [inner.text("t") for inner in view.views("o")] == ["y"]
    assert view.view("z") is None
    assert (view.texts("z"), view.text_map("z"), list(view.views("z"))) == ((), {}, [])
    assert view.text("absent", "default") == "default"
    inner = view.view("m")
    assert inner is not None
    assert inner.path == "m"


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda view: view.text("absent"), "a.absent is missing"),
        (lambda view: view.text("n"), "a.n must be a string, found the number 1"),
        (lambda view: view.size("t"), "a.t must be a size in bytes, found a string"),
        (lambda view: view.size("negative"), "a.negative must be a size in bytes"),
        (lambda view: view.size("yes"), "found a boolean"),
        (lambda view: view.size("absent"), "found nothing"),
        (lambda view: view.view("n"), "a.n must be an object"),
        (lambda view: list(view.views("t")), "a.t must be a list"),
        (lambda view: list(view.views("l")), r"a.l\[0\] must be an object"),
        (lambda view: view.texts("l"), "a.l must be a list of strings"),
        (lambda view: view.text_map("t"), "a.t must be an object"),
        (lambda view: view.text_map("m"), "a.m must be an object of strings"),
    ],
)
def test_a_wrong_type_names_its_path(read: object, message: str) -> None:
    values: dict[str, Json] = {
        "n": 1,
        "t": "x",
        "negative": -1,
        "yes": True,
        "l": [1],
        "m": {"k": 1},
    }
    assert callable(read)
    with pytest.raises(MalformedError, match=message):
        read(View(values, "a"))
