"""Why a registry refused, and what the user can do about it, by cause and by vendor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from exporter.registry.redact import one_line


class Cause(Enum):
    """What most likely lies behind a refusal."""

    UNKNOWN_REPOSITORY = "the repository does not exist there"
    INVALID_NAME = "the registry does not accept this name"
    NO_CREDENTIALS = "no credentials are known for this registry"
    WRONG_CREDENTIALS = "the credentials are wrong or have expired"
    DENIED = "the account may not do this"
    WRONG_SCOPE = "the token is valid but lacks a scope"
    IMMUTABLE_TAG = "the tag exists already and may not be moved"
    TOO_LARGE = "the registry, or a proxy before it, limits the size of a request"
    QUOTA = "the storage quota is used up"
    MEDIA_TYPE = "the registry does not take manifests or layers of this type"
    RATE_LIMIT = "too many requests"
    MISSING_CONTENT = "something that the image consists of is not there"
    CORRUPTED = "bytes were changed on the way"
    POLICY = "a rule of the registry forbids it"
    READ_ONLY = "the registry does not take writes there"
    CLOCK = "the clock of this machine or of the registry is wrong"
    TLS = "the registry's certificate is not trusted"
    PLAIN_HTTP = "the registry speaks plain HTTP"
    DNS = "the name does not resolve"
    PROXY = "the proxy refused or cannot be reached"
    CONNECT = "nothing listens there"
    TIMEOUT = "no answer in time"
    CLOSED = "the connection was closed before the answer"
    SERVER = "a fault inside the registry"
    UNKNOWN = ""


class Vendor(Enum):
    """Registries whose remedies differ."""

    GHCR = "GitHub"
    DOCKER_HUB = "Docker Hub"
    ECR = "Amazon ECR"
    GAR = "Google Artifact Registry"
    ACR = "Azure Container Registry"
    GITLAB = "GitLab"
    HARBOR = "Harbor"
    QUAY = "Quay"
    ARTIFACTORY = "Artifactory"
    NEXUS = "Nexus"
    OTHER = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is known about a refusal.

    ``doing`` is what was tried (``push ghcr.io/a/b:1``), ``said`` the registry's own words, already
    fit for a log, ``hints`` headers and the realm, by which self-hosted products are told apart.
    """

    registry: str
    doing: str
    status: int = 0
    codes: Sequence[str] = ()
    said: str = ""
    hints: str = ""
    with_credentials: bool = False
    cause: Cause | None = None


def describe(refusal: Refusal) -> tuple[str, str]:
    """The message and the remedy for a refusal."""
    cause = refusal.cause or cause_of(refusal)
    vendor = vendor_of(refusal.registry, refusal.hints)
    answer = " ".join(filter(None, (str(refusal.status or ""), ",".join(refusal.codes[:3]))))
    said = one_line(": ".join(filter(None, (answer, refusal.said))))
    verb = "answered" if refusal.status else "failed"
    what = f"cannot {refusal.doing}: {refusal.registry} {verb} {said}".rstrip()
    if cause.value:
        what += f" (likely cause: {cause.value})"
    return what, remedy(cause, vendor)


def cause_of(refusal: Refusal) -> Cause:
    """The likely cause of an answer, by its status, its codes and its words."""
    said = refusal.said.lower()
    for word, cause in _WORDS.items():
        if word in said:
            return cause
    for code in refusal.codes:
        if code in _CODES:
            return _CODES[code]
    if refusal.status == 401 or "UNAUTHORIZED" in refusal.codes:  # noqa: PLR2004 - HTTP's own
        return Cause.WRONG_CREDENTIALS if refusal.with_credentials else Cause.NO_CREDENTIALS
    if refusal.status == 403 or "DENIED" in refusal.codes:  # noqa: PLR2004 - the same
        return Cause.DENIED if refusal.with_credentials else Cause.NO_CREDENTIALS
    if refusal.status >= 500:  # noqa: PLR2004 - the same
        return Cause.SERVER
    return _STATUSES.get(refusal.status, Cause.UNKNOWN)


