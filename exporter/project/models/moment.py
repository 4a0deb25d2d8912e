"""``before`` and ``after``: at which stage something enters a stapel image."""

from typing import Literal

from exporter.project.models.shape import Values

Moment = Literal["before install", "after install", "before setup", "after setup"]
"""When, in the order of the stages, something is added to an image."""


def moment_of(values: Values, *, missing: str, both: str, invalid: str) -> Moment:
    """Read ``before`` and ``after``, exactly one of which has to be given.

    Args:
        values: The section that has the two keys.
        missing: The error when neither is given.
        both: The error when both are given.
        invalid: The error for another stage; ``{}`` stands for the key and its value.
    """
    before, after = values.text("before"), values.text("after")
    if before and after:
        raise values.error(both, key="after")
    match before, after:
        case "", "":
            raise values.error(missing)
        case "install", "":
            return "before install"
        case "setup", "":
            return "before setup"
        case "", "install":
            return "after install"
        case "", "setup":
            return "after setup"
        case _:
            key = "before" if before else "after"
            raise values.error(invalid.format(f"{key}: {before or after}"), key=key)
