import pytest

from exporter.registry.causes import Cause, Refusal, Vendor, cause_of, describe, remedy, vendor_of


def refusal(status: int = 0, code: str = "", said: str = "", **more: object) -> Refusal:
    codes = (code,) if code else ()
    return Refusal(
        registry="r.example",
        doing="push r.example/a:1",
        status=status,
        codes=codes,
        said=said,
        **more,  # type: ignore[arg-type] # passed on
    )


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (refusal(404, "NAME_UNKNOWN"), Cause.UNKNOWN_REPOSITORY),
        (refusal(404), Cause.UNKNOWN_REPOSITORY),
        (refusal(400, "NAME_INVALID"), Cause.INVALID_NAME),
        (refusal(401, "UNAUTHORIZED"), Cause.NO_CREDENTIALS),
        (refusal(401, "UNAUTHORIZED", with_credentials=True), Cause.WRONG_CREDENTIALS),
        (refusal(403, "DENIED", with_credentials=True), Cause.DENIED),
        (refusal(403, "DENIED"), Cause.NO_CREDENTIALS),
        (refusal(403, "DENIED", "permission_denied: write_package"), Cause.WRONG_SCOPE),
        (refusal(401, "", "insufficient_scope"), Cause.WRONG_SCOPE),
        (refusal(400, "TAG_INVALID", "the tag is immutable"), Cause.IMMUTABLE_TAG),
        (refusal(412, "PRECONDITION", "configured as immutable"), Cause.IMMUTABLE_TAG),
        (refusal(409), Cause.IMMUTABLE_TAG),
        (refusal(413), Cause.TOO_LARGE),
        (refusal(415), Cause.MEDIA_TYPE),
        (refusal(400, "MANIFEST_INVALID", "mediaType is not supported"), Cause.MEDIA_TYPE),
        (refusal(429, "TOOMANYREQUESTS"), Cause.RATE_LIMIT),
        (refusal(403, "DENIED", "adding 1 GiB exceeds the quota"), Cause.QUOTA),
        (refusal(412, "PROJECTPOLICYVIOLATION", "vulnerable"), Cause.POLICY),
        (refusal(401, "UNAUTHORIZED", "token is not valid yet"), Cause.CLOCK),
        (refusal(400, "MANIFEST_BLOB_UNKNOWN"), Cause.MISSING_CONTENT),
        (refusal(400, "DIGEST_INVALID"), Cause.CORRUPTED),
        (refusal(405), Cause.READ_ONLY),
        (refusal(503), Cause.SERVER),
        (refusal(418), Cause.UNKNOWN),
    ],
)
def test_an_answer_has_a_likely_cause(given: Refusal, cause: Cause) -> None:
    assert cause_of(given) == cause


@pytest.mark.parametrize(
    ("registry", "vendor"),
    [
        ("ghcr.io", Vendor.GHCR),
        ("index.docker.io", Vendor.DOCKER_HUB),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", Vendor.ECR),
        ("europe-docker.pkg.dev", Vendor.GAR),
        ("x.azurecr.io", Vendor.ACR),
        ("registry.gitlab.com", Vendor.GITLAB),
        ("harbor.example.org", Vendor.HARBOR),
        ("quay.io", Vendor.QUAY),
        ("x.jfrog.io", Vendor.ARTIFACTORY),
        ("nexus.example.org:8082", Vendor.NEXUS),
        ("registry.example.org", Vendor.OTHER),
    ],
)
def test_a_host_tells_its_vendor(registry: str, vendor: Vendor) -> None:
    assert vendor_of(registry) == vendor


@pytest.mark.parametrize(
    ("hints", "vendor"),
    [
        ("https://gitlab.example.org/jwt/auth container_registry", Vendor.GITLAB),
        ("https://x.example/service/token harbor-registry", Vendor.HARBOR),
        ("Artifactory/7.5 X-Artifactory-Id", Vendor.ARTIFACTORY),
        ("Nexus/3.70", Vendor.NEXUS),
        ("nginx", Vendor.OTHER),
    ],
)
def test_a_product_is_known_by_what_it_says(hints: str, vendor: Vendor) -> None:
    assert vendor_of("registry.example.org", hints) == vendor


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.UNKNOWN])
def test_every_cause_has_a_remedy(cause: Cause) -> None:
    assert remedy(cause, Vendor.OTHER)


def test_a_message_names_what_where_why_and_what_to_do() -> None:
    what, todo = describe(
        Refusal(
            registry="ghcr.io",
            doing="push ghcr.io/a/b:1",
            status=403,
            codes=("DENIED",),
            said="permission_denied: write_package",
            with_credentials=True,
        )
    )
    assert what == (
        "cannot push ghcr.io/a/b:1: ghcr.io answered 403 DENIED: permission_denied: write_package "
        "(likely cause: the token is valid but lacks a scope)"
    )
    assert "packages: write" in todo