def vendor_of(registry: str, hints: str = "") -> Vendor:
    """Whose registry it is, by its host name, else by what it says about itself."""
    host = registry.lower()
    for vendor, parts in _HOSTS:
        if any(part in host for part in parts):
            return vendor
    hints = hints.lower()
    for vendor, parts in _HINTS:
        if any(part in hints for part in parts):
            return vendor
    return Vendor.OTHER


def remedy(cause: Cause, vendor: Vendor) -> str:
    """What to do, in one sentence; empty when nothing better than the message is known."""
    return _SPECIAL.get((cause, vendor)) or _GENERAL.get(cause, "")


# Words that say more than the status, first match wins.
_WORDS: Mapping[str, Cause] = {
    "immutable": Cause.IMMUTABLE_TAG,
    "cannot be overwritten": Cause.IMMUTABLE_TAG,
    "tag is locked": Cause.IMMUTABLE_TAG,
    "not updateable": Cause.IMMUTABLE_TAG,
    "does not allow updating": Cause.IMMUTABLE_TAG,
    "insufficient_scope": Cause.WRONG_SCOPE,
    "insufficient scope": Cause.WRONG_SCOPE,
    "write_package": Cause.WRONG_SCOPE,
    "read_package": Cause.WRONG_SCOPE,
    "quota": Cause.QUOTA,
    "storage limit": Cause.QUOTA,
    "rate limit": Cause.RATE_LIMIT,
    "ratelimit": Cause.RATE_LIMIT,
    "too many requests": Cause.RATE_LIMIT,
    "toomanyrequests": Cause.RATE_LIMIT,
    "not valid yet": Cause.CLOCK,
    "not yet valid": Cause.CLOCK,
    "used before issued": Cause.CLOCK,
    "too large": Cause.TOO_LARGE,
    "exceeds the maximum": Cause.TOO_LARGE,
    "media type": Cause.MEDIA_TYPE,
    "mediatype": Cause.MEDIA_TYPE,
    "unsupported manifest": Cause.MEDIA_TYPE,
    "vulnerab": Cause.POLICY,
    "policy": Cause.POLICY,
    "not signed": Cause.POLICY,
    "read-only": Cause.READ_ONLY,
    "read only": Cause.READ_ONLY,
}

# Codes of the distribution specification and of vendors.
_CODES: Mapping[str, Cause] = {
    "NAME_UNKNOWN": Cause.UNKNOWN_REPOSITORY,
    "NAME_INVALID": Cause.INVALID_NAME,
    "TAG_IMMUTABLE": Cause.IMMUTABLE_TAG,
    "TAG_INVALID": Cause.INVALID_NAME,
    "PRECONDITION": Cause.IMMUTABLE_TAG,
    "PROJECTPOLICYVIOLATION": Cause.POLICY,
    "TOOMANYREQUESTS": Cause.RATE_LIMIT,
    "SIZE_INVALID": Cause.TOO_LARGE,
    "MANIFEST_INVALID": Cause.MEDIA_TYPE,
    "UNSUPPORTED": Cause.MEDIA_TYPE,
    "MANIFEST_UNKNOWN": Cause.MISSING_CONTENT,
    "MANIFEST_BLOB_UNKNOWN": Cause.MISSING_CONTENT,
    "BLOB_UNKNOWN": Cause.MISSING_CONTENT,
    "DIGEST_INVALID": Cause.CORRUPTED,
}

_STATUSES: Mapping[int, Cause] = {
    404: Cause.UNKNOWN_REPOSITORY,
    405: Cause.READ_ONLY,
    407: Cause.PROXY,
    409: Cause.IMMUTABLE_TAG,
    412: Cause.IMMUTABLE_TAG,
    413: Cause.TOO_LARGE,
    415: Cause.MEDIA_TYPE,
    429: Cause.RATE_LIMIT,
}

_HOSTS: Sequence[tuple[Vendor, Sequence[str]]] = (
    (Vendor.GHCR, ("ghcr.io", "docker.pkg.github.com")),
    (Vendor.DOCKER_HUB, ("docker.io", "registry.hub.docker.com")),
    (Vendor.ECR, (".dkr.ecr.", "public.ecr.aws")),
    (Vendor.GAR, ("docker.pkg.dev", "gcr.io")),
    (Vendor.ACR, (".azurecr.",)),
    (Vendor.GITLAB, ("gitlab",)),
    (Vendor.HARBOR, ("harbor", "demo.goharbor.io")),
    (Vendor.QUAY, ("quay",)),
    (Vendor.ARTIFACTORY, ("jfrog", "artifactory")),
    (Vendor.NEXUS, ("nexus",)),
)

