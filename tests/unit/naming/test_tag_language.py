import pytest

from exporter.gotemplate.failure import GoTemplateError
from exporter.naming.tag_language import fill_label

VALUES = {"project": "demo", "image": "a+b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<%image%>&%project%", "<a&#43;b>&demo"),
        ("%.Image%-%.Project%", "a&#43;b-demo"),
        ("%with .Project%%.%%end%", "demo"),
        ("%.%", "{demo a&#43;b}"),
    ],
)
def test_a_label_is_filled_in_as_werf_does(text: str, expected: str) -> None:
    assert fill_label(text, VALUES) == expected


def test_a_label_knows_no_other_field() -> None:
    with pytest.raises(GoTemplateError, match="can't evaluate field Tag in type"):
        fill_label("%.Tag%", VALUES)
