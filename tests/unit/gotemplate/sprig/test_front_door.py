import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from exporter.gotemplate.function import parse_signature
from exporter.gotemplate.sprig import functions
from exporter.gotemplate.sprig.catalogue import SIGNATURES
from tests.unit.gotemplate.sprig.calls import RUNTIME

PROJECT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("topic", SIGNATURES)
def test_a_topic_implements_exactly_what_the_catalogue_lists(topic: str) -> None:
    module = import_module(f"exporter.gotemplate.sprig.{topic}")

    implemented = {*getattr(module, "FUNCTIONS", {}), *getattr(module, "RUNTIME_FUNCTIONS", {})}

    assert implemented == set(SIGNATURES[topic])


def test_every_signature_can_be_read() -> None:
    for function in functions(RUNTIME).values():
        assert parse_signature(function.signature).result


def test_no_function_is_listed_twice() -> None:
    names = [name for signatures in SIGNATURES.values() for name in signatures]

    assert len(names) == len(set(names))


def test_what_werf_takes_away_or_replaces_is_not_here() -> None:
    assert not {"expandenv", "env", "include", "tpl"} & set(functions(RUNTIME))


def test_building_the_map_imports_no_implementation() -> None:
    program = (
        "import sys; from exporter.gotemplate.sprig import functions; functions(None);"
        "print(sorted(name for name in sys.modules if name.startswith('exporter.gotemplate.sprig.')"
        " or name in ('re2', 'json', 'hashlib', 'datetime')))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout

    assert (
        loaded == "['exporter.gotemplate.sprig.catalogue', 'exporter.gotemplate.sprig.runtime']\n"
    )
