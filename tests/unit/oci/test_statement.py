"""Statements of attestations follow their image."""

import json

import pytest

from exporter.oci.digest import Digest
from exporter.oci.statement import with_subjects

OLD, NEW, OTHER = (Digest(f"sha256:{letter * 64}") for letter in "abc")
SUBJECTS = [
    {"name": "pkg:docker/app@v1", "digest": {"sha256": OLD.hex}},
    {"name": "elsewhere", "digest": {"sha256": OTHER.hex}},
]
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v0.1",
    "predicateType": "https://slsa.dev/provenance/v0.2",
    "subject": SUBJECTS,
    "predicate": {"materials": [{"digest": {"sha256": OLD.hex}}], "number": 1.0},
}


def test_only_subjects_that_moved_change() -> None:
    raw = json.dumps(STATEMENT, indent=1).encode()
    changed = json.loads(with_subjects(raw, {OLD: NEW}))
    subject = {"name": "pkg:docker/app@v1", "digest": {"sha256": NEW.hex}}
    assert changed == {**STATEMENT, "subject": [subject, SUBJECTS[1]]}
    assert list(changed) == list(STATEMENT)


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({**STATEMENT, "subject": [SUBJECTS[1]]}, indent=1).encode(),
        json.dumps({"payloadType": "x", "payload": "e30=", "signatures": [{}]}).encode(),
        json.dumps({**STATEMENT, "_type": "https://example.org/other"}).encode(),
        json.dumps({**STATEMENT, "subject": "text"}).encode(),
        json.dumps({**STATEMENT, "subject": ["text", {"digest": "text"}, {}]}).encode(),
        b"not json",
        b"[]",
    ],
    ids=["other-subject", "signed", "other-type", "no-list", "odd-subjects", "no-json", "list"],
)
def test_everything_else_keeps_its_bytes(raw: bytes) -> None:
    assert with_subjects(raw, {OLD: NEW}) is raw
