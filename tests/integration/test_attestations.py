"""Attestations that BuildKit made follow an image whose labels change."""

import json
import subprocess

import pytest

from tests.images import pull
from tests.integration.runs import REGISTRY, Workplace

pytestmark = [pytest.mark.engine, pytest.mark.registry]


def test_provenance_is_about_the_exported_image(workplace: Workplace) -> None:
    source = f"{REGISTRY}/{workplace.unique}/source:1"
    project = workplace.project.path
    (project / "Dockerfile").write_text("FROM scratch\nLABEL werf=test\nCOPY file /\n")
    (project / "file").write_text(workplace.unique)
    output = f"type=image,push=true,oci-mediatypes=true,name={source}"
    argv = [
        "docker",
        "buildx",
        "build",
        "--quiet",
        "--provenance=mode=max",
        "--output",
        output,
        ".",
    ]
    subprocess.run(argv, cwd=project, check=True, capture_output=True)
    promote = ["promote", "--from", source, "--tag", workplace.tag]
    assert workplace.run(*promote).code == 0

    image, attestation = pull(workplace.tag).manifest["manifests"]
    assert pull(source).manifest["manifests"][0]["digest"] != image["digest"]
    assert attestation["annotations"]["vnd.docker.reference.digest"] == image["digest"]
    proof = pull(workplace.tag).child(attestation["digest"])
    (layer,) = proof.manifest["layers"]
    statement = json.loads(proof.blob(layer["digest"]))
    (subject,) = statement["subject"]
    assert f"sha256:{subject['digest']['sha256']}" == image["digest"]
    if "subject" in proof.manifest:  # of newer BuildKits
        assert proof.manifest["subject"]["digest"] == image["digest"]
    else:
        assert proof.config["rootfs"]["diff_ids"] == [layer["digest"]]
    argv = ["docker", "buildx", "imagetools", "inspect", "--format", "{{json .Provenance}}"]
    shown = subprocess.run([*argv, workplace.tag], check=True, capture_output=True).stdout
    assert "buildkit" in json.dumps(json.loads(shown)["SLSA"])

    assert "unchanged" in workplace.run(*promote).text
