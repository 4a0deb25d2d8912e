"""The clock, randomness and time zones of templates; no name service, for rendering is offline."""

import os
import time
from datetime import datetime, tzinfo

from exporter.gotemplate.sprig import Runtime


def real_runtime() -> Runtime:
    """What a run of the program gives to its templates."""
    return Runtime(
        now_ns=time.time_ns, random_bytes=os.urandom, resolve_host=lambda _: (), zone=_zone
    )


def _zone(name: str) -> tzinfo | None:
    if name == "Local":
        return datetime.now().astimezone().tzinfo
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - rarely used

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
