"""Dotenv files as GitLab's parser takes them."""

from exporter.ci.handover import dotenv


def test_every_output_is_one_line_without_quotes() -> None:
    assert dotenv({"references": "a:1\nb:2\n", "digest": "", "content-tags": '{"a":"t"}'}) == (
        'EXPORTER_REFERENCES=a:1 b:2\nEXPORTER_CONTENT_TAGS={"a":"t"}\n',
        (),
    )


def test_the_largest_outputs_are_left_out_until_the_file_fits() -> None:
    outputs = {
        "images": "x" * 6000,
        "references": "y" * 3000,
        "digest": "sha256:1",
        "r": "z" * 2500,
    }
    text, dropped = dotenv(outputs, most_bytes=5 * 1024)
    assert dropped == ("images", "references")
    assert text == f"EXPORTER_DIGEST=sha256:1\nEXPORTER_R={'z' * 2500}\n"