_HINTS: Sequence[tuple[Vendor, Sequence[str]]] = (
    (Vendor.GITLAB, ("/jwt/auth", "gitlab")),
    (Vendor.HARBOR, ("/service/token", "harbor")),
    (Vendor.ARTIFACTORY, ("artifactory", "jfrog")),
    (Vendor.NEXUS, ("nexus", "sonatype")),
    (Vendor.QUAY, ("quay", "/v2/auth")),
)

_GENERAL: Mapping[Cause, str] = {
    Cause.UNKNOWN_REPOSITORY: "Check the name, or create the repository there first",
    Cause.INVALID_NAME: "Use lower-case letters, digits and single separators between them",
    Cause.NO_CREDENTIALS: "Log in to it with `docker login`, or give user name and password "
    "of this registry as inputs",
    Cause.WRONG_CREDENTIALS: "Check user name and password, and whether the token has expired",
    Cause.DENIED: "Give the account write access to the repository",
    Cause.WRONG_SCOPE: "Use a token that may read and write images in this repository",
    Cause.IMMUTABLE_TAG: "Export under a new tag, or allow tags to be overwritten there",
    Cause.TOO_LARGE: "Raise the limit of the registry or of the proxy before it "
    "(nginx: client_max_body_size)",
    Cause.QUOTA: "Delete old images there or raise the quota",
    Cause.MEDIA_TYPE: "Try --media-type docker (or oci), and --attestations drop",
    Cause.RATE_LIMIT: "Wait and run again, or log in: anonymous limits are lower",
    Cause.MISSING_CONTENT: "Run again; when it stays, the source is gone and must be rebuilt",
    Cause.CORRUPTED: "Run again; when it stays, look for a proxy that changes bodies",
    Cause.POLICY: "Ask an administrator of the registry about its rules for this project",
    Cause.READ_ONLY: "Push to a repository that takes writes, not to a mirror or cache",
    Cause.CLOCK: "Set the clocks by NTP",
    Cause.TLS: "Give the authority's certificate with --registry-ca, "
    "or skip the check with --skip-tls-verify-registry",
    Cause.PLAIN_HTTP: "Use --insecure-registry when this is wanted",
    Cause.DNS: "Check the spelling of the host and the name servers of this machine",
    Cause.PROXY: "Check HTTPS_PROXY, and NO_PROXY for registries that are reached directly",
    Cause.CONNECT: "Check host and port, and that the registry is running",
    Cause.TIMEOUT: "Check the network between here and there, and run again",
    Cause.CLOSED: "Run again; when it stays, look for a proxy or load balancer that closes",
    Cause.SERVER: "Run again later; when it stays, its administrators find the cause in their log",
}

