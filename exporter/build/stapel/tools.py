"""Our own static programs, for images that have none: a shell and busybox.

They come from Debian's ``bash-static`` and ``busybox-static``, which the container image has.
"""

import platform as machine
from functools import cache
from pathlib import Path

from exporter.oci.platform import Platform

_PLACES: dict[str, tuple[str, ...]] = {
    "busybox": ("/bin/busybox", "/usr/bin/busybox"),
    "bash": ("/bin/bash-static", "/usr/bin/bash-static"),
}
_ELF_HEADER_BYTES = 4096
_INTERPRETER = b"/ld-"  # the path of the dynamic linker stands in the first page


def tools_for(platform: Platform) -> dict[str, Path]:
    """The programs that run on a platform by name; none where the image's own must do."""
    if platform != Platform.parse(f"linux/{machine.machine()}"):
        return {}
    return _found()


@cache
def _found() -> dict[str, Path]:
    found = {}
    for name, places in _PLACES.items():
        place = next((Path(place) for place in places if _is_static(Path(place))), None)
        if place is not None:
            found[name] = place
    return found if "busybox" in found else {}


def _is_static(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _INTERPRETER not in file.read(_ELF_HEADER_BYTES)
    except OSError:
        return False
