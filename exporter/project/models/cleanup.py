"""Which images werf's cleanup keeps: the ``cleanup`` section, checked and kept, not acted on."""

from dataclasses import dataclass
from typing import Literal

from exporter.project.models.shape import Key, Many, Shape, Values

_LIMIT_KEYS = (
    Key("last", "integer", "at most this many, newest first"),
    Key("in", "duration", "not older than this, e.g. 168h"),
    Key("operator", "text", "both conditions or one of them", ("And", "Or")),
)
_DEFAULT_HOURS = 2


def _check_limit(values: Values) -> None:
    operator = values.optional_text("operator")
    if operator is not None and operator not in ("And", "Or"):
        raise values.error(
            f'unsupported value "{operator}" for `operator: Or|And`!', key="operator"
        )


def _check_references(values: Values) -> None:
    given = [key for key in ("tag", "branch") if values.text(key)]
    if not given:
        raise values.error(
            "tag `tag: string|REGEX` or branch `branch: string|REGEX` required for cleanup keep"
            " policy!"
        )
    if len(given) > 1:
        raise values.error(
            "specify only tag `tag: string|REGEX` or branch `branch: string|REGEX` for cleanup"
            " keep policy!",
            key="branch",
        )
    _check_pattern(values, given[0])


def _check_pattern(values: Values, key: str) -> None:
    pattern = values.text(key)
    if not (pattern.startswith("/") and pattern.endswith("/")):
        return
    from exporter.gotemplate.function import FunctionError  # noqa: PLC0415 - for expressions only
    from exporter.gotemplate.sprig.regex import compile_regex  # noqa: PLC0415 - the same

    expression = pattern.removeprefix("/").removesuffix("/")
    try:
        compile_regex(f"^{expression}$")
    except FunctionError as error:
        raise values.error(f'invalid value "{pattern}" for "{key}": {error}', key=key) from None


def _check_policy(values: Values) -> None:
    if not values.has("references"):
        raise values.error("cleanup keep policy must have references section!")


KEEP_POLICY = Shape(
    "cleanup.keepPolicies",
    (
        Key(
            "references",
            Shape(
                "cleanup.keepPolicies.references",
                (
                    Key("tag", "text", "a git tag, or a /regular expression/"),
                    Key("branch", "text", "a git branch, or a /regular expression/"),
                    Key(
                        "limit",
                        Shape(
                            "cleanup.keepPolicies.references.limit", _LIMIT_KEYS, check=_check_limit
                        ),
                        "how many references count",
                    ),
                ),
                check=_check_references,
            ),
            "tags or branches whose images are kept",
        ),
        Key(
            "imagesPerReference",
            # The original checks neither its keys nor its operator (spec section 15, item 12).
            Shape("cleanup.keepPolicies.imagesPerReference", _LIMIT_KEYS, is_open=True),
            "how many images of a reference are kept",
        ),
    ),
    check=_check_policy,
)
CLEANUP = Shape(
    "cleanup",
    (
        Key("disable", "flag", "never clean up"),
        Key("disableKubernetesBasedPolicy", "flag", "remove images used in Kubernetes too"),
        Key("disableGitHistoryBasedPolicy", "flag", "ignore keepPolicies"),
        Key("disableBuiltWithinLastNHoursPolicy", "flag", "remove recently built images too"),
        Key("keepImagesBuiltWithinLastNHours", "unsigned", "hours in which images are kept"),
        Key("keepPolicies", Many(KEEP_POLICY), "which images of the git history are kept"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most ``last`` items, not older than ``within_ns`` nanoseconds; None where not limited."""

    last: int | None
    within_ns: int | None
    operator: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepPolicy:
    """Images of matching tags or branches are kept; a pattern may be a ``/regular expression/``."""

    kind: Literal["tag", "branch"]
    pattern: str
    references: Limit | None
    images_per_reference: Limit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleanup:
    """The section's values."""

    disabled: bool = False
    kubernetes_policy_disabled: bool = False
    git_history_policy_disabled: bool = False
    built_within_policy_disabled: bool = False
    keep_built_within_hours: int = _DEFAULT_HOURS
    keep_policies: tuple[KeepPolicy, ...] = ()


def cleanup_of(values: Values) -> Cleanup:
    """Read a ``cleanup`` section."""
    hours = values.integer("keepImagesBuiltWithinLastNHours")
    return Cleanup(
        disabled=values.flag("disable"),
        kubernetes_policy_disabled=values.flag("disableKubernetesBasedPolicy"),
        git_history_policy_disabled=values.flag("disableGitHistoryBasedPolicy"),
        built_within_policy_disabled=values.flag("disableBuiltWithinLastNHoursPolicy"),
        keep_built_within_hours=_DEFAULT_HOURS if hours is None else hours,
        keep_policies=tuple(_policy_of(policy) for policy in values.sections("keepPolicies")),
    )


def _policy_of(values: Values) -> KeepPolicy:
    references = values.section("references") or Values.nothing(values.place)
    tag = references.text("tag")
    return KeepPolicy(
        kind="tag" if tag else "branch",
        pattern=tag or references.text("branch"),
        references=_limit_of(references.section("limit")),
        images_per_reference=_limit_of(values.section("imagesPerReference")),
    )


def _limit_of(values: Values | None) -> Limit | None:
    if values is None:
        return None
    return Limit(
        last=values.integer("last"),
        within_ns=values.integer("in"),
        operator=values.optional_text("operator"),
    )
