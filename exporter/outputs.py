"""The outputs of a run, by name: what ``action.yml`` declares and the documentation shows.

They are written as soon as they are known, also when the run fails.
"""

from collections.abc import Mapping

OUTPUTS: Mapping[str, str] = {
    "images": (
        "JSON object, image name to its digest, content tag, stage, platforms (each with its "
        "digest) and references (each with registry, repository, tag, digest, status and "
        "previous digest)."
    ),
    "references": "References that are in place, one per line.",
    "references-with-digests": "The same references as name:tag@digest, one per line.",
    "digest": "Digest of the exported image when there is exactly one.",
    "content-tags": "JSON object, image name to the content-based tag in `repo`.",
    "attest-subjects": (
        "JSON list of {subject-name, subject-digest}, a matrix for an attestation job."
    ),
    "cosign-references": "repository@digest of everything exported, one per line, each once.",
    "subject-checksums": (
        "Path of a file of checksums and names of everything exported, for an attestation step."
    ),
    "report": "Path of the JSON report of the run.",
    "result": "success, planned, partial, failure or interrupted.",
}