_SPECIAL: Mapping[tuple[Cause, Vendor], str] = {
    (
        Cause.NO_CREDENTIALS,
        Vendor.GHCR,
    ): "Give ${{ github.actor }} and ${{ secrets.GITHUB_TOKEN }}, "
    "and `permissions: packages: write` to the job",
    (Cause.WRONG_CREDENTIALS, Vendor.GHCR): "GITHUB_TOKEN or a classic token with write:packages "
    "works; fine-grained tokens do not",
    (Cause.DENIED, Vendor.GHCR): "Add `permissions: packages: write` to the job, and give this "
    "repository the role Write under the package's settings, Manage Actions access",
    (Cause.WRONG_SCOPE, Vendor.GHCR): "Add `permissions: packages: write` to the job, or use a "
    "classic token with write:packages",
    (Cause.DENIED, Vendor.DOCKER_HUB): "The namespace must be yours or your organisation's, and an "
    "access token needs Read & Write",
    (Cause.NO_CREDENTIALS, Vendor.DOCKER_HUB): "Log in with `docker login` and an access token; a "
    "name without a host means Docker Hub",
    (Cause.RATE_LIMIT, Vendor.DOCKER_HUB): "Log in: anonymous pulls are limited by address",
    (Cause.UNKNOWN_REPOSITORY, Vendor.ECR): "ECR does not create repositories on push: "
    "`aws ecr create-repository --repository-name NAME`, or a creation template",
    (Cause.WRONG_CREDENTIALS, Vendor.ECR): "ECR passwords last 12 hours: "
    "`aws ecr get-login-password`, user AWS",
    (Cause.DENIED, Vendor.ECR): "The role needs ecr:InitiateLayerUpload, ecr:UploadLayerPart, "
    "ecr:CompleteLayerUpload, ecr:BatchCheckLayerAvailability and ecr:PutImage",
    (
        Cause.IMMUTABLE_TAG,
        Vendor.ECR,
    ): "The repository has tag immutability: export a new tag or set imageTagMutability to MUTABLE",
    (Cause.UNKNOWN_REPOSITORY, Vendor.GAR): "The first part after the project is the repository: "
    "`gcloud artifacts repositories create`",
    (Cause.DENIED, Vendor.GAR): "Grant roles/artifactregistry.writer to the account",
    (Cause.NO_CREDENTIALS, Vendor.GAR): "Use `gcloud auth configure-docker`, or user "
    "oauth2accesstoken with an access token",
    (Cause.IMMUTABLE_TAG, Vendor.GAR): "The repository has immutable tags: export a new tag",
    (Cause.DENIED, Vendor.ACR): "Assign the role AcrPush to the identity",
    (Cause.WRONG_CREDENTIALS, Vendor.ACR): "ACR tokens last 3 hours: `az acr login`",
    (Cause.IMMUTABLE_TAG, Vendor.ACR): "The tag is locked: `az acr repository update "
    "--write-enabled true`",
    (
        Cause.UNKNOWN_REPOSITORY,
        Vendor.GITLAB,
    ): "The name must start with the project's path, and the "
    "container registry be switched on in its settings",
    (
        Cause.DENIED,
        Vendor.GITLAB,
    ): "CI_REGISTRY_USER and CI_REGISTRY_PASSWORD write to the own project "
    "only; elsewhere a deploy token needs write_registry. Protected tags need the role",
    (Cause.WRONG_SCOPE, Vendor.GITLAB): "A deploy or access token needs read_registry and "
    "write_registry",
    (
        Cause.UNKNOWN_REPOSITORY,
        Vendor.HARBOR,
    ): "Harbor does not create projects on push: create the project that the name starts with",
    (Cause.DENIED, Vendor.HARBOR): "The robot account needs 'push artifact' in this project",
    (
        Cause.IMMUTABLE_TAG,
        Vendor.HARBOR,
    ): "The project has a tag immutability rule: export a new tag",
    (Cause.QUOTA, Vendor.HARBOR): "Raise the project's quota or run garbage collection",
    (
        Cause.DENIED,
        Vendor.QUAY,
    ): "The robot account needs Write on the repository, and Creator in the "
    "organisation to make one",
    (Cause.NO_CREDENTIALS, Vendor.QUAY): "Quay answers so for repositories that do not exist, too: "
    "create it, or log in with a robot account",
    (Cause.DENIED, Vendor.ARTIFACTORY): "The user needs Deploy, and Delete to overwrite a tag",
    (
        Cause.UNKNOWN_REPOSITORY,
        Vendor.ARTIFACTORY,
    ): "The name starts with the key of a local Docker repository, unless the host name holds it",
    (Cause.DENIED, Vendor.NEXUS): "The role needs nx-repository-view-docker-NAME-add and -edit",
    (Cause.IMMUTABLE_TAG, Vendor.NEXUS): "The repository's deployment policy is 'disable redeploy'",
    (
        Cause.READ_ONLY,
        Vendor.NEXUS,
    ): "Push to a hosted repository on its own connector port, not to a proxy or group",
    (
        Cause.UNKNOWN_REPOSITORY,
        Vendor.NEXUS,
    ): "Nexus serves Docker on a connector port of its own, or by path: check both",
}
