"""in-toto statements: what an attestation says, and of which content.

BuildKit keeps them as they are. Signed ones come in an envelope, which is not touched.
"""

from collections.abc import Mapping

from exporter.oci.digest import Digest
from exporter.oci.document import Json, MalformedError, read_object, write_object

_TYPE = "https://in-toto.io/Statement/"


def with_subjects(raw: bytes, moved: Mapping[Digest, Digest]) -> bytes:
    """The statement with the digests of its subjects replaced.

    Everything else is kept, and the very same bytes when no subject has moved or when this is no
    plain statement (a signed one, or something else).
    """
    try:
        statement = read_object(raw)
    except MalformedError:
        return raw
    subjects = statement.get("subject")
    kind = statement.get("_type")
    if not (isinstance(kind, str) and kind.startswith(_TYPE) and isinstance(subjects, list)):
        return raw
    changed = [_moved(subject, moved) for subject in subjects]
    return raw if changed == subjects else write_object({**statement, "subject": changed})


def _moved(subject: Json, moved: Mapping[Digest, Digest]) -> Json:
    digests = subject.get("digest") if isinstance(subject, Mapping) else None
    if not isinstance(subject, Mapping) or not isinstance(digests, Mapping):
        return subject
    for old, new in moved.items():
        if digests.get(old.algorithm) == old.hex:
            return {**subject, "digest": {new.algorithm: new.hex}}
    return subject
