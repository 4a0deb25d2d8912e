"""What is changed on the way out."""

from exporter.oci.config import parse_config
from exporter.oci.edit import edit_labels
from exporter.options import Options
from exporter.outgoing import mutation_of


def test_labels_of_werf_are_removed_before_others_are_added() -> None:
    config = parse_config(
        b'{"os":"linux","architecture":"amd64","config":{"Labels":{"werf":"p","werf.io/x":"y",'
        b'"werfoo":"z","Werf":"kept","own":"1"}}}'
    )
    mutation = mutation_of(Options(command="export", add_label=("own=2", "werf=back")))
    changed = edit_labels(
        config, remove_prefixes=mutation.remove_label_prefixes, add=mutation.add_labels
    )
    assert changed.labels == {"Werf": "kept", "own": "2", "werf": "back"}
