#!/opt/exporter/bin/python -I
"""The container's door: runs the exporter, or the program asked for instead (``sh``, ``cat``)."""

import os
import shutil
import signal
import sys

# Process 1 ignores SIGTERM until somebody handles it; loading the program takes a moment.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
# Some CIs replace the image's PATH; git and docker are found all the same.
path = os.environ.get("PATH") or "/usr/local/bin"  # noqa: TID251 - before any import of ours
os.environ["PATH"] = f"{path}:/usr/bin:/bin"  # noqa: TID251 - the same
# GitHub's runner hands on the input "args": names of images there, never of programs.
is_action = bool(os.environ.get("INPUT_ARGS"))  # noqa: TID251 - the same
if not is_action and shutil.which("".join(sys.argv[1:2])):
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the user's command, as in any image

from exporter.cli import console  # noqa: E402 - only after the signal is handled

console()
